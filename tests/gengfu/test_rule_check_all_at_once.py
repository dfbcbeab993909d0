"""Any mistakes together in the files of a site are all told, each with its file and key, and nothing else is."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.rule_site import AREAS, DEVICES, checked, matrix, matrix_override, override, rule, site

STATION = {**AREAS, "station": "hydrogen-station"}
SITE = site(STATION, {**DEVICES, "gas:3": ("gengfu/gas-alarm", "station")})
CO = '{ kind = "high", role = "co", limit = 30.0, unit = "%s" }'


class Plant(NamedTuple):
    """A part of a file with its mistakes: ``wrong`` are keys below ``table``, each with words of what is said of it.
    One without is right, and must not be told of. ``alone``: it needs a file of its own."""

    table: str
    text: str
    wrong: tuple[tuple[str, str], ...] = ()
    alone: bool = False


def any_of(condition: str) -> str:
    return f"any = [{{ {condition} }}]"


def kitchen(*causes: str) -> str:
    return matrix_override("restaurant-kitchen", f"cause = [{', '.join(causes)}]")


PLANTS = (
    Plant("override[CK-99]", override("CK-99", "latch = true"), ((".rule", "is not shipped"),)),
    Plant(
        "override[CK-04]",
        override("CK-04", 'class = "process"', any_of('kind = "high", role = "gas", limit = 60.0'), "latch = false"),
        (
            (".class", "stays one"),
            (".latch", "its latch stays"),
            ("", 'level 2 needs class = "life-safety"'),
            (".any[high gas].limit", "no highest limit is listed"),
            (".any[high gas].limit", "approved_by needs two"),
        ),
    ),
    Plant(
        "override[CK-08]",
        override("CK-08", "on_delay_s = 100", "areas = []", 'priority = "lowest"'),
        ((".areas", "unknown key"), (".priority", "must be")),
    ),
    Plant(
        "override[CK-02]",
        override("CK-02", "on_delay_s = 100"),
        (("", "would hide a level-1 alarm"), (".on_delay_s", "5 -> 100")),
    ),
    Plant(
        "override[SB-01]",
        override("SB-01", any_of('kind = "high", role = "fill", deadband = 80')),
        ((".any[high fill].deadband", "larger than the limit"),),
    ),
    Plant(
        "override[SB-02]",
        override("SB-02", any_of('kind = "high", role = "fill", limit = 120.0')),
        ((".any[high fill].limit", "above the measuring range"),),
    ),
    Plant("override[SB-06]", override("SB-06", "on_delay_s = 60"), ()),
    Plant("override[GW-01]", override("GW-01", "off_delay_s = 700"), ()),
    Plant(
        "override[CK-05]",
        override("CK-05", any_of('kind = "high", role = "gas", limit = 9.0')),
        ((".any[high gas]", "it can never speak"),),
    ),
    Plant("rule[XA-1]", rule("XA-1", CO % "Pa"), ((".any[high co].unit", "give the figures in a unit"),)),
    Plant("rule[XB-1]", rule("XB-1", CO % "%{LEL}"), ((".any[high co].unit", "has no meaning (S12)"),)),
    Plant(
        "rule[XC-1]",
        rule("XC-1", CO % "[ppm]", areas='"commercial-kitchen", "kichen"', response="R99"),
        ((".areas", "is no kind of area"), (".response", "is no operator response")),
    ),
    Plant("rule[XD-1]", rule("XD-1", CO.replace(", limit = 30.0", "") % "[ppm]"), (("", "any[0]: high needs limit"),)),
    Plant("rule[XE-1]", rule("XE-1", CO % "[ppm]")),
    Plant("rule[CK-01]", rule("CK-01", CO % "[ppm]"), ((".id", "is shipped"),)),
    Plant("rule[XF-1]", rule("XF-1", CO % "[ppm]").replace("respond_within_s", "answer"),
        ((".answer", "unknown key"), (".respond_within_s", "is missing")),
    ),
    Plant(
        "override[restaurant-kitchen]",
        kitchen(
            '{ id = "RK-1", delay_s = 61 }',
            '{ id = "RK-3", when = [{ kind = "blind-rising", role = "gas", slope = 9 }] }',
            '{ id = "RK-99", delay_s = 1 }',
        ),
        (
            (".cause[RK-1].delay_s", "at most 60 (S8)"),
            (".cause[RK-1].delay_s", "0 -> 61"),
            (".cause[RK-3].when[blind-rising gas].slope", "1 -> 9"),
            (".cause[RK-99]", "no such cause"),
        ),
    ),
    Plant(
        "matrix[acts]",
        matrix("acts", "hydrogen-station", '{ id = "E1", action = "close-valve" }'),
        ((".mode", "is only observed"),),
        alone=True,
    ),
    Plant(
        "matrix[watches]",
        matrix("watches", "hydrogen-station", '{ id = "E1", action = "close-valve" }', mode="observe"),
        (("", "an observe-only matrix has no effects"),),
        alone=True,
    ),
    Plant(
        "matrix[holds]",
        matrix("holds", "commercial-kitchen", '{ id = "E1", action = "hold-fan" }'),
        ((".areas", "leaves to a person"),),
        alone=True,
    ),
    Plant("file", "[[rule]\n", (("", "not valid TOML"),), alone=True),
    Plant("rules", "[rules]\nx = 1\n", (("", "unknown table"),), alone=True),
)  # fmt: skip


@given(st.lists(st.sampled_from(PLANTS), unique=True), st.data())
@settings(max_examples=50, deadline=None)
def test_all_mistakes_are_told_at_once_and_nothing_else(plants: list[Plant], data: st.DataObject) -> None:
    files: dict[str, str] = {}
    wanted = []
    for plant in plants:
        shared = data.draw(st.sampled_from(("rules/a.toml", "rules/b.toml", "interlocks/c.toml")))
        name = f"interlocks/{PLANTS.index(plant)}.toml" if plant.alone else shared
        files[name] = files.get(name, "") + plant.text
        wanted += [(f"{name}: {plant.table}{key}: ", words) for key, words in plant.wrong]
    with tempfile.TemporaryDirectory() as folder:
        found = checked(Path(folder), files, SITE)
        told = [line.removeprefix(f"{folder}/") for line in found.errors]
    missing = [
        (where, words) for where, words in wanted if not any(line.startswith(where) and words in line for line in told)
    ]
    foreign = [line for line in told if not any(line.startswith(where) and words in line for where, words in wanted)]
    assert (missing, foreign) == ([], [])
    assert len(set(told)) == len(told)
    is_warned = any(plant.table == "override[GW-01]" for plant in plants)
    assert [line for line in found.warnings if "no area of kind well" in line] == found.warnings
    assert bool(found.warnings) == is_warned
