"""What an alarm turned out to be: the verdict that a person gives when it is closed."""

from typing import Any, NamedTuple

from console.duties import Verdict
from console.duty.logbook import Line
from console.errors import DutyRefused
from console.present import iso

KIND = "verdict"


class Given(NamedTuple):
    """One verdict on one time that an alarm stood."""

    raised_at: str
    verdict: Verdict
    who: str
    why: str
    at: int


class Verdicts:
    """The newest verdict on each alarm, from the logbook."""

    def __init__(self) -> None:
        self._given: dict[str, Given] = {}

    def follow(self, line: Line) -> None:
        """A line of our `KIND`."""
        entry = line.entry
        self._given[entry.subject] = Given(
            entry.body["raised_at"], entry.body["verdict"], entry.who, entry.why, entry.at
        )

    def of(self, alarm: dict[str, Any]) -> dict[str, Any] | None:
        """The verdict on an alarm of the board, for the last time that it stood; ``None`` while there is none."""
        given = self._given.get(alarm["id"])
        if given is None or given.raised_at != alarm["raised_at"]:
            return None
        return {
            "alarm": alarm["id"],
            "raised_at": given.raised_at,
            "verdict": given.verdict,
            "who": given.who,
            "why": given.why,
            "at": iso(given.at),
        }

    def are_on(self, alarm: str, raised_at: str) -> bool:
        """Whether there is one on this time that the alarm stood."""
        given = self._given.get(alarm)
        return given is not None and given.raised_at == raised_at


def refuse(alarm: dict[str, Any]) -> None:
    """Raises `DutyRefused` for an alarm that never stood."""
    if alarm["raised_at"] is None:
        raise DutyRefused("this alarm was never raised: there is nothing to judge", "该报警从未触发,无可判定")
