"""The unix port's hal, piece by piece: ``hal_probe.py PIECE ARGUMENTS...``. MicroPython only."""

import asyncio
import sys
import time

import hal
from hal import net


async def until_stdin_ends(*tasks):
    running = [asyncio.create_task(task) for task in tasks]
    lines = hal.Lines()
    line = await lines.wait()
    while line is not None:
        print("line", line)
        line = await lines.wait()
    for task in running:
        task.cancel()


def identity(state):
    print(hal.storage({"state": state}), hal.reset_cause(), hal.unique_id().hex())


def restart(state):
    hal.storage({"state": state})
    hal.reset()


def facts():
    print(type(hal.free_heap()).__name__, hal.free_heap() > 0, hal.utc() is not None, 0 <= hal.entropy() < 2**31)
    before = hal.Ticks()
    asyncio.run(hal.doze(30))
    print(before() >= 30)


async def fed(state):
    hal.storage({"state": state})
    watchdog = hal.Watchdog(300)
    for _ in range(40):
        watchdog.feed()
        await hal.doze(20)
    print("worked")


async def unfed(state):
    hal.storage({"state": state})
    watchdog = hal.Watchdog(100)
    watchdog.feed()
    # The loop turns, and the work does not.
    await asyncio.sleep_ms(5000)
    print("never")


async def held(state):
    hal.storage({"state": state})
    watchdog = hal.Watchdog(100)
    time.sleep_ms(300)
    watchdog.feed()
    print("never")


async def echo(uart):
    while True:
        await uart.wait()
        data = uart.read()
        if data:
            uart.write(data)


async def uart(path, baud):
    await until_stdin_ends(echo(hal.Uart(path, int(baud))))


async def unread(path):
    line = hal.Uart(path, 9600)
    frame = bytes(range(256))
    for _ in range(1000):
        line.write(frame)
    print("not held")


def wrong_baud(path):
    try:
        hal.Uart(path, 12345)
    except ValueError as error:
        print(error)


def pins():
    for make in (lambda: hal.Adc(26), lambda: hal.PinIn(3, 1), lambda: hal.PinOut(3), lambda: hal.I2c(0, 1, 2, 400000)):
        try:
            make()
        except OSError as error:
            print(error)


async def serve(listener):
    while True:
        await listener.wait()
        connection = listener.accept()
        if connection is None:
            continue
        while True:
            await connection.wait()
            data = connection.read()
            if data is None:
                break
            if not connection.write(data):
                print("refused")
                break
        connection.close()


async def tcp(port):
    listener = net.TcpListener(int(port), "127.0.0.1")
    print("listening")
    await until_stdin_ends(serve(listener))


done = globals()[sys.argv[1]](*sys.argv[2:])
if done is not None:
    asyncio.run(done)
