"""What moves: valve, fan, a person's finger. Times of travel are those of small parts, chosen by us."""

import struct

import kv

OPEN = 0
CLOSED = 1
BETWEEN = 2

TRAVEL_MS = 300
FAN_MS = 300


class Valve:
    """A one-way valve with two limit switches. A coil closes it, a hand opens or closes it. Iron does not forget: its
    place and its jam are kept in ``store`` (name ``rig-valve``), and it is where it was after a restart.

    ``spring``: it closes by itself when the power is lost (``power-loss = closed``); ``power_lost``: it was.
    A travel that the power or the pulse cut short falls back; one that jams stays between the limits.
    """

    def __init__(self, store, world, *, spring: bool, power_lost: bool):
        self.coil = False
        self._store = store
        self._world = world
        self._moving_since = None
        self._by_hand = False
        self.place, self.jammed = self._restore()
        if spring and power_lost and not self.jammed:
            self.place = CLOSED
        self._kept = b""
        self._keep()

    def drive(self, on: bool) -> None:
        """The coil gets or loses its current."""
        self.step(self._world.now)
        self.coil = on
        if on:
            self._start(self._world.now, by_hand=False)
        elif self._moving_since is not None and not self._by_hand:
            self._moving_since = None
            if not self.jammed:
                self.place = OPEN
            self._keep()

    def step(self, now: int) -> None:
        """Let it travel until ``now``."""
        if self.coil and self._moving_since is None:
            self._start(now, by_hand=False)
        if self._moving_since is not None and not self.jammed and now - self._moving_since >= TRAVEL_MS:
            self._moving_since = None
            self.place = CLOSED
            self._keep()

    def open_by_hand(self) -> None:
        """A person opens it. An energized coil pulls it shut again with the next step."""
        self._moving_since = None
        self.place = OPEN
        self._keep()

    def close_by_hand(self) -> None:
        """A person closes it."""
        self._start(self._world.now, by_hand=True)

    def jam(self, jammed: bool) -> None:
        """From now on it does, or does not, reach its end."""
        self.jammed = jammed
        self._keep()

    def is_open(self) -> bool:
        """The limit switch «open»."""
        return self.place == OPEN

    def is_closed(self) -> bool:
        """The limit switch «closed»."""
        return self.place == CLOSED

    def _start(self, now: int, *, by_hand: bool) -> None:
        if self.place != CLOSED and self._moving_since is None:
            self._moving_since = now
            self._by_hand = by_hand
            self.place = BETWEEN
            self._keep()

    def _restore(self) -> tuple:
        try:
            record = self._store.get("rig-valve")
        except kv.Corrupt:
            record = None
        if record is None or len(record) != 2 or record[0] > BETWEEN:
            return OPEN, False
        return record[0], bool(record[1])

    def _keep(self) -> None:
        # What travels is, for whoever looks after a power cut, still where it was.
        place = OPEN if self.place == BETWEEN and not self.jammed else self.place
        record = struct.pack("<BB", place, self.jammed)
        if record != self._kept:
            self._store.put("rig-valve", record)
            self._kept = record


class Fan:
    """A motor with a proof contact. ``stopped``: a person pressed its stop; the relay must be switched anew."""

    def __init__(self, world):
        self.jammed = False
        self.stopped = False
        self.running = False
        self._relay = False
        self._since = world.now
        self._world = world

    def drive(self, on: bool) -> None:
        """The relay switches."""
        self._relay = on
        self._since = self._world.now
        self.stopped = False

    def stop(self) -> None:
        """A person stops it; the proof contact falls at once."""
        self.stopped = True
        self.running = False

    def step(self, now: int) -> None:
        """Let it run up or down until ``now``."""
        wanted = self._relay and not self.stopped and not self.jammed
        if self.jammed:
            self.running = False
        elif now - self._since >= FAN_MS:
            self.running = wanted

    def is_running(self) -> bool:
        """The proof contact."""
        return self.running


class Button:
    """Pressed until a time."""

    def __init__(self, world):
        self._world = world
        self._until = world.now

    def press(self, now: int, seconds: float) -> None:
        """Hold it down for some seconds."""
        self._until = now + int(seconds * 1000)

    def is_pressed(self) -> bool:
        """The contact."""
        return self._world.now < self._until
