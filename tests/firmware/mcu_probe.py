"""The microcontrollers' hal and wiring over a module ``machine`` that records: ``mcu_probe.py PORT PIECE``.

MicroPython only. It shows what the firmware asks of the chip, not what a chip does with it: for that there are boards
and the emulated one (``tests/hil``).
"""

import asyncio
import json
import sys
import time

CALLS = []


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 2, 3

    def __init__(self, number, *mode, **how):
        self.number = number
        if mode:
            CALLS.append(["pin", number, list(mode), how.get("value")])

    def value(self, *level):
        if level:
            CALLS.append(["drive", self.number, level[0]])
        return 1


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, **_how):
        CALLS.append(["adc", pin.number])

    def read_u16(self):
        return 20000

    def read_uv(self):
        return 1000000


class UART:
    """Its buffer takes at most 512 bytes, and empties at the baud rate, or never while ``stuck``.

    The last byte has not left when it is asked for the first time after a write, however long the asker slept.
    """

    stuck = False

    def __init__(self, number, **how):
        CALLS.append(["uart", number, how["baudrate"], how["tx"].number, how["rx"].number])
        self.us_per_byte = 10000000 // how["baudrate"]
        self.room = how["txbuf"]
        self.free_at = time.ticks_us()
        self.sent = b""
        self.asked = True

    def _waiting(self):
        left_us = time.ticks_diff(self.free_at, time.ticks_us())
        if left_us <= 0 and not UART.stuck:
            self.free_at = time.ticks_us()
            return 0
        return max(-(-left_us // self.us_per_byte), 1)

    def write(self, data):
        waiting = 512 if UART.stuck else self._waiting()
        taken = min(len(data), self.room - waiting)
        if taken <= 0:
            return None
        self.free_at = time.ticks_add(self.free_at, taken * self.us_per_byte)
        self.sent += bytes(data[:taken])
        self.asked = False
        CALLS.append(["write", taken])
        return taken

    def read(self):
        return None

    def txdone(self):
        done = self._waiting() == 0 and self.asked
        self.asked = True
        if CALLS[-1:] != [["txdone", done]]:
            CALLS.append(["txdone", done])
        return done


class I2C:
    def __init__(self, number, *, scl, sda, **_how):
        CALLS.append(["i2c", number, scl.number, sda.number])

    def readfrom_mem(self, _address, _register, count):
        return b"\xc0" * count

    def writeto_mem(self, _address, _register, _data):
        pass


class WDT:
    def __init__(self, timeout):
        CALLS.append(["wdt", timeout])

    def feed(self):
        CALLS.append(["feed"])


class machine:
    PWRON_RESET, WDT_RESET = 1, 3
    cause = 3
    Pin, ADC, UART, I2C, WDT = Pin, ADC, UART, I2C, WDT

    @staticmethod
    def reset_cause():
        return machine.cause

    @staticmethod
    def reset():
        CALLS.append(["reset"])

    @staticmethod
    def lightsleep(ms):
        CALLS.append(["lightsleep", ms])
        Asleep.now_ms += ms


class Asleep:
    """`time` of a chip that sleeps: its ticks go on, its real-time clock stands still. A date is its seconds alone."""

    now_ms = (1 << 29) - 1500
    clock_s = 0
    ticks_add, ticks_diff = time.ticks_add, time.ticks_diff

    @staticmethod
    def ticks_ms():
        return time.ticks_add(Asleep.now_ms, 0)

    @staticmethod
    def time():
        return Asleep.clock_s

    @staticmethod
    def gmtime(seconds):
        return (seconds, 0, 0, 0, 0, 0, 0, 0)


class RTC:
    def datetime(self, date):
        CALLS.append(["clock", date[0]])
        Asleep.clock_s = date[0]


class WLAN:
    IF_STA = 0

    def __init__(self, _interface):
        pass

    def isconnected(self):
        return False

    def active(self, on):
        CALLS.append(["radio", on])

    def disconnect(self):
        CALLS.append(["leave"])

    def connect(self, name, _key):
        CALLS.append(["join", name])


class network:
    pass


machine.RTC = RTC
network.WLAN = WLAN
sys.modules["machine"] = machine
sys.modules["network"] = network

import hal  # noqa: E402 - over the module above
from hal import machine_port  # noqa: E402 - as above

port = __import__("hal." + sys.argv[1], None, None, ("Uart",))
for name in ("I2c", "PinIn", "PinOut", "factory", "hold"):
    setattr(hal, name, getattr(machine_port, name))
for name in ("Adc", "Uart", "Watchdog"):
    setattr(hal, name, getattr(port, name))


def parts(product):
    wiring = __import__("wiring." + sys.argv[1], None, None, ("parts",))
    made = wiring.parts({"product": product})
    names = sorted(name for name in dir(made) if not name.startswith("__"))
    for name in names:
        part = getattr(made, name)
        kind = "sensor" if hasattr(part, "fault") else "contact" if hasattr(part, "get") else "output"
        if kind == "sensor":
            part.read(0)
        elif kind == "contact":
            part.get()
        print(json.dumps([name, kind]))
    hal.Uart(wiring.LINE, 9600, wiring.LINE_ENABLE)


async def send():
    line = hal.Uart(1, 9600, 2)
    del CALLS[:]
    line.write(b"x" * 8)
    await asyncio.sleep_ms(100)
    line.write(b"y" * 9)
    await asyncio.sleep_ms(100)


async def send_long(enable):
    """A frame longer than the buffer, another behind it, and one for which nobody has room."""
    line = hal.Uart(1, 115200, int(enable) if enable else None)
    frames = bytes([at % 251 for at in range(1050)]), b"y" * 700
    line.write(frames[0])
    line.write(frames[1])
    line.write(b"z" * 1050)
    while len(line._uart.sent) < 1750 or not line._uart.txdone():
        await asyncio.sleep_ms(1)
    await asyncio.sleep_ms(20)
    whole = line._uart.sent == frames[0] + frames[1]
    drives = [call[2] for call in CALLS if call[0] == "drive"]
    del CALLS[:]
    print(json.dumps([whole, drives, line._sender is None]))


async def stuck(enable):
    """A UART that never sends must not hold the bus, nor keep the bytes for ever."""
    line = hal.Uart(1, 115200, int(enable) if enable else None)
    UART.stuck = True
    line.write(b"x" * 100)
    await asyncio.sleep_ms(400)
    print(json.dumps([len(line._rest), line._sender is None, CALLS[-1] == ["drive", 2, 0]]))
    del CALLS[:]


def factory(path):
    machine_port.FACTORY = machine_port.HOLD = path
    for data in (b"product=gas-alarm\n", b"product=\xff\xfe\x00\ndevice=t:1\n", b""):
        with open(path, "wb") as file:
            file.write(data)
        print(json.dumps([hal.factory(), hal.hold()]))
    machine_port.FACTORY = machine_port.HOLD = path + "/none"
    print(json.dumps([hal.factory(), hal.hold()]))


def watchdog():
    hal.Watchdog(8000).feed()
    try:
        hal.Watchdog(9000)
    except ValueError as error:
        print(error)


class Interpreter:
    """`micropython` and `time` as `machine_port` sees them in `console_opens`."""

    ticks_add, ticks_diff, ticks_ms = time.ticks_add, time.ticks_diff, time.ticks_ms

    @staticmethod
    def kbd_intr(byte):
        CALLS.append(["interrupted by", byte])

    @staticmethod
    def sleep_ms(ms):
        CALLS.append(["sleep", ms])


def console_opens(folder):
    """What interrupts a run after a power-on, after a hang, and after a run that died at its start."""
    machine_port.FOLDER = folder
    machine_port.micropython = machine_port.time = Interpreter
    for before, cause in ((None, 1), (None, 3), (machine_port.give_up, 3), (None, 1)):
        if before:
            before()
        machine.cause = cause
        machine_port.storage({})
        CALLS.append(["cause", machine_port.reset_cause()])
        one = hal.Watchdog(8000)
        one.feed()
        one.feed()


class Ends:
    """`hal` and the crash log as the guard of `main` sees them."""

    def write(self, *_what):
        pass

    def reset(self):
        CALLS.append(["reset"])

    def give_up(self):
        CALLS.append(["give up"])


class Calm:
    """A board of which nothing would be cut short: the clock here stands still, it must not be waited for."""

    must_not_restart = False


def dies(after_ms):
    """What the guard does with a task that died so long after the start."""
    guard = __import__("main")
    guard.hal = Ends()
    guard._guard(Ends(), 1, lambda: int(after_ms), [Calm])(None, {"exception": ValueError()})


def causes(folder):
    machine_port.FOLDER = folder
    for before, cause in ((None, 1), (None, 3), ("reset", 3), (None, 3), ("reset", 1), (None, 9)):
        if before:
            machine_port.reset()
        machine.cause = cause
        machine_port.storage({})
        print(machine_port.reset_cause())


async def sleeps():
    """A board without a date, then with one; asleep, and awake again."""
    module = __import__("hal.light_sleep", None, None, ("rest",))
    machine_port.time = module.time = Asleep
    await machine_port.doze(60, True)
    machine_port.learn_sleep()
    await machine_port.doze(20, True)
    await machine_port.doze(1000, True)
    machine_port.set_utc(1800000000)
    for ms in (1000, 5000, 60):
        await machine_port.doze(ms, True)
    await machine_port.doze(1)
    print(json.dumps(machine_port.utc()))


async def sleeps_off_the_network():
    """While the board sleeps nothing tries to join; then it does."""
    wlan = __import__("hal.wlan", None, None, ("join", "radio"))
    wlan._LOOK_MS = 1
    wlan.radio(False)
    joining = asyncio.create_task(wlan.join({"wifi": "yard", "wifi-key": ""}))
    await asyncio.sleep_ms(30)
    CALLS.append(["awake"])
    wlan.radio(True)
    await asyncio.sleep_ms(5)
    joining.cancel()


class Room:
    """A console that takes ``pieces`` more pieces, and keeps them."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.text = []

    def poll(self, _timeout):
        return self.pieces > 0

    def write(self, piece):
        self.pieces -= 1
        self.text.append(piece)


class Stdout:
    """`sys` as `machine_port` sees it."""

    def __init__(self, console):
        self.stdout = console


def console():
    room = machine_port._Console.room = Room(100)
    machine_port.sys = Stdout(room)
    machine_port.emit("one", text="x" * 30)
    room.pieces = 2
    machine_port.emit("two", text="y" * 30)
    machine_port.emit("three")
    room.pieces = 100
    machine_port.emit("four")
    sizes = [len(piece) + piece.count("\n") for piece in room.text]
    print(json.dumps(sizes == [16] * len(sizes)))
    print("".join(room.text), end="")


found = globals()[sys.argv[2]](*sys.argv[3:])
if found is not None:
    asyncio.run(found)
for call in CALLS:
    print(json.dumps(call))
