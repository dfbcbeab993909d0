"""Throws malformed frames at every door of a real `gengfu up`, while devices report; then looks at what is left.

Frames arrive as fast as the gateway takes them: a sender waits for a sign of life every so often, so that what is
counted as thrown was received, and not lost in a full socket buffer.
"""

import asyncio
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx

from device_registry.credentials import digest, new_token
from gateway.transports.line import PtyEnd
from gengfu.sites import read_site
from protocols.wire import coap
from tests.e2e.coap_fleet import Fleet
from tests.e2e.fuzz_frames import (
    Frames,
    coap_frames,
    http_heads,
    link_frames,
    modbus_rtu_answers,
    modbus_tcp_answers,
)
from tests.e2e.fuzz_recovery import POLLED, GoodDevices
from tests.e2e.program_run import Program
from tests.e2e.stores import in_duckdb
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async

SITE = """
site = {{ id = "fuzz", title = {{ zh = "模糊测试", en = "Fuzz" }} }}
area = [{{ id = "street", title = {{ zh = "街", en = "Street" }}, kind = "street" }}]
connection = [
  {{ id = "coap", transport = "coap", listen = "127.0.0.1:{coap}" }},
  {{ id = "api", transport = "http" }},
  {{ id = "plc", transport = "modbus-tcp", host = "127.0.0.1", port = {tcp}, timeout_s = 0.2 }},
  {{ id = "rtu", transport = "modbus-rtu", port = "{rtu}", timeout_s = 0.1 }},
  {{ id = "link", transport = "serial-link", port = "{link}" }},
]
"""
DEVICE = """
[[device]]
id = "{id}"
profile = "gengfu/smart-bin"
title = {{ zh = "桶", en = "Bin" }}
area = "street"
connection = "{connection}"
{more}
"""
SETTINGS = """
data = "{folder}/data"
site = "{folder}/site.toml"
http = {{ port = {http} }}
telemetry = {{ flush_s = 0.3 }}
"""
DEVICES = 16
PACK = b'[{"bn":"fuzz:bin:%d/","n":"boot","v":1},{"n":"seq","v":2},{"n":"fill","v":50}]'
SIGN_EVERY = 128
"""Datagrams between two pings: well below what the socket buffer of the door holds."""
PERIOD_S = 0.25
HTTP_AT_ONCE = 16
STUCK_S = 30.0
SERVES = "Ctrl-C stops"
"""What the program says when its start is over."""
MOST_GROWTH_MB = 16.0
"""From before the first frame to after the last. The rings of the diagnosis and the memory of what was stored grow to
their bounds in the warm-up, which throws a tenth as much."""


class Outcome(NamedTuple):
    """``mb``: resident megabytes of the gateway before the first frame and after the last. ``thrown``: by door.
    ``acknowledged``: readings of the devices, all of them stored."""

    thrown: Mapping[str, int]
    seconds: Mapping[str, float]
    mb_before: float
    mb_after: float
    acknowledged: int


