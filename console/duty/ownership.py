"""Who owns an alarm now: the village, the street, the district or the city.

An alarm belongs to the lowest level that the response card of its area names. A person takes it over for another one,
upwards or back, and says why; that holds for this time that the alarm stands. Raised anew, it begins below again.
"""

from typing import Any, NamedTuple, get_args

from console.card_view import CardView
from console.duties import Level
from console.duty.logbook import Line
from console.duty.places import text
from console.errors import DutyRefused
from console.present import iso

KIND = "take-over"
LEVELS: tuple[Level, ...] = get_args(Level)
TITLES: dict[Level, dict[str, str]] = {
    "village": {"zh": "村(社区)", "en": "village"},
    "street": {"zh": "街道(镇)", "en": "street"},
    "district": {"zh": "区", "en": "district"},
    "city": {"zh": "市", "en": "city"},
}


class TakeOver(NamedTuple):
    """``raised_at``: of the alarm, as the API writes it, which tells this time from others."""

    alarm: str
    raised_at: str
    level: Level
    who: str
    why: str
    at: int


class Ownership:
    """The newest take-overs of each alarm, from the logbook."""

    def __init__(self) -> None:
        self._taken: dict[str, list[TakeOver]] = {}

    def follow(self, line: Line) -> None:
        """A line of our `KIND`."""
        entry = line.entry
        one = TakeOver(entry.subject, entry.body["raised_at"], entry.body["level"], entry.who, entry.why, entry.at)
        known = self._taken.setdefault(one.alarm, [])
        if known and known[-1].raised_at != one.raised_at:
            known.clear()
        known.append(one)

    def of(self, alarm: dict[str, Any], card: CardView | None) -> dict[str, Any]:
        """Who owns an alarm of the board, as the API shows it; ``level`` is ``None`` where nobody was ever named."""
        history = self._history(alarm)
        level = history[-1].level if history else lowest(card)
        named = next((one for one in card.owners if one.level == level), None) if card else None
        return {
            "alarm": alarm["id"],
            "level": level,
            "level_title": TITLES[level] if level else None,
            "title": text(named.title) if named else None,
            "phone": named.phone if named else "",
            "taken_over": [
                {"level": one.level, "who": one.who, "why": one.why, "at": iso(one.at)} for one in reversed(history)
            ],
        }

    def refuse(self, alarm: dict[str, Any], level: Level, card: CardView | None) -> None:
        """Raises `DutyRefused` where there is nothing to take over."""
        if alarm["state"] == "normal":
            raise DutyRefused("the alarm is normal: there is nothing to take over", "该报警已恢复正常,无需接管")
        if self.of(alarm, card)["level"] == level:
            raise DutyRefused(f"the {level} owns this alarm already", f"该报警已由{TITLES[level]['zh']}负责")

    def _history(self, alarm: dict[str, Any]) -> list[TakeOver]:
        known = self._taken.get(alarm["id"], [])
        return [one for one in known if one.raised_at == alarm["raised_at"]]


def lowest(card: CardView | None) -> Level | None:
    """The lowest level that a card names."""
    named = {one.level for one in card.owners} if card else set()
    return min((level for level in LEVELS if level in named), key=LEVELS.index, default=None)
