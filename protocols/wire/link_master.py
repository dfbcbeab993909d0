"""The gateway's end of a serial line: asks its boards in turn and tells each what became of its messages.

No I/O and no clock: send what `poll` returns, hand what arrives to `feed`, obey the `events`, call `poll` again at
`next_due`. Times are ms of any steady clock. Shared with the firmware (MicroPython subset).

Every DATA event is owed one word, `accept` (only when the message is durable), `refuse` or `busy`; the board keeps and
repeats the message until it has heard one. A board's messages come in order and one at a time; a repeated one is not
told again by the same master (a new master does not know: the reading inside has its own identity).

Each board says HELLO before anything else is taken from it or asked of it, after each restart of either side. Where
another device answers than the one that was put there (STRANGER), nothing is: its readings would be booked to the wrong
place and its fan would be started for another kitchen's alarm.

A board that is silent `ATTEMPTS` times is LOST, is asked who it is, more and more rarely, down to once in
``slowest_ms``, and does not hold up the others. An answer must begin ``turnaround_ms`` after the question and may not
take longer than the longest frame: a peer that babbles cannot keep the line.
"""

from protocols.wire import link

ATTEMPTS = 3
BITS_PER_BYTE = 10
# 3.5 characters of silence part two frames on RS-485: the drivers change over.
GAP_CHARACTERS_X10 = 35
COMMANDS_WAITING = 8


class Full(Exception):
    """Too many commands wait for this board already."""


class Unit:
    """What the master knows of one board. ``boot``: -1 until it said HELLO, ``met``: the last it said; ``device``: who
    belongs there, ``seen``: who answered last."""

    __slots__ = (
        "address",
        "boot",
        "commanded",
        "commands",
        "device",
        "due",
        "failures",
        "met",
        "newest",
        "pending",
        "seen",
        "settled",
        "turn",
        "verdict",
    )

    def __init__(self, address: int, device: bytes, due: int, turn: int) -> None:
        self.address = address
        self.boot = -1
        self.met = -1
        self.device = device
        self.seen = b""
        self.due = due
        self.turn = turn
        self.failures = 0
        # The number told to the application and not judged yet, the highest seen, and the last word on one.
        self.pending = 0
        self.newest = 0
        self.settled: "tuple[int, tuple[int, ...]] | None" = None
        self.verdict: "tuple[int, tuple[int, ...]] | None" = None
        self.commands: "list[tuple[int, bytes, int]]" = []
        self.commanded = False


def _hurried(unit: Unit) -> bool:
    return len(unit.commands) > 0 and not unit.commanded


def _rank(unit: Unit) -> "tuple[bool, int]":
    return not _hurried(unit), unit.due


