"""What the microcontroller ports share: the names of `hal` over the module ``machine``.

The chips' differences (pins of the UARTs, analogue range, longest watchdog) are in ``rp2.py`` and ``esp32.py``.
"""

import asyncio
import gc
import json
import os
import select
import sys
import time

import machine
import micropython

from hal import reset_marker
from hal.waiting import readable

FOLDER = "/state"
FACTORY = "/settings.txt"
# `slots.HOLD`, at the root of the flash.
HOLD = "/hold"
_CTRL_C = 3
_NOTHING = -1
# A person's time to interrupt, as in the first file.
_PAUSE_MS = 5000
# Of each direction, in the UART's own memory: a Modbus frame has at most 256 bytes, a chunk that is read at most this.
_BUFFER = 512
# Beyond the UART's buffer: two of the serial link's longest frames (`protocols.wire.link.MAX_ENCODED`, about 1050).
_MOST_WAITING = 2200
# The buffer lasts 5.5 ms at 921600 baud.
_FEED_MS = 2
# How much later than by the baud rate the last byte may leave before the line is given up.
_LATE_MS = 200
# All settings of a product have below 2 KB; a file that is longer is none of ours.
_LONGEST_FACTORY = 4096
# Below 2025-01-01 the clock was never set; some ports start it at 2021.
_CLOCK_SET_S = 1735689600
# Some ports count from 2000.
_EPOCH_S = 0 if time.gmtime(0)[0] == 1970 else 946684800
# A byte on the wire: start, eight bits, stop.
_BITS = 10
# USB says that there is room, not how much, and a write of more than that waits up to 500 ms for a console that has
# stopped reading. Its buffer has 256 bytes: pieces of 16, each a whole one, find room for all or for none. The end of a
# line goes out as two bytes.
_PIECE = 16
# How long `emit` may wait for a console that reads, all its bytes together.
_PATIENCE_MS = 5


class _Run:
    """What this run knows of itself since `storage` was called."""

    cause = reset_marker.UNKNOWN
    rest = None


class Told:
    """How many ``times`` somebody has told the time."""

    times = 0


def utc() -> float | None:
    """Seconds since 1970, ``None`` until `set_utc`: these boards have no clock that outlives the supply."""
    now = time.time() + _EPOCH_S
    return now if now >= _CLOCK_SET_S else None


def set_utc(seconds: float) -> None:
    """Set the chip's clock, to the second; it goes on through a soft reset."""
    Told.times += 1
    set_rtc(seconds)


def set_rtc(seconds: float) -> None:
    """The same by the board itself."""
    then = time.gmtime(int(seconds) - _EPOCH_S)
    machine.RTC().datetime((then[0], then[1], then[2], then[6], then[3], then[4], then[5], 0))


def entropy() -> int:
    """31 random bits."""
    return int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF


def free_heap() -> int:
    """Bytes free on the heap, garbage not counted as free."""
    return gc.mem_free()


def unique_id() -> bytes:
    """The chip's own."""
    return machine.unique_id()


def storage(_settings: dict) -> str:
    """``/state`` on the flash's file system, made if it is not there. To be called once, before `reset_cause`."""
    reset_marker.folder(FOLDER)
    noted = reset_marker.take(FOLDER)
    if noted == reset_marker.DIED:
        noted = reset_marker.SOFTWARE
        emit("error", message="the last run died at its start; Ctrl-C gets the interpreter now")
        _interrupted_by(_CTRL_C)
        time.sleep_ms(_PAUSE_MS)
        _interrupted_by(_NOTHING)
    told = _told()
    # A note beside a cut supply is that of a reset which the cut overtook.
    _Run.cause = told if noted is None or told == reset_marker.POWER_ON else noted
    return FOLDER


def factory() -> str | None:
    """The settings that were flashed with the firmware, lines ``name=value``; empty if there are none to be read.
    Bytes that are no ASCII, as a damaged flash gives them, become ``?``: the lines around them are still good."""
    try:
        with open(FACTORY, "rb") as file:
            data = file.read(_LONGEST_FACTORY)
    except OSError:
        return ""
    return "".join([chr(byte) if 32 <= byte < 127 or byte == 10 else "?" for byte in data])


