"""How soon the console says what was measured last: 5,000 devices x 10 points, asked of the real program.

    python -m bench.latest [--folder DIR]

The newest values stand in the embedded store; `gengfu up` starts on it and keeps them in memory. One client on one
connection asks: 200 times the newest values of a device (another one each time), 200 times the event stream up to
the end of its first event, which holds the newest values of all devices (what the pages show), and 25 times a page of
1,000 devices without their values. CPU seconds are the program's.
"""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

import httpx

from bench.modbus_start import HEAD, compile_modules, profile_text
from bench.parts import percentile
from bench.rows import Row, run_alone
from console.api.events import RETRY
from protocols.reading import Origin, Reading
from telemetry.duck import DuckStore
from telemetry.store import Series
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for

DEVICES, POINTS, PAGE = 5_000, 10, 1_000
REQUESTS, PAGES = 200, 25
LONGEST_START_S = 60.0
PASSWORD = "a password of this benchmark"
AGE_NS = 60 * 10**9
_CONNECTION = '[[connection]]\nid = "coap"\ntransport = "coap"\nlisten = "127.0.0.1:{port}"\n'
_DEVICE = """
[[device]]
id = "{id}"
profile = "bench/ten"
title = {{ zh = "表", en = "Meter" }}
area = "hall"
connection = "coap"
"""


def _id(number: int) -> str:
    return f"bench:{number:04d}"


def _fill(place: Path) -> None:
    """The site's document, and a store that holds a reading of each device."""
    (place / "profiles" / "bench").mkdir(parents=True)
    (place / "profiles" / "bench" / "ten.toml").write_text(profile_text(), encoding="utf-8")
    devices = "".join(_DEVICE.format(id=_id(number)) for number in range(DEVICES))
    (place / "site.toml").write_text(
        HEAD + _CONNECTION.format(port=unused_port(socket.SOCK_DGRAM)) + devices, encoding="utf-8"
    )
    (place / "data").mkdir()
    series = Series("bench/ten", "bench", "bench", "hall", tuple(f"p{point}" for point in range(POINTS)))
    store = DuckStore.open(place / "data" / "telemetry.duckdb", lambda _: series)
    at = time.time_ns() - AGE_NS
    store.write([_reading(number, at) for number in range(DEVICES)], {})
    store.close()


def _reading(number: int, at: int) -> Reading:
    values = tuple(round(10 + (number + point) % 900 / 10, 1) for point in range(POINTS))
    return Reading(_id(number), "bench/ten", at + number, at + number, Origin.LIVE, values, (0,) * POINTS)


@contextmanager
def _program(place: Path, http: int) -> Iterator[Popen[bytes]]:
    where = {
        "GENGFU__SITE": str(place / "site.toml"),
        "GENGFU__DATA": str(place / "data"),
        "GENGFU__PROFILES": f'["{place / "profiles"}"]',
        "GENGFU__HTTP__PORT": str(http),
        "GENGFU_ADMIN_PASSWORD": PASSWORD,
    }
    process = Popen([sys.executable, "-m", "gengfu.cli", "up"], env=os.environ | where, stdout=DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _sign_in(client: httpx.Client, program: Popen[bytes]) -> None:
    def is_ready() -> bool:
        assert program.poll() is None, f"gengfu up ended with {program.returncode}"
        try:
            return client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    wait_for(is_ready, LONGEST_START_S)
    answer = client.post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"


def _cpu_s(program: Popen[bytes]) -> float:
    """CPU seconds of a program so far."""
    text = Path(f"/proc/{program.pid}/stat").read_text(encoding="utf-8")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _one(client: httpx.Client, number: int) -> None:
    device = _id(number * 7919 % DEVICES)
    items = client.get(f"/api/v1/devices/{device}/latest").raise_for_status().json()["items"]
    assert len(items) == POINTS, f"{len(items)} values of {device}"


def _page(client: httpx.Client, number: int) -> None:
    after = {"after": _id(number * PAGE % DEVICES - 1)} if number * PAGE % DEVICES else {}
    items = client.get("/api/v1/devices", params={"limit": PAGE, **after}).raise_for_status().json()["items"]
    assert len(items) == PAGE, f"{len(items)} devices"


def _all(client: httpx.Client, _number: int) -> None:
    parts: list[bytes] = []
    with client.stream("GET", "/api/v1/events") as answer:
        for part in answer.iter_raw():
            parts.append(part)
            if part.endswith(b"\n\n") and part != RETRY:
                break
    devices = b"".join(parts).count(b'"p9"')
    assert devices == DEVICES, f"{devices} devices in the snapshot"


def _asked(
    what: str, ask: Callable[[httpx.Client, int], None], times: int, client: httpx.Client, program: Popen[bytes]
) -> list[Row]:
    spent: list[float] = []
    cpu = _cpu_s(program)
    for number in range(times):
        began = time.perf_counter()
        ask(client, number)
        spent.append((time.perf_counter() - began) * 1e3)
    cpu = (_cpu_s(program) - cpu) / times * 1e3
    return [
        Row(f"{what}, p50", percentile(spent, 0.5), "ms"),
        Row(f"{what}, p95", percentile(spent, 0.95), "ms"),
        Row(f"{what}, CPU of the program", cpu, "ms"),
    ]


def measure(folder: Path, _seconds: float = 0.0) -> list[Row]:
    """All rows."""
    compile_modules()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place, http = Path(name), unused_port()
        _fill(place)
        with (
            _program(place, http) as program,
            httpx.Client(base_url=f"http://127.0.0.1:{http}", trust_env=False, timeout=30) as client,
        ):
            _sign_in(client, program)
            return [
                row
                for what, ask, times in (
                    ("newest values of one of 5,000 devices", _one, REQUESTS),
                    ("newest values of all 5,000 devices", _all, REQUESTS),
                    ("a page of 1,000 devices, without values", _page, PAGES),
                )
                for row in _asked(what, ask, times, client, program)
            ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
