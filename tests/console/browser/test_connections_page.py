"""The connections page in a real browser, over the real API."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from console.roles import Role
from console.services import ConsoleServices
from device_registry.devices import Site
from gateway.diagnostics import Diagnosis
from gengfu.connection_board import ConnectionBoard
from tests.console.browser.conftest import Console, Visit
from tests.console.conftest import Clock
from tests.fixtures.diagnoses import door, line

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


@pytest.fixture
def known(clock: Clock, site: Site) -> dict[str, Diagnosis]:
    first, second, third = site.devices
    return {"coap": door(clock.ns, [third]), "line-1": line(clock.ns, [first, second], lambda _seconds: None)}


@pytest.fixture
def services(services: ConsoleServices, site: Site, known: dict[str, Diagnosis], clock: Clock) -> ConsoleServices:
    return replace(services, connections=ConnectionBoard(site, lambda: known, clock.ns))


def opened(visitor: Visit, console: Console, role: Role = Role.OFFICER) -> Page:
    page = visitor.sign_in(role)
    page.locator("a[href='/connections']").click()
    page.locator("#connections tbody tr").first.wait_for()
    return page


def test_connections_are_shown_in_chinese_and_stay_fresh(
    visit: Open, console: Console, known: dict[str, Diagnosis]
) -> None:
    visitor = visit()
    page = opened(visitor, console)
    rows = page.locator("#connections tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("line-1")
    expect(rows.first.locator(".state")).to_have_text("中断")
    expect(rows.first).to_contain_text("超时 1")
    expect(rows.first).to_contain_text("2 · 失联 1")
    expect(page.locator("#summary")).to_have_text("共 2 条,1 条未连通")
    expect(page.locator("#devices tbody tr")).to_have_count(2)
    expect(page.locator("#devices tbody tr").last.locator(".state")).to_have_text("失联")
    console.loop.call_soon_threadsafe(known["line-1"].up)
    expect(page.locator("[data-connection='line-1'] .state")).to_have_text("已连通")
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_the_page_speaks_english_too_and_keeps_the_choice(visit: Open, console: Console) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console)
    expect(page.locator("h2").first).to_have_text("Connections")
    page.get_by_role("button", name="coap", exact=True).click()
    expect(page.locator("#detail-title")).to_have_text("coap")
    expect(page.locator("#devices tbody tr")).to_contain_text("2.5 s")
    page.reload()
    expect(page.locator("#detail-title")).to_have_text("coap")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h2").first).to_have_text("连接")
    page.get_by_role("link", name="值班台").click()
    page.locator("#desk").wait_for()
    assert visitor.errors == []


def test_the_wire_log_grows_for_an_officer(visit: Open, console: Console, known: dict[str, Diagnosis]) -> None:
    visitor = visit()
    page = opened(visitor, console)
    page.get_by_role("button", name="显示线路记录").click()
    pieces = page.locator("#wire li")
    expect(pieces).to_have_count(6)
    expect(pieces.first).to_contain_text("00 01 00 00 00 06 05 04 00 00 00 02")
    expect(pieces.nth(1)).to_contain_text("answers «read input registers»: 10 11")
    console.loop.call_soon_threadsafe(known["line-1"].received, b"\0\7\0\0\0\5\5\4\2\0\x63")
    expect(pieces).to_have_count(7)
    expect(pieces.last).to_contain_text("99")
    assert visitor.errors == []


def test_a_viewer_has_no_wire_log(visit: Open, console: Console) -> None:
    visitor = visit()
    page = opened(visitor, console, Role.VIEWER)
    expect(page.locator("#devices tbody tr")).to_have_count(2)
    expect(page.locator("#wire-toggle")).to_be_hidden()
    assert visitor.errors == []


def test_nobody_sees_it_without_signing_in(visit: Open, console: Console) -> None:
    page = visit().page
    page.goto(f"{console.url}/connections")
    expect(page.locator("#username")).to_be_visible()


def test_a_text_of_a_peer_becomes_no_markup(visit: Open, console: Console, known: dict[str, Diagnosis]) -> None:
    known["line-1"].reason = "<img src=x onerror=alert(1)>"
    visitor = visit()
    page = opened(visitor, console)
    expect(page.locator("#detail-reason")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("#detail img").count() == 0
    assert visitor.errors == []