def hold() -> bool:
    """Leave the next start to the console (`slots.held`), without an interruption of this one; whether the flash took
    it."""
    try:
        with open(HOLD, "wb"):
            return True
    except OSError:
        return False


def _told() -> int:
    """The chip's cause in `reset_marker`'s codes. Not every port has every name."""
    names = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "SOFT_RESET", "DEEPSLEEP_RESET")
    cause = machine.reset_cause()
    for code in range(len(names)):
        if getattr(machine, names[code], None) == cause:
            return code + 1
    return reset_marker.UNKNOWN


def reset_cause() -> int:
    """`reset_marker`'s codes. A reset that the firmware asked for is told from the watchdog's by the note it left."""
    return _Run.cause


def reset() -> None:
    """Restart the chip. Does not return."""
    reset_marker.leave(FOLDER, reset_marker.SOFTWARE)
    machine.reset()


def give_up() -> None:
    """Restart after a death so early that a person may never have reached the console: the next start leaves them
    5 s with Ctrl-C. It is done there, where no output is driven. Does not return."""
    reset_marker.leave(FOLDER, reset_marker.DIED)
    machine.reset()


def learn_sleep() -> None:
    """Load `hal.light_sleep`: only one product asks for it. What its load raises leaves the board awake."""
    _Run.rest = __import__("hal.light_sleep", None, None, ("rest",)).rest


async def doze(ms: int, deep: bool = False) -> None:
    """Wait ``ms``; if ``deep``, at most, and asleep, after `learn_sleep`. Else the chip idles between interrupts."""
    slept = _Run.rest is not None and _Run.rest(ms, deep)
    await asyncio.sleep_ms(0 if slept else ms)


class Watchdog:
    """The chip's watchdog: once made, only feeding keeps the board from a reset. It also finds a loop that hangs.

    No byte of the console interrupts the run, Ctrl-C neither: it would leave the board blind for ``timeout_ms``. A
    person gets the interpreter with the console's ``hold``. A run that follows a hang may hang again before it has a
    console: there Ctrl-C works until the first `feed`, and the watchdog brings the board back.
    """

    def __init__(self, timeout_ms: int):
        self._timer = machine.WDT(timeout=timeout_ms)
        self._open = _Run.cause == reset_marker.WATCHDOG
        _interrupted_by(_CTRL_C if self._open else _NOTHING)

    def feed(self) -> None:
        """The work was done."""
        self._timer.feed()
        if self._open:
            self._open = False
            _interrupted_by(_NOTHING)


def _interrupted_by(byte: int) -> None:
    """What ends the program from the console, where the port has such a thing."""
    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(byte)


class PinOut:
    """An output. The first level is in the register before the pin drives: no pulse at boot (S21)."""

    def __init__(self, number: int, value: int = 0):
        self._pin = machine.Pin(number, machine.Pin.OUT, value=value)

    def set(self, on: bool) -> None:
        """High if ``on``."""
        self._pin.value(1 if on else 0)


class PinIn:
    """An input. ``pull``: 0 none, 1 up, -1 down."""

    def __init__(self, number: int, pull: int = 0):
        if pull:
            self._pin = machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP if pull > 0 else machine.Pin.PULL_DOWN)
        else:
            self._pin = machine.Pin(number, machine.Pin.IN)

    def get(self) -> bool:
        """Whether it is high."""
        return bool(self._pin.value())


class I2c:
    """A bus master. Calls raise `OSError` when nobody answers; a bus that is held low costs at most 5 ms a call."""

    def __init__(self, number: int, scl: int, sda: int, hz: int):
        self._bus = machine.I2C(number, scl=machine.Pin(scl), sda=machine.Pin(sda), freq=hz, timeout=5000)

    def read(self, address: int, register: int, count: int) -> bytes:
        """``count`` bytes from ``register`` on."""
        return self._bus.readfrom_mem(address, register, count)

    def write(self, address: int, register: int, data: bytes) -> None:
        """``data`` to ``register`` on."""
        self._bus.writeto_mem(address, register, data)


