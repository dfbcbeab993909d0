"""Proof tests and bypasses in the wired gateway: asked for over the downlink, and over a ``kill -9``."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway.proof_tests import RESTARTED
from gengfu.evidence.ownership import Mark, mark_of
from gengfu.evidence.show import _of_entry
from journal.entry import PARTITIONS, Entry
from protocols.bypass import KIND as BYPASS
from protocols.bypass import bypass_target, encode_bypass
from protocols.command import decode_command_event
from protocols.proof_test import KIND as PROOF_TEST
from protocols.proof_test import encode
from tests.fixtures.tested_gateway import GAS, OTHER, Running, started
from tests.fixtures.waiting import wait_for_async
from tools import journal_samples as samples

ROOT = Path(__file__).parents[2]
KITCHEN = "kitchen~restaurant-kitchen"


def killed_while_the_valve_moves(folder: Path) -> None:
    """A gateway begins a proof test, tells the valve to close, and is killed."""
    command = [sys.executable, "-m", "tests.fixtures.tested_gateway", str(folder), "proof"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "issued\n"
        finally:
            process.kill()


def issued(running: Running) -> list[str]:
    stored = running.gateway.journal.read(range(PARTITIONS), {}, 10_000)
    events = [decode_command_event(one.entry.body) for one in stored if one.entry.kind == "command"]
    return [one.command.cause for one in events if one.status == "issued"]


async def test_kill_between_the_command_and_the_read_back_tells_nothing_to_close_again(tmp_path: Path) -> None:
    killed_while_the_valve_moves(tmp_path)
    async with started(tmp_path) as running:
        before = issued(running)
        assert set(before) <= {f"proof-test/{GAS}~valve"}  # the event of it may be younger than the last commit
        await running.hear(valve=2.0)
        await running.hear(OTHER)
        last = running.gateway.modes.proof_tests.last[f"{GAS}~valve"]
        assert (last.state, last.detail, last.passed_at) == ("interrupted", RESTARTED, 0)
        assert issued(running) == before
        assert running.gateway.modes.proof_tests.due() != 0


async def test_proof_test_and_bypass_are_asked_for_and_wired(tmp_path: Path) -> None:
    wish: dict[str, Any] = {"why": "half-yearly", "for_s": 600.0, "measure": "wang"}
    async with started(tmp_path) as running:
        await running.hear()
        await running.hear(OTHER)
        target = bypass_target(KITCHEN, "RK-1", [GAS])
        for verb, who in (("bypass", "li"), ("confirm-bypass", "zhao")):
            answer = await running.ask(verb, target, who, wish)
            assert answer is not None
            assert answer.refusal == ""
        assert set(running.gateway.watch.interlocks.bypasses) == {KITCHEN}
        answer = await running.ask("proof-test", OTHER, "li", {"why": "w", "measure": "wang", "on_site": True})
        assert answer is not None
        assert answer.refusal == ""
        await wait_for_async(lambda: bool(issued(running)), 10, "the command of the proof test")
        assert issued(running) == [f"proof-test/{OTHER}~valve"]


def shown(kind: str, body: bytes) -> tuple[Mark | None, str]:
    entry = Entry(kind, "x", 0, 7, body)
    return mark_of(entry), _of_entry(entry, {})["text"]


def test_both_belong_to_the_evidence_and_are_shown_in_words() -> None:
    begun, _, passed, *_ = (shown(PROOF_TEST, encode(one)) for one in samples.proof_tests())
    assert begun[0] == passed[0] == Mark((7,), samples.GAS)
    assert passed[1] == "proof test east:gas:1~valve passed in 6.25 s by li, on site 王师傅 138: 半年试验"
    asked, active, *_ = (shown(BYPASS, encode_bypass(one)) for one in samples.bypasses())
    assert asked[0] == active[0] == Mark((7,), area="east/kitchen")
    assert active[1] == (
        "bypass of east/kitchen~restaurant-kitchen RK-1 at east:gas:1, east:gas:2 active by li and wang: 换探头; "
        "手持仪值守"
    )