class Master:
    """``session``: 31 random bits, so that no command of an earlier master is taken for a new one's.

    ``baud`` tells how long frames take; ``poll_ms`` is the pause between two questions to a board without news.
    ``noise`` counts pieces that were no frame, ``strays`` good frames that answer nothing, ``unanswered`` questions.
    """

    def __init__(
        self,
        session: int,
        *,
        baud: int = 9600,
        turnaround_ms: int = 150,
        poll_ms: int = 100,
        slowest_ms: int = 10000,
    ) -> None:
        self.noise = 0
        self.strays = 0
        self.unanswered = 0
        self._baud = baud
        self._turnaround_ms = turnaround_ms
        self._poll_ms = poll_ms
        self._slowest_ms = slowest_ms
        self._gap_ms = self._span(GAP_CHARACTERS_X10) // 10 + 1
        self._ids = session
        self._receiver = link.Receiver()
        self._units: "dict[int, Unit]" = {}
        self._asked: "Unit | None" = None
        self._carried: "tuple[int, tuple[int, ...]] | None" = None
        self._deadline = 0
        self._hard_deadline = 0
        self._quiet_until = 0
        self._clock: "int | None" = None
        self._events: "list[link.Event]" = []

    def add(self, now: int, address: int, device: bytes) -> None:
        """Ask the board at ``address`` (1-247), which must be ``device``, from now on."""
        if not 1 <= address <= link.LAST_ADDRESS:
            raise ValueError("address {}: 1 to {} are boards".format(address, link.LAST_ADDRESS))
        self._units[address] = Unit(address, device, now, self._ids & 0xFF)

    def remove(self, address: int) -> None:
        """Forget a board; its waiting commands are dropped without a word."""
        unit = self._units.pop(address)
        if self._asked is unit:
            self._asked = None

    def unit(self, address: int) -> Unit:
        """What is known of a board; raises `KeyError`."""
        return self._units[address]

    def accept(self, now: int, address: int, boot: int, number: int) -> bool:
        """The message is durable. ``False``: nobody waits for this word (the board restarted)."""
        return self._settle(now, address, link.ACK, (boot, number), True)

    def refuse(self, now: int, address: int, boot: int, number: int, reason: int) -> bool:
        """The message will never be taken (``reason`` 0-255); the board drops it and says so."""
        return self._settle(now, address, link.NAK, (boot, number, reason), True)

    def busy(self, now: int, address: int, boot: int, number: int, retry_ms: int) -> bool:
        """Not now: the board keeps the message and sends it again after ``retry_ms``."""
        return self._settle(now, address, link.BUSY, (boot, number, retry_ms), False)

    def command(self, now: int, address: int, name: bytes, expires: int) -> int:
        """Tell a board to do ``name`` before ``expires``; the id that RESULT or EXPIRED will carry.

        After EXPIRED it is not known whether the board did it: read back. Raises `KeyError` for a board that is not
        on this line, `ValueError` for a name that no frame carries, `Full`.
        """
        unit = self._units[address]
        if not 1 <= len(name) <= 32:
            raise ValueError("a command has 1 to 32 bytes, not {}".format(len(name)))
        if len(unit.commands) >= COMMANDS_WAITING:
            raise Full("{} commands wait for the board at {}".format(COMMANDS_WAITING, address))
        self._ids = (self._ids + 1) & 0xFFFFFFFF
        unit.commands.append((self._ids, name, expires))
        unit.due = min(unit.due, now)
        return self._ids

    def tell_time(self, now: int, utc_ms: int) -> None:
        """Tell all boards the time with the next frame; ``utc_ms`` since 1970 is that of ``now``."""
        self._clock = utc_ms - now

    def events(self) -> "list[link.Event]":
        """What happened since the last call: HELLO, DATA, RESULT, EXPIRED, LOST, FOUND, STRANGER."""
        found = self._events
        self._events = []
        return found

    def next_due(self, now: int) -> int:
        """When `poll` has something to do, if nothing arrives before."""
        if self._asked is not None:
            return max(now, self._deadline)
        due = now + self._slowest_ms
        for unit in self._units.values():
            due = min(due, unit.due)
        if self._clock is not None:
            due = now
        return max(now, due, self._quiet_until)

    def poll(self, now: int) -> "bytes | None":
        """What to send now, if anything."""
        if self._asked is not None:
            if now < self._deadline:
                return None
            self._silent(now, self._asked)
        if now < self._quiet_until:
            return None
        self._expire(now)
        if self._clock is not None:
            return self._tell(now)
        unit = self._next(now)
        return None if unit is None else self._ask(now, unit)

    def feed(self, now: int, data: "bytes | bytearray | memoryview") -> None:
        """What arrived on the line. Raises nothing for any bytes."""
        if self._asked is not None:
            self._deadline = min(self._hard_deadline, max(self._deadline, now + self._turnaround_ms))
        for piece in self._receiver.feed(data):
            try:
                kind, address, turn, fields, tail = link.decode(piece)
            except link.LinkError:
                self.noise += 1
                continue
            unit = self._asked
            if unit is None or kind < link.IDLE or address != unit.address or turn != unit.turn:
                self.strays += 1
                continue
            self._asked = None
            self._quiet_until = now + self._gap_ms
            self._answered(now, unit, kind, fields, tail)

    def _span(self, characters: int) -> int:
        """How long so many characters take, in ms."""
        return characters * BITS_PER_BYTE * 1000 // self._baud + 1

    def _next(self, now: int) -> "Unit | None":
        """Who has waited longest; a board with a command that was not tried in this round goes first."""
        best = None
        for unit in self._units.values():
            if unit.due > now:
                continue
            if best is None or _rank(unit) < _rank(best):
                best = unit
        return best

    def _ask(self, now: int, unit: Unit) -> bytes:
        self._carried = None
        kind: int = link.POLL
        fields: "tuple[int, ...]" = (link.SAY_HELLO,)
        tail = b""
        if unit.boot < 0:
            unit.commanded = False
        elif unit.commands and not (unit.commanded and unit.verdict):
            kind, fields, tail = link.COMMAND, (unit.commands[0][0],), unit.commands[0][1]
            unit.commanded = True
        else:
            kind, fields = self._carried = unit.verdict or (link.POLL, (0,))
            unit.commanded = False
        frame = link.encode(kind, unit.address, unit.turn, fields, tail)
        self._asked = unit
        self._deadline = now + self._span(len(frame)) + self._turnaround_ms
        self._hard_deadline = self._deadline + self._span(link.MAX_ENCODED + 2)
        return frame

    def _tell(self, now: int) -> bytes:
        offset = self._clock or 0
        self._clock = None
        span = self._span(len(link.encode(link.TIME, link.TO_ALL, 0, (now + offset,))))
        self._quiet_until = now + span + self._gap_ms
        return link.encode(link.TIME, link.TO_ALL, 0, (now + offset + span,))

    def _silent(self, now: int, unit: Unit) -> None:
        self._asked = None
        self.unanswered += 1
        unit.failures += 1
        if unit.failures < ATTEMPTS:
            unit.due = now
            return
        if unit.failures == ATTEMPTS:
            # Whoever answers next may be another board that has started as often.
            unit.boot = -1
            self._events.append(link.Event(link.LOST, address=unit.address))
        unit.due = now + min(self._poll_ms << min(unit.failures - ATTEMPTS, 16), self._slowest_ms)

    def _answered(self, now: int, unit: Unit, kind: int, fields: "tuple[int, ...]", tail: bytes) -> None:
        if unit.failures >= ATTEMPTS:
            self._events.append(link.Event(link.FOUND, address=unit.address))
        unit.failures = 0
        unit.turn = (unit.turn + 1) & 0xFF
        if unit.verdict is self._carried:
            unit.verdict = None
        # What came up while the question was open is said at once.
        unit.due = now if unit.verdict or _hurried(unit) else now + self._poll_ms
        if kind == link.HELLO:
            self._hello(now, unit, fields, tail)
        elif kind == link.RESULT:
            self._result(now, unit, fields)
        elif kind == link.DATA:
            self._data(now, unit, fields, tail)

    def _hello(self, now: int, unit: Unit, fields: "tuple[int, ...]", device: bytes) -> None:
        boot, firmware = fields
        known, unit.seen = unit.seen, device
        if device != unit.device:
            unit.boot = -1
            unit.due = now + self._slowest_ms
            if device != known:
                self._events.append(link.Event(link.STRANGER, address=unit.address, boot=boot, data=device))
            return
        unit.boot = boot
        if boot != unit.met:
            unit.met = boot
            unit.pending = unit.newest = 0
            unit.settled = None
            self._events.append(link.Event(link.HELLO, address=unit.address, boot=boot, value=firmware, data=device))
        unit.verdict = (link.ACK, (boot, 0))
        unit.due = now

    def _result(self, now: int, unit: Unit, fields: "tuple[int, ...]") -> None:
        if unit.commands and unit.commands[0][0] == fields[0]:
            unit.commands.pop(0)
            unit.commanded = False
            unit.due = now
            event = link.Event(link.RESULT, address=unit.address, number=fields[0], value=fields[1])
            self._events.append(event)

    def _data(self, now: int, unit: Unit, fields: "tuple[int, ...]", payload: bytes) -> None:
        boot, number, flags = fields
        if boot != unit.boot:
            # It restarted, or spoke before it said who it is: ask that first. It keeps the message.
            unit.boot = -1
            unit.due = now
        elif unit.settled is not None and unit.settled[1][1] == number:
            unit.verdict = unit.settled
            unit.due = now
        elif number not in (0, unit.pending) and number >= unit.newest:
            unit.pending = unit.newest = number
            event = link.Event(link.DATA, address=unit.address, boot=boot, number=number, value=flags, data=payload)
            self._events.append(event)

    def _settle(self, now: int, address: int, kind: int, fields: "tuple[int, ...]", final: bool) -> bool:
        unit = self._units.get(address)
        if unit is None or not unit.pending or fields[:2] != (unit.met, unit.pending):
            return False
        unit.pending = 0
        unit.verdict = (kind, fields)
        if final:
            unit.settled = unit.verdict
        unit.due = min(unit.due, now)
        return True

    def _expire(self, now: int) -> None:
        for unit in self._units.values():
            for waiting in [one for one in unit.commands if one[2] <= now]:
                unit.commands.remove(waiting)
                event = link.Event(link.EXPIRED, address=unit.address, number=waiting[0], data=waiting[1])
                self._events.append(event)
