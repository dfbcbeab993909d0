"""Replay: two sets of alarm rules over what a journal holds, in one pass, with flat memory.

Time acts between the entries as in service. Where the gateway was off, nothing acted: both are started anew then.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from alarms.alarm import AlarmTransition
from alarms.states import Event
from gengfu.replaying.outcome import Key, Outcome, key_of
from gengfu.replaying.player import Decided, Player, Recalled, TapeClock
from gengfu.replaying.tape import Item, Said, Sign
from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.reading import Reading

HOLE_NS = 30 * SECOND
"""As long as a gateway that starts waits until it calls a device lost (S10): a shorter stop leads to nothing."""
HEALTH_NS = 150 * SECOND
"""A gateway that writes every minute how it is, and wrote nothing for so long, was off."""
AT_ONCE_NS = 5 * SECOND
"""A running gateway stores what it decided within this time."""
SHOWN_EVERY = 1000

Shown = Callable[[int, int], None]
"""Told the time that is reached, UTC ns, and the readings so far."""


class Stop(NamedTuple):
    """The gateway was off, UTC ns."""

    since: int
    until: int


class Left(NamedTuple):
    """Readings that are not replayed: of devices that the site has not (any more), and of profiles that these have not
    (any more), with how many of each."""

    unknown: dict[str, int]
    retyped: dict[str, int]


class Replay:
    """One pass. ``profiles``: of each device that is watched; ``known``: every device of the site. ``warm_up`` ends at
    ``start`` (UTC ns): what comes before is judged and not counted in ``readings``."""

    def __init__(self, player: Player, clock: TapeClock, profiles: dict[str, Profile], known: Iterable[str]) -> None:
        self._player = player
        self._clock = clock
        self._profiles = profiles
        self._known = frozenset(known)
        self._recalled = Recalled()
        self._recorded: dict[Key, bool] = {}
        self._health_at: int | None = None
        self.readings = 0
        self.warm_up = 0
        self.stops: list[Stop] = []
        self.left = Left({}, {})

    def play(self, items: Iterable[Item], outcome: Outcome, start: int, shown: Shown) -> None:
        """The items of the tape, to its end."""
        for number, item in enumerate(items):
            now = self._advance(item, outcome)
            match item.said:
                case Reading():
                    self._observe(item.said, now, outcome, counted=item.at >= start)
                case AlarmTransition():
                    self._follow(item.said, now, outcome)
                case Sign.HEALTH:
                    self._health_at = item.at
                case _:
                    pass
            if number % SHOWN_EVERY == 0:
                shown(item.at, self.readings)

    def finish(self, following: Item | None, end: int, outcome: Outcome) -> None:
        """``following``: what came after ``end``; where nothing did, all ends with what was stored last."""
        self._pass_time(self._clock.now, self._clock.now, outcome)
        if following is not None:
            self._advance(Item(end, following.said), outcome)
        outcome.finish(self._clock.now.wall)

    def _advance(self, item: Item, outcome: Outcome) -> Moment:
        """Let time pass until the item came."""
        since, now = self._clock.now, self._clock.at(item.at)
        until = now if _comes_from_outside(item.said) else now._replace(mono=now.mono - 1)
        if now.mono - since.mono < HOLE_NS or _is_of_time(item.said, since.wall):
            self._pass_time(since, until, outcome)
            return now
        self._pass_time(since, since, outcome)
        kept = self._player.state()
        decided = self._player.pass_time(since, until)
        if self._was_off(decided.before, since, now):
            self._restart(kept, since, now)
        else:
            outcome.take(*decided)
        return now

    def _pass_time(self, since: Moment, until: Moment, outcome: Outcome) -> None:
        _take(self._player.pass_time(since, until), outcome)

    def _was_off(self, decided: Iterable[AlarmTransition], since: Moment, now: Moment) -> bool:
        """Of a time in which nothing was stored: whether a running gateway had stored something."""
        health_at = self._health_at
        if health_at is not None and since.wall - health_at < HEALTH_NS <= now.wall - health_at:
            return True
        return any(
            one.at < now.wall - AT_ONCE_NS and self._recorded.get(key_of(one)) is not (one.event is Event.RAISE)
            for one in decided
        )

    def _restart(self, kept: dict[str, bytes], since: Moment, now: Moment) -> None:
        self.stops.append(Stop(since.wall, now.wall))
        self._player.restart(kept, self._recalled.readings(), now)

    def _observe(self, reading: Reading, now: Moment, outcome: Outcome, *, counted: bool) -> None:
        profile = self._profiles.get(reading.device)
        if profile is None:
            if reading.device not in self._known:
                self.left.unknown[reading.device] = self.left.unknown.get(reading.device, 0) + 1
            return
        if profile.id != reading.profile or len(reading.values) > len(profile.points):
            self.left.retyped[reading.device] = self.left.retyped.get(reading.device, 0) + 1
            return
        self.readings += counted
        self.warm_up += not counted
        _take(self._player.observe(reading, now), outcome)
        self._recalled.take(reading, self._player.tells_of_life_safety(reading))

    def _follow(self, recorded: AlarmTransition, now: Moment, outcome: Outcome) -> None:
        if recorded.device not in self._profiles:
            return
        if recorded.event in (Event.RAISE, Event.RETURN, Event.RETURN_LATCHED):
            self._recorded[key_of(recorded)] = recorded.event is Event.RAISE
        outcome.note(recorded)
        _take(self._player.repeat(recorded, now), outcome)


def _take(decided: Decided, outcome: Outcome) -> None:
    if decided.before or decided.after:
        outcome.take(*decided)


def _comes_from_outside(said: Said) -> bool:
    """Whether the alarms had looked at the time when it came. What the watch did, it did before: its interlocks tell of
    a valve that failed before the alarms look at the same instant."""
    if isinstance(said, AlarmTransition):
        return bool(said.who)
    return isinstance(said, Reading) or said is Sign.HEALTH


def _is_of_time(said: Said, since: int) -> bool:
    """Whether it was decided because time passed, on what was known at ``since``: then the gateway ran meanwhile."""
    return isinstance(said, AlarmTransition) and not said.who and said.sampled_at <= since
