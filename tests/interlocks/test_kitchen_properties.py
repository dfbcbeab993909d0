"""What holds for any sequence of readings, losses, ticks, answers, resets and restarts."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlocks.causes import Proof
from interlocks.errors import ResetRefused
from interlocks.interlock import Interlock
from interlocks.matrix import Cause
from interlocks.states import InterlockState
from interlocks.zone import FanPermissives
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.reading import Origin
from tests.fixtures.kitchens import ALL_TRUE, MATRIX, Kitchen, kitchen, member
from tests.fixtures.stories import at, gas_reading

HELD = [True, True, True, False, None]
permissives = st.one_of(st.just(ALL_TRUE), st.builds(FanPermissives, *(st.sampled_from(HELD) for _ in range(5))))
values = st.fixed_dictionaries(
    {
        "methane": st.sampled_from([None, 0.0, 4.0, 8.0, 30.0, 55.0, 103.0]),
        "valve": st.sampled_from([None, 0.0, 1.0, 2.0, 3.0, 4.0]),
    },
    optional={name: st.sampled_from([0.0, 1.0]) for name in ("alarm", "fault", "warm_up", "over_range")},
)
steps = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 2.0, 2.0, 4.0, 20.0, 900.0]),
        st.sampled_from(["hear", "hear", "hear", "late", "lost", "proved", "failed", "reset", "restart", "step"]),
        st.sampled_from(["gas:1", "gas:2", "up:1"]),
        st.sampled_from([Origin.LIVE, Origin.LIVE, Origin.DRILL, Origin.SIMULATED]),
        values,
    ),
    max_size=30,
)
CLOSED = 2.0
LOOK = Interlock.look
RESTART_S = 0.0005
"""A restart takes time: less than any step, and never none, for the ids of commands tell the nanosecond."""
Steps = list[tuple[float, str, str, Origin, dict[str, Any]]]


class Busy(Kitchen):
    """Ticks every half second besides."""

    reached = 0.0

    def until(self, seconds: float) -> None:
        while self.reached < seconds:
            self.reached = min(self.reached + 0.5, seconds)
            super().until(self.reached)
            self.engine.tick(self.moment(self.reached))
            self.take(at(self.reached).mono)


def run(
    story: Steps, fan: FanPermissives, origins: tuple[Origin, ...] = tuple(Origin), kind: type[Kitchen] = Kitchen
) -> Kitchen:
    """Play the steps; what is of another origin is left out."""
    scene = kind(member(fan=fan), member("gas:2"), member("up:1", fan, upstream=True), staffed=False)
    seconds = 0.0
    for wait, what, device, origin, given_values in story:
        seconds += wait or 0.001
        scene.until(seconds)
        if what in ("hear", "late"):
            if origin in origins:
                scene.hear(seconds, _reading(scene, seconds, what, device, origin, given_values))
        else:
            _other(scene, seconds, what, device)
        _check_fans(scene, fan)
    return scene


def _reading(
    scene: Kitchen, seconds: float, what: str, device: str, origin: Origin, given_values: dict[str, Any]
) -> Any:
    heard = seconds + scene.wall_step / SECOND
    return gas_reading(heard - (100 if what == "late" else 0), device, origin, heard=heard, **given_values)


def _other(scene: Kitchen, seconds: float, what: str, device: str) -> None:
    sent = [command for _, command in scene.commands if command.device == device]
    if what == "lost":
        scene.lost(seconds, device)
    elif what == "restart":
        scene.restart(seconds + RESTART_S)
    elif what == "step":
        scene.wall_step += 3600 * SECOND
    elif what == "reset":
        with contextlib.suppress(ResetRefused):
            scene.reset(seconds)
    elif sent:
        scene.settle(seconds, device, what == "proved", sent[-1].name)


def _check_fans(scene: Kitchen, fan: FanPermissives) -> None:
    starts = [command for _, command in scene.commands if command.name == "start-fan"]
    if fan is not ALL_TRUE and fan.missing():
        assert starts == []


@settings(max_examples=150, deadline=None)
@given(steps, permissives)
def test_only_declared_safe_commands_leave_and_only_live_ones(story: Steps, fan: FanPermissives) -> None:
    scene = run(story, fan)
    for _, command in scene.commands:
        assert command.origin is Origin.LIVE
        assert (command.device, command.name) in {
            ("gas:1", "close-valve"), ("gas:2", "close-valve"), ("up:1", "close-valve"), ("gas:1", "start-fan"),
        }  # fmt: skip
        assert command.cause == "trip/kitchen~restaurant-kitchen"
        assert command.issued_at < command.expires_at
    assert len({command.id for _, command in scene.commands}) == len(scene.commands)


@settings(max_examples=200, deadline=None)
@given(
    steps,
    st.sampled_from([{"methane": 25.0}, {"methane": 60.0}, {"alarm": 1.0}, {"over_range": 1.0}]),
    st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0]),
    st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0]),
)
def test_leak_closes_every_valve_of_the_zone_whatever_went_before(
    story: Steps, leak: dict[str, float], one: float, other: float
) -> None:
    scene = run(story, ALL_TRUE)
    end = sum(one[0] for one in story) + 1
    heard = end + scene.wall_step / SECOND
    scene.hear(end, gas_reading(heard, "gas:2", valve=other), gas_reading(heard, valve=one, **leak))
    assert scene.record.state is InterlockState.TRIPPED
    for device, valve in (("gas:1", one), ("gas:2", other)):
        valves = [one for one in scene.record.effects if one.device == device and one.action == "close-valve"]
        moved = {"issued", "failed", "done"} if valve == CLOSED else {"issued", "failed"}
        assert {one.status for one in valves} & moved, f"the valve of {device} is not closed, and nothing closes it"


@settings(max_examples=100, deadline=None)
@given(steps)
def test_no_fan_is_started_once_level_2_was_seen(story: Steps) -> None:
    scene = run([one for one in story if one[1] != "reset"], ALL_TRUE)
    held_from = next(
        (event.at for event in scene.events if event.cause == "RK-2" and event.origin is Origin.LIVE), None
    )
    if held_from is not None:
        late = [one for _, one in scene.commands if one.name == "start-fan" and one.issued_at > held_from]
        assert late == []


@settings(max_examples=100, deadline=None)
@given(steps)
def test_drills_and_simulations_change_nothing_that_is_live(story: Steps) -> None:
    mixed, pure = run(story, ALL_TRUE), run(story, ALL_TRUE, (Origin.LIVE,))
    assert [command for _, command in mixed.commands] == [command for _, command in pure.commands]
    live = [event for event in mixed.events if event.origin is Origin.LIVE]
    assert live == pure.events
    assert (mixed.failures, mixed.cancels) == (pure.failures, pure.cancels)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_ticking_only_when_due_misses_nothing(story: Steps) -> None:
    calm = [(min(wait, 20.0), *rest) for wait, *rest in story if rest[0] != "restart"]
    by_due, often = run(calm, ALL_TRUE), run(calm, ALL_TRUE, kind=Busy)
    assert by_due.sent() == often.sent()
    assert by_due.told() == often.told()


def test_zone_without_a_detector_is_never_good() -> None:
    assert not Proof(kitchen().members).stands


def test_a_day_of_readings_does_not_grow_the_agenda() -> None:
    scene = Kitchen(*(member(f"gas:{number}") for number in range(1, 6)))
    sizes = []
    for number in range(6000):
        second = number * 2.0
        scene.hear(second, *(gas_reading(second, f"gas:{one}") for one in range(1, 6)))
        if number % 7 == 0:
            scene.lost(second + 1)
        sizes.append(len(scene.engine._agenda))
    assert max(sizes[500:]) <= max(sizes[:500]) < 10


def test_the_shipped_matrix_moves_things_to_their_safe_side_only() -> None:
    actions = {effect.action for cause in MATRIX.cause for effect in cause.effect}
    assert actions == {"close-valve", "close-upstream-valve", "start-fan", "hold-fan", "inhibit-fan"}


@settings(max_examples=100, deadline=None)
@given(steps)
def test_following_only_what_changed_misses_nothing(story: Steps) -> None:
    by_change = run(story, ALL_TRUE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interlock, "look", _look_at_all)
        at_all = run(story, ALL_TRUE)
    assert by_change.sent() == at_all.sent()
    assert by_change.told() == at_all.told()


def _look_at_all(interlock: Interlock, now: Moment) -> list[Cause]:
    for device in interlock.pictures:
        interlock.follow(device)
    interlock.looks_at_all = True
    return LOOK(interlock, now)


def test_a_reading_costs_the_same_in_a_zone_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr(Interlock, "follow", _noting(looked_at, Interlock.follow))
    monkeypatch.setattr(Picture, "known", _noting(looked_at, Picture.known))
    costs = set()
    for size in (2, 40):
        scene = Kitchen(*(member(f"gas:{number}") for number in range(size)))
        for seconds in (0.0, 2.0, 4.0):
            scene.hear(seconds, *(gas_reading(seconds, f"gas:{number}", valve=1.0) for number in range(size)))
        looked_at.clear()
        scene.hear(4.5, gas_reading(4.5, "gas:0", valve=1.0))
        costs.add(len(looked_at))
    assert len(costs) == 1
    assert costs != {0}


def _noting(calls: list[str], of: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*given: Any) -> Any:
        calls.append(of.__name__)
        return of(*given)

    return noted
