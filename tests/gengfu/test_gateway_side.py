"""What comes in makes the watch look again at what is due, whatever else becomes of it."""

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
from journal.sqlite import SqliteJournal
from protocols.profile.loader import shipped_profiles
from protocols.reading import Reading
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
    return gateway.ingest(Uplink("coap", payload, 110, "peer", clock.wall(), "coap"), _fail)


@pytest.fixture
async def refusing(tmp_path: Path) -> AsyncIterator[GatewaySide]:
    """A gateway whose journal refuses at once what it is given."""
    site = compile_site(SiteConfig.model_validate(tomllib.loads(SITE), strict=False), shipped_profiles())
    metrics = CollectorRegistry()
    journal, downlink = (SqliteJournal.open(tmp_path / name, now=clock.wall()) for name in ("journal", "downlink"))
    gateway = GatewaySide(site, shipped(), journal, downlink, metrics, Supervisor(metrics))
    await journal.close()
    await downlink.close()
    yield gateway
    await gateway.stop()


@pytest.mark.parametrize(
    ("come", "fault"),
    [
        (lambda gateway: gateway._offer([_leak()], "mqtt", _fail), Planted),
        (lambda gateway: gateway._judge([_leak(), _leak("gas:gone")]), KeyError),
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
