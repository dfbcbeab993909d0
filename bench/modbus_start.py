"""How a gateway of 500 Modbus TCP devices begins, and what it does when more is asked of it than it can.

First point: from the exec of the real program (``gengfu up``), its modules compiled as after an installation, until the
last of the 500 devices has a value in the journal. Overload: 500 connections asked for more polls than a core can make;
throughput and resident memory of the second half of the time are held against the first, and skipped polls are counted.
"""

import asyncio
import compileall
import os
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import httpx
import uvloop

from bench import modbus
from bench.parts import TEXT
from bench.processes import beside, resident_mb
from bench.program import as_the_program
from bench.rows import Row
from gateway.poller import Poller
from gateway.slots import SLOT_S, SlotTimer
from gateway.transports.modbus.tcp import ModbusTcpBus
from gateway.turns import PolledUnit
from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import decode_reading
from tests.fixtures.ports import unused_port

ROOT = Path(__file__).resolve().parent.parent
DEVICES = 500
PERIOD_S = 1.0
QUIET_S = 5.0
"""Nobody asks the program anything while it starts."""
LOOK_EVERY_S = 1.0
LONGEST_S = 40.0
HALF_S = 12.0

HEAD = f"""
[site]
id = "bench"
title = {{ zh = "{TEXT["zh"]}", en = "{TEXT["en"]}" }}

[[area]]
id = "hall"
title = {{ zh = "{TEXT["zh"]}", en = "{TEXT["en"]}" }}
kind = "other"
"""
_DEVICE = """
[[connection]]
id = "m{number}"
transport = "modbus-tcp"
host = "{host}"
port = {port}

[[device]]
id = "bench:{number}"
profile = "bench/ten"
title = {{ zh = "表", en = "Meter" }}
area = "hall"
connection = "m{number}"
unit = 1
period_s = {period_s}
"""


def first_point(folder: Path) -> list[Row]:
    """Seconds until each device was heard once."""
    hosts = [f"127.0.{number // 200 + 1}.{number % 200 + 1}" for number in range(DEVICES)]
    with tempfile.TemporaryDirectory(dir=folder) as name, beside(modbus.simulate, hosts, unused_port()) as simulator:
        place, port = Path(name), simulator.recv()
        devices = (
            _DEVICE.format(number=number, host=host, port=port, period_s=PERIOD_S) for number, host in enumerate(hosts)
        )
        (place / "profiles" / "bench").mkdir(parents=True)
        (place / "profiles" / "bench" / "ten.toml").write_text(profile_text(), encoding="utf-8")
        (place / "site.toml").write_text(HEAD + "".join(devices), encoding="utf-8")
        compile_modules()
        began = time.time_ns()
        heard = asyncio.run(_heard(place))
    return [
        Row("first point of 500 devices after exec: the last of them", (max(heard) - began) / 1e9, "s"),
        Row("first point of 500 devices after exec: the first of them", (min(heard) - began) / 1e9, "s"),
    ]


def compile_modules() -> None:
    """As pip does; where PYTHONDONTWRITEBYTECODE is set each start would compile a checkout again."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        compileall.compile_dir(ROOT / package, quiet=1)


def profile_text() -> str:
    """Ten registers, as `modbus.profile`, with the golden bytes that a file must have."""
    title = 'title = { zh = "点", en = "Point" }'
    rows = [f'[profile]\nvendor = "bench"\nmodel = "ten"\nkind = "bench"\n{title}\nperiod_s = {PERIOD_S}\n']
    rows += [
        f'[[point]]\nname = "p{at}"\n{title}\nrange = [0, 1000]\n'
        f'modbus = {{ table = "input", address = {at}, type = "int16", scale = 0.1 }}\n'
        for at in range(modbus.REGISTERS)
    ]
    values = ", ".join(f"p{at} = {10 + at / 10}" for at in range(modbus.REGISTERS))
    block = f'{{ table = "input", address = 0, count = {modbus.REGISTERS}, hex = "{modbus.ANSWER[2:].hex()}" }}'
    rows.append(f'[[golden]]\nname = "what the simulator says"\nmodbus = [{block}]\nvalues = {{ {values} }}\n')
    return "\n".join(rows)


async def _heard(place: Path) -> list[int]:
    """When the first reading of each device came, UTC ns."""
    port = unused_port()
    where = {
        "GENGFU__SITE": str(place / "site.toml"),
        "GENGFU__DATA": str(place / "data"),
        "GENGFU__PROFILES": f'["{place / "profiles"}"]',
        "GENGFU__HTTP__PORT": str(port),
        "GENGFU_ADMIN_PASSWORD": "a password of this benchmark",
    }
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gengfu.cli", "up", env=os.environ | where, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await asyncio.sleep(QUIET_S)
        until = time.monotonic() + LONGEST_S
        while _stored(port) < 2 * DEVICES and time.monotonic() < until:
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        program.terminate()
        await program.wait()
    journal = SqliteJournal.open(place / "data" / "journal", now=time.time_ns())
    entries = await asyncio.to_thread(journal.read, range(PARTITIONS), {}, 1_000_000)
    await journal.close()
    first: dict[str, int] = {}
    for one in entries:
        if one.entry.kind == "reading":
            reading = decode_reading(one.entry.body)
            first.setdefault(reading.device, reading.received_at)
    if len(first) < DEVICES:
        raise RuntimeError(f"only {len(first)} of {DEVICES} devices were heard")
    return list(first.values())


def _stored(port: int) -> float:
    """Readings in the journal of the program at ``port``; none before it answers."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    except httpx.TransportError:
        return 0
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("gengfu_readings_total"))


def overload() -> list[Row]:
    """The poller asked for one poll of each connection in every slot."""
    as_the_program()
    with beside(modbus.simulate) as simulator:
        return uvloop.run(_overload(simulator.recv()))


async def _overload(port: int) -> list[Row]:
    one = modbus.profile(SLOT_S)
    reads = 0

    def on_values(*_: object) -> None:
        nonlocal reads
        reads += 1

    timer = SlotTimer(asyncio.get_running_loop())
    buses = [ModbusTcpBus("127.0.0.1", port, timer=timer) for _ in range(DEVICES)]
    pollers = [
        Poller(
            bus,
            [PolledUnit(f"bench:{number}", 1, one, SLOT_S)],
            on_values=on_values,
            on_lost=lambda *_: None,
            now_ns=time.time_ns,
            timer=timer,
        )
        for number, bus in enumerate(buses)
    ]
    tasks = [asyncio.create_task(poller.run()) for poller in pollers]
    await asyncio.sleep(4.0)
    halves = []
    for _ in range(2):
        before, began = reads, time.monotonic()
        await asyncio.sleep(HALF_S)
        halves.append(((reads - before) / (time.monotonic() - began), resident_mb()))
    skipped = sum(poller.skipped for poller in pollers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(bus.close() for bus in buses))
    (rate, memory), (later_rate, later_memory) = halves
    wanted = DEVICES / SLOT_S
    return [
        Row("overloaded: reads wanted a second", wanted, "1/s"),
        Row("overloaded: reads a second, second half", later_rate, "1/s"),
        Row("overloaded: reads of the second half against the first", later_rate / rate * 100, "%"),
        Row("overloaded: resident memory gained in the second half", later_memory - memory, "MB"),
        Row("overloaded: polls skipped and counted", skipped, "count"),
    ]


def measure(folder: Path) -> list[Row]:
    """All rows."""
    return [*first_point(folder), *overload()]
