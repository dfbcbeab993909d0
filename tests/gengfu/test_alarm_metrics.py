"""Alarm metrics from a real journal: memory where it reaches, the files beyond, and what Prometheus is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from alarms.alarm import AlarmRecord, encode
from alarms.states import AlarmState, Event
from console.alarm_metrics import Measured, MetricsQuery
from console.errors import MetricsBusy
from gengfu import alarm_metrics, rules
from gengfu.alarm_metrics import AlarmMeters
from journal.entry import Entry, Stored, partition_of
from journal.sqlite import SqliteJournal
from protocols.reading import Origin
from tests.alarms.metrics.conftest import START, Story, transition

SECOND = 10**9
DAY = 86_400 * SECOND


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    """Begun a day before `START`."""
    opened = SqliteJournal.open(tmp_path / "journal", now=START - DAY, window_s=0.0)
    yield opened
    await opened.close()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """An hour after `START`."""
    at = START + 3600 * SECOND
    monkeypatch.setattr("gengfu.clock.wall", lambda: at)
    return at


async def fill(journal: SqliteJournal, *stories: Story) -> None:
    """Store what the stories tell, each alarm in the partition of its device, and a reading behind every other."""
    for number, one in enumerate(one for story in stories for one in story.told):
        partition = partition_of(one.device)
        await journal.append([Entry("alarm", f"{one.alarm}/{one.at}", partition, one.at, encode(one))])
        if number % 2 == 0:
            await journal.append([Entry("reading", f"{one.device}/{one.at}", partition, one.at, b"\x90")])


def story_of(*seconds: float, alarm: str = "a", origin: Origin = Origin.LIVE) -> Story:
    """An alarm that comes at these seconds and goes after 12."""
    story = Story()
    for s in seconds:
        story.tell(s, Event.RAISE, alarm, origin=origin)
        story.tell(s + 12, Event.RETURN, alarm, origin=origin)
    return story


async def ask(meters: AlarmMeters, start: int, end: int, origin: Origin = Origin.LIVE) -> Measured:
    found = await meters.measure(MetricsQuery(start, end, origin))
    assert found is not None
    return found


def warmed(journal: SqliteJournal, now: int, tail: int = 20_000, kept: int = 100) -> AlarmMeters:
    meters = AlarmMeters(journal, rules.shipped(), kept)
    found = journal.tail(tail)
    meters.warm(found, is_all=len(found) < tail, now=now)
    return meters


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, journal: SqliteJournal) -> list[int]:
    """How many alarms each look into the files gave."""
    looked: list[int] = []
    look = journal.survey.of_kinds

    def noted(*given: Any) -> tuple[list[Stored], int]:
        found = look(*given)
        looked.append(len(found[0]))
        return found

    monkeypatch.setattr(journal.survey, "of_kinds", noted)
    return looked


async def test_what_is_in_memory_is_not_read_again(journal: SqliteJournal, now: int, reads: list[int]) -> None:
    await fill(journal, story_of(0, 100, 200))
    found = await ask(warmed(journal, now), START - DAY, now)
    assert (found.everything.announced, reads) == ({"high": 3}, [])


async def test_what_memory_does_not_reach_is_read_page_by_page(
    journal: SqliteJournal, now: int, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_metrics, "PAGE", 4)
    await fill(journal, story_of(0, 100, 200, 300, 400))
    meters = warmed(journal, now, tail=3)
    found = await ask(meters, START - DAY, now)
    assert (found.everything.announced, reads) == ({"high": 5}, [4, 4, 2])
    recent = await ask(meters, START + 413 * SECOND, now)
    assert (recent.everything.announced, len(reads)) == ({}, 3)


async def test_memory_is_bounded_and_knows_how_far_it_reaches(
    journal: SqliteJournal, now: int, reads: list[int]
) -> None:
    meters = warmed(journal, now, kept=4)
    journal.subscribe(meters.listen)
    await fill(journal, story_of(0, 100, 200))
    late = await ask(meters, START + 50 * SECOND, now)
    assert (late.everything.announced, reads) == ({"high": 2}, [])
    early = await ask(meters, START, now)
    assert (early.everything.announced, reads) == ({"high": 3}, [6])


async def test_the_span_begins_where_the_journal_does(journal: SqliteJournal, now: int) -> None:
    await fill(journal, story_of(0))
    meters = warmed(journal, now)
    found = await ask(meters, START - 30 * DAY, now)
    assert found.everything.span == (START - DAY, now)
    assert await meters.measure(MetricsQuery(START - 30 * DAY, START - 29 * DAY)) is None


async def test_diagnostics_are_left_out_of_the_second_set(journal: SqliteJournal, now: int) -> None:
    story = story_of(0)
    states = (AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED)
    one = transition("x", Event.RAISE, *states, START, START, "high", Origin.LIVE)
    classes = {rule.id for rule in rules.shipped().alarms.values() if rule.alarm_class == "diagnostic"}
    story.told += [
        type(one)(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "alarm": rule, "rule": rule})
        for rule in sorted(classes)
    ]
    await fill(journal, story)
    found = await ask(warmed(journal, now), START - DAY, now)
    assert classes
    assert found.everything.announced == {"high": 1 + len(classes)}
    assert (found.operational.announced, found.operational.standing) == ({"high": 1}, {"high": 1})


async def test_each_origin_is_measured_by_itself(journal: SqliteJournal, now: int) -> None:
    await fill(journal, story_of(0), story_of(1, 101, alarm="b", origin=Origin.DRILL))
    meters = warmed(journal, now)
    live, drill = [await ask(meters, START, now, origin) for origin in (Origin.LIVE, Origin.DRILL)]
    assert [one.alarm for one in live.everything.top] == ["a"]
    assert [(one.alarm, one.times) for one in drill.everything.top] == [("b", 2)]


async def test_an_alarm_of_which_the_journal_tells_no_more_stands_all_the_same(
    journal: SqliteJournal, now: int
) -> None:
    """Its transition went with an old segment; its record is kept."""
    old = AlarmRecord("o", "d", "p", "CK-04", Origin.LIVE, "critical", True, AlarmState.ACKNOWLEDGED, raised_at=START)
    await journal.append([], {"alarm/o": encode(old), "alarm/new": b"\x91\x63", "other/x": b"?"})
    found = await ask(warmed(journal, now), START - DAY, now)
    assert (found.everything.standing, found.unread) == ({"critical": 1}, 1)


async def test_what_a_newer_gateway_wrote_is_counted_as_unread(journal: SqliteJournal, now: int) -> None:
    await fill(journal, story_of(0))
    await journal.append([Entry("alarm", "new", 5, START, b"\x91\x63")])
    found = await ask(warmed(journal, now), START - DAY, now)
    assert (found.everything.announced, found.unread) == ({"high": 1}, 1)


async def test_questions_are_answered_one_after_the_other(
    journal: SqliteJournal, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the loop goes on meanwhile: it is what lets the first one go."""
    meters = warmed(journal, now)
    loop, inside, most = asyncio.get_running_loop(), 0, 0
    entered, go = asyncio.Event(), asyncio.Event()
    load = journal.load_state

    async def wait() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        entered.set()
        await go.wait()
        inside -= 1

    def slow(prefix: str) -> dict[str, bytes]:
        asyncio.run_coroutine_threadsafe(wait(), loop).result(20)
        return load(prefix)

    monkeypatch.setattr(journal, "load_state", slow)
    asked = [asyncio.create_task(ask(meters, START, now)) for _ in range(alarm_metrics.WAITING)]
    await asyncio.wait_for(entered.wait(), 20)
    with pytest.raises(MetricsBusy, match="4 wait for alarm metrics already"):
        await ask(meters, START, now)
    go.set()
    await asyncio.gather(*asked)
    assert most == 1
    assert await ask(meters, START, now)


