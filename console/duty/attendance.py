"""Whether somebody sits at the desk: one table, and the time that it lives on. Pure; time is an argument.

    stood-down   nobody has to sit here: no desk was opened yet, or an administrator closed it
    attended     somebody showed presence, and had heard the tone of an alarm when sitting down
    asked        it is time to show presence again
    unattended   nobody did: a critical alarm (GH-04)

Whoever sits down confirms that the tone is heard; while the same person goes on, presence is enough. Delays run on the
clock that never steps. Across a restart only the other one is there: what is left is never longer than it was.
"""

from enum import IntEnum
from typing import NamedTuple

from console.duty.figures import AttendanceFigures
from console.errors import DutyRefused
from protocols.moment import SECOND, Moment


class AttendanceState(IntEnum):
    """See above."""

    STOOD_DOWN = 0
    ATTENDED = 1
    ASKED = 2
    UNATTENDED = 3

    @property
    def word(self) -> str:
        """As the API writes it."""
        return self.name.lower().replace("_", "-")


class AttendanceEvent(IntEnum):
    """``ASK``: the time to show presence again; ``SILENCE``: nobody answered; ``STAND_DOWN``: the desk is closed."""

    CONFIRM = 0
    ASK = 1
    SILENCE = 2
    STAND_DOWN = 3


_D, _A, _K, _U = AttendanceState
# Columns in the order of AttendanceEvent.
_ROWS: dict[AttendanceState, tuple[AttendanceState, ...]] = {
    _D: (_A, _D, _D, _D),
    _A: (_A, _K, _A, _D),
    _K: (_A, _K, _U, _D),
    _U: (_A, _U, _U, _D),
}
TABLE: dict[tuple[AttendanceState, AttendanceEvent], AttendanceState] = {
    (state, event): row[event] for state, row in _ROWS.items() for event in AttendanceEvent
}


class Presence(NamedTuple):
    """The last that a person said. ``at``: UTC ns; 0: nobody ever did. ``sound_at``: when the tone was heard last."""

    who: str = ""
    at: int = 0
    sound_at: int = 0


class Attendance:
    """The attendance of one desk. Times of the clock that never steps in ns."""

    def __init__(self, figures: AttendanceFigures) -> None:
        self._ask_after = int(figures.ask_after_s * SECOND)
        self._answer_within = int(figures.answer_within_s * SECOND)
        self.state = AttendanceState.STOOD_DOWN
        self.last = Presence()
        self._due: int | None = None
        self._asked_at: int | None = None

    def load(self, last: Presence, *, is_closed: bool, now: Moment) -> None:
        """Stand as before a restart. A clock that was set back since lets nobody sit longer: presence is asked for
        at once."""
        self.last = last
        if is_closed or not last.at:
            return
        self.state = AttendanceState.ATTENDED
        left = last.at + self._ask_after - now.wall
        self._due = now.mono + (left if left <= self._ask_after else 0)
        self.tick(now)

    def doubt(self, now: Moment) -> None:
        """Nobody knows how it stood before a restart: presence is asked for."""
        self.state, self._due = AttendanceState.ATTENDED, now.mono
        self.tick(now)

    def refuse_confirmation(self, who: str, *, sound_heard: bool) -> None:
        """Raises `DutyRefused` where presence alone is not enough."""
        sits = self.state in (AttendanceState.ATTENDED, AttendanceState.ASKED) and who == self.last.who
        if not sits and not sound_heard:
            raise DutyRefused(
                "whoever sits down at the desk first lets it play the tone of an alarm, and confirms to hear it",
                "接班坐席须先试听报警音并确认听到",
            )

    def confirm(self, who: str, *, sound_heard: bool, now: Moment) -> None:
        """Somebody is there."""
        self._go(AttendanceEvent.CONFIRM)
        self.last = Presence(who, now.wall, now.wall if sound_heard else self.last.sound_at)
        self._due = now.mono + self._ask_after
        self._asked_at = None

    def stand_down(self) -> None:
        """Nobody has to be there from now on."""
        self._go(AttendanceEvent.STAND_DOWN)
        self._due = self._asked_at = None

    def tick(self, now: Moment) -> bool:
        """Let time act; whether anything changed."""
        before = self.state
        while self._due is not None and now.mono >= self._due:
            if self.state is AttendanceState.ATTENDED:
                self._go(AttendanceEvent.ASK)
                self._asked_at = self._due
                self._due += self._answer_within
            else:
                self._go(AttendanceEvent.SILENCE)
                self._due = None
        return self.state is not before

    def due(self) -> int | None:
        """When `tick` can change something, mono ns."""
        return self._due

    def left_s(self, now: Moment) -> float | None:
        """Until the state changes by itself, seconds."""
        return None if self._due is None else max(0, self._due - now.mono) / SECOND

    def unanswered_s(self, now: Moment) -> float:
        """For how long nobody has answered; 0 where presence is not asked for."""
        return 0.0 if self._asked_at is None else max(0, now.mono - self._asked_at) / SECOND

    def _go(self, event: AttendanceEvent) -> None:
        self.state = TABLE[self.state, event]
