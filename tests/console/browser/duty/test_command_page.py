"""Commands on the desk, in a real browser over a real gateway: what a device can be told, and what came of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from console.roles import Role
from tests.console.browser.conftest import Visit
from tests.console.browser.duty.conftest import CLOSED, DutyConsole

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


def close_valve(page: Page) -> None:
    page.locator("#panel-commands").get_by_role("button", name="关闭切断阀…").click()


def test_a_valve_is_closed_with_a_reason_and_its_proof_is_shown(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    page = visitor.sign_in()
    panel = page.locator("#panel-commands")
    expect(panel.locator("h2")).to_have_text("设备命令")
    expect(panel.locator(".where").first).to_contain_text("t:gas:1")
    close_valve(page)
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("本系统没有开阀命令")
    dialog.get_by_role("button", name="关闭切断阀").click()
    expect(dialog.locator(".fault")).to_contain_text("原因")
    dialog.locator("input[name='why']").fill("居民电话:有燃气味")
    dialog.get_by_role("button", name="关闭切断阀").click()
    row = panel.locator("li[data-command]")
    expect(row.locator(".command-status")).to_have_text("等待")
    expect(row).to_contain_text("officer · 居民电话:有燃气味")
    console.tick()
    expect(row.locator(".command-status")).to_have_text("设备已接收")
    expect(row.get_by_role("button", name="取消")).to_have_count(0)
    console.hear("t:gas:1", {"valve": CLOSED})
    expect(row.locator(".command-status")).to_have_text("回读确认")
    assert console.gateway.line.sent == [("t:gas:1", "close-valve")]
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_what_waits_is_taken_back_and_english_is_spoken(visit: Open, console: DutyConsole) -> None:
    visitor = visit("en-GB")
    page = visitor.sign_in()
    panel = page.locator("#panel-commands")
    panel.get_by_role("button", name="Test lamps, buzzer and electronics…").click()
    page.locator("dialog").get_by_role("button", name="Test lamps, buzzer and electronics").click()
    row = panel.locator("li[data-command]")
    row.get_by_role("button", name="Cancel").click()
    expect(row.locator(".command-status")).to_have_text("cancelled")
    console.tick()
    assert console.gateway.line.sent == []
    assert visitor.errors == []


def test_a_refusal_is_said_and_a_viewer_has_no_buttons(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    page.locator("#panel-commands").get_by_role("button", name="启动事故风机…").click()
    page.locator("dialog input[name='why']").fill("排风")
    page.locator("dialog").get_by_role("button", name="启动事故风机").click()
    expect(page.locator(".command-said")).to_contain_text("网关未执行")
    viewer = visit().sign_in(Role.VIEWER)
    expect(viewer.locator("#panel-commands .command-list")).to_have_text("没有命令。")
    expect(viewer.locator("#panel-commands button")).to_have_count(0)
    assert console.gateway.line.sent == []
