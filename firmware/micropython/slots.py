"""Which firmware of a board starts: the one in slot ``a`` or ``b`` of its flash, or the one in MicroPython's image.

A new firmware is laid into the slot that does not run and is then on trial: each start of it is counted before it
begins, and unless it calls itself good (`confirm`) the other slot returns after `TRIES` starts. What a cut, a crash or
a watchdog does to a trial is always the same: one try less.

The choice is a record of 11 bytes, kept twice (``slot-0``, ``slot-1``); the younger sound one counts, and only the
other one is ever written, so that a cut at any byte leaves the choice before or the new one:

    offset  size  field
    0       4     generation, little-endian
    4       1     in use: 0 a, 1 b, 2 the image
    5       1     slot on trial, 255 none
    6       1     tries left
    7       4     CRC-32 of bytes 0 to 6, little-endian

Without a sound record slot ``a`` is in use, or the image where that slot is empty. This file and ``main.py`` beside it
are never updated over the air.
"""

import binascii
import os
import struct

IMAGE = "image"
NAMES = ("a", "b", IMAGE)
TRIES = 3
HOLD = "hold"
_NONE = 255
_LAYOUT = "<IBBB"
_SIZE = 11


def record(generation: int, active: int, trial: int = _NONE, tries: int = 0) -> bytes:
    """The record's bytes; slots are indices of `NAMES`."""
    body = struct.pack(_LAYOUT, generation, active, trial, tries)
    return body + struct.pack("<I", binascii.crc32(body))


class Slots:
    """The choice kept in ``root`` (the empty text is the flash itself). ``active``, ``trial``: names, or ``None``."""

    def __init__(self, root: str):
        self._root = root
        self._generation, self._active, self._trial, self._tries = 0, 0, _NONE, 0
        self._copy = 1
        for copy in range(2):
            found = self._read(copy)
            if found is not None and found[0] > self._generation:
                self._generation, self._active, self._trial, self._tries = found
                self._copy = copy

    @property
    def active(self) -> str:
        """What starts when no trial is left."""
        return NAMES[self._active]

    @property
    def trial(self) -> str | None:
        """The slot on trial."""
        return None if self._trial == _NONE else NAMES[self._trial]

    @property
    def spare(self) -> str:
        """The slot into which a new firmware may be laid: never the one in use."""
        return NAMES[self._spare]

    @property
    def _spare(self) -> int:
        return 1 if self._active == 0 else 0

    def next(self) -> str:
        """The slot to start now. A try is counted before it begins; raises `OSError` if it cannot be written."""
        if self._trial != _NONE and self._tries:
            self._write(self._active, self._trial, self._tries - 1)
            return NAMES[self._trial]
        if self._trial != _NONE:
            self._write(self._active)
        return NAMES[self._active]

    def offer(self) -> None:
        """The spare slot holds a whole new firmware: on trial from the next start on."""
        self._write(self._active, self._spare, TRIES)

    def confirm(self) -> None:
        """The firmware on trial works: it is the one in use from now on. Without a trial nothing happens."""
        if self._trial != _NONE:
            self._write(self._trial)

    def use(self, name: str) -> None:
        """What is in use cannot even start: use this one."""
        self._write(NAMES.index(name))

    def _read(self, copy: int) -> tuple | None:
        try:
            with open(f"{self._root}/slot-{copy}", "rb") as file:
                data = file.read(_SIZE + 1)
        except OSError:
            return None
        if len(data) != _SIZE or struct.unpack("<I", data[7:])[0] != binascii.crc32(data[:7]):
            return None
        found = struct.unpack(_LAYOUT, data[:7])
        return found if found[1] < len(NAMES) and found[2] in (0, 1, _NONE) else None

    def _write(self, active: int, trial: int = _NONE, tries: int = 0) -> None:
        with open(f"{self._root}/slot-{1 - self._copy}", "wb") as file:
            file.write(record(self._generation + 1, active, trial, tries))
        self._generation += 1
        self._copy = 1 - self._copy
        self._active, self._trial, self._tries = active, trial, tries


def present(root: str, name: str) -> bool:
    """Whether slot ``a`` or ``b`` holds a firmware."""
    for file in ("main.mpy", "main.py"):
        try:
            os.stat(f"{root}/{name}/{file}")
        except OSError:
            continue
        return True
    return False


def held(root: str) -> bool:
    """Whether this start was asked to leave the board to the console. It holds for one start only: a board that was
    forgotten like this watches again after any reset."""
    try:
        os.remove(f"{root}/{HOLD}")
    except OSError:
        return False
    return True


def begin(root: str, load, tell, image: bool = False) -> None:
    """Start the right firmware: ``load(name)`` gives its entry, which is then called. ``image``: whether there is one
    in MicroPython's image.

    One in use that cannot be loaded is swapped for another, if there is one. ``tell`` gets a line for each such event.
    Returns when the firmware ends or has failed: the caller resets the board.
    """
    slots = Slots(root)
    try:
        name = slots.next()
    except OSError as error:
        # Without a written count a bad trial would start for ever: the firmware in use starts instead.
        tell(f"slots: the flash refuses ({error}); slot {slots.active} starts")
        name = slots.active
    if image and name == slots.active and name != IMAGE and not present(root, name):
        name = IMAGE
    try:
        entry = load(name)
    except Exception as error:  # a damaged firmware may raise anything; another must get its turn
        tell(f"slots: {name} cannot be loaded: {error!r}")
        if name != slots.trial:
            _swap(slots, root, name, image, tell)
        return
    tell(f"slots: {name} starts" + (" on trial" if name == slots.trial else ""))
    entry()


def _swap(slots: Slots, root: str, name: str, image: bool, tell) -> None:
    for other in NAMES:
        if other != name and (image if other == IMAGE else present(root, other)):
            slots.use(other)
            tell(f"slots: {other} is used from now on")
            return
