"""GH-01: a gateway that gives no sign of life is told of by the console, on its desk, whatever the journal takes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alarms.alarm import decode_transition
from console.duty.desk import DutyDesk
from console.events import EventHub
from console.services import Answer
from gateway.watch import ALARM
from gengfu import clock
from gengfu.own_devices.desk_site import DeskSite
from gengfu.own_devices.devices import sign_id
from gengfu.own_devices.watch import STATE, GatewayWatch, WatchAsk
from gengfu.rules import shipped
from journal.entry import PARTITIONS, Entry, Stored
from journal.sqlite import SqliteJournal
from protocols.gateway_sign import KIND, GatewaySign, encode_sign
from protocols.moment import Moment
from protocols.reading import Origin
from tests.fixtures.cut_lines import Town
from tests.fixtures.stories import at
from tests.fixtures.waiting import wait_for_async

BOOK = shipped()
LOST = f"{sign_id('east')}~GH-01a"


class Console:
    """A desk and its watch, on a clock that the test moves."""

    def __init__(self, journal: SqliteJournal, devices: tuple[str, ...] = ("one",), *, simulated: bool = False) -> None:
        self.site = msgspec.structs.replace(Town(devices).site, simulated=simulated)
        self.now: Moment = at(0)
        self.desk = DutyDesk(DeskSite(self.site), BOOK, EventHub())
        self.watch = GatewayWatch(self.site, BOOK.alarms, journal, self.desk.tell, lambda: self.now)
        self.ask = WatchAsk(self.watch, self._gateway)
        self.asked: list[str] = []
        self.desk.warm(self.watch.warm(journal.load_state("")))

    async def _gateway(self, verb: str, target: str, _who: str, _details: object) -> Answer:
        self.asked.append(f"{verb} {target}")
        return Answer(True, "")

    def tick(self, seconds: float) -> None:
        self.now = at(seconds)
        self.watch.tick()

    def hear(self, seconds: float, origin: Origin = Origin.LIVE, body: bytes = b"") -> None:
        self.now = at(seconds)
        sign = body or encode_sign(GatewaySign(self.now.wall, "east", origin))
        self.watch.listen([Stored(1, Entry(KIND, f"{seconds}", 0, self.now.wall, sign))])

    def item(self, alarm: str = LOST) -> dict[str, Any]:
        found = self.desk.alarms.find(alarm)
        assert found is not None
        return found

    @property
    def is_told(self) -> bool:
        return self.desk.alarms.find(LOST) is not None


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    yield journal
    await journal.close()


async def test_gateway_that_falls_silent_is_on_the_desk_after_a_minute_and_in_the_journal(
    journal: SqliteJournal,
) -> None:
    console = Console(journal)
    for seconds in (10, 30, 50):
        console.hear(seconds)
    console.tick(109)
    assert not console.is_told
    console.tick(110)
    item = console.item()
    assert (item["state"], item["priority"], item["orphan"]) == ("unacknowledged", "critical", False)
    assert item["device_title"] == {"zh": "网关", "en": "Gateway"}
    done = await console.ask("acknowledge", LOST, "li", {})
    assert done == Answer(True, "")
    console.hear(200)
    console.hear(230)
    console.tick(259)
    assert console.item()["active"]
    console.tick(260)
    assert console.item()["state"] == "normal"
    await journal.append([])
    stored = [one.entry for one in journal.read(range(PARTITIONS), {}, 10)]
    assert {one.kind for one in stored} == {ALARM}
    told = [decode_transition(one.body) for one in stored]
    assert [(one.after.word, one.who) for one in told] == [
        ("unacknowledged", ""),
        ("acknowledged", "li"),
        ("normal", ""),
    ]


async def test_gateway_that_never_gave_a_sign_is_told_a_minute_after_the_console_began(journal: SqliteJournal) -> None:
    console = Console(journal)
    console.tick(59)
    assert not console.is_told
    console.tick(60)
    assert console.is_told


async def test_gateway_without_life_safety_points_is_of_high_priority(journal: SqliteJournal) -> None:
    console = Console(journal, ())
    console.tick(60)
    assert not console.is_told
    assert console.item(f"{sign_id('east')}~GH-01b")["priority"] == "high"


async def test_sign_of_a_simulation_is_no_sign_and_one_of_a_newer_gateway_is(journal: SqliteJournal) -> None:
    console = Console(journal)
    console.hear(50, body=b"\x93\x02of a newer release")
    console.hear(100, Origin.SIMULATED)
    console.tick(109)
    assert not console.is_told
    console.tick(110)
    assert console.is_told


async def test_simulation_is_not_waited_for(journal: SqliteJournal) -> None:
    console = Console(journal, simulated=True)
    console.tick(600)
    assert not console.is_told


async def test_journal_that_takes_nothing_hides_nothing_from_the_desk(tmp_path: Path) -> None:
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    console = Console(journal)
    await journal.close()
    console.tick(60)
    assert console.item()["state"] == "unacknowledged"


async def test_what_stood_before_a_restart_of_the_console_stands_on(journal: SqliteJournal) -> None:
    console = Console(journal)
    console.tick(60)
    await wait_for_async(lambda: f"{STATE}{LOST}" in journal.load_state(STATE), what="the kept alarm")
    again = Console(journal)
    assert again.item()["state"] == "unacknowledged"
    again.tick(60)
    assert again.item()["active"], "no sign came, so that it cannot have ended"


async def test_everything_else_is_asked_of_the_gateway_and_a_refusal_is_told(journal: SqliteJournal) -> None:
    console = Console(journal)
    console.tick(60)
    await console.ask("acknowledge", "one~CK-02", "li", {})
    await console.ask("bump-test", LOST, "li", {})
    assert console.asked == ["acknowledge one~CK-02", f"bump-test {LOST}"]
    refused = await console.ask("shelve", LOST, "li", {"why": "", "for_s": 60.0})
    assert refused is not None
    assert (refused.found, bool(refused.refusal)) == (True, True)
    shelved = await console.ask("shelve", LOST, "li", {"why": "works on the network", "for_s": 60.0})
    assert shelved == Answer(True, "")
    assert console.item()["state"] == "shelved"
