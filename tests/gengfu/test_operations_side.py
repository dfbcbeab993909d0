"""The plans of a process over its journal: alarms and people are followed at once, readings now and then."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gengfu import clock, operations_side
from gengfu.operations_side import OperationsSide, open_operations
from gengfu.own_devices.devices import connection_id, gateway_id
from gengfu.sites import read_site
from journal.entry import PARTITIONS, Entry, Stored, partition_of
from journal.sqlite import SqliteJournal
from operations.service import Operations
from protocols.moment import Moment
from protocols.reading import encode_reading
from tests.fixtures.waiting import wait_for_async
from tests.operations.story import AREAS, KITCHEN, MALL, alarm_entry, gas_reading, plans, transition, watch

DEMO = Path(__file__).parents[2] / "sites" / "demo" / "site.toml"
LONG_AGO = 10**18
"""The positions of a journal follow the clock: those of this one are lower."""


class Counted(Operations):
    """Counts what it is given and asked."""

    batches = 0
    looks = 0

    def consume(self, items: Sequence[Stored], now: Moment, upto: int = -1) -> None:
        super().consume(items, now, upto)
        self.batches += 1

    def outbox(self, limit: int = 100) -> list[Entry]:
        self.looks += 1
        return super().outbox(limit)


@asynccontextmanager
async def following(folder: Path, opened_at: int | None = None) -> AsyncIterator[tuple[Counted, SqliteJournal]]:
    now = clock.now()
    journal = SqliteJournal.open(folder / "journal", now=opened_at or now.wall)
    sensors = watch(now)
    service = Counted.open(f"sqlite:///{folder / 'operations.db'}", plans(), AREAS, sensors, now)
    side = OperationsSide(service, sensors, journal)
    leave = journal.subscribe(side.listen)
    task = asyncio.create_task(side.follow())
    try:
        yield service, journal
    finally:
        leave()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        service.close()
        await journal.close()


def a_reading() -> Entry:
    one = gas_reading(KITCHEN, 1.0, clock.now())
    return Entry("reading", one.identity, partition_of(KITCHEN), one.at, encode_reading(one))


def published(journal: SqliteJournal) -> list[str]:
    stored = journal.read(range(PARTITIONS), {}, 1000)
    return [one.entry.id for one in stored if one.entry.kind == "plan"]


async def test_readings_of_a_while_are_taken_together(tmp_path: Path) -> None:
    async with following(tmp_path) as (service, journal):
        last = 0
        for _ in range(50):
            last = await journal.append([a_reading()])
        await wait_for_async(lambda: service.cursor().get(partition_of(KITCHEN)) == last, 10, "the last reading")
        assert service.batches <= 5


async def test_alarm_opens_its_plan_before_the_readings_are_due(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(operations_side, "READINGS_EVERY_S", 3600.0)
    async with following(tmp_path) as (service, journal):
        await journal.append([a_reading()])
        await journal.append([alarm_entry(transition(KITCHEN, "CK-04", clock.now().wall), 1)])
        await wait_for_async(lambda: service.runs(clock.now(), "active"), 10, "the plan of the kitchen")
        await wait_for_async(lambda: published(journal), 10, "its events in the journal")


async def test_a_connection_that_is_down_opens_the_plan_of_the_gateway(tmp_path: Path) -> None:
    """Its devices are in no area of the site."""
    site = read_site(DEMO)
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    now = clock.now()
    down = alarm_entry(transition(connection_id(site.id, "coap"), "GH-02a", now.wall, life_safety=False), 1)
    async with AsyncExitStack() as stack:
        service = open_operations(stack, site, tmp_path, journal).service
        service.consume([Stored(1, down)], now)
        (run,) = service.runs(now)
        assert (run.plan, run.state, run.area.id, run.area.kind) == (
            "gateway-failure", "verify", gateway_id(site.id), "gateway"
        )  # fmt: skip
    await journal.close()


async def test_what_a_person_does_is_told_while_no_device_says_anything(tmp_path: Path) -> None:
    async with following(tmp_path) as (service, journal):
        await wait_for_async(lambda: service.looks, 10, "the first look: it waits from then on")
        name, plan = next((name, one) for name, one in plans().items() if AREAS[KITCHEN].kind in one.plan.areas)
        role = sorted(plan.actors)[0]
        await asyncio.to_thread(service.start, name, AREAS[KITCHEN].id, "verify", "li", role, "gas smelt", clock.now())
        await wait_for_async(lambda: published(journal), 10, "its events in the journal")


async def test_of_readings_that_nobody_has_followed_none_is_read(tmp_path: Path, monkeypatch) -> None:
    """Gigabytes of them wait for a store that is down; the plans look for their alarms only."""
    journal = SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    await journal.append([a_reading() for _ in range(1000)])
    await journal.append([alarm_entry(transition(KITCHEN, "CK-04", clock.now().wall), 1)])
    last = await journal.append([a_reading()])
    await journal.close()
    taken: list[str] = []
    consume = Counted.consume

    def noted(service: Counted, items: Sequence[Stored], *others) -> None:
        taken.extend(one.entry.kind for one in items)
        consume(service, items, *others)

    monkeypatch.setattr(Counted, "consume", noted)
    async with following(tmp_path) as (service, _):
        await wait_for_async(lambda: service.runs(clock.now(), "active"), 10, "the plan of the kitchen")
        await wait_for_async(lambda: min(service.cursor().values(), default=0) >= last, 10, "the whole journal")
        assert set(service.cursor()) == set(range(PARTITIONS))
    assert taken[0] == "alarm"
    assert set(taken) <= {"alarm", "plan"}


async def test_another_journal_is_followed_from_its_beginning(tmp_path: Path, caplog) -> None:
    async with following(tmp_path) as (service, journal):
        await journal.append([a_reading()])
        await wait_for_async(lambda: service.cursor().get(0), 10, "a cursor")
    (tmp_path / "journal").rename(tmp_path / "gone")
    async with following(tmp_path, LONG_AGO) as (service, journal):
        await wait_for_async(lambda: service.looks, 10, "a look")
        await journal.append([alarm_entry(transition(KITCHEN, "CK-04", clock.now().wall), 1)])
        await wait_for_async(lambda: service.runs(clock.now(), "active"), 10, "the plan of the kitchen")
    assert "another one than the plans have followed" in caplog.text


async def test_a_cursor_of_which_a_part_is_of_another_journal_is_forgotten_whole(tmp_path: Path) -> None:
    now = clock.now()
    journal = SqliteJournal.open(tmp_path / "journal", now=LONG_AGO)
    alarms = [
        alarm_entry(transition(device, "CK-04", now.wall), number) for number, device in enumerate((KITCHEN, MALL))
    ]
    positions = [await journal.append([one]) for one in (alarms[0], a_reading(), alarms[1])]
    await journal.close()
    service = Counted.open(f"sqlite:///{tmp_path / 'operations.db'}", plans(), AREAS, watch(now), now)
    of_mall = Entry("reading", "one", partition_of(MALL), 0, b"")
    service.consume([Stored(positions[1], a_reading()), Stored(10**18, of_mall)], now)
    service.close()
    async with following(tmp_path, LONG_AGO) as (service, _):
        await wait_for_async(lambda: len(service.runs(clock.now(), "active")) == 2, 10, "the plans of both")
