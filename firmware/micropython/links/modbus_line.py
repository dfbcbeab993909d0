"""A Modbus RTU slave on a line: bytes in, frames out, silence noticed."""

import asyncio

# 3.5 characters at 9600 baud are 3.6 ms; above 19200 the standard asks for 1.75 ms (Modbus serial line 1.02, 2.5.1.1).
SILENCE_MS = 4


async def serve(slave, uart, ticks) -> None:
    """Carry requests from ``uart`` (`hal.Uart`) to ``slave`` and its answers back, for ever."""
    while True:
        await uart.wait()
        data = uart.read()
        while data:
            _send(uart, slave.receive(ticks(), data))
            await asyncio.sleep_ms(SILENCE_MS)
            data = uart.read()
        _send(uart, slave.silence(ticks()))


def _send(uart, frames: list) -> None:
    for frame in frames:
        uart.write(frame)
