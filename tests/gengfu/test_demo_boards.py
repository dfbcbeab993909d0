"""The demo's boards: the watchdog around them."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gengfu.demo.boards import Board
from protocols.wire import coap
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.board, pytest.mark.usefixtures("micropython")]

POWER_ON, WATCHDOG = 1, 3
"""Codes of the point ``reset_cause``."""
PATIENCE_S = 20.0
SILENT_S = 2.0
"""Three of them are more than the 3.7 s that a healthy board may be silent."""


class Gateway(asyncio.DatagramProtocol):
    """Takes every reading. ``causes``: of the resets that the boards have told of."""

    def __init__(self) -> None:
        self.causes: list[int] = []
        self._door: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._door = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        _, _, mid, token, _, payload = coap.decode(data)
        self._door.sendto(coap.encode(coap.ACK, coap.CHANGED, mid, token), addr)
        if payload:
            self.causes += [one["v"] for one in json.loads(payload) if one.get("n") == "reset_cause"]


@asynccontextmanager
async def running(folder: Path, gateway: Gateway) -> AsyncIterator[Board]:
    """A gas alarm that sends to ``gateway``."""
    loop = asyncio.get_running_loop()
    door, _ = await loop.create_datagram_endpoint(lambda: gateway, ("127.0.0.1", 0))
    port = door.get_extra_info("sockname")[1]
    words = f"--product gas-alarm --device t:gas:1 --gateway 127.0.0.1:{port} --period 60 --seed 1"
    board = Board("t:gas:1", tuple(words.split()), folder / "state", folder / "log", silent_s=SILENT_S)
    life = asyncio.create_task(board.run())
    try:
        yield board
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
        door.close()


def stuck(pid: int) -> None:
    """Its loop does not come back: no signal handler and no timer of its own runs any more."""
    os.kill(pid, signal.SIGSTOP)


async def test_a_board_whose_loop_never_comes_back_is_reset_and_knows_why(tmp_path: Path) -> None:
    gateway = Gateway()
    async with running(tmp_path, gateway) as board:
        await wait_for_async(lambda: gateway.causes == [POWER_ON], PATIENCE_S, "the first start")
        first = board.pid
        assert first is not None
        stuck(first)
        await wait_for_async(lambda: gateway.causes == [POWER_ON, WATCHDOG], PATIENCE_S, "the second start")
        assert board.starts == 2
        assert board.pid != first
        assert not Path(f"/proc/{first}").exists()
