"""`gengfu alarms replay`: «14 instead of 212», what is new and what is gone, and what is wrong with what was given."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.recorded_gateway import KITCHEN, MALL, RecordedGateway
from tests.fixtures.stories import WALL, at, gas_reading, marked

FROM, TO = "2027-01-15T08:00:00Z", "2027-01-15T10:00:00Z"  # WALL, and two hours later
RULE = """
[[rule]]
id = "{id}"
title = {{ zh = "试", en = "Trial" }}
areas = ["commercial-kitchen", "mall"]
class = "{class_}"
priority = "high"
{level}
any = [
    {{ kind = "high", role = "gas", species = ["methane"], limit = {limit}, unit = "{unit}", deadband = {deadband} }},
]
on_delay_s = {on}
off_delay_s = {off}
cause = {{ zh = "试", en = "trial" }}
consequence = {{ zh = "试", en = "trial" }}
response = ["R2"]
respond_within_s = 180.0
source = [{{ what = "trial", source = "trial", verified = false }}]
"""


def rule(
    id_: str = "CK-01", *, limit: float = 10.0, deadband: float = 2.0, on: float = 30.0, off: float = 60.0, **more: Any
) -> str:
    """One rule on methane; as shipped, CK-01 has these figures."""
    given = {"class_": "process", "level": "", "unit": "%{LEL}"} | more
    return RULE.format(id=id_, limit=limit, deadband=deadband, on=on, off=off, **given)


LEVEL_1 = {"class_": "life-safety", "level": "level = 1"}


@pytest.fixture
async def street(tmp_path: Path) -> RecordedGateway:
    """Gas that swings around the limit of CK-01 for an hour, and one leak in the mall. It runs still."""
    gateway = RecordedGateway(tmp_path / "street")
    for second in range(0, 3600, 5):
        swings = 12.0 if second % 200 < 60 else 7.0
        gateway.hear(second, gas_reading(second, KITCHEN, methane=swings))
        if second % 50 == 0:
            gateway.hear(second, gas_reading(second, MALL, methane=30.0 if 1000 <= second < 1100 else 0.0))
    await asyncio.sleep(0)  # what came in one turn goes to the journal together
    await gateway.journal.append(())
    return gateway


@pytest.fixture
async def replay(gengfu, street, tmp_path) -> Callable[..., Any]:
    """``replay(rules, *options)`` over the stopped site, its answer as JSON."""
    await street.stop()

    def call(rules: str, *options: object, start: str = FROM, end: str = TO, data: Path | None = None) -> Any:
        file = tmp_path / "changed.toml"
        file.write_text(rules, encoding="utf-8")
        return gengfu(
            *("alarms", "replay", "--from", start, "--to", end, "--rules", file, *options),
            *("--data", data or street.data, "--site", street.document),
        )

    return call


def found(said: Any) -> Any:
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def row(document: Any, name: str) -> Any:
    return next(one for one in document["rules"] if one["id"] == name)


def test_the_same_rules_raise_what_the_journal_holds(replay) -> None:
    document = found(replay(rule(), "--json"))
    one = row(document, "CK-01")
    assert one["after"]["new"] == one["before"]["vanished"] == 0
    assert one["before"]["raised"] == one["after"]["raised"] == one["recorded"] == 19
    assert document["raised"]["before"] == document["raised"]["after"] == document["raised"]["recorded"] > 19
    assert document["warnings"] == []
    assert not any("journal holds" in note for note in document["notes"])


def test_a_longer_off_delay_makes_one_of_many(replay) -> None:
    document = found(replay(rule(off=180.0), "--json"))
    one = row(document, "CK-01")
    assert (one["in_file"], one["before"]["raised"], one["after"]["raised"]) == ("changed", 19, 2)
    assert (document["new"]["count"], document["vanished"]["count"]) == (0, 0)
    assert one["after"]["standing_s"] > one["before"]["standing_s"] > 0
    text = replay(rule(off=180.0)).out
    assert "2 instead of 19" in text
    assert "试 Trial" in text


def test_a_higher_limit_loses_alarms_and_each_is_told(replay) -> None:
    document = found(replay(rule(limit=20.0), "--json"))
    gone = [one for one in document["vanished"]["alarms"] if one["rule"] == "CK-01"]
    assert [one["device"] for one in gone] == [KITCHEN] * 18
    assert gone[0] | {"returned_at": ""} == {
        "device": KITCHEN,
        "area": "kitchen",
        "rule": "CK-01",
        "point": "methane",
        "origin": "live",
        "life_safety": False,
        "raised_at": "2027-01-15T08:00:30.000Z",
        "returned_at": "",
        "value": 12.0,
        "unit": "%{LEL}",
        "late": False,
    }
    assert document["warnings"] == []
    assert "... and " not in replay(rule(limit=20.0)).out


def test_a_new_rule_is_added_and_its_alarms_are_new(replay) -> None:
    document = found(replay(rule("XX-1", limit=6.0, on=0.0), "--json"))
    one = row(document, "XX-1")
    assert (one["in_file"], one["before"]) == ("added", None)
    assert [one["device"] for one in document["new"]["alarms"]] == [KITCHEN, MALL]
    assert document["new"]["alarms"][0]["returned_at"] is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"limit": 40.0, "on": 5.0}, "it raises 0 instead of 1, 1 alarms are not raised at all"),
        ({"limit": 25.0, "deadband": 5.0, "on": 60.0}, "one is raised 55 s later"),
    ],
)
def test_a_life_safety_rule_that_protects_less_is_warned_of(replay, changed, said) -> None:
    document = found(replay(rule("CK-02", **(LEVEL_1 | changed)), "--json"))
    (warning,) = document["warnings"]
    assert warning.startswith("CK-02 protects less: ")
    assert said in warning
    assert "two people (safety rule S11)" in warning
    assert "WARNING: CK-02 protects less" in replay(rule("CK-02", **(LEVEL_1 | changed))).out


def test_a_changed_life_safety_rule_is_told_even_where_nothing_shows(replay) -> None:
    (warning,) = found(replay(rule("CK-04", limit=45.0, **(LEVEL_1 | {"level": "level = 2"}), on=0.0), "--json"))[
        "warnings"
    ]
    assert warning.startswith("CK-04 is a life-safety rule and is changed; nothing in this time shows less")
    (warning, _) = found(replay(rule("CK-02"), "--json"))["warnings"]
    assert warning.startswith("CK-02 is no life-safety rule in the file")


def test_what_stood_before_is_no_new_alarm(replay) -> None:
    document = found(replay(rule(), "--json", start="2027-01-15T08:00:40Z"))
    assert row(document, "CK-01")["after"]["raised"] == 18
    assert document["warm_up_readings"] > 0
    cold = found(replay(rule(), "--json", "--warm-up", "0", start="2027-01-15T08:00:40Z"))
    assert row(cold, "CK-01")["after"]["raised"] == 18
    assert cold["warm_up_readings"] == 0


def test_one_device_only(replay) -> None:
    document = found(replay(rule(), "--json", "--device", MALL))
    assert (document["devices"], document["readings"]) == (1, 72)
    assert row(document, "CK-01")["before"]["raised"] == 1


async def test_it_reads_a_running_site_and_changes_nothing(gengfu, street, tmp_path) -> None:
    """The journal is open, and its newest entries stand in its log."""
    file = tmp_path / "same.toml"
    file.write_text(rule(), encoding="utf-8")
    before = _content(street.data)
    words = ("alarms", "replay", "--from", FROM, "--to", TO, "--rules", file, "--json", "--site", street.document)
    document = found(gengfu(*words, "--data", street.data))
    assert row(document, "CK-01")["recorded"] == row(document, "CK-01")["before"]["raised"] == 19
    assert _content(street.data) == before
    copied = tmp_path / "copy"
    shutil.copytree(street.data, copied)
    assert found(gengfu(*words, "--data", copied)) | {"data": ""} == document | {"data": ""}
    await street.stop()


def _content(folder: Path) -> dict[str, str]:
    """But for the index of the log, in which SQLite counts who reads."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_drills_are_counted_only_when_asked_for(gengfu, tmp_path) -> None:
    gateway = RecordedGateway(tmp_path)
    for second in range(0, 60, 5):
        gateway.hear(second, gas_reading(second, KITCHEN, Origin.DRILL, methane=12.0))
    await gateway.stop()
    file = tmp_path / "rules.toml"
    file.write_text(rule(), encoding="utf-8")
    words = ("alarms", "replay", "--from", FROM, "--to", TO, "--rules", file, "--json")
    where = ("--data", gateway.data, "--site", gateway.document)
    counts = {
        origin: row(found(gengfu(*words, *where, "--origin", origin)), "CK-01")["before"]["raised"]
        for origin in ("live", "drill", "simulated", "all")
    }
    assert counts == {"live": 0, "drill": 1, "simulated": 0, "all": 1}


