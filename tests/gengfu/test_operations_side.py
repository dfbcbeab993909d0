"""The plans of a process over its journal: alarms and people are followed at once, readings now and then."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gengfu import clock, operations_side
from gengfu.operations_side import OperationsSide
from journal.entry import PARTITIONS, Entry, Stored, partition_of
from journal.sqlite import SqliteJournal
from operations.service import Operations
from protocols.moment import Moment
from protocols.reading import encode_reading
from tests.fixtures.waiting import wait_for_async
from tests.operations.story import AREAS, KITCHEN, alarm_entry, gas_reading, plans, transition, watch


class Counted(Operations):
    """Counts what it is given and asked."""

    batches = 0
    looks = 0

    def consume(self, items: Sequence[Stored], now: Moment) -> None:
        super().consume(items, now)
        self.batches += 1

    def outbox(self, limit: int = 100) -> list[Entry]:
        self.looks += 1
        return super().outbox(limit)


@asynccontextmanager
async def following(folder: Path) -> AsyncIterator[tuple[Counted, SqliteJournal]]:
    now = clock.now()
    journal = SqliteJournal.open(folder / "journal", now=now.wall)
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


async def test_what_a_person_does_is_told_while_no_device_says_anything(tmp_path: Path) -> None:
    async with following(tmp_path) as (service, journal):
        await wait_for_async(lambda: service.looks, 10, "the first look: it waits from then on")
        name, plan = next((name, one) for name, one in plans().items() if AREAS[KITCHEN].kind in one.plan.areas)
        role = sorted(plan.actors)[0]
        await asyncio.to_thread(service.start, name, AREAS[KITCHEN].id, "verify", "li", role, "gas smelt", clock.now())
        await wait_for_async(lambda: published(journal), 10, "its events in the journal")
