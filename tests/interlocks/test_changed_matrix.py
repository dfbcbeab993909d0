"""The matrices are changed between two runs (S11): a latch stands until a person resets it, whatever became of them."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from interlocks.engine import InterlockEngine
from interlocks.errors import NoSuchTrip, ResetRefused
from interlocks.matrix import Matrix
from interlocks.orphans import mark_of
from interlocks.record import decode_record, encode
from interlocks.states import InterlockState
from interlocks.zone import Zone
from tests.fixtures.kitchens import CLOSE, EX_FAN, ID, LEAK, LEVEL_2, MATRIX, UP, Kitchen, clean_for, member, tripped
from tests.fixtures.stories import at, gas_reading

OTHER = MATRIX.model_copy(update={"id": "another-kitchen"})
HALL = Zone("hall", "commercial-kitchen", True, (member("gas:9"),))


def changed(cause: str, **keys: Any) -> Matrix:
    """The shipped matrix with other keys in one row."""
    data = MATRIX.model_dump(mode="json")
    next(row for row in data["cause"] if row["id"] == cause).update(keys)
    return Matrix.model_validate(data, strict=False)


def without(*causes: str) -> Matrix:
    """The shipped matrix without some rows."""
    return MATRIX.model_copy(update={"cause": tuple(one for one in MATRIX.cause if one.id not in causes)})


def restart(scene: Kitchen, seconds: float, *matrices: Matrix, zones: Sequence[Zone] = ()) -> None:
    """The gateway starts again, with these matrices, on what was stored."""
    scene.until(seconds)
    scene.engine = InterlockEngine(matrices, zones or [scene.zone], scene.moment(seconds))
    scene.engine.load({key: body for key, body in scene.stored.items() if body is not None}, scene.moment(seconds))
    scene.take(at(seconds).mono)


def states(scene: Kitchen) -> dict[str, str]:
    return {one.id: one.state.word for one in scene.engine.records()}


def test_a_latch_whose_matrix_is_gone_stands_until_a_person_resets_it() -> None:
    scene = tripped()
    restart(scene, 3, OTHER)
    assert states(scene) == {ID: "tripped", "kitchen~another-kitchen": "unknown"}
    clean_for(590, scene)
    with pytest.raises(ResetRefused, match="gone for 600 s"):
        scene.reset(595)
    restart(scene, 596, OTHER)
    assert states(scene)[ID] == "tripped"
    for second in range(598, 1202, 2):
        scene.hear(second, gas_reading(second, valve=2.0))
    with pytest.raises(ResetRefused, match="a named person"):
        scene.reset(1201, on_site=False)
    scene.reset(1202)
    assert (scene.told()[-1], scene.record.state.word) == ("reset", "unknown"), (
        "nothing watches by it, so it is not armed"
    )
    scene.hear(1204, gas_reading(1204, valve=2.0))
    assert states(scene) == {"kitchen~another-kitchen": "armed"}, "it knows why the valve is closed"
    assert scene.stored[f"interlock/{ID}"] is None
    with pytest.raises(NoSuchTrip):
        scene.reset(1205)


def test_a_latch_whose_area_is_gone_stands_until_a_person_resets_it() -> None:
    scene = tripped()
    restart(scene, 3, MATRIX, zones=[HALL])
    scene.until(100)
    assert states(scene) == {ID: "tripped", "hall~restaurant-kitchen": "unknown"}
    assert scene.record.first_out == "RK-1"
    with pytest.raises(ResetRefused, match="a named person"):
        scene.reset(101, "")
    scene.reset(102)
    scene.until(103)
    assert states(scene) == {"hall~restaurant-kitchen": "unknown"}


def test_a_latch_whose_area_goes_while_it_runs_stands_too() -> None:
    scene = tripped()
    scene.engine.rezone([HALL], at(3))
    scene.until(10)
    assert states(scene)[ID] == "tripped"
    assert "removed" not in scene.told()


def test_what_was_at_rest_and_is_gone_is_told_and_forgotten() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    restart(scene, 3, OTHER)
    scene.until(4)
    assert scene.told()[-1] == "removed"
    assert scene.stored[f"interlock/{ID}"] is None
    assert states(scene) == {"kitchen~another-kitchen": "unknown"}


def test_a_valve_that_was_closed_by_a_matrix_that_is_gone_is_not_found_closed() -> None:
    scene = clean_for(610)
    scene.reset(615)
    restart(scene, 616, OTHER)
    scene.hear(618, gas_reading(618, valve=2.0))
    assert states(scene) == {"kitchen~another-kitchen": "armed"}


def test_what_was_begun_is_driven_to_its_end_without_its_matrix() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK))
    restart(scene, 4)
    scene.until(4)
    assert scene.sent() == [CLOSE, (4, "gas:1", "close-valve")]
    scene.settle(20, "gas:1", False)
    assert scene.sent()[2:] == [(20, "up:1", "close-valve")]


def test_nothing_more_leaves_for_an_area_that_is_only_watched_now() -> None:
    causes = tuple(one.model_copy(update={"effect": ()}) for one in MATRIX.cause)
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK))
    restart(scene, 4, OTHER.model_copy(update={"mode": "observe", "cause": causes}))
    scene.until(8)
    assert (scene.sent(), states(scene)[ID]) == ([CLOSE], "tripped")


def test_a_matrix_that_comes_back_takes_its_latch_up() -> None:
    scene = tripped()
    restart(scene, 3, OTHER)
    restart(scene, 4, MATRIX)
    scene.hear(6, gas_reading(6, valve=2.0, **LEAK))
    assert states(scene) == {ID: "tripped"}
    assert [cause for cause, _ in scene.record.causes] == ["RK-1"]


@pytest.mark.parametrize("matrices", [(), (without("RK-2"),), (changed("RK-2", effect=[]),)])
def test_fans_that_were_left_to_a_person_stay_with_that_person(matrices: tuple[Matrix, ...]) -> None:
    scene = Kitchen(EX_FAN, UP)
    scene.hear(0, gas_reading(0, **LEVEL_2))
    restart(scene, 3, *matrices)
    scene.hear(4, gas_reading(4, methane=10.0, valve=2.0), gas_reading(4, "up:1", valve=2.0))
    assert "leaves the fans to the people on site" in scene.engine.refusal("gas:1", "start-fan")
    scene.hear(6, gas_reading(6, **LEAK))
    assert "start-fan" not in {name for _, _, name in scene.sent()}


def test_a_higher_limit_lets_no_latch_go() -> None:
    when = [{"kind": "high", "role": "gas", "limit": 60.0, "unit": "%{LEL}"}]
    scene = tripped()
    restart(scene, 3, changed("RK-1", when=when))
    clean_for(590, scene, methane=30.0)
    assert scene.record.state is InterlockState.TRIPPED
    with pytest.raises(ResetRefused, match="gone for 600 s"):
        scene.reset(595)


def test_after_the_reset_the_changed_matrix_trips_once_as_any_other() -> None:
    scene = tripped()
    restart(scene, 3, changed("RK-1", delay_s=1.0))
    clean_for(610, scene)
    scene.reset(615)
    for second in (616, 618, 620):
        scene.hear(second, gas_reading(second, valve=2.0, **LEAK))
    assert [cause for cause, _ in scene.record.causes] == ["RK-1"]


def test_a_row_that_is_gone_stays_in_the_latch() -> None:
    scene = tripped()
    restart(scene, 3, without("RK-1"))
    scene.hear(4, gas_reading(4, valve=2.0))
    assert (scene.record.state, scene.record.first_out) == (InterlockState.TRIPPED, "RK-1")


def test_a_changed_row_trips_beside_what_tripped_before_it_and_does_what_is_new() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK), gas_reading(0, "up:1"))
    scene.hear(2, gas_reading(2, valve=2.0, **LEAK))
    scene.settle(2, "gas:1", True)
    both = [{"id": "E1", "action": "close-valve"}, {"id": "E2", "action": "close-upstream-valve"}]
    more = changed("RK-1", effect=both)
    for second in (4, 8):
        restart(scene, second, more)
        scene.hear(second + 1, gas_reading(second + 1, valve=2.0, **LEAK), gas_reading(second + 1, "up:1"))
        assert [cause for cause, _ in scene.record.causes] == ["RK-1", "RK-1"]
    assert scene.sent()[:2] == [CLOSE, (5, "up:1", "close-valve")]
    assert scene.record.first_out == "RK-1"
    scene.hear(12, gas_reading(12, valve=2.0, **LEVEL_2), gas_reading(12, "up:1", valve=2.0))
    assert [cause for cause, _ in scene.record.causes] == ["RK-1", "RK-1", "RK-2"]


@pytest.mark.parametrize(
    ("other", "is_another"),
    [
        (changed("RK-1", delay_s=1.0), True),
        (without("RK-5"), True),
        (MATRIX.model_copy(update={"reset_after_s": 10.0}), True),
        (changed("RK-1", title={"zh": "别的", "en": "another"}), False),
        (MATRIX.model_copy(update={"source": ()}), False),
    ],
)
def test_what_makes_a_matrix_another_one(other: Matrix, is_another: bool) -> None:
    assert (mark_of(other) != mark_of(MATRIX)) is is_another


def test_a_latch_that_a_release_without_marks_stored_goes_on() -> None:
    scene = tripped()
    key = f"interlock/{ID}"
    scene.stored[key] = msgspec.msgpack.encode(msgspec.msgpack.decode(scene.stored[key])[:10])
    restart(scene, 3, changed("RK-1", delay_s=1.0))
    for second in (4, 6, 8):
        scene.hear(second, gas_reading(second, valve=2.0, **LEAK))
    assert (scene.record.state.word, [cause for cause, _ in scene.record.causes]) == ("tripped", ["RK-1"])


def test_a_record_keeps_what_it_inherited() -> None:
    scene = tripped()
    assert scene.record.mark == mark_of(MATRIX)
    restart(scene, 3, without("RK-5"))
    again = decode_record(encode(scene.record))
    assert (again.inherited, again.mark) == (1, mark_of(without("RK-5")))
