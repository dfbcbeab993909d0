"""Bump tests and maintenance in the wired gateway: asked for over the downlink, and over a ``kill -9``."""

import subprocess
import sys
from pathlib import Path

import pytest

from alarms.states import AlarmState
from gengfu.boot import boot_id
from gengfu.evidence.ownership import Mark, mark_of
from gengfu.evidence.show import _of_entry
from journal.entry import PARTITIONS, Entry
from protocols.bump_test import KIND, STATE, BumpTest, decode_bump_test, encode_bump_test
from protocols.maintenance import encode_maintenance
from protocols.profile.loader import shipped_profiles
from protocols.reading import decode_reading
from tests.fixtures.tested_gateway import GAS, METHANE, OTHER, Running, started
from tests.fixtures.waiting import wait_for_async
from tools import journal_samples as samples

ROOT = Path(__file__).parents[2]
LEAK = f"{GAS}~CK-04"
INDEX = shipped_profiles()["gengfu/gas-alarm"].by_name["methane"].index
WISH = {"why": "monthly", "for_s": 600.0}
SUPPRESSED = AlarmState.SUPPRESSED_BY_DESIGN


def killed_in_the_middle(folder: Path) -> None:
    """A gateway puts a detector under test, stores its gas, and is killed."""
    command = [sys.executable, "-m", "tests.fixtures.tested_gateway", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "stored\n"
        finally:
            process.kill()


def bump_tests(running: Running) -> list[BumpTest]:
    stored = running.gateway.journal.read(range(PARTITIONS), {}, 10_000)
    return [decode_bump_test(one.entry.body) for one in stored if one.entry.kind == KIND]


def reasons(running: Running) -> list[str]:
    stored = running.gateway.journal.read(range(PARTITIONS), {}, 10_000)
    readings = [decode_reading(one.entry.body) for one in stored if one.entry.kind == "reading"]
    return [one.quality_of(INDEX).reason for one in readings if one.device == GAS]


def standing(running: Running) -> set[str]:
    return {one.alarm for one in running.gateway.watch.alarms.records() if one.state.stands}


async def test_kill_in_the_middle_of_a_test_lets_it_go_on_to_its_end(tmp_path: Path) -> None:
    killed_in_the_middle(tmp_path)
    async with started(tmp_path) as running:
        await running.hear(methane=58.0, alarm=1.0)
        assert standing(running) == set()
        answer = await running.ask("end-bump-test", METHANE, "wang", {})
        assert answer is not None
        assert answer.refusal == ""
        ended = bump_tests(running)[-1]
        assert (ended.state, ended.highest, ended.who, ended.ended_by) == ("passed", 60.0, "li", "wang")
        assert reasons(running) == ["", "under-test", "under-test"]
        await running.hear(methane=58.0)
        assert LEAK in standing(running)


async def test_kill_and_a_start_of_the_machine_end_it_and_the_gas_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_in_the_middle(tmp_path)
    monkeypatch.setattr("gengfu.gateway_side.boot_id", lambda: "another")
    async with started(tmp_path) as running:
        await running.hear(methane=58.0)
        assert LEAK in standing(running)
        ended = bump_tests(running)[-1]
        assert (ended.state, ended.highest, ended.ended_why) == ("passed", 60.0, "restart")


async def test_it_ends_by_itself_though_nobody_reports(tmp_path: Path) -> None:
    async with started(tmp_path) as running:
        await running.hear()
        assert await running.ask("bump-test", METHANE, "li", {**WISH, "for_s": 1.0}) is not None
        assert set(running.gateway.modes.bump_tests.running) == {GAS}
        await wait_for_async(lambda: len(bump_tests(running)) == 2, 10, "the end of the test")
        assert (bump_tests(running)[-1].ended_why, running.gateway.modes.bump_tests.due()) == ("time", None)
        state = decode_bump_test(running.gateway.journal.load_state(STATE)[STATE + METHANE])
        assert state == bump_tests(running)[-1]


async def test_maintenance_is_asked_for_and_a_change_of_the_site_is_followed(tmp_path: Path) -> None:
    async with started(tmp_path) as running:
        await running.hear()
        await running.hear(OTHER)
        answer = await running.ask("maintenance", "kitchen~area", "li", WISH)
        assert answer is not None
        assert answer.refusal == ""
        await running.ask("bump-test", METHANE, "li", WISH)
        running.gateway.rearrange()
        silent = {one.device for one in running.gateway.watch.alarms.records() if one.state is SUPPRESSED}
        assert silent == {GAS, OTHER}
        assert set(running.gateway.modes.bump_tests.running) == {GAS}
        running.drop(GAS)
        running.gateway.rearrange()
        assert running.gateway.modes.bump_tests.running == {}
        refused = await running.ask("maintenance", "attic~area", "li", WISH)
        assert refused is not None
        assert refused.found is False


def shown(entry: Entry) -> tuple[Mark | None, str]:
    return mark_of(entry), _of_entry(entry, {})["text"]


def test_both_belong_to_the_evidence_of_their_area_and_are_shown_in_words() -> None:
    running, passed, interrupted = (
        shown(Entry(KIND, "x", 0, 7, encode_bump_test(one))) for one in samples.bump_tests()
    )
    assert {running[0], passed[0], interrupted[0]} == {Mark((7,), samples.GAS)}
    assert passed[1] == (
        "bump test east:gas:1~methane passed highest 52.5 of 25 %LEL by li: 月度通气测试 wang 气瓶用完"
    )
    assert "failed nothing good yet" in interrupted[1]
    device, area = (shown(Entry("maintenance", "x", 0, 7, encode_maintenance(one))) for one in samples.maintenance())
    assert device == (Mark((7,), samples.GAS), "maintenance east:gas:1~device running by li: 换电源")
    assert area == (Mark((7,), area="east/kitchen"), "maintenance east/kitchen~area ended by li: 检修 wang 完工")


def test_start_of_the_machine_is_known_or_nobody_knows(tmp_path: Path) -> None:
    assert boot_id() == boot_id() != ""
    assert boot_id(tmp_path / "missing") == ""
    broken = tmp_path / "boot_id"
    broken.write_bytes(b"\xff")
    assert boot_id(broken) == ""