async def test_where_the_journal_ends_all_ends(gengfu, tmp_path) -> None:
    gateway = RecordedGateway(tmp_path)
    for second in range(0, 300, 5):
        gateway.hear(second, marked(gas_reading(second, KITCHEN), Quality.BAD_SENSOR_FAULT, "methane"))
    await gateway.stop()
    file = tmp_path / "rules.toml"
    file.write_text(rule(), encoding="utf-8")
    words = ("alarms", "replay", "--from", FROM, "--to", TO, "--rules", file, "--json", "--device", KITCHEN)
    document = found(gengfu(*words, "--data", gateway.data, "--site", gateway.document))
    one = row(document, "BL-02")["before"]
    assert (one["raised"], one["standing_s"]) == (1, 195.0)
    assert document["until"] == "2027-01-15T08:04:55.000Z"
    assert f"the journal ends at {document['until']}" in document["notes"]


# -- what is wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": TO, "end": FROM}, f"--from {TO}: must be before --to {FROM}"),
        ({"start": "yesterday"}, "--from yesterday: is no time such as"),
        ({"options": ["--device", "no:such", "--device", "nor:this"]}, "no device no:such, nor:this at this site"),
        ({"options": ["--warm-up", "-1"]}, "--warm-up -1: give minutes from 0"),
        ({"options": ["--warm-up", "nan"]}, "--warm-up nan: give minutes from 0"),
        ({"options": ["--time-zone", "Moon"]}, "--time-zone: 'Moon' is no time zone"),
        ({"options": ["--rules", "/nowhere.toml"]}, "--rules /nowhere.toml: cannot be read: No such file"),
        ({"rules": "[[rule"}, "changed.toml: not valid TOML"),
        ({"rules": ""}, "holds no [[rule]]; there is nothing to compare"),
        ({"rules": rule(unit="Pa")}, "rule CK-01: at gengfu/gas-alarm in an area of kind commercial-kitchen: "),
    ],
)
def test_wrong_input_is_named(replay, options, said) -> None:
    given = {"rules": rule(), "options": []} | options
    times = {name: given[name] for name in ("start", "end") if name in given}
    answer = replay(given["rules"], *given["options"], **times)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


