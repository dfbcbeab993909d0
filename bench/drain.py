"""The real program over a journal that no store has read: how soon it takes data, and how fast the stores catch up.

    python -m bench.drain [--gb 5] [--seconds 40] [--influx] [--folder DIR]

500 devices x 10 points reported once a second, so long that the journal holds ``--gb``. Then ``gengfu up`` starts on
it: «taking data» is from the exec until a confirmable CoAP post, sent every 20 ms, has its 2.04. What the stores take
is read from `/metrics` over ``--seconds``, and held against what the same sink takes of the same entries from memory,
alone in a process of its own, right before.
"""

import argparse
import asyncio
import itertools
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired

import httpx
import msgspec
import uvloop

from bench.modbus_start import HEAD, compile_modules, profile_text
from bench.processes import alone, end_on_sigterm
from bench.rows import Row, print_rows
from bench.servers import influxd
from bench.telemetry import series
from gengfu.evidence.keeper import HEARD
from gengfu.housekeeping import SEGMENT_BYTES
from gengfu.stores import BATCH
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from journal.writer import Limit
from protocols.reading import Origin, Reading, encode_reading
from protocols.wire import coap
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import Sink, StoredItem, duck_sink
from tests.fixtures.ports import unused_port

DEVICE = """
[[device]]
id = "bench:{number}"
profile = "bench/ten"
title = {{ zh = "表", en = "Meter" }}
area = "hall"
connection = "coap"
"""
DEVICES, POINTS = 500, 10
SECOND = 10**9
MOST_MB = 1 << 20
ROUNDS_A_CALL = 20
OWN_BATCHES = 6
LONGEST_START_S = 60.0
TRY_EVERY_S = 0.02
SETTLE_S = 10.0
"""After the start, before the rate is measured."""


