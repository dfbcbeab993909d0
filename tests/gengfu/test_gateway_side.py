"""What comes in makes the watch look again at what is due, whatever else becomes of it."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gateway.uplink import Uplink
from gengfu import clock
from gengfu.gateway_side import GatewaySide
from gengfu.rules import shipped
from gengfu.supervisor import Supervisor
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading, decode_reading, encode_reading
from tests.fixtures.stories import gas_reading

SITE = """
site = { id = "east", title = { zh = "东", en = "East" } }
area = [{ id = "kitchen", title = { zh = "厨", en = "Kitchen" }, kind = "commercial-kitchen" }]
connection = [{ id = "coap", transport = "coap", listen = "127.0.0.1:0" }]
[[device]]
id = "gas:1"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "kitchen"
connection = "coap"
"""


class Planted(Exception):
    """A transport that fails when it is told what became of its reading."""


def _fail(_error: Exception | None) -> None:
    raise Planted


def _leak(device: str = "gas:1") -> Reading:
    now = clock.wall()
    return msgspec.structs.replace(gas_reading(0, device, methane=12.0), at=now, received_at=now)


def _ingest(gateway: GatewaySide) -> object:
    payload = b'[{"bn":"gas:1/","n":"methane","v":12}]'
    return gateway.ingest(Uplink("http", payload, 110, "peer", clock.wall(), "coap"), _fail)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewaySide]:
    """Not started."""
    site = compile_site(SiteConfig.model_validate(tomllib.loads(SITE), strict=False), shipped_profiles())
    metrics = CollectorRegistry()
    supervisor = Supervisor(metrics)
    journal, downlink = (SqliteJournal.open(tmp_path / name, now=clock.wall()) for name in ("journal", "downlink"))
    gateway = GatewaySide(site, shipped(), journal, downlink, metrics, supervisor)
    yield gateway
    await supervisor.stop()
    await gateway.stop()
    await journal.close()
    await downlink.close()


@pytest.fixture
async def refusing(gateway: GatewaySide) -> GatewaySide:
    """One whose journal refuses at once what it is given."""
    await gateway.journal.close()
    return gateway


@pytest.mark.parametrize(
    ("come", "fault"),
    [
        (lambda gateway: gateway._offer([_leak()], "http", _fail), Planted),
        (lambda gateway: gateway.judge([_leak(), _leak("gas:gone")]), KeyError),
        (_ingest, Planted),
    ],
    ids=["offer", "judge", "ingest"],
)
async def test_delay_of_an_alarm_is_waited_for_even_where_what_brought_the_reading_fails(
    refusing: GatewaySide, come: Callable[[GatewaySide], object], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        come(refusing)
    assert not refusing.watch.is_stirred, "nobody asked what is due since"


@pytest.mark.parametrize(("profile", "counts"), [("gengfu/gas-alarm", True), ("gengfu/lpg-alarm", False)])
async def test_what_was_stored_under_another_profile_of_the_device_says_nothing_after_a_start(
    gateway: GatewaySide, profile: str, counts: bool
) -> None:
    stored = msgspec.structs.replace(_leak(), profile=profile)
    entry = Entry("reading", stored.identity, partition_of("gas:1"), stored.at, encode_reading(stored))
    await gateway.journal.append([entry])
    await gateway.start({})
    picture = gateway.watch.alarms.group_of("gas:1", Origin.LIVE).picture
    assert bool(picture._trusted) is counts


def _stored(seconds_ago: int) -> Entry:
    now = clock.wall()
    one = msgspec.structs.replace(gas_reading(0, "gas:1", methane=1.0), at=now - seconds_ago * SECOND, received_at=now)
    return Entry("reading", one.identity, partition_of("gas:1"), one.at, encode_reading(one))


@pytest.mark.parametrize("tail", [1, 3, 4, 5])
async def test_what_stands_before_the_end_that_is_read_at_a_start_is_known_too(
    gateway: GatewaySide, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr("gengfu.gateway_side.TAIL", tail)
    before = [_stored(ago) for ago in (40, 30, 20, 10)]
    await gateway.journal.append(before)
    await gateway.start({})
    told: list[Exception | None] = []
    again = [decode_reading(one.body) for one in before]
    gateway._offer([*again, _leak()], "mqtt", told.append)
    await gateway.journal.append([])
    await asyncio.sleep(0)
    readings = [one for one in gateway.journal.tail(10) if one.entry.kind == "reading"]
    assert (len(readings), told) == (5, [None])
