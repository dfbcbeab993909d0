"""A process that runs plans until it is killed: alarms go through a real journal, deadlines fire, people act, events
go out. Every start goes on where the journal and the database were left.
"""

import asyncio
import sys
from pathlib import Path

from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND, Moment
from tests.operations.story import KITCHEN, MALL, START, Site, alarm_entry, transition

DEVICES = (MALL, KITCHEN)
FIRST = 1_000_000


def consume(site, journal):
    while items := journal.read(range(PARTITIONS), site.operations.cursor(), 100):
        site.operations.consume(items, site.now)


async def publish(site, journal):
    if out := site.operations.outbox():
        await journal.append(out)
        site.operations.confirm([entry.id for entry in out])


def people(site):
    """One step that is open and not late is finished."""
    for run in site.operations.runs(site.now, "active"):
        for step in run.steps:
            if step.state == "open" and not step.overdue:
                evidence = {one.id: str(one.at_least or 1) for one in step.evidence}
                role = step.actors[0].id
                site.operations.act(run.id, step.id, "finish", "Li", role, evidence, "", site.now)
                return


async def main(folder: Path) -> None:
    site = Site(folder)
    journal = SqliteJournal.open(folder / "journal", now=START)
    known = journal.read(range(PARTITIONS), {}, FIRST)
    number = sum(one.entry.kind == "alarm" for one in known)
    consume(site, journal)
    while True:
        await publish(site, journal)
        # The clock goes on from where the alarms are: a minute for each of them.
        site.now = Moment(START + number * 60 * SECOND, site.now.mono + 60 * SECOND)
        await journal.append([alarm_entry(transition(DEVICES[number % 2], "CK-02", site.now.wall), number)])
        print(number, flush=True)
        number += 1
        consume(site, journal)
        site.operations.tick(site.now)
        people(site)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
