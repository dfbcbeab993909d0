"""Votes (S7): every combination of inputs by the table of the safety rules, and a voted matrix in a zone."""

from collections.abc import Callable
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlocks.engine import InterlockEngine
from interlocks.matrix import Matrix, load_matrix
from interlocks.votes import Ruling, Vote, judge
from interlocks.zone import Member, Zone
from protocols.quality import Quality
from protocols.reading import Reading
from tests.fixtures.stories import GAS, at, gas_reading, marked

# Written from the table: 1oo2: f=1 -> 1oo1; 2oo2: f=1 -> 1oo1; 2oo3: f=1 -> 1oo2, f=2 -> 1oo1; all failed -> lost rule.
# Key: what the inputs say (y yes, n no, f failed).
TABLE: dict[Vote, dict[str, str]] = {
    "1oo1": {"y": "TRIP", "n": "NO_TRIP", "f": "LOST"},
    "1oo2": {"yy": "TRIP", "ny": "TRIP", "nn": "NO_TRIP", "fy": "TRIP", "fn": "NO_TRIP", "ff": "LOST"},
    "2oo2": {"yy": "TRIP", "ny": "NO_TRIP", "nn": "NO_TRIP", "fy": "TRIP", "fn": "NO_TRIP", "ff": "LOST"},
    "2oo3": {
        "yyy": "TRIP", "nyy": "TRIP", "nny": "NO_TRIP", "nnn": "NO_TRIP",
        "fyy": "TRIP", "fny": "TRIP", "fnn": "NO_TRIP", "ffy": "TRIP", "ffn": "NO_TRIP", "fff": "LOST",
    },
    "1ooN": {
        "y": "TRIP", "n": "NO_TRIP", "f": "LOST", "yy": "TRIP", "ny": "TRIP", "nn": "NO_TRIP", "fy": "TRIP",
        "fn": "NO_TRIP", "ff": "LOST",
    },
    "2ooN": {
        "y": "NO_TRIP", "n": "NO_TRIP", "f": "LOST", "yy": "TRIP", "ny": "NO_TRIP", "nn": "NO_TRIP", "fy": "TRIP",
        "fn": "NO_TRIP", "ff": "LOST", "nnny": "NO_TRIP", "nnyy": "TRIP", "fnny": "TRIP", "ffnn": "NO_TRIP",
    },
}  # fmt: skip
ROWS = [(vote, said, ruling) for vote, rows in TABLE.items() for said, ruling in rows.items()]
VOTES = st.sampled_from(list(TABLE))
COUNT = st.integers(0, 5)


def ruling(vote: Vote, said: str) -> Ruling:
    return judge(vote, yes=said.count("y"), no=said.count("n"), failed=said.count("f"))


@pytest.mark.parametrize(("vote", "said", "expected"), ROWS)
def test_vote_is_that_of_the_table(vote: Vote, said: str, expected: str) -> None:
    assert ruling(vote, said).name == expected


@pytest.mark.parametrize(("vote", "inputs"), [("1oo1", 1), ("1oo2", 2), ("2oo2", 2), ("2oo3", 3)])
def test_table_has_every_combination(vote: Vote, inputs: int) -> None:
    assert set(TABLE[vote]) == {"".join(one) for one in combinations_with_replacement("fny", inputs)}


@pytest.mark.parametrize(
    ("vote", "said", "expected"), [("2oo3", "ny", "TRIP"), ("2oo3", "y", "TRIP"), ("2oo2", "n", "NO_TRIP")]
)
def test_input_that_the_zone_does_not_have_is_a_failed_one(vote: Vote, said: str, expected: str) -> None:
    assert ruling(vote, said).name == expected


@given(VOTES, COUNT, COUNT, COUNT)
def test_one_that_fails_never_counts_as_no(vote: Vote, yes: int, no: int, failed: int) -> None:
    before = judge(vote, yes=yes, no=no + 1, failed=failed)
    after = judge(vote, yes=yes, no=no, failed=failed + 1)
    assert before is not Ruling.TRIP or after is Ruling.TRIP


@given(VOTES, COUNT, COUNT, COUNT)
def test_one_more_yes_never_takes_a_trip_back(vote: Vote, yes: int, no: int, failed: int) -> None:
    before = judge(vote, yes=yes, no=no + 1, failed=failed)
    after = judge(vote, yes=yes + 1, no=no, failed=failed)
    assert before is not Ruling.TRIP or after is Ruling.TRIP


@given(VOTES, COUNT)
def test_failed_inputs_alone_trip_nothing_by_vote(vote: Vote, failed: int) -> None:
    assert judge(vote, yes=0, no=0, failed=failed) is Ruling.LOST


# -- in a zone ------------------------------------------------------------------------------------------------------

VOTED = """
[matrix]
id = "voted"
title = { zh = "表决", en = "Voted" }
areas = ["mall"]
mode = "act"

[[matrix.cause]]
id = "ML-3"
title = { zh = "风道", en = "Duct" }
vote = "%s"
on_lost = "alarm"
when = [
    { kind = "high", role = "gas", limit = 25.0, unit = "%%{LEL}" },
    { kind = "over-range", role = "gas" },
]
effect = [{ id = "E1", action = "close-valve", costly = true }]

[[matrix.source]]
what = "25 %%LEL"
source = "a test"
verified = false
"""