class Gauntlet:
    """A site with every door, its hostile peers, and the program on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.token = new_token()
        self.http, self.coap, self.tcp = unused_port(), unused_port(socket.SOCK_DGRAM), unused_port()
        self.rtu, self.link = PtyEnd(), PtyEnd()
        self.fleet_names = {f"fuzz:load:{number:02d}": "fill" for number in range(DEVICES)}
        self._write()
        self.doors: Mapping[str, tuple[Callable[[Frames, int], Awaitable[None]], Frames]] = {
            "coap": (self._datagrams, coap_frames(seed, PACK % 1)),
            "http": (self._requests, http_heads(seed, self.token, PACK % 2)),
            "modbus-tcp": (self._slave, modbus_tcp_answers(seed)),
            "modbus-rtu": (lambda frames, count: self._line(self.rtu, frames, count), modbus_rtu_answers(seed)),
            "serial-link": (
                lambda frames, count: self._line(self.link, frames, count),
                link_frames(seed, b"fuzz:bin:5"),
            ),
        }

    def _write(self) -> None:
        more = {
            "coap": "",
            "api": f'http = {{ token_sha256 = "{digest(self.token)}" }}',
            "plc": f"unit = 1\nperiod_s = {PERIOD_S}",
            "rtu": f"unit = 1\nperiod_s = {PERIOD_S}",
            "link": "unit = 1",
        }
        text = SITE.format(coap=self.coap, tcp=self.tcp, rtu=self.rtu.path, link=self.link.path)
        for number, (connection, keys) in enumerate(more.items(), 1):
            text += DEVICE.format(id=f"fuzz:bin:{number}", connection=connection, more=keys)
        for name in self.fleet_names:
            text += DEVICE.format(id=name, connection="coap", more="")
        (self.folder / "site.toml").write_text(text, encoding="utf-8")
        (self.folder / "gengfu.toml").write_text(SETTINGS.format(folder=self.folder, http=self.http), encoding="utf-8")

    async def run(self, frames: int) -> Outcome:
        """Everything, with so many frames at each door. Raises `AssertionError` when the gateway is not well after."""
        fleet = Fleet(self.fleet_names, self.coap, 0.1)
        try:
            with Program("up", "-c", self.folder / "gengfu.toml") as program:
                await wait_for_async(
                    lambda: program.process.poll() is not None or SERVES in program.text, 30, "the start"
                )
                assert program.process.poll() is None, program.text
                await self._throw(max(frames // 10, 500))
                before = resident_mb(program)
                seconds = await self._throw(frames)
                await fleet.settle(60)
                after = resident_mb(program)
                await self._recovers()
                ready = httpx.get(f"http://127.0.0.1:{self.http}/readyz", trust_env=False)
                assert ready.status_code == 200, ready.text
                assert program.interrupt(10) == 0, program.text
            assert "Traceback" not in program.text, program.text[-4000:]
        finally:
            await fleet.abandon()
        stored = in_duckdb(self.folder / "data")
        acknowledged = fleet.ids("acknowledged")
        assert acknowledged == fleet.ids("sent")
        assert {stored[one] for one in acknowledged} == {1}
        return Outcome(dict.fromkeys(self.doors, frames), seconds, before, after, len(acknowledged))

    async def _throw(self, count: int) -> dict[str, float]:
        seconds = {}
        for name, (throw, frames) in self.doors.items():
            began = time.monotonic()
            await throw(frames, count)
            seconds[name] = time.monotonic() - began
        return seconds

    async def _recovers(self) -> None:
        """Behind every door a device that does nothing wrong is heard, whatever was there before."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/senml+json"}
        base = f"http://127.0.0.1:{self.http}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=STUCK_S) as client:
            answer = await client.post("/api/v1/readings", content=PACK % 2, headers=headers)
            assert answer.status_code == 204, answer.text
            devices = GoodDevices(read_site(self.folder / "site.toml"))
            await devices.open(self.tcp, self.rtu, self.link)
            try:
                async with asyncio.timeout(STUCK_S):
                    while not (devices.were_asked() and _none_lost((await client.get("/metrics")).text)):
                        await asyncio.sleep(0.1)
            finally:
                devices.close()

    async def _datagrams(self, frames: Frames, count: int) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.connect(("127.0.0.1", self.coap))
            for number in range(count):
                await loop.sock_sendall(door, frames())
                if number % SIGN_EVERY == 0:
                    await _ping(door, number // SIGN_EVERY & 0xFFFF)
            await _ping(door, 0xFFFF)

    async def _requests(self, frames: Frames, count: int) -> None:
        """Half of them connections that bring bytes, half of them whole requests whose body is broken."""
        bodies = coap_frames(count, PACK % 2)
        shares = [count // HTTP_AT_ONCE + (number < count % HTTP_AT_ONCE) for number in range(HTTP_AT_ONCE)]
        async with asyncio.timeout(STUCK_S + count / 50), asyncio.TaskGroup() as group:
            for share in shares:
                group.create_task(self._broken_bodies(bodies, share // 2))
                group.create_task(self._broken_heads(frames, share - share // 2))

    async def _broken_heads(self, frames: Frames, count: int) -> None:
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.http)
            with suppress(ConnectionError):
                writer.write(frames())
                writer.write_eof()
                await reader.read()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _broken_bodies(self, bodies: Frames, count: int) -> None:
        """Over one connection, as a client library would."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http)
        for _ in range(count):
            body = bodies()
            writer.write(
                f"POST /api/v1/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
                f"Content-Type: application/senml+json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert int(head.split()[1]) < 500, head
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if length is not None:
                await reader.readexactly(int(length[1]))
        writer.close()
        await writer.wait_closed()

    async def _slave(self, frames: Frames, count: int) -> None:
        left = count
        done = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readexactly(12)
                while left > 0:
                    writer.write(b"".join(frames() for _ in range(min(50, left))))
                    left -= 50
                    await writer.drain()
            writer.close()
            if left <= 0:
                done.set()

        server = await asyncio.start_server(serve, "127.0.0.1", self.tcp)
        async with server, asyncio.timeout(STUCK_S + count / 500):
            await done.wait()

    async def _line(self, end: PtyEnd, frames: Frames, count: int) -> None:
        """As fast as whoever has the port open reads."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(STUCK_S + count / 500):
            for _ in range(count):
                data = frames()
                while data:
                    data = data[await _some(loop, end.fd, data) :]


def _none_lost(metrics: str) -> bool:
    """Whether every device of the polled connections answers."""
    lost = re.findall(r"^gengfu_connection_devices_lost\{.*\} (\S+)", metrics, re.MULTILINE)
    assert len(lost) >= len(POLLED), metrics
    return set(lost) == {"0.0"}


async def _some(loop: asyncio.AbstractEventLoop, fd: int, data: bytes) -> int:
    """Write what the line takes now, once it takes any; what came back is read and thrown away."""
    with suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass
    try:
        return os.write(fd, data)
    except BlockingIOError:
        free = asyncio.Event()
        loop.add_writer(fd, free.set)
        try:
            async with asyncio.timeout(STUCK_S):
                await free.wait()
        finally:
            loop.remove_writer(fd)
        return 0


async def _ping(door: socket.socket, mid: int) -> None:
    """CoAP ping (RFC 7252, 4.3): return when the door has taken everything before it."""
    loop = asyncio.get_running_loop()
    datagram = coap.encode(coap.CON, coap.EMPTY, mid)
    pong = coap.encode(coap.RST, coap.EMPTY, mid)
    async with asyncio.timeout(STUCK_S):
        await loop.sock_sendall(door, datagram)
        while await loop.sock_recv(door, 2048) != pong:
            pass


def resident_mb(program: Program) -> float:
    """Of the program's process."""
    pages = int(Path(f"/proc/{program.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