async def test_prometheus_is_shown_live_alarms(journal: SqliteJournal, now: int, reads: list[int]) -> None:
    await fill(journal, story_of(-50_000))
    meters = warmed(journal, now)
    journal.subscribe(meters.listen)
    standing = Story()
    standing.tell(500, Event.RAISE, "s", "critical")
    standing.tell(900, Event.RAISE, "t", "low")
    standing.tell(960, Event.ACKNOWLEDGE, "t", "low")
    await fill(journal, story_of(0, 20, 40), standing, story_of(0, alarm="d", origin=Origin.DRILL))
    registry = CollectorRegistry()
    registry.register(meters)
    value = registry.get_sample_value
    both = {"set": "all"}
    assert value("gengfu_alarms_announced_total", {"priority": "high"}) == 3
    assert value("gengfu_alarms_rate_peak", {**both, "per": "10m"}) == 4
    assert value("gengfu_alarms_rate_mean", {**both, "per": "1h"}) == 6 / 24
    assert value("gengfu_alarms_standing", {**both, "priority": "critical"}) == 1
    assert value("gengfu_alarms_standing", {"set": "without-diagnostics", "priority": "high"}) == 1
    assert value("gengfu_alarms_unacknowledged", both) == 2
    assert value("gengfu_alarms_chattering", both) == 1
    assert value("gengfu_alarms_flood_ratio", both) == 0
    assert value("gengfu_alarms_fleeting", both) == 0
    assert value("gengfu_alarms_top_ratio", both) == 1
    assert value("gengfu_alarms_acknowledge_seconds", {**both, "quantile": "0.95"}) == 60
    assert value("gengfu_alarms_measured_seconds") == 86_400
    assert reads == []


async def test_after_a_restart_prometheus_is_told_how_far_it_looks(
    journal: SqliteJournal, now: int, reads: list[int]
) -> None:
    await fill(journal, story_of(0, 100))
    registry = CollectorRegistry()
    registry.register(warmed(journal, now, tail=3))
    assert registry.get_sample_value("gengfu_alarms_measured_seconds") == pytest.approx(3500)
    assert registry.get_sample_value("gengfu_alarms_stale", {"set": "all"}) == 0
    assert reads == []


async def test_prometheus_never_reads_the_files_though_the_clock_was_set_back(
    journal: SqliteJournal, now: int, reads: list[int]
) -> None:
    meters = AlarmMeters(journal, rules.shipped())
    meters.warm([], is_all=False, now=now + 60 * SECOND)
    registry = CollectorRegistry()
    registry.register(meters)
    assert registry.get_sample_value("gengfu_alarms_stale", {"set": "all"}) == 0
    assert reads == []
