"""Which minutes and hours wait to be rolled up: durable, each once, and again when something came meanwhile."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.errors import StoreDamaged
from telemetry.influx_rollup_lines import HOUR, MINUTE
from telemetry.influx_rollup_windows import GRACE, Piece, Window
from telemetry.influx_state import InfluxState
from telemetry.letters import Aside
from tests.telemetry.readings import T0

BASE = T0 - T0 % HOUR
LATER = BASE + 90 * MINUTE
Open = Callable[..., InfluxState]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the file; the one before is closed first. Its clock stands at `BASE`."""
    made: list[InfluxState] = []

    def make(now: int | None = BASE, **bounds: int) -> InfluxState:
        if made:
            made.pop().close()
        made.append(InfluxState(tmp_path / "influx.db", lambda: now, **bounds))
        return made[-1]

    yield make
    made.pop().close()


def touch(state: InfluxState, *devices: str, minute: int = 0, kind: str = "gas") -> None:
    state.advance({}, [], {(kind, BASE + minute * MINUTE): set(devices)})


def take(state: InfluxState, now: int = LATER) -> Piece:
    piece = state.take(now)
    assert piece is not None
    return piece


def empty(state: InfluxState, now: int = LATER) -> list[Piece]:
    """All that is due, done."""
    pieces = []
    while (piece := state.take(now)) is not None:
        state.rolled(piece.windows)
        pieces.append(piece)
    return pieces


def test_a_line_waits_in_its_minute_and_in_its_hour_until_these_are_over(opened: Open) -> None:
    state = opened()
    touch(state, "a")
    minute_due, hour_due = BASE + MINUTE + GRACE[MINUTE], BASE + HOUR + GRACE[HOUR]
    assert state.take(minute_due - 1) is None
    assert empty(state, minute_due) == [
        Piece(MINUTE, "gas", (BASE, BASE + MINUTE), ("a",), (Window(MINUTE, "gas", BASE, "a"),))
    ]
    assert state.take(hour_due - 1) is None
    assert [piece.step for piece in empty(state, hour_due)] == [HOUR]
    assert state.windows_waiting() == 0


def test_what_comes_late_waits_for_more_of_its_kind(opened: Open) -> None:
    state = opened()
    touch(state, "a", minute=-120)
    assert state.take(BASE + GRACE[MINUTE] - 1) is None
    assert take(state, BASE + GRACE[MINUTE]).span[0] == BASE - 120 * MINUTE


def test_it_outlasts_a_restart_and_is_taken_again_when_it_was_not_finished(opened: Open) -> None:
    touch(opened(), "a", "b")
    first = take(opened())
    assert take(opened()) == first
    assert opened().windows_waiting() == 4


def test_what_came_while_it_was_rolled_up_waits_again(opened: Open) -> None:
    state = opened()
    touch(state, "a", "b")
    piece = take(state)
    touch(state, "b")
    state.rolled(piece.windows)
    assert [piece.devices for piece in empty(state) if piece.step == MINUTE] == [("b",)]


def test_what_came_before_it_was_taken_does_not_wait_twice(opened: Open) -> None:
    state = opened()
    touch(state, "a")
    touch(state, "a", "b")
    assert state.windows_waiting() == 4
    assert [piece.devices for piece in empty(state)] == [("a", "b"), ("a", "b")]


def test_many_devices_wait_as_one(opened: Open) -> None:
    state = opened()
    for number in range(50):
        touch(state, f"d{number}")
    assert state.windows_waiting() == 2
    assert opened().windows_waiting() == 2
    assert [piece.devices for piece in empty(opened())] == [(), ()]


def test_devices_that_become_many_while_they_are_rolled_up_wait_again(opened: Open) -> None:
    state = opened()
    touch(state, "a")
    piece = take(state)
    touch(state, *map(str, range(30)))
    state.rolled(piece.windows)
    assert [piece.devices for piece in empty(state)] == [(), ()]
    assert state.windows_waiting() == 0


