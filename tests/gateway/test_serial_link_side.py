"""The serial link over a pipeline and a real journal: what a board is told, and when."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from device_registry.connections import SerialLinkConnection
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gateway.counters import Counters
from gateway.intake import Intake
from gateway.pipeline import Pipeline
from gateway.slots import SlotTimer
from gateway.uplink import Done, Uplink
from gengfu import clock
from gengfu.link_side import LinkSide
from gengfu.supervisor import Supervisor
from journal.entry import PARTITIONS
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading, decode_reading
from protocols.wire import link
from protocols.wire.link_node import EMPTY
from tests.fixtures.link_line import Plug
from tests.fixtures.waiting import wait_for_async

TEXT = {"zh": "测", "en": "test"}
NAMES = {5: "a:gas:5", 6: "a:gas:6"}


def pack(device: str, sequence: int, methane: float = 3.0, more: str = "") -> bytes:
    return (
        f'[{{"bn":"{device}/","bt":-2,"n":"boot","v":1}},{{"n":"seq","v":{sequence}}},'
        f'{{"n":"methane","v":{methane}}}{more}]'
    ).encode()


def device(name: str, **where: object) -> dict[str, object]:
    return {"id": name, "profile": "gengfu/gas-alarm", "title": TEXT, "area": "hall", **where}


class Gateway:
    """A connection of two boards into a pipeline. ``hold``: what the journal says is kept back; ``fault``: said
    instead of what it says."""

    def __init__(self, folder: Path) -> None:
        self.plug = Plug(folder / "usb-line", *NAMES.items())
        document = {
            "site": {"id": "test", "title": TEXT},
            "area": ({"id": "hall", "title": TEXT, "kind": "commercial-kitchen"},),
            "connection": (
                {"id": "line-1", "transport": "serial-link", "port": str(self.plug.path), "poll_s": 0.005},
                {"id": "web", "transport": "http"},
            ),
            "device": (
                *(device(name, connection="line-1", unit=unit) for unit, name in NAMES.items()),
                device("a:gas:web", connection="web"),
            ),
        }
        self.site = compile_site(SiteConfig.model_validate(document), shipped_profiles())
        self.registry = CollectorRegistry()
        counters = Counters(self.registry)
        self.journal = SqliteJournal.open(folder / "journal", now=clock.wall(), window_s=0.0)
        self.pipeline = Pipeline(self.site, self.journal, counters)
        self.lost: list[tuple[str, str]] = []
        self.hold = False
        self.held: list[Done] = []
        self.fault: Exception | None = None
        self.raises: Exception | None = None
        intake = Intake(
            self._ingest,
            lambda *_: None,
            lambda device, reason: self.lost.append((device, reason)),
            counters,
            Origin.LIVE,
            clock.wall,
            SlotTimer(asyncio.get_running_loop()),
            lambda _readings: None,
        )
        part = self.site.connections["line-1"]
        assert isinstance(part, SerialLinkConnection)
        self.side = LinkSide(part, [one for one in self.site.devices.values() if one.connection == part.id], intake)
        self.supervisor = Supervisor(self.registry)

    def _ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        if self.raises is not None:
            raise self.raises

        def settle(error: Exception | None) -> None:
            if self.hold:
                self.held.append(done)
            else:
                done(self.fault or error)

        return self.pipeline.ingest(uplink, settle, clock.now())

    def load(self, unit: int, payload: bytes) -> None:
        self.plug.nodes[unit].load(payload)

    async def settled(self, unit: int) -> None:
        """Wait until the board was told what became of its message."""
        await wait_for_async(lambda: self.plug.nodes[unit].state == EMPTY)

    def readings(self) -> list[Reading]:
        return [decode_reading(one.entry.body) for one in self.journal.read(range(PARTITIONS), {}, 1000)]

    def refused(self, kind: str) -> float:
        labels = {"transport": "serial-link", "kind": kind}
        return self.registry.get_sample_value("gengfu_uplinks_refused_total", labels) or 0.0


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    one = Gateway(tmp_path)
    one.plug.plug()
    one.side.start(one.supervisor)
    yield one
    await one.side.close()
    await one.supervisor.stop()
    await one.journal.close()
    one.plug.unplug()


async def test_reading_is_acknowledged_after_the_journal_has_it_and_stored_once(gateway: Gateway) -> None:
    gateway.hold = True
    gateway.load(5, pack("a:gas:5", 1))
    await wait_for_async(lambda: gateway.held)
    await wait_for_async(lambda: gateway.plug.nodes[5].attempts > 1)
    assert gateway.plug.nodes[5].state != EMPTY
    assert len(gateway.readings()) == 1
    gateway.held[0](None)
    await gateway.settled(5)
    (reading,) = gateway.readings()
    assert (reading.device, reading.boot, reading.sequence, reading.origin) == ("a:gas:5", 1, 1, Origin.LIVE)
    assert reading.received_at - reading.at == 2 * 10**9
    assert gateway.lost == []


@pytest.mark.parametrize(("error", "kind"), [(JournalFull("full"), "full"), (OSError("gone"), "journal")])
async def test_board_is_asked_to_wait_when_the_journal_takes_nothing(
    gateway: Gateway, error: Exception, kind: str
) -> None:
    gateway.fault = error
    gateway.load(5, pack("a:gas:5", 1))
    await wait_for_async(lambda: gateway.plug.of(link.BUSY))
    assert [event.value for event in gateway.plug.of(link.BUSY)] == [5000]
    assert gateway.plug.nodes[5].state != EMPTY
    assert (gateway.refused(kind), gateway.side.diagnosis.devices["a:gas:5"].errors) == (1, {kind: 1})


@pytest.mark.parametrize(
    ("payload", "reason", "kind"),
    [
        (b"\xff[", 1, "syntax"),
        (pack("a:gas:5", 1, more=',{"n":"methane","v":1,"u":"furlong"}'), 1, "unit"),
        (pack("a:gas:6", 1), 2, "credential"),
        (pack("a:gas:web", 1), 2, "connection"),
        (pack("nobody", 1), 2, "unknown-device"),
    ],
)
async def test_what_is_no_report_of_this_board_is_refused_with_a_reason_and_counted(
    gateway: Gateway, payload: bytes, reason: int, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        gateway.load(5, payload)
        await gateway.settled(5)
    assert [event.value for event in gateway.plug.of(link.NAK)] == [reason] * 3
    assert (gateway.readings(), gateway.refused(kind)) == ([], 3)
    assert gateway.side.diagnosis.devices["a:gas:5"].errors == {kind: 3}
    said = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert ["a message of a:gas:5 is refused" in one.getMessage() for one in said] == [True]
    gateway.load(5, pack("a:gas:5", 9))
    await gateway.settled(5)
    assert len(gateway.readings()) == 1


async def test_fault_of_ours_lets_the_board_wait_and_the_others_go_on(gateway: Gateway) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    gateway.raises = ValueError("a judge broke")
    gateway.load(5, pack("a:gas:5", 1))
    await wait_for_async(lambda: gateway.plug.of(link.BUSY))
    gateway.raises = None
    gateway.load(6, pack("a:gas:6", 1))
    await gateway.settled(6)
    assert [str(one["exception"]) for one in faults] == ["a judge broke"]
    assert gateway.plug.nodes[5].state != EMPTY


async def test_commands_of_the_profile_are_delivered_by_their_names(gateway: Gateway) -> None:
    commands = gateway.site.devices["a:gas:5"].profile.file.command
    assert [await gateway.side.deliver("a:gas:5", command) for command in commands] == ["", "", ""]
    told = [(unit, event.data.decode()) for unit, event in gateway.plug.heard if event.kind == link.COMMAND]
    assert told == [(5, command.name) for command in commands]
    opening = commands[0].model_copy(update={"name": "open-valve"})
    assert "declares no command 'open-valve'" in await gateway.side.deliver("a:gas:5", opening)


async def test_line_that_goes_is_told_as_the_loss_of_its_devices(gateway: Gateway) -> None:
    await wait_for_async(lambda: gateway.plug.of(link.TIME))
    gateway.plug.unplug()
    await wait_for_async(lambda: len(gateway.lost) == 2)
    assert [device for device, _ in gateway.lost] == ["a:gas:5", "a:gas:6"]
    gateway.plug.plug()
    gateway.load(6, pack("a:gas:6", 1))
    await gateway.settled(6)
    assert gateway.side.link.connects == 2
