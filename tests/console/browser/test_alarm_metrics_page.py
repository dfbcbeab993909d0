"""The page of the alarm metrics in a real browser, over the real API and a real journal."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alarms.alarm import encode
from alarms.states import Event
from console.duty.desk import DutyDesk
from console.roles import Role
from console.services import ConsoleServices
from gengfu import rules
from gengfu.alarm_metrics import AlarmMeters
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.alarms.metrics.conftest import Story
from tests.console.browser.conftest import Console, Visit

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]
DAYS = 86_400
LEAK, RATE, BLIND, FULL, DRILL = (
    *("t:gas:1~CK-04", "t:gas:2~CK-03", "t:gas:2~BL-02", "t:bin:1~SB-01"),
    "t:gas:2~CK-04~drill",
)


def told(now: int) -> Story:
    """Two days, the second of them busy: chatter, a flood that one acknowledged, and a bin that nobody emptied."""
    story = Story(now)
    story.tell(-2 * DAYS, Event.RAISE, FULL, "low")
    story.tell(-2 * DAYS + 600, Event.ACKNOWLEDGE, FULL, "low")
    for s in range(12):
        story.tell(-7100 + 15 * s, Event.RAISE, RATE)
        story.tell(-7100 + 15 * s + 5, Event.RETURN, RATE)
    story.tell(-6900, Event.ACKNOWLEDGE, RATE)
    story.tell(-6850, Event.RAISE, LEAK, "critical")
    story.tell(-6810, Event.ACKNOWLEDGE, LEAK, "critical")
    story.tell(-6750, Event.RAISE, BLIND, "high")
    story.tell(-500, Event.RAISE, DRILL, "critical", Origin.DRILL)
    return story


class MetricsConsole(Console):
    """With a journal that tells the story. Begun three days ago."""

    def __init__(self, services: ConsoleServices, folder: Path) -> None:
        super().__init__(services)
        self._folder = folder
        self._up: SqliteJournal | None = None

    async def wire(self, services: ConsoleServices) -> ConsoleServices:
        now = time.time_ns()
        self._up = SqliteJournal.open(self._folder, now=now - 3 * DAYS * SECOND, window_s=0.0)
        desk = DutyDesk(services.site, rules.shipped(), services.events)
        meters = AlarmMeters(self._up, rules.shipped())
        meters.warm([], is_all=True, now=now)
        self._up.subscribe(desk.listen)
        self._up.subscribe(meters.listen)
        story = told(now).told
        await self._up.append(
            [Entry("alarm", f"{one.alarm}/{one.at}", partition_of(one.device), one.at, encode(one)) for one in story]
        )
        return replace(services, alarms=desk.alarms, alarm_metrics=meters)

    async def end(self) -> None:
        assert self._up is not None
        await self._up.close()


@pytest.fixture
def console(services: ConsoleServices, tmp_path: Path) -> Iterator[Console]:
    running = MetricsConsole(replace(services, ping_s=0.2), tmp_path / "journal")
    running.start()
    yield running
    running.close()


def opened(visitor: Visit, console: Console, query: str = "") -> Page:
    page = visitor.sign_in(Role.VIEWER)
    page.goto(f"{console.url}/alarm-metrics{query}")
    page.locator("#numbers tbody tr").first.wait_for()
    return page


def cells(page: Page, number: str) -> list[str]:
    """All alarms, without diagnostics."""
    return page.locator(f"#numbers td[data-number={number}]").all_inner_texts()


def test_numbers_stand_beside_their_targets(visit: Open, console: Console) -> None:
    visitor = visit()
    page = opened(visitor, console)
    assert cells(page, "announced") == ["14", "13"]
    assert cells(page, "per-10-min-peak") == ["14\n未达标", "13\n未达标"]
    assert cells(page, "flood-share") == ["0.7 %", "0.7 %"]
    assert cells(page, "acknowledge-p95") == ["200.0 s", "200.0 s"]
    row = page.locator("#numbers tbody tr").filter(has_text="每小时,平均")
    expect(row).to_contain_text("不超过 5")
    expect(row).to_contain_text("readbag tipsweb KPI grid (未核实)")
    expect(page.locator("#chattering tbody tr")).to_have_count(1)
    expect(page.locator("#chattering tbody tr")).to_contain_text(RATE)
    expect(page.locator("#stale tbody tr")).to_contain_text(FULL)
    expect(page.locator("#stale tbody tr")).to_contain_text("垃圾桶将满")
    expect(page.locator("#top tbody tr").first).to_contain_text("85.7 %")
    expect(page.locator("#span")).to_contain_text("仅真实报警")
    expect(page.locator("#definitions")).to_contain_text("10 分钟内超过 10 次开始,低于 5 次结束")
    expect(page.locator("#definitions")).to_contain_text("(未核实)")
    expect(page.locator("#incomplete")).to_be_hidden()
    assert DRILL not in page.inner_text("main")
    assert (visitor.errors, visitor.elsewhere) == ([], [])


def test_a_longer_time_says_where_the_journal_begins(visit: Open, console: Console) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console)
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#incomplete")).to_contain_text("The journal does not have all of it")
    assert cells(page, "announced") == ["15", "14"]
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#incomplete")).to_contain_text("日志不完整")
    assert visitor.errors == []


def test_a_drill_is_shown_by_itself_and_named(visit: Open, console: Console) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console, "?origin=drill")
    assert cells(page, "announced") == ["1", "1"]
    expect(page.locator("#span")).to_contain_text("not real alarms")
    expect(page.locator("#top tbody tr")).to_contain_text(DRILL)
    assert visitor.errors == []


def test_a_wrong_time_has_words_and_shows_no_numbers(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in(Role.VIEWER)
    page.goto(f"{console.url}/alarm-metrics?from=yesterday")
    expect(page.locator("#notice")).to_contain_text("is neither RFC 3339")
    expect(page.locator("#numbers tr")).to_have_count(0)
    expect(page.locator("#incomplete")).to_be_hidden()


def test_on_paper_there_are_only_the_tables(visit: Open, console: Console, tmp_path: Path) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.locator(".who")).to_be_hidden()
    expect(page.locator("#numbers")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(path=tmp_path / "metrics.pdf", format="A4").startswith(b"%PDF")


def test_the_desk_leads_to_the_page(visit: Open, console: Console) -> None:
    page = visit().sign_in(Role.VIEWER)
    page.get_by_role("link", name="报警统计").click()
    expect(page.locator("#numbers tbody tr").first).to_be_visible()
