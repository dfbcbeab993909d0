"""After `kill -9` at any moment: one run for each leak, each deadline told once, each event in the journal once."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from operations.events import decode_event
from tests.operations.run_until_killed import FIRST, consume
from tests.operations.story import START, Site

ROUNDS = 8
OPERATOR = Path(__file__).with_name("run_until_killed.py")


def run_and_kill(folder, lines, chance):
    """Let it go on for so many alarms, then kill it at any moment of the next."""
    process = subprocess.Popen(
        [sys.executable, OPERATOR, folder],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(OPERATOR.parents[2])},
    )
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline()
    for _ in range(chance.randrange(300_000)):
        pass
    process.kill()
    process.stdout.close()
    assert process.wait() == -9


async def test_after_kill_9_each_leak_has_one_run_and_each_deadline_fired_once(tmp_path):
    chance = random.Random(20_26)
    for _ in range(ROUNDS):
        run_and_kill(tmp_path, chance.randrange(1, 6), chance)
    journal = SqliteJournal.open(tmp_path / "journal", now=START)
    entries = [one.entry for one in journal.read(range(PARTITIONS), {}, FIRST)]
    alarms = [entry for entry in entries if entry.kind == "alarm"]
    site = Site(tmp_path)
    consume(site, journal)
    runs = site.operations.runs(site.now)
    unpublished = site.operations.outbox()
    site.close()
    await journal.close()

    assert len(alarms) > ROUNDS
    assert Counter((run.plan, run.area.id) for run in runs) == {
        ("mall-gas-leak-dongkeng", "mall"): 1,
        ("restaurant-gas-leak", "street/hotpot"): 1,
    }
    events = [event for run in runs for event in run.events]
    for run in runs:
        assert [one.number for one in run.events] == list(range(1, len(run.events) + 1))
    missed = Counter((one.run, one.step, one.part) for one in events if one.event == "step-overdue")
    assert len(missed) > 2
    assert set(missed.values()) == {1}
    assert set(Counter((one.run, one.step) for one in events if one.event == "step-done").values()) == {1}
    assert len([one for one in events if one.event in ("opened", "alarm")]) == len(alarms)
    published = [decode_event(entry.body) for entry in (*entries, *unpublished) if entry.kind == "plan"]
    assert sorted(published, key=lambda one: (one.run, one.number)) == sorted(
        events, key=lambda one: (one.run, one.number)
    )
