"""A leak over real CoAP: its evidence holds what was before and after, and the very bytes, over `kill -9` and
retention."""

import asyncio
import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from alarms.alarm import decode_transition
from alarms.states import Event
from journal.entry import PARTITIONS
from journal.extract import Extract
from journal.sqlite import SqliteJournal
from journal.writer import Limit
from protocols.reading import decode_reading
from protocols.wire import coap
from tests.e2e.coap_program import CoapProgram
from tests.e2e.program_run import Program
from tests.fixtures.datagrams import Message, Peer, peer_of
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.e2e

DEVICE = "kitchen:gas:1"
OPTIONS = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]


def post(number: int, methane: float) -> bytes:
    pack = f'[{{"bn":"{DEVICE}/","n":"boot","v":1}},{{"n":"seq","v":{number}}},{{"n":"methane","v":{methane}}}]'
    return coap.encode(coap.CON, coap.POST, 100 + number, b"tk", OPTIONS, payload=pack.encode())


class Evidence:
    """What the one file holds now."""

    def __init__(self, data: Path) -> None:
        (self.path,) = (data / "evidence").glob("*.sqlite")
        extract = Extract.open(self.path)
        assert extract is not None
        entries = [one.entry for one in extract.entries()]
        methane = [decode_reading(one.body).values[0] for one in entries if one.kind == "reading"]
        self.methane = [value for value in methane if value is not None]
        told = [decode_transition(one.body) for one in entries if one.kind == "alarm"]
        self.raised = {one.rule for one in told if one.event is Event.RAISE}
        self.frames = [(bool(outgoing), data) for _, _, outgoing, _, _, data in extract.frames()]
        extract.close()


def has(data: Path, methane: list[float], frame: bytes) -> bool:
    """A frame is written up to a second after it came, thus may be copied ten seconds after its reading."""
    one = Evidence(data)
    return one.methane == methane and (False, frame) in one.frames


def holds(data: Path, methane: list[float]) -> bool:
    if not list((data / "evidence").glob("*.sqlite")):
        return False
    try:
        one = Evidence(data)
    except sqlite3.Error:
        return False
    return one.methane == methane and len(one.frames) >= 2 * len(methane)


async def say(peer: Peer, numbers: dict[int, float]) -> list[bytes]:
    """Each acknowledged; what was sent."""
    sent = []
    for number, methane in numbers.items():
        sent.append(post(number, methane))
        peer.say(sent[-1])
        # between its acknowledgements the gateway asks the board to close its valve
        answer = Message(coap.ACK, "2.04", 100 + number, b"tk", [], b"")
        await wait_for_async(lambda answer=answer: answer in peer.heard, 10, "2.04")
    return sent


async def drop_everything(data: Path) -> None:
    """Retention, as if every store had everything and months had gone by."""
    journal = SqliteJournal.open(data / "journal", now=time.time_ns())
    await journal.seal(time.time_ns(), Limit(0, 10**18))
    last = max(one.position for one in journal.tail(1))
    await journal.append((), {"something": b"else"})
    assert await journal.prune(time.time_ns() + 10**9, 0, [dict.fromkeys(range(PARTITIONS), last)]) >= 1
    assert journal.read(range(PARTITIONS), {}, 10) == []
    await journal.close()
    shutil.rmtree(data / "frames")


@pytest.mark.timeout(120)
async def test_a_leak_keeps_readings_alarm_and_bytes_over_a_kill_and_retention(tmp_path: Path) -> None:
    site, data = CoapProgram(tmp_path, DEVICE), tmp_path / "data"
    peer = await peer_of(("127.0.0.1", site.port))
    with site.start() as program:
        program.says("Ctrl-C stops", 20)
        sent = await say(peer, {1: 3.0, 2: 4.0, 3: 60.0})
        await wait_for_async(lambda: holds(data, [3.0, 4.0, 60.0]), 20, "evidence at once")
        sent += await say(peer, {4: 61.0})
        program.kill()
    with site.start() as program:
        program.says("Ctrl-C stops", 20)
        sent += await say(peer, {5: 62.0})
        everything = [3.0, 4.0, 60.0, 61.0, 62.0]
        await wait_for_async(lambda: has(data, everything, sent[-1]), 40, "what came after the kill")
        with Program("evidence", "list", "--data", data, "--json") as listed:
            assert await asyncio.to_thread(listed.ends) == 0
        assert await asyncio.to_thread(program.interrupt) == 0
        assert "Traceback" not in program.text, program.text
    peer.transport.close()
    (shown,) = json.loads(listed.text)
    assert (shown["area"], shown["state"]) == ("kitchen", "gathering")
    assert f"{DEVICE}~CK-04" in {one["alarm"] for one in shown["alarms"]}
    await drop_everything(data)
    one = Evidence(data)
    assert one.methane == everything
    assert "CK-04" in one.raised
    incoming = [data for outgoing, data in one.frames if not outgoing]
    # the frame of the last second before a kill may be missing
    assert [data for data in sent if data in incoming] in (sent, [*sent[:3], sent[4]])
    assert incoming == [data for data in sent if data in incoming]
    acknowledged = coap.encode(coap.ACK, coap.CHANGED, 103, b"tk")
    assert (True, acknowledged) in one.frames