def test_every_fault_of_a_file_is_named(replay) -> None:
    answer = replay(rule("no id") + rule(limit="'x'"))
    assert answer.code == 1
    assert "changed.toml: rule.0.id: " in answer.err
    assert "changed.toml: rule.1.any.0.limit: " in answer.err
    answer = replay(rule("CK-02", **(LEVEL_1 | {"on": 99.0})) + rule("CK-02"))
    assert "would hide a level-1 alarm; at most 60 (S8)" in answer.err
    assert "the id stands twice" in answer.err


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-01-01", "2026-01-02", "holds nothing of that time; it begins at 2027-01-15T08:00:00.000Z"),
        ("2028-01-01", "2028-01-02", "holds nothing of that time; it begins at 2027-01-15T08:00:00.000Z"),
    ],
)
def test_a_time_of_which_nothing_is_kept_is_said(replay, start, end, said) -> None:
    answer = replay(rule(), start=start, end=end)
    assert (answer.code, answer.out) == (3, "")
    assert said in answer.err


def test_a_folder_without_a_journal_is_said(replay, tmp_path) -> None:
    answer = replay(rule(), data=tmp_path / "elsewhere")
    assert (answer.code, answer.out) == (3, "")
    assert "holds no journal; name the data folder of a site with --data" in answer.err


def test_a_site_has_to_be_named(gengfu, tmp_path) -> None:
    answer = gengfu("alarms", "replay", "--from", FROM, "--to", TO, "--rules", tmp_path / "x.toml")
    assert (answer.code, answer.out) == (1, "")
    assert "no site: name its settings with -c, or its document with --site" in answer.err


async def test_settings_name_folder_and_site(gengfu, street, tmp_path) -> None:
    await street.stop()
    settings = tmp_path / "gengfu.toml"
    settings.write_text(f'data = "{street.data}"\nsite = "{street.document}"\n', encoding="utf-8")
    file = tmp_path / "rules.toml"
    file.write_text(rule(), encoding="utf-8")
    said = gengfu(
        "alarms", "replay", "--from", "2027-01-15 16:00", "--to", "2027-01-15 17:00", "--rules", file, "-c", settings
    )
    assert said.code == 0
    assert said.out.startswith("2027-01-15 16:00:00+0800 to 2027-01-15 17:00:00+0800: 792 readings of 3 devices")


def test_the_story_begins_when_it_is_said_to() -> None:
    assert at(0).wall == WALL == 1_800_000_000 * 10**9
