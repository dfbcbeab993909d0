"""Texts, BCD and codes read over Modbus go through pipeline, journal and stores as what they are."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from device_registry.load import load_site
from gateway.counters import Counters
from gateway.pipeline import Pipeline
from gengfu.stores import series_of
from journal.sqlite import SqliteJournal
from protocols.modbus.golden import decode_golden
from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.profile.golden import SENML_ONLY
from protocols.profile.loader import load_profile
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value, decode_reading
from telemetry.duck import DuckStore
from telemetry.line_protocol import LineEncoder
from telemetry.sink import duck_sink
from tests.fixtures.pipelines import ALL, STARTED, Judge
from tests.fixtures.stories import WALL, at

METER = """
[profile]
vendor = "acme"
model = "gas-meter"
kind = "gas_meter"
title = { zh = "燃气表", en = "Gas meter" }
period_s = 60.0

[modbus]
max_registers = 16
max_gap = 2
forbidden = [{ table = "holding", first = 12, last = 13 }]

[[point]]
name = "place"
title = { zh = "位置", en = "Place" }
type = "text"
modbus = { table = "holding", address = 0, type = "gbk", registers = 4 }

[[point]]
name = "maker"
title = { zh = "厂家", en = "Maker" }
type = "text"
modbus = { table = "holding", address = 4, type = "utf8", registers = 4, byte_order = "BADC" }

[[point]]
name = "volume"
title = { zh = "累计气量", en = "Volume" }
type = "counter"
unit = "m3"
modbus = { table = "holding", address = 8, type = "bcd32", byte_order = "CDAB", scale = 0.01 }

[[point]]
name = "mode"
title = { zh = "模式", en = "Mode" }
type = "enum"
modbus = { table = "holding", address = 14, bit = 4, bits = 3 }
state = [
    { code = 1, name = "run", title = { zh = "运行", en = "running" } },
    { code = 2, name = "stop", title = { zh = "停止", en = "stopped" } },
]

[[golden]]
name = "in the kitchen"
modbus = [
    { table = "holding", address = 0, count = 10, hex = "b3f8 b7bf 3031 2020 4341 454d 0000 0000 5678 0123" },
    { table = "holding", address = 14, count = 1, hex = "0010" },
]
values = { place = "厨房01", maker = "ACME", volume = 12356.78, mode = 1.0 }

[[golden]]
name = "a text that is none, digits that are none, a code that is not listed"
modbus = [
    { table = "holding", address = 0, count = 10, hex = "ffff ffff ffff ffff 4341 454d 0000 0000 5a78 0123" },
    { table = "holding", address = 14, count = 1, hex = "0070" },
]
values = { maker = "ACME", mode = 7.0 }
quality = { mode = "bad:type" }
"""
SITE = """
[site]
id = "t"
title = { zh = "站点", en = "Site" }
[[area]]
id = "shop"
title = { zh = "店铺", en = "Shop" }
kind = "commercial-kitchen"
[[connection]]
id = "door"
transport = "coap"
listen = "127.0.0.1:5683"
[[device]]
id = "t:meter:1"
profile = "acme/gas-meter"
title = { zh = "表", en = "Meter" }
area = "shop"
connection = "door"
"""
TYPE = Quality.BAD_TYPE


@pytest.fixture
def meter(tmp_path: Path) -> Profile:
    path = tmp_path / "acme/gas-meter.toml"
    path.parent.mkdir()
    path.write_text(METER, encoding="utf-8")
    return load_profile(path, {**SENML_ONLY, "modbus": decode_golden})


class Gateway:
    """The pipeline of a site with one meter, and the stores behind its journal."""

    def __init__(self, folder: Path, meter: Profile) -> None:
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        self.meter = meter
        self.site = load_site(folder / "site.toml", {meter.id: meter})
        self.judge = Judge()
        self.journal = SqliteJournal.open(folder / "journal", now=STARTED)
        self.pipeline = Pipeline(self.site, self.journal, Counters(CollectorRegistry()), (self.judge,))
        self.settled: list[Exception | None] = []

    async def poll(self, seconds: int, *data: bytes) -> None:
        """What a complete poll does with the answers to its requests; returns when it is durable."""
        values, quality = decode_blocks(self.meter, plan_reads(self.meter), data)
        moment = WALL + seconds * 10**9
        reading = Reading("t:meter:1", self.meter.id, moment, moment, Origin.LIVE, values, quality)
        self.pipeline.offer((reading,), "modbus", self.settled.append, at(seconds))
        await self.journal.append(())

    def stored(self) -> list[Reading]:
        return [decode_reading(one.entry.body) for one in self.journal.read(ALL, {}, 100)]


@pytest.fixture
async def gateway(tmp_path: Path, meter: Profile) -> AsyncIterator[Gateway]:
    one = Gateway(tmp_path, meter)
    yield one
    await one.journal.close()


@pytest.fixture
def duck(tmp_path: Path, gateway: Gateway) -> Iterator[DuckStore]:
    with closing(DuckStore.open(tmp_path / "t.duckdb", series_of(gateway.site).get)) as opened:
        yield opened


def answers(number: int, meter: Profile) -> list[bytes]:
    """The register bytes of a golden part, a block for each request."""
    return [bytes.fromhex(block.hex) for block in meter.file.golden[number].modbus]


async def test_text_number_and_code_are_judged_and_journaled_as_they_were_read(gateway: Gateway) -> None:
    await gateway.poll(0, *answers(0, gateway.meter))
    await gateway.poll(60, *answers(1, gateway.meter))
    assert gateway.settled == [None, None]
    assert [(one.values, one.quality) for one in gateway.stored()] == [
        (("厨房01", "ACME", 12356.78, 1.0), (0, 0, 0, 0)),
        ((None, "ACME", None, 7.0), (TYPE, 0, TYPE, TYPE)),
    ]
    assert gateway.judge.seen == gateway.stored()


async def test_text_reaches_the_embedded_store_and_the_line_of_the_other(gateway: Gateway, duck: DuckStore) -> None:
    await gateway.poll(0, *answers(0, gateway.meter))
    sink = duck_sink(duck)
    batch = [
        (one.position, one.entry.partition, one.entry.kind, one.entry.body) for one in gateway.journal.read(ALL, {}, 9)
    ]
    assert sink.consume(batch).stored == 1
    found: dict[str, list[Value]] = {
        point.name: [one.value for one in duck.samples("t:meter:1", point.name, WALL, WALL + 1)]
        for point in gateway.meter.points
    }
    assert found == {"place": ["厨房01"], "maker": ["ACME"], "volume": [12356.78], "mode": [1.0]}
    (reading,) = gateway.stored()
    line = LineEncoder(series_of(gateway.site).get).line(reading)
    assert line is not None
    assert 'place_q=0i,place="厨房01",maker_q=0i,maker="ACME",volume_q=0i,volume=12356.78' in line
