"""The least that a durable CoAP post costs on this machine just now: the bare work on uvloop, without our code.

A confirmable post is parsed (header, options), its JSON decoded, its value held against three limits and packed;
SQLite (WAL, synchronous=FULL) takes what waits in one commit, in a thread, and then each post is acknowledged. A commit
begins when none is under way and 128 posts wait or the oldest has waited for the window. No retransmissions, no
identities, no devices, no qualities, no alarms.
"""

import asyncio
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

from bench.floors.durable import opened
from bench.processes import cpu_s, given

ENOUGH = 128
LIMITS = (5.0, 10.0, 20.0)
URI_PATH, MARKER = 11, 0xFF
WARM_UP_S = 1.5
LOOK_EVERY_S = 0.1


class _Door(asyncio.DatagramProtocol):
    def __init__(self, folder: Path, window_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._window_s = window_s
        self._waiting: list[tuple[bytes, Any, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._committing = False
        self._due = False
        self._file = opened(folder)
        self.stored = self.over = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        path, payload = parsed(data)
        (record,) = msgspec.json.decode(payload)
        name, value = record["n"], record["v"]
        self.over += sum(value > limit for limit in LIMITS)
        answer = bytes((0x60 | data[0] & 0x0F, 0x44)) + data[2 : 4 + (data[0] & 0x0F)]
        self._waiting.append((answer, addr, msgspec.msgpack.encode((path, name, time.time_ns(), value))))
        if len(self._waiting) == 1 and self._timer is None:
            self._timer = self._loop.call_later(self._window_s, self._waited)
        if len(self._waiting) >= ENOUGH:
            self._due = True
            self._begin()

    def _waited(self) -> None:
        self._timer = None
        self._due = True
        self._begin()

    def _begin(self) -> None:
        if self._committing or not self._due or not self._waiting:
            return
        self._due, self._committing = False, True
        taken, self._waiting = self._waiting, []
        self._loop.run_in_executor(None, self._commit, taken)

    def _commit(self, taken: list[tuple[bytes, Any, bytes]]) -> None:
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO entry VALUES (?)", [(body,) for _, _, body in taken])
        self._file.execute("COMMIT")
        self._loop.call_soon_threadsafe(self._committed, taken)

    def _committed(self, taken: list[tuple[bytes, Any, bytes]]) -> None:
        if self._transport.is_closing():
            return
        for answer, addr, _ in taken:
            self._transport.sendto(answer, addr)
        self.stored += len(taken)
        self._committing = False
        self._begin()


def parsed(data: bytes) -> tuple[list[bytes], bytes]:
    """Path and payload (RFC 7252, 3 and 3.1)."""
    at, number, path = 4 + (data[0] & 0x0F), 0, []
    while at < len(data) and data[at] != MARKER:
        delta, length = data[at] >> 4, data[at] & 0x0F
        at += 1
        if delta == 13:
            delta, at = data[at] + 13, at + 1
        number += delta
        if number == URI_PATH:
            path.append(data[at : at + length])
        at += length
    return path, data[at + 1 :]


def serve(told: Connection, folder: str, window_s: float, seconds: float) -> None:
    """Tells its port, and then the posts per CPU second."""
    uvloop.run(_serve(told, Path(folder), window_s, seconds))


async def _serve(told: Connection, folder: Path, window_s: float, seconds: float) -> None:
    door = _Door(folder, window_s)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(given(door), local_addr=("127.0.0.1", 0))
    told.send(transport.get_extra_info("sockname")[1])
    while not door.stored:
        await asyncio.sleep(LOOK_EVERY_S)
    await asyncio.sleep(WARM_UP_S)
    cpu, posts = cpu_s(), door.stored
    await asyncio.sleep(seconds)
    told.send((door.stored - posts) / (cpu_s() - cpu))
    transport.close()
