"""A real board with an OSCORE credential at the running program, which is killed again and again."""

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.coap_program import CoapProgram
from tests.firmware.bench import DEVICE, Board
from tests.fixtures.oscore_gateway import SALT, SECRET
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.e2e, pytest.mark.board]

PART = """
period_s = 0.2
[device.oscore]
sender_id = "02"
recipient_id = "01"
master_secret_file = "%s"
master_salt = "%s"
"""


def acknowledged(board: Board, number: int) -> bool:
    return len(board.of("acknowledged")) >= number


@pytest.mark.timeout(120)
async def test_protected_readings_arrive_once_over_kills_of_the_gateway_and_a_leak_closes_the_valve(
    micropython: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    site = CoapProgram(tmp_path, DEVICE, PART % (secret, SALT))
    state = tmp_path / "state"
    state.mkdir()
    told = {"sender_id": "01", "recipient_id": "02", "master_secret": SECRET, "master_salt": SALT}
    (state / "key").write_text(json.dumps(told))
    with Board(micropython, f"127.0.0.1:{site.port}", state, oscore="key", ack_timeout=0.5, trip_after=60) as board:
        for _ in range(3):
            until = len(board.of("acknowledged")) + 4
            with site.start() as program:
                await wait_for_async(partial(acknowledged, board, until), 30, "acknowledged readings")
                program.kill()
        with site.start() as program:
            until = len(board.of("acknowledged")) + 4
            await wait_for_async(partial(acknowledged, board, until), 30, "acknowledged readings")
            # Its own trip comes a minute later: who closes here is the gateway, under its half of the credential.
            board.say("gas 60")
            await wait_for_async(lambda: board.of("command"), 30, "the command")
            assert board.of("command")[0]["name"] == "close-valve"
            board.stop(kill=True)
            assert await asyncio.to_thread(program.interrupt, 5) == 0
            assert SECRET not in program.text
    readings = await site.readings()
    stored = [one.sequence for one in readings if one.sequence is not None]
    assert {one["seq"] for one in board.of("acknowledged")} <= set(stored)
    assert len(stored) == len(set(stored))
    assert board.of("refused") == []
