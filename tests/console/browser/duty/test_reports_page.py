"""The form of the reports in a real browser, over a real gateway: entered on a telephone, an alarm, withdrawn."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from console.roles import Role
from gengfu.own_devices.report_places import place_id
from tests.console.browser.conftest import Visit
from tests.console.browser.duty.conftest import DutyConsole

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


def opened(visitor: Visit, console: DutyConsole, role: Role) -> Page:
    page = visitor.sign_in(role)
    page.goto(f"{console.url}/reports")
    page.locator("#none").wait_for()
    return page


def test_odour_is_entered_on_a_telephone_stands_on_the_desk_and_is_withdrawn(visit: Open, console: DutyConsole) -> None:
    visitor = visit(width=390, height=844)
    page = opened(visitor, console, Role.OFFICER)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".tell")).to_contain_text("到室外上风处再打电话")
    page.get_by_role("button", name="录入并报警").click()
    expect(page.locator("#notice")).to_contain_text("请填写")
    page.get_by_label("闻到燃气味").check()
    page.locator("#find").fill("hotpot")
    page.locator("#text").fill("<b>后门</b>有气味")
    page.locator("#ago").select_option("5")
    page.get_by_role("button", name="录入并报警").click()
    row = page.locator("#list li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("<b>后门</b>有气味")
    expect(page.locator("#notice")).to_contain_text("已录入")
    expect(page.get_by_label("闻到燃气味")).not_to_be_checked()
    expect(page.locator("#ago")).to_have_value("0")
    page.goto(f"{console.url}/")
    name = f"{place_id('demo', 'street/hotpot')}~OD-01"
    alarm = page.locator(f'[data-alarm="{name}"]')
    expect(alarm).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="接报").click()
    row.get_by_role("textbox").fill("油漆味")
    row.get_by_role("button", name="撤销").click()
    expect(row).to_have_attribute("data-state", "withdrawn")
    expect(row).to_contain_text("油漆味")
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_who_only_looks_has_no_form(visit: Open, console: DutyConsole) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console, Role.VIEWER)
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#read-only")).to_have_text("Only duty officers enter or withdraw reports.")
    expect(page.locator(".tell")).to_contain_text("phone only from outside")
    assert visitor.errors == []
