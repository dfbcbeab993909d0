"""A replay through the rules that ran decides what the gateway decided: every transition, with its time and value."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alarms.actions import Action
from alarms.alarm import AlarmTransition
from alarms.engine import Watched
from alarms.rule import AlarmRule
from alarms.states import Event
from gengfu import rules
from gengfu.replaying.outcome import Outcome
from gengfu.replaying.player import Decided, Player, TapeClock
from gengfu.replaying.replay import Replay, Stop
from gengfu.replaying.rulesets import watched_of
from gengfu.replaying.tape import Tape
from protocols.moment import SECOND, Moment
from protocols.reading import Origin, Reading
from tests.fixtures.recorded_gateway import BIN, KITCHEN, MALL, RecordedGateway, in_order, seconds_of
from tests.fixtures.stories import WALL, at, bin_reading, gas_reading

FAR = WALL + 10**9 * SECOND


class Heard(Outcome):
    """Remembers what each set of rules decided."""

    def __init__(self) -> None:
        super().__init__(WALL, FAR, tuple(Origin), 100)
        self.before_all: list[AlarmTransition] = []
        self.after_all: list[AlarmTransition] = []

    def take(self, before: Any, after: Any) -> None:
        self.before_all += before
        self.after_all += after
        super().take(before, after)


class Apart(Player):
    """Two engines in place of one: each set of rules by itself."""

    def __init__(
        self, before: Mapping[str, AlarmRule], after: Mapping[str, AlarmRule], watched: Sequence[Watched], now: Moment
    ) -> None:
        self._one, self._other = (Player(rules, rules, watched, now) for rules in (before, after))

    def pass_time(self, since: Moment, now: Moment) -> Decided:
        return Decided(self._one.pass_time(since, now).before, self._other.pass_time(since, now).after)

    def observe(self, reading: Reading, now: Moment) -> Decided:
        return Decided(self._one.observe(reading, now).before, self._other.observe(reading, now).after)

    def repeat(self, done: AlarmTransition, now: Moment) -> Decided:
        return Decided(self._one.repeat(done, now).before, self._other.repeat(done, now).after)

    def tells_of_life_safety(self, reading: Reading) -> bool:
        return self._one.tells_of_life_safety(reading)

    def state(self) -> dict[str, bytes]:
        both = (("one/", self._one), ("other/", self._other))
        return {name + key: body for name, player in both for key, body in player.state().items()}

    def restart(self, state: Mapping[str, bytes], recalled: Sequence[Reading], now: Moment) -> None:
        for name, player in (("one/", self._one), ("other/", self._other)):
            mine = {key.removeprefix(name): body for key, body in state.items() if key.startswith(name)}
            player.restart(mine, recalled, now)


def replayed(
    gateway: RecordedGateway, other: Mapping[str, AlarmRule] | None = None, make: type[Player] = Player
) -> tuple[Heard, Replay]:
    """All that the journal of a gateway holds, through its rules and through others."""
    watched = watched_of(gateway.site, ())
    tape, clock, heard = Tape(gateway.data / "journal"), TapeClock(WALL), Heard()
    player = make(gateway.rules, other or gateway.rules, watched, clock.now)
    replay = Replay(player, clock, {one.device: one.profile for one in watched}, gateway.site.devices)
    replay.play(tape.play(WALL, FAR), heard, WALL, lambda at, readings: None)
    replay.finish(tape.next, FAR, heard)
    return heard, replay


# -- any story -----------------------------------------------------------------------------------------------

METHANE = st.sampled_from([0.0, 6.0, 9.0, 12.0, 22.0, 27.0, 60.0, 120.0])
GAPS = st.sampled_from([0.5, 1.0, 2.0, 4.0, 7.0, 12.0, 28.0, 61.0, 170.0, 1000.0])
FLAGS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([0.0, 1.0]) for name in ("alarm", "fault", "warm_up")}
)
Step = tuple[float, str, Any]

GAS_STEP = st.tuples(GAPS, st.sampled_from([KITCHEN, MALL]), st.tuples(METHANE, FLAGS))
BIN_STEP = st.tuples(GAPS, st.just(BIN), st.sampled_from([20.0, 80.0, 95.0]))
LATE_STEP = st.tuples(GAPS, st.just("late"), st.tuples(st.sampled_from([KITCHEN, MALL]), METHANE))
DRILL_STEP = st.tuples(GAPS, st.just("drill"), METHANE)
ACT_STEP = st.tuples(GAPS, st.sampled_from(["acknowledge", "reset"]), st.integers(0, 40))
STEPS = st.lists(st.one_of(GAS_STEP, GAS_STEP, GAS_STEP, BIN_STEP, LATE_STEP, DRILL_STEP, ACT_STEP), max_size=30)


def _readings(seconds: float, what: str, said: Any) -> list[Reading]:
    if what == BIN:
        return [bin_reading(seconds, BIN, fill=said)]
    if what == "late":
        device, methane = said
        return [gas_reading(seconds - 100, device, heard=seconds, methane=methane)]
    if what == "drill":
        return [gas_reading(seconds, KITCHEN, Origin.DRILL, methane=said)]
    methane, flags = said
    return [gas_reading(seconds, what, methane=methane, **flags)]


def _play(gateway: RecordedGateway, steps: Sequence[Step], seconds: float = 0.0) -> float:
    for gap, what, said in steps:
        seconds += gap
        if what in ("acknowledge", "reset"):
            gateway.until(seconds)
            standing = [one.alarm for one in gateway.watch.alarms.records() if one.state.stands]
            if standing:
                alarm = standing[said % len(standing)]
                gateway.act(seconds, Action(what, alarm, "li", "seen", on_site=True))
        else:
            gateway.hear(seconds, *_readings(seconds, what, said))
    return seconds


async def _story(folder: Path, steps: Sequence[Step]) -> None:
    gateway = RecordedGateway(folder)
    end = _play(gateway, steps)
    gateway.until(end + 300)
    await asyncio.sleep(0)
    await gateway.journal.append(())
    recorded = gateway.decided()
    heard, replay = replayed(gateway)
    await gateway.stop()
    assert in_order(heard.before_all) == in_order(recorded)
    assert in_order(heard.after_all) == in_order(recorded)
    assert replay.stops == []


LEAK = [(2.0, KITCHEN, (60.0, {})), (1000.0, KITCHEN, (0.0, {})), (61.0, KITCHEN, (0.0, {}))]


@example(steps=[*LEAK, (1.0, "acknowledge", 0), (1.0, "acknowledge", 1), (1.0, "reset", 0), (1.0, "reset", 1)])
@example(steps=[(2.0, MALL, (12.0, {})), (1000.0, "late", (MALL, 27.0)), (2.0, "drill", 60.0)])
@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_through_the_rules_that_ran_it_decides_what_the_gateway_decided(steps: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_story(Path(folder), steps))


# -- another set of rules beside them ------------------------------------------------------------------------

SHIPPED = rules.shipped().alarms
CHANGED = ("CK-01", "CK-02", "CK-04", "BL-02", "SB-02", "ACT-1")


def _changed(names: Sequence[str], off: float, limit: float) -> dict[str, AlarmRule]:
    """Rules with another delay, another limit where there is one, and one more."""
    other = dict(SHIPPED)
    for name in names:
        one = SHIPPED[name]
        first = one.any[0].model_copy(update={"limit": limit}) if one.any[0].kind == "high" else one.any[0]
        other[name] = one.model_copy(update={"off_delay_s": off, "latch": not one.latch, "any": (first, *one.any[1:])})
    return other | {"XX-1": SHIPPED["CK-02"].model_copy(update={"id": "XX-1"})}


async def _beside(folder: Path, first: Sequence[Step], off_s: float, second: Sequence[Step], other: Any) -> None:
    gateway = RecordedGateway(folder, tells_health=True)
    end = _play(gateway, first)
    gateway.until(end + 1)
    await gateway.stop()
    gateway.start(end + 1 + off_s)
    gateway.until(_play(gateway, second, end + 1 + off_s) + 300)
    await gateway.stop()
    (together, replay), (apart, reference) = replayed(gateway, other), replayed(gateway, other, Apart)
    assert in_order(together.before_all) == in_order(apart.before_all)
    assert _unmarked(together.after_all) == _unmarked(apart.after_all)
    assert replay.stops == reference.stops


def _unmarked(transitions: Sequence[AlarmTransition]) -> list[AlarmTransition]:
    return in_order(msgspec.structs.replace(one, mark=0) for one in transitions)


@example(
    first=[*LEAK, (1.0, "acknowledge", 0), (1.0, "acknowledge", 1), (1.0, "reset", 0)],
    off_s=151.0,
    second=LEAK,
    names=CHANGED,
    off=9.0,
    limit=61.0,
)
@given(
    first=STEPS,
    off_s=st.sampled_from([151.0, 600.0]),
    second=STEPS,
    names=st.lists(st.sampled_from(CHANGED), unique=True),
    off=st.sampled_from([0.0, 7.5]),
    limit=st.sampled_from([7.0, 26.0]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_set_of_rules_decides_as_if_it_were_alone(
    first: Sequence[Step], off_s: float, second: Sequence[Step], names: Sequence[str], off: float, limit: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_beside(Path(folder), first, off_s, second, _changed(names, off, limit)))


# -- restarts ------------------------------------------------------------------------------------------------


def _known(transitions: Sequence[AlarmTransition]) -> list[AlarmTransition]:
    """A start reports again what failed to act. That is no transition, so that the journal does not have it; but it
    changes the value that the next one shows."""
    return in_order(
        msgspec.structs.replace(one, value=None, quality=0, sampled_at=0) if one.rule == "ACT-1" else one
        for one in transitions
    )


async def _restarted(folder: Path, first: Sequence[Step], off_s: float, second: Sequence[Step]) -> None:
    gateway = RecordedGateway(folder, tells_health=True)
    end = _play(gateway, first)
    gateway.until(end + 1)
    await gateway.stop()
    gateway.start(end + 1 + off_s)
    last = _play(gateway, second, end + 1 + off_s)
    gateway.until(last + 300)
    await asyncio.sleep(0)
    await gateway.journal.append(())
    recorded = gateway.decided()
    heard, replay = replayed(gateway)
    await gateway.stop()
    assert [seconds_of(one.until) for one in replay.stops] == [pytest.approx(end + 1 + off_s)]
    assert _known(heard.before_all) == _known(recorded)
    assert _known(heard.after_all) == _known(recorded)


@example(first=[(0.5, MALL, (0.0, {"alarm": 1.0})), (4.0, KITCHEN, (0.0, {}))], off_s=151.0, second=[])
@example(first=LEAK[:1], off_s=3600.0, second=[(4.0, KITCHEN, (0.0, {})), (61.0, KITCHEN, (0.0, {}))])
@given(first=STEPS.filter(bool), off_s=st.sampled_from([151.0, 600.0, 3600.0]), second=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_where_the_gateway_says_every_minute_how_it_is_a_stop_is_known_exactly(
    first: Sequence[Step], off_s: float, second: Sequence[Step]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_restarted(Path(folder), first, off_s, second))


async def test_without_health_a_stop_is_known_by_what_was_not_decided(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    for second in range(0, 60, 10):
        gateway.hear(second, gas_reading(second, KITCHEN))
    await gateway.stop()
    gateway.start(900)
    for second in range(900, 960, 10):
        gateway.hear(second, gas_reading(second, KITCHEN))
    await gateway.stop()
    heard, replay = replayed(gateway)
    assert [(seconds_of(one.since), seconds_of(one.until)) for one in replay.stops] == [(50, 900)]
    assert heard.before_all == []


async def test_silence_that_the_gateway_saw_is_no_stop(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    for device in (KITCHEN, MALL):
        gateway.hear(0, gas_reading(0, device))
    gateway.hear(1, bin_reading(1, BIN, fill=20.0))
    gateway.until(5000)
    gateway.hear(5000, gas_reading(5000, KITCHEN))
    gateway.until(5100)
    await gateway.stop()
    heard, replay = replayed(gateway)
    assert replay.stops == []
    assert {("BL-02", KITCHEN), ("BL-02", MALL)} <= {(one.rule, one.device) for one in heard.before_all}


async def test_an_alarm_that_only_time_can_raise_proves_that_the_gateway_ran(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path, tells_health=True)
    gateway.tell_no_more()
    for device in (KITCHEN, MALL):
        gateway.hear(0, gas_reading(0, device))
    gateway.until(400)
    await gateway.stop()
    heard, replay = replayed(gateway)
    assert replay.stops == []
    assert {KITCHEN, MALL} == {one.device for one in heard.before_all if one.rule == "BL-02"}


async def test_an_alarm_that_stood_before_a_stop_stands_after_it_and_is_no_new_one(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    gateway.hear(0, gas_reading(0, KITCHEN, methane=60.0))
    await gateway.stop()
    gateway.start(4000)
    gateway.hear(4001, gas_reading(4001, KITCHEN, methane=60.0))
    gateway.until(4010)
    await gateway.stop()
    heard, replay = replayed(gateway)
    assert replay.stops == [Stop(WALL, at(4000).wall)]  # its trip is driven on then
    raised = [one for one in heard.before_all if one.rule == "CK-04" and one.event is Event.RAISE]
    assert [seconds_of(one.at) for one in raised] == [0]


# -- what is not done again ----------------------------------------------------------------------------------


async def test_shelving_does_not_hide_what_the_rules_do(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    for second in range(0, 200, 10):
        gateway.hear(second, gas_reading(second, KITCHEN, methane=0.0 if 40 <= second < 110 else 12.0))
        if second == 30:
            assert gateway.act(32, Action("shelve", f"{KITCHEN}~CK-01", "li", "steam", for_s=3000))
    await gateway.stop()
    heard, _ = replayed(gateway)
    raised = [one for one in heard.before_all if one.rule == "CK-01" and one.event is Event.RAISE]
    assert [seconds_of(one.at) for one in raised] == [30, 140]
    assert heard.recorded["CK-01"] == 1


async def test_a_valve_that_did_not_close_is_told_by_the_journal(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    gateway.hear(0, gas_reading(0, KITCHEN, methane=60.0))
    gateway.until(300)
    await gateway.stop()
    heard, _ = replayed(gateway)
    assert [one.device for one in heard.before_all if one.rule == "ACT-1"] == [KITCHEN]


async def test_readings_of_a_device_or_a_profile_that_is_gone_are_left_out(tmp_path: Path) -> None:
    gateway = RecordedGateway(tmp_path)
    gateway.hear(0, gas_reading(0, KITCHEN, methane=60.0))
    await gateway.stop()
    devices = dict(gateway.site.devices)
    gone = devices.pop(KITCHEN)
    gateway.site = msgspec.structs.replace(gateway.site, devices=devices)
    heard, replay = replayed(gateway)
    assert (heard.before_all, replay.readings, replay.left.unknown) == ([], 0, {KITCHEN: 1})
    other = msgspec.structs.replace(gone, profile=devices[BIN].profile)
    gateway.site = msgspec.structs.replace(gateway.site, devices=devices | {KITCHEN: other})
    heard, replay = replayed(gateway)
    assert (heard.before_all, replay.readings, replay.left.retyped) == ([], 0, {KITCHEN: 1})
