"""The first file that runs on a microcontroller: it starts the firmware of slot a or b. See `slots`.

Until the firmware has its watchdog (`hal.Watchdog`), no byte of the console interrupts it: Ctrl-C, or noise on a
console without a cable, would end in the interpreter, with the board blind until somebody comes.
"""

import sys
import time

import machine
import micropython
import slots

# Time for a person at the console to interrupt a board that cannot start.
PAUSE_S = 5
_CTRL_C = 3
_NOTHING = -1


def load(name: str):
    """The entry of the firmware in a slot. Its modules come from there alone, and from the interpreter."""
    sys.path[:] = ["/" + name, ".frozen"]
    return __import__("main").main


def interrupted_by(byte: int) -> None:
    """What ends the program from the console, where the port has such a thing."""
    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(byte)


interrupted_by(_NOTHING)
if slots.held(""):
    interrupted_by(_CTRL_C)
    print("slots: held for maintenance; the firmware starts with the next reset")
else:
    try:
        slots.begin("", load, print)
    except Exception as error:  # whatever it was, the reset below must come
        sys.print_exception(error)
    except SystemExit as error:
        print("slots: the firmware ended:", error)
    interrupted_by(_CTRL_C)
    time.sleep(PAUSE_S)  # nothing else runs here: a person's time to interrupt
    machine.reset()
