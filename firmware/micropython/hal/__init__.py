"""Hardware abstraction: one module per port, chosen here, each with the same names.

Ticks()                 call it: milliseconds since start, never wrapping
utc()                   seconds since 1970, or None while the clock is not set
set_utc(seconds)        set the clock, where it is the board's own
entropy()               31 random bits
factory()               text of the settings flashed with the firmware, "" if they are lost; None on the unix port
hold()                  leave the next start to the console, for flashing; whether that is so
storage(settings)       folder of the records; call it first: reset_cause and unique_id need it
unique_id()             bytes of this chip, of this folder on the unix port
reset_cause()           code of `reset_marker`: 0 unknown, 1 power-on, 2 hard, 3 watchdog, 4 software, 5 deep sleep
reset()                 restart; does not return
give_up()               the same after a death at the start, with a person's time to interrupt; does not return
free_heap()             bytes
Watchdog(timeout_ms)    feed(); a board that is not fed restarts
doze(ms, deep)          awaitable: wait; deep: the chip may stop meanwhile, and it may be less
learn_sleep()           load what deep needs; without it doze stays awake
Uart(port, baud, de)    read() -> bytes, write(data), wait()
Adc(pin)                read_u16() -> 0 to 65535 for 0 to 3.3 V
I2c(number, scl, sda, hz)   read(address, register, count), write(address, register, data); OSError
PinOut(number, value)   set(bool); PinIn(number, pull)  get() -> bool
Lines()                 wait() -> the next line of the console, None at its end (unix port only)
emit(event, **fields)   one JSON line for the bench

The network is in `hal.net`.
"""

import sys

from hal.console import Lines
from hal.ticks import Ticks

if sys.platform == "linux":
    from hal.linux import doze, emit, entropy, free_heap, learn_sleep, set_utc, utc
    from hal.linux_board import Watchdog, factory, give_up, hold, reset, reset_cause, storage, unique_id
    from hal.linux_pins import Adc, I2c, PinIn, PinOut
    from hal.linux_serial import Uart
elif sys.platform in ("rp2", "esp32"):
    from hal.machine_port import (
        I2c,
        PinIn,
        PinOut,
        doze,
        emit,
        entropy,
        factory,
        free_heap,
        give_up,
        hold,
        learn_sleep,
        reset,
        reset_cause,
        set_utc,
        storage,
        unique_id,
        utc,
    )

    if sys.platform == "rp2":
        from hal.rp2 import Adc, Uart, Watchdog
    else:
        from hal.esp32 import Adc, Uart, Watchdog
else:
    raise ImportError("hal: no module for " + sys.platform)

__all__ = (
    "Adc",
    "I2c",
    "Lines",
    "PinIn",
    "PinOut",
    "Ticks",
    "Uart",
    "Watchdog",
    "doze",
    "emit",
    "entropy",
    "factory",
    "free_heap",
    "give_up",
    "hold",
    "learn_sleep",
    "reset",
    "reset_cause",
    "set_utc",
    "storage",
    "unique_id",
    "utc",
)
