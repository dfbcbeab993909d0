"""``gengfu evidence``: what is kept, for people and for scripts."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.towns import Town

LEAK = {"methane": 55.0}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    opened = await Town(tmp_path).open(is_whole=True)
    opened.hear(0)
    opened.hear(1, sampled=0.5, **LEAK)
    await opened.acknowledge("gas:1~CK-04")
    await opened.step()
    yield opened
    await opened.close()


def kitchen(town: Town) -> Path:
    return next(path for path in town.files() if path.name.startswith("street.kitchen"))


def test_files_are_listed_with_their_alarms(gengfu, town: Town) -> None:
    said = gengfu("evidence", "list", "--data", town.folder)
    assert said.code == 0
    lines = said.out.splitlines()
    head = next(line for line in lines if str(kitchen(town)) in line)
    assert "  2027-01-15T07:31:00.000Z to 2027-01-15T09:01:00.000Z  " in head
    assert head.endswith("gathering")
    assert "    2027-01-15T08:01:00.000Z gas:1~CK-04" in lines
    listed = json.loads(gengfu("evidence", "list", "--data", town.folder, "--json").out)
    assert {one["area"] for one in listed} == {"street/kitchen", "hall"}
    assert {one["bytes"] for one in listed} == {path.stat().st_size for path in town.files()}


def test_everything_is_shown_in_order_on_the_clock_of_the_site(gengfu, town: Town) -> None:
    said = gengfu("evidence", "show", kitchen(town))
    assert (said.code, said.err) == (0, "")
    head, *lines = said.out.splitlines()
    assert head == (
        "street/kitchen 厨 Kitchen: 2027-01-15 15:31:00.000+0800 to 2027-01-15 17:01:00.000+0800, still being gathered"
    )
    assert "2027-01-15 16:00:00.000+0800 reading  gas:1 methane=0%LEL co=0ppm " in said.out
    leak = next(line for line in lines if "methane=55%LEL" in line)
    assert leak.endswith("(sampled 2027-01-15T08:00:30.000Z)")
    assert " alarm    gas:1~CK-04 raise (critical) at 55, normal -> unacknowledged" in said.out
    assert " trip     street/kitchen~restaurant-kitchen tripped " in said.out
    assert " command  gas:1 close-valve " in said.out
    assert " request  li asks acknowledge gas:1~CK-04" in said.out
    assert " answer   answer to ask-1: done" in said.out
    note, *others = lines
    assert "note     no frames from before 2027-01-15T08:00:00.000Z were there" in note
    stamps = [line[:28] for line in others]
    assert stamps == sorted(stamps)
    assert " frame " not in said.out


def test_frames_are_shown_in_hex_where_they_are_asked_for(gengfu, town: Town) -> None:
    said = gengfu("evidence", "show", kitchen(town), "--frames")
    assert f"2027-01-15 16:01:00.000+0800 frame    line-1 <- peer {b'gas:1 1'.hex(' ')}" in said.out
    items = [
        json.loads(line) for line in gengfu("evidence", "show", kitchen(town), "--frames", "--json").out.splitlines()
    ]
    assert [bytes.fromhex(one["hex"]) for one in items if one["kind"] == "frame"] == [b"gas:1 0", b"gas:1 1"]
    (leak,) = [one for one in items if one["kind"] == "reading" and one["points"]["methane"]["value"] == 55]
    assert leak["points"]["methane"] == {"value": 55.0, "unit": "%{LEL}", "quality": "good"}
    assert leak["at_ns"] - leak["sampled_at_ns"] == 30 * 10**9


def test_what_is_no_evidence_is_told(gengfu, tmp_path: Path) -> None:
    said = gengfu("evidence", "show", tmp_path / "none.sqlite")
    assert (said.code, said.out) == (3, "")
    assert "no such file" in said.err
    (tmp_path / "evidence").mkdir()
    wrong = tmp_path / "evidence" / "wrong.sqlite"
    wrong.write_bytes(b"something else" * 100)
    said = gengfu("evidence", "show", wrong)
    assert (said.code, said.out) == (1, "")
    assert "not a database" in said.err
    listed = gengfu("evidence", "list", "--data", tmp_path)
    assert (listed.code, "not a database" in listed.out) == (0, True)
    wrong.write_bytes(b"")
    assert "not an evidence file" in gengfu("evidence", "show", wrong).err
    nothing = gengfu("evidence", "list", "--data", tmp_path / "empty")
    assert (nothing.code, "nothing was kept yet" in nothing.out) == (0, True)
