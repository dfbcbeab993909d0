"""The first file that runs on a microcontroller: it starts the firmware of slot a, of slot b, or of the image. See
`slots`. It lies in the flash itself, or is frozen with the firmware into the image.

A firmware that hangs before it has its own watchdog (`hal.Watchdog`) finds this one. Until then no byte of the console
interrupts it: Ctrl-C, or noise on a console without a cable, would leave the board blind until the watchdog ends it.
The start after a reset by the watchdog may be one of many that hang: there Ctrl-C works. The chip may call a reset that
somebody asked for by the same name; a note of that is not looked for, as a firmware that hangs never takes it away.
"""

import sys
import time

import machine
import micropython

# Of an image its own: one that was laid into the flash before may be older.
sys.path.insert(0, ".frozen")

import slots

# Time for a person at the console to interrupt a board that cannot start.
PAUSE_S = 5
# Below the RP2040's longest, 8388 ms; `hal.Watchdog` starts it anew.
WATCHDOG_MS = 8000
IN_IMAGE = ".frozen/image"
_CTRL_C = 3
_NOTHING = -1


def load(name: str):
    """The entry of a firmware. Its modules come from there alone, and from the interpreter."""
    sys.path[:] = [IN_IMAGE if name == slots.IMAGE else "/" + name, ".frozen"]
    entry = __import__("main").main
    watchdog.feed()  # loading is slow from files
    return entry


def has_image() -> bool:
    """Whether a firmware is frozen into the interpreter."""
    sys.path[:] = [IN_IMAGE]
    try:
        __import__("version")
    except ImportError:
        return False
    # A firmware in a slot has its own.
    del sys.modules["version"]
    return True


def interrupted_by(byte: int) -> None:
    """What ends the program from the console, where the port has such a thing."""
    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(byte)


def start() -> None:
    """Run the right firmware, until it ends or has failed."""
    try:
        slots.begin("", load, print, has_image())
    except Exception as error:  # whatever it was, the reset must come
        sys.print_exception(error)
    except SystemExit as error:
        print("slots: the firmware ended:", error)


interrupted_by(_NOTHING)
if slots.held(""):
    interrupted_by(_CTRL_C)
    print("slots: held for maintenance; the firmware starts with the next reset")
else:
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    try:
        if machine.reset_cause() == machine.WDT_RESET:
            interrupted_by(_CTRL_C)
        start()
        watchdog.feed()
        interrupted_by(_CTRL_C)
        time.sleep(PAUSE_S)  # nothing else runs here: a person's time to interrupt
        machine.reset()
    except KeyboardInterrupt:
        watchdog.feed()
        print("slots: interrupted; the watchdog ends it in 8 s. To stay here after that: open('/hold', 'w').close()")