def test_minutes_side_by_side_are_rolled_up_together_and_kinds_apart(opened: Open) -> None:
    state = opened()
    for minute in (0, 3, 9, 10):
        touch(state, "a", minute=minute)
    touch(state, "a", kind="bin")
    found = {(piece.kind, *piece.span) for piece in empty(state) if piece.step == MINUTE}
    assert found == {
        ("gas", BASE, BASE + 10 * MINUTE),
        ("gas", BASE + 10 * MINUTE, BASE + 11 * MINUTE),
        ("bin", BASE, BASE + MINUTE),
    }


def test_a_time_in_the_future_is_waited_for_one_step_at_the_most(opened: Open) -> None:
    state = opened()
    touch(state, "a", minute=30)
    assert take(state, BASE + MINUTE + GRACE[MINUTE]).step == MINUTE


def test_what_was_named_by_a_wrong_clock_is_not_waited_for(opened: Open) -> None:
    touch(opened(now=BASE + 1000 * HOUR), "a", minute=60_000)
    assert len(empty(opened(), BASE)) == 2


def test_without_a_clock_nothing_is_named(opened: Open) -> None:
    state = opened(now=None)
    touch(state, "a")
    assert state.windows_waiting() == 0


def test_what_was_put_off_is_due_then(opened: Open) -> None:
    state = opened()
    touch(state, "a")
    piece = take(state)
    state.put_off(piece.windows, LATER + 5)
    assert [piece.step for piece in empty(state)] == [HOUR]
    assert [piece.step for piece in empty(state, LATER + 5)] == [MINUTE]


def test_beyond_their_number_windows_are_left_out_and_told(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    state = opened(most_windows=4)
    with caplog.at_level(logging.ERROR):
        for minute in range(5):
            touch(state, "a", minute=minute)
    assert state.windows_waiting() == 4  # three minutes and their hour
    assert [record.args for record in caplog.records] == [(4, 1), (4, 2)]
    empty(state)
    touch(state, "a", minute=4)
    assert state.windows_waiting() == 2


def test_a_commit_that_fails_names_nothing(opened: Open) -> None:
    state = opened()
    no_letter = Aside(1, 1, None, "reading", b"")  # type: ignore[arg-type]  # the file refuses it
    with pytest.raises(StoreDamaged):
        state.advance({}, [no_letter], {("gas", BASE): {"a"}})
    assert state.windows_waiting() == 0
    touch(state, "a")
    assert state.windows_waiting() == len(empty(opened())) == 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 12), st.sets(st.integers(0, 30), min_size=1, max_size=25)),
        st.sampled_from(["take", "done", "restart"]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_everything_touched_is_rolled_up_after_it_was_touched(opened: Open, steps: list[object]) -> None:
    state = opened()
    empty(state)
    owed: set[tuple[int, str]] = set()
    piece: Piece | None = None
    meanwhile: set[tuple[int, str]] = set()

    def finish(one: Piece) -> None:
        nonlocal owed
        if one.step == MINUTE:
            begin, end = one.span
            done = {(at, who) for at, who in owed if begin <= BASE + at * MINUTE < end}
            owed -= {(at, who) for at, who in done if not one.devices or who in one.devices} - meanwhile
        state.rolled(one.windows)

    for step in [*steps, "done"]:
        if isinstance(step, tuple):
            minute, devices = step
            touch(state, *map(str, devices), minute=minute)
            owed |= {(minute, str(one)) for one in devices}
            meanwhile |= {(minute, str(one)) for one in devices}
        elif step == "take" and piece is None:
            piece, meanwhile = state.take(LATER), set()
        elif step == "done" and piece is not None:
            finish(piece)
            piece = None
        elif step == "restart":
            state, piece = opened(), None
    meanwhile = set()
    while (one := state.take(LATER)) is not None:
        finish(one)
    assert (owed, state.windows_waiting()) == (set(), 0)