def _told(methane: float, quality: Quality | None = None) -> Callable[[float, str], list[Reading]]:
    def tell(second: float, device: str) -> list[Reading]:
        told = gas_reading(second, device, methane=methane)
        return [marked(told, quality) if quality else told]

    return tell


INPUTS: dict[str, tuple[str, Callable[[float, str], list[Reading]]]] = {
    # input: (what it says in a vote, what is heard)
    "ok": ("n", _told(0.0)),
    "level 1": ("y", _told(30.0)),
    "level 2": ("y", _told(60.0)),
    "clock in doubt (high)": ("y", _told(30.0, Quality.UNCERTAIN_CLOCK)),
    "expired (high)": ("y", _told(30.0, Quality.UNCERTAIN_EXPIRED)),
    "expired (low)": ("f", _told(0.0, Quality.UNCERTAIN_EXPIRED)),
    "over-range": ("y", _told(103.0)),
    "warm-up (low)": ("f", _told(0.0, Quality.UNCERTAIN_WARM_UP)),
    "warm-up (high)": ("f", _told(60.0, Quality.UNCERTAIN_WARM_UP)),
    "fault": ("f", _told(0.0, Quality.BAD_SENSOR_FAULT)),
    "fault (high)": ("f", _told(60.0, Quality.BAD_SENSOR_FAULT)),
    "under test": ("f", _told(60.0, Quality.UNCERTAIN_UNDER_TEST)),
    "lost": ("f", lambda second, device: []),
    "late": ("n", lambda second, device: [
        gas_reading(second - 100, device, heard=second, methane=60.0), gas_reading(second, device),
    ]),
}  # fmt: skip
BEGINS, ENDS = 40, 50


def voted(tmp_path: Path, vote: Vote) -> Matrix:
    file = tmp_path / "voted.toml"
    file.write_text(VOTED % vote, encoding="utf-8")
    return load_matrix(file)


def closes(matrix: Matrix, kinds: tuple[str, ...], common: tuple[str, ...] = ()) -> bool:
    """Whether detectors with these inputs, after a quiet time, close the valves. ``common``: the supply of each."""
    names = [f"gas:{number}" for number in range(len(kinds))]
    supplies = common or ("",) * len(kinds)
    members = tuple(Member(name, GAS, 2.0, common_cause=one) for name, one in zip(names, supplies, strict=True))
    engine = InterlockEngine([matrix], [Zone("shop", "mall", staffed=True, members=members)], at(0))
    for second in range(0, ENDS, 2):
        for name, kind in zip(names, kinds, strict=True):
            for reading in INPUTS["ok" if second < BEGINS else kind][1](second, name):
                engine.observe(reading, at(second))
        engine.tick(at(second))
        if second < BEGINS:
            assert engine.drain().commands == []
    return {command.name for command in engine.drain().commands} == {"close-valve"}


@pytest.mark.parametrize("vote", ["1oo2", "2oo2"])
def test_two_detectors_trip_as_the_table_says_for_what_they_say(tmp_path: Path, vote: Vote) -> None:
    matrix = voted(tmp_path, vote)
    wrong = []
    for kinds in combinations_with_replacement(INPUTS, 2):
        said = "".join(sorted(INPUTS[kind][0] for kind in kinds))
        if closes(matrix, kinds) is not (TABLE[vote][said] == "TRIP"):
            wrong.append((kinds, said))
    assert wrong == []


@pytest.mark.parametrize("said", TABLE["2oo3"])
def test_three_detectors_trip_as_the_table_says(tmp_path: Path, said: str) -> None:
    kinds = tuple({"y": "level 1", "n": "ok", "f": "fault"}[one] for one in said)
    assert closes(voted(tmp_path, "2oo3"), kinds) is (TABLE["2oo3"][said] == "TRIP")


def test_detectors_on_one_supply_are_one(tmp_path: Path) -> None:
    matrix, kinds = voted(tmp_path, "2oo3"), ("level 1", "level 1", "ok", "ok")
    assert closes(matrix, kinds)
    assert not closes(matrix, kinds, common=("line:1", "line:1", "", ""))


def test_one_that_said_yes_for_a_moment_is_not_remembered(tmp_path: Path) -> None:
    members = tuple(Member(f"gas:{number}", GAS, 2.0) for number in range(2))
    engine = InterlockEngine([voted(tmp_path, "2oo2")], [Zone("shop", "mall", staffed=True, members=members)], at(0))
    for second, first, other in ((0, 0.0, 0.0), (2, 30.0, 0.0), (4, 0.0, 0.0), (6, 0.0, 30.0), (8, 0.0, 0.0)):
        for name, methane in (("gas:0", first), ("gas:1", other)):
            reading = gas_reading(second, name, methane=methane)
            for membership in engine.memberships(name, reading.origin):
                numbers = membership.passes(reading, at(second))
                if numbers is not None:
                    membership.note(reading, numbers, at(second))
                    break
            else:
                engine.observe(reading, at(second))
        assert engine.drain().commands == []
