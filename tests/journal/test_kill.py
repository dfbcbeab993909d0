"""Nothing acknowledged is lost when the process is killed without warning."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from journal.entry import PARTITIONS, partition_of
from journal.file import position_of
from journal.sqlite import SqliteJournal

ROUNDS = 5
APPENDER = Path(__file__).with_name("appender.py")


def _run_and_kill(folder, turn, after_lines):
    """What it acknowledged before it was killed, which happens at any moment after so many lines."""
    process = subprocess.Popen(
        [sys.executable, APPENDER, folder, str(turn)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(APPENDER.parents[2])},
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after_lines)]
    process.kill()
    lines += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -9
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def _count(identity):
    turn, _, number = identity.partition("#")[2].partition(".")
    return int(turn), int(number)


async def test_everything_acknowledged_is_there_and_in_order_after_kill_9(tmp_path):
    chance = random.Random(20_26)
    acknowledged = []
    for turn in range(ROUNDS):
        acknowledged += _run_and_kill(tmp_path, turn, chance.randrange(1, 1500))
        journal = SqliteJournal.open(tmp_path, now=time.time_ns())
        stored = journal.read(range(PARTITIONS), {}, 1_000_000)
        state = journal.load_state("")
        await journal.close()
        assert journal.warnings == ()
        identities = [one.entry.id for one in stored]
        assert set(acknowledged) <= set(identities)
        for device in sorted({identity.partition("~")[0] for identity in identities}):
            own = [one for one in stored if one.entry.id.startswith(f"{device}~")]
            counts = [_count(one.entry.id) for one in own]
            last = [number for of_turn, number in counts if of_turn == turn]
            assert counts == sorted(set(counts))
            assert last == list(range(1, len(last) + 1))
            assert {one.entry.partition for one in own} == {partition_of(device)}
            # The state was written in the commit of its entry, never before, never after.
            assert state[device].decode() == "{}.{}".format(*counts[-1])
    assert len(acknowledged) > ROUNDS * 10
    assert sum(position_of(path) is not None for path in tmp_path.iterdir()) > ROUNDS
