"""What runs beside what is shipped, and beside what the files of the site approve now (S11)."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from gengfu.rules import shipped
from gengfu.site_rules.approved import Register, compare
from gengfu.site_rules.book import read_book
from tests.fixtures.rule_site import matrix_override, override, rule, site, write

GAS = 'any = [{ kind = "high", role = "gas", deadband = %s }]'
RK_1 = 'cause = [{ id = "RK-1", when = [{ kind = "high", role = "gas", limit = %s }] }]'
OWN = '{ kind = "high", role = "co", limit = %s, unit = "[ppm]", deadband = 5.0 }'
LATER = override("CK-02", "approved_on = 2026-11-20", "on_delay_s = 20.0", by='"王伟", "Li Na"')
FILES = {
    "rules/a.toml": LATER + rule("XX-1", OWN % 30.0),
    "interlocks/b.toml": matrix_override("restaurant-kitchen", RK_1 % 20.0),
}


def looked_at(folder: Path, started: Mapping[str, str], now: Mapping[str, str]) -> Register:
    """The gateway was started with some files, and others stand there now."""
    document = write(folder, started)
    running = read_book(document, site())
    for name in started:
        (folder / name).unlink()
    write(folder, now)
    return compare(document, site(), running)


def test_without_files_everything_is_as_shipped() -> None:
    found = compare(None, site(), shipped())
    assert (found.rows, found.problems, found.deviations) == ([], [], [])


def test_what_a_site_changed_stands_with_who_approved_it_and_when(tmp_path: Path) -> None:
    found = looked_at(tmp_path, FILES, FILES)
    assert found.deviations == []
    shown = [(one.id, one.kind, one.key, one.shipped, one.approved, one.running, one.is_approved) for one in found.rows]
    assert shown == [
        ("CK-02", "rule", "on_delay_s", 5.0, 20.0, 20.0, True),
        ("XX-1", "rule", "", None, "XX-1", "XX-1", True),
        ("restaurant-kitchen", "matrix", "cause[RK-1].when[high gas].limit", 25.0, 20.0, 20.0, True),
    ]
    assert [(one.approved_by, one.approved_on, one.why, one.file) for one in found.rows] == [
        (("王伟", "Li Na"), date(2026, 11, 20), "as agreed", "rules/a.toml"),
        ((), None, "", "rules/a.toml"),
        ((), None, "as agreed", "interlocks/b.toml"),
    ]
    titles = {one.id: one.title.en for one in found.rows if one.title}
    assert titles["CK-02"] == "Gas leak, level 1"


def test_a_file_that_was_changed_since_the_start_is_told(tmp_path: Path) -> None:
    now = {"rules/a.toml": override("CK-02", GAS % 6.0) + rule("XX-1", OWN % 40.0)}
    found = looked_at(tmp_path, FILES, now)
    assert found.deviations == [
        "CK-02 on_delay_s: 20.0 runs, 5.0 is approved",
        "CK-02 any[high gas].deadband: 5.0 runs, 6.0 is approved",
        "XX-1 any[high co].limit: 30.0 runs, 40.0 is approved",
        "restaurant-kitchen cause[RK-1].when[high gas].limit: 20.0 runs, 25.0 is approved",
    ]
    assert {(one.id, one.key) for one in found.rows if one.is_approved} == {("XX-1", "")}


def test_a_rule_of_its_own_that_is_gone_from_the_files_is_told(tmp_path: Path) -> None:
    found = looked_at(tmp_path, {"rules/a.toml": rule("XX-1", OWN % 30.0)}, {})
    assert found.deviations == ["XX-1: XX-1 runs, None is approved"]


def test_an_approval_that_was_taken_back_is_told_though_the_figure_runs(tmp_path: Path) -> None:
    alone = override("CK-02", "on_delay_s = 20.0", by='"王伟"')
    found = looked_at(tmp_path, {"rules/a.toml": LATER}, {"rules/a.toml": alone})
    assert [one.is_approved for one in found.rows] == [False]
    where = f"{tmp_path}/rules/a.toml: override[CK-02].on_delay_s"
    assert [line.partition(": 5 ->")[0] for line in found.deviations] == [where]


def test_files_that_cannot_be_read_approve_nothing(tmp_path: Path) -> None:
    found = looked_at(tmp_path, {"rules/a.toml": LATER}, {"rules/a.toml": "[["})
    assert [row.is_approved for row in found.rows] == [False]
    assert len(found.deviations) == 2
    assert "not valid TOML" in found.deviations[0]
