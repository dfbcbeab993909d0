"""The shipped matrix, and matrices that must be refused (tests/interlocks/refused/<case>)."""

from pathlib import Path

import pytest

from interlocks.errors import MatrixError
from interlocks.matrix import load_matrix
from tests.fixtures.kitchens import MATRIX

REFUSED = Path(__file__).parent / "refused"
CASES = sorted(case.name for case in REFUSED.iterdir())
ACCEPTED = (REFUSED / "unknown-key/matrix.toml").read_text(encoding="utf-8").replace('color = "red"\n', "")


@pytest.mark.parametrize("name", CASES)
def test_wrong_matrix_is_refused_with_every_wrong_key(name: str) -> None:
    case = REFUSED / name
    with pytest.raises(MatrixError) as caught:
        load_matrix(case / "matrix.toml")
    assert str(caught.value) + "\n" == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_file_that_the_refused_ones_are_made_of_is_right(tmp_path: Path) -> None:
    (tmp_path / "matrix.toml").write_text(ACCEPTED, encoding="utf-8")
    assert load_matrix(tmp_path / "matrix.toml").id == "kitchen"


def test_observing_matrix_has_no_effects(tmp_path: Path) -> None:
    text = ACCEPTED.replace('mode = "act"', 'mode = "observe"')
    (tmp_path / "matrix.toml").write_text(text.replace('effect = [{ id = "E1", action = "close-valve" }]\n', ""))
    assert load_matrix(tmp_path / "matrix.toml").mode == "observe"


ROWS = {
    # cause: (seconds it must stand, stage, effects with their delay and condition), from the kitchen's table
    "RK-1": (0.0, "verify", [("E1", "close-valve", 0.0, None), ("E2", "close-upstream-valve", 0.0, "E1"),
                             ("E3", "start-fan", 0.0, None)]),
    "RK-2": (0.0, "full", [("E1", "close-valve", 0.0, None), ("E2", "close-upstream-valve", 0.0, None),
                           ("E3", "hold-fan", 0.0, None)]),
    "RK-3": (0.0, "verify", [("E1", "close-valve", 0.0, None), ("E2", "close-upstream-valve", 5.0, None)]),
    "RK-4": (900.0, None, [("E1", "close-valve", 0.0, None)]),
    "RK-5": (0.0, None, [("E1", "close-valve", 0.0, None), ("E3", "hold-fan", 0.0, None)]),
    "RK-6": (0.0, "full", [("E1", "close-valve", 0.0, None), ("E2", "close-upstream-valve", 0.0, None),
                           ("E3", "hold-fan", 0.0, None)]),
    "RK-7": (0.0, "full", [("E1", "close-valve", 0.0, None), ("E3", "inhibit-fan", 0.0, None)]),
}  # fmt: skip


def test_shipped_matrix_is_the_kitchen_of_the_table() -> None:
    found = {
        cause.id: (
            cause.delay_s,
            cause.stage,
            [(effect.id, effect.action, effect.after_s, effect.if_failed) for effect in cause.effect],
        )
        for cause in MATRIX.cause
    }
    assert found == ROWS
    assert (MATRIX.mode, MATRIX.reset_after_s) == ("act", 600.0)