class Uart:
    """A line, 8 data bits, no parity, one stop bit. ``de``: the pin that enables an RS-485 driver, high while sending.

    Writing does not wait: the bytes leave from the buffer, what it has no room for follows from a task, and the driver
    is released when the last has gone. That lasts 267 ms at 9600 baud for a frame of 256 bytes, in which the board must
    go on sampling.
    """

    def __init__(self, port: int, baud: int, de: int | None = None, *, tx: int, rx: int):
        # Receiving first: the bus is not driven while the UART finds its feet.
        self._enable = None if de is None else PinOut(de)
        self._uart = machine.UART(
            port, baudrate=baud, tx=machine.Pin(tx), rx=machine.Pin(rx), rxbuf=_BUFFER, txbuf=_BUFFER, timeout=0
        )
        self._baud = baud
        self._rest = b""
        self._until = time.ticks_ms()
        self._sender = None

    async def wait(self) -> None:
        """Until bytes may be there."""
        await readable(self._uart)

    def read(self) -> bytes:
        """What has arrived; maybe nothing."""
        return self._uart.read() or b""

    def write(self, data: bytes) -> None:
        """Send it whole, behind what is still on its way. A frame that finds more than 2 KB waiting is lost whole:
        nobody takes the bytes, and a part of it would be noise."""
        if len(self._rest) + len(data) > _MOST_WAITING:
            return
        if self._enable is not None:
            self._enable.set(True)
        if self._sender is None and self._uart.txdone():
            self._until = time.ticks_ms()
        self._until = time.ticks_add(self._until, -(-len(data) * _BITS * 1000 // self._baud))
        self._rest = self._rest + data if self._rest else data
        self._feed()
        if self._sender is None and (self._rest or self._enable is not None):
            self._sender = asyncio.create_task(self._finish())

    def _feed(self) -> None:
        """Give the UART what it has room for; it takes nothing, and says ``None``, while it is full."""
        taken = self._uart.write(self._rest) or 0
        self._rest = self._rest[taken:]

    async def _finish(self) -> None:
        """Feed the rest; then hold the bus no longer than it is ours."""
        while self._rest and not self._is_late():
            await asyncio.sleep_ms(_FEED_MS)
            self._feed()
        self._rest = b""
        if self._enable is not None:
            await self._release(self._enable)
        self._sender = None

    async def _release(self, enable: PinOut) -> None:
        # Asleep until just before the end, then one turn of the loop at a time: the master may speak again after 3.5
        # characters.
        await asyncio.sleep_ms(max(0, time.ticks_diff(self._until, time.ticks_ms()) - 2))
        while (self._rest or not self._uart.txdone()) and not self._is_late():
            await asyncio.sleep_ms(0)
            if self._rest:
                self._feed()
        enable.set(False)

    def _is_late(self) -> bool:
        return time.ticks_diff(time.ticks_ms(), self._until) > _LATE_MS


class _Console:
    """What `emit` knows of stdout."""

    room = select.poll()
    torn = False


_Console.room.register(sys.stdout, select.POLLOUT)


def emit(event: str, **fields) -> None:
    """One JSON line on the console, filled up with spaces. A console that does not read loses lines, at worst one is
    torn and ended; all waiting of one call together is at most 5 ms."""
    fields["event"] = event
    line = json.dumps(fields)
    line += " " * (-(len(line) + 2) % _PIECE) + "\n"
    until = time.ticks_add(time.ticks_ms(), _PATIENCE_MS)
    if _Console.torn and not _put(" " * (_PIECE - 2) + "\n", until):
        return
    _Console.torn = False
    for at in range(0, len(line), _PIECE):
        if not _put(line[at : at + _PIECE], until):
            _Console.torn = at > 0
            return


def _put(piece: str, until) -> bool:
    """Write a piece if there is room by ``until``."""
    while not _Console.room.poll(0):
        if time.ticks_diff(time.ticks_ms(), until) > 0:
            return False
    sys.stdout.write(piece)
    return True