def _reading(device: int, at: int) -> Reading:
    values = tuple(round(10 + (at // SECOND + device + point) % 900 / 10, 1) for point in range(POINTS))
    return Reading(f"bench:{device}", "bench/ten", at, at + 2_000_000, Origin.LIVE, values, (0,) * POINTS)


def _entry(device: int, at: int) -> Entry:
    one = _reading(device, at)
    return Entry("reading", one.identity, partition_of(one.device), at, encode_reading(one))


async def _fill(folder: Path, gigabytes: float) -> int:
    """Reports of the past; how many seconds of them there are. Evidence has heard them all, as in a program that goes
    on while its stores do not."""
    journal = SqliteJournal.open(folder, now=time.time_ns(), max_bytes=MOST_MB << 20)
    limit = Limit(SEGMENT_BYTES, 10**18)
    at, rounds = time.time_ns() - 10 * 86_400 * SECOND, 0
    while journal.used_bytes < gigabytes * 1e9:
        calls = [
            [_entry(device, at + (rounds + call) * SECOND) for device in range(DEVICES)]
            for call in range(ROUNDS_A_CALL)
        ]
        rounds += ROUNDS_A_CALL
        heard = max(await asyncio.gather(*map(journal.append, calls)))
        await journal.append((), {HEARD: msgspec.msgpack.encode(heard)})
        await journal.seal(time.time_ns(), limit)
    await journal.close()
    return rounds


def _own_rate(told: Connection, folder: str, url: str | None) -> None:
    """Tells how many entries a second the sink takes from memory."""
    sinks = _sink(Path(folder), url)
    start = time.time_ns() - 20 * 86_400 * SECOND
    rounds = BATCH // DEVICES
    batches = [
        [
            _item(number, device, start + number * SECOND)
            for number in range(of, of + rounds)
            for device in range(DEVICES)
        ]
        for of in range(0, OWN_BATCHES * rounds, rounds)
    ]
    sinks.consume(batches[0])
    began = time.perf_counter()
    for batch in batches[1:]:
        sinks.consume(batch)
    told.send(BATCH * (OWN_BATCHES - 1) / (time.perf_counter() - began))


def _item(position: int, device: int, at: int) -> StoredItem:
    one = _entry(device, at)
    return position, one.partition, one.kind, one.body


def _sink(folder: Path, url: str | None) -> Sink:
    chosen = series(POINTS)._replace(profile="bench/ten", points=tuple(f"p{at}" for at in range(POINTS)))
    if url is None:
        return duck_sink(DuckStore.open(folder / "own.duckdb", lambda _: chosen))
    return InfluxSink(InfluxSettings(url=url, database="own"), lambda _: chosen, folder / "own.sqlite")


@contextmanager
def _program(place: Path, http: int, url: str | None) -> Iterator[Popen[bytes]]:
    where = {
        "GENGFU__SITE": str(place / "site.toml"),
        "GENGFU__DATA": str(place / "data"),
        "GENGFU__PROFILES": f'["{place / "profiles"}"]',
        "GENGFU__HTTP__PORT": str(http),
        "GENGFU__JOURNAL__MAX_MB": str(MOST_MB),
        "GENGFU_ADMIN_PASSWORD": "a password of this benchmark",
    }
    if url is not None:
        where["GENGFU__TELEMETRY__INFLUX__URL"] = url
        where["GENGFU__TELEMETRY__INFLUX__DATABASE"] = "drained"
    command = [sys.executable, "-m", "gengfu.cli", "up"]
    process = Popen(command, env=os.environ | where, stdout=DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _until_taken(port: int) -> None:
    """Until a post of a reading of now is acknowledged with 2.04."""
    options = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON)))
    pack = b'[{"bn":"bench:0/","n":"p0","v":1}]'
    until = time.monotonic() + LONGEST_START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(TRY_EVERY_S)  # not connected: that nobody listens yet would be told at once, not waited for
        for mid in itertools.count(1):
            assert time.monotonic() < until, "no post was taken"
            try:
                post = coap.encode(coap.CON, coap.POST, mid & 0xFFFF, b"t", options, payload=pack)
                door.sendto(post, ("127.0.0.1", port))
                if coap.decode(door.recv(2048))[1] == coap.CHANGED:
                    return
                door.recv(2048)  # nothing comes: the time until the next try
            except TimeoutError:
                continue


def _lag(http: int) -> dict[str, float]:
    """Entries that each store has not taken."""
    text = httpx.get(f"http://127.0.0.1:{http}/metrics", trust_env=False, timeout=60).text
    rows = [line for line in text.splitlines() if line.startswith("gengfu_store_lag_entries{")]
    return {row.split('"')[1]: float(row.split()[-1]) for row in rows}


def _work_on(program: Popen[bytes], seconds: float) -> None:
    """Let it work for so long."""
    with suppress(TimeoutExpired):
        raise RuntimeError(f"gengfu up ended with {program.wait(seconds)}")


def _drained(program: Popen[bytes], http: int, seconds: float) -> dict[str, float]:
    """Entries a second that each store takes."""
    before, began = _lag(http), time.perf_counter()
    _work_on(program, seconds)
    after, took = _lag(http), time.perf_counter() - began
    return {store: (before[store] - after[store]) / took for store in before}


def _write_site(place: Path, door: int) -> None:
    connection = f'[[connection]]\nid = "coap"\ntransport = "coap"\nlisten = "127.0.0.1:{door}"\n'
    devices = "".join(DEVICE.format(number=number) for number in range(DEVICES))
    (place / "profiles" / "bench").mkdir(parents=True)
    (place / "profiles" / "bench" / "ten.toml").write_text(profile_text(), encoding="utf-8")
    (place / "site.toml").write_text(HEAD + connection + devices, encoding="utf-8")


def measure(folder: Path, gigabytes: float = 5.0, seconds: float = 40.0, *, with_influx: bool = False) -> list[Row]:
    """All rows; writes ``gigabytes`` and more below ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as name, influxd(Path(name)) as server:
        place = Path(name)
        url = server.url if server is not None and with_influx else None
        for database in ("own", "drained"):
            if server is not None:
                server.database(database)
        http, door = unused_port(), unused_port(socket.SOCK_DGRAM)
        _write_site(place, door)
        uvloop.run(_fill(place / "data" / "journal", gigabytes))
        compile_modules()
        own = {"duckdb": alone(_own_rate, name, None)}
        if url is not None:
            own["influxdb"] = alone(_own_rate, name, url)
        began = time.perf_counter()
        with _program(place, http, url) as program:
            _until_taken(door)
            taken = time.perf_counter() - began
            _work_on(program, SETTLE_S)
            rates = _drained(program, http, seconds)
            assert all(lag > 0 for lag in _lag(http).values()), "a store caught up while it was measured"
    head = f"{gigabytes:g} GB that no store has read"
    return [Row(f"{head}: from exec until data is taken", taken, "s")] + [
        row
        for store, rate in rates.items()
        for row in (
            Row(f"{head}: {store} takes, while {' and '.join(rates)} catch up", rate, "entries/s", own[store]),
            Row(f"{head}: {store}, of what it takes from memory", rate / own[store] * 100, "%"),
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=40.0, help="of catching up that are measured")
    parser.add_argument("--influx", action="store_true", help="with an InfluxDB beside the embedded store")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.gb, given.seconds, with_influx=given.influx))


if __name__ == "__main__":
    main()
