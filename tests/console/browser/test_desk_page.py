"""The duty desk in a real browser, fed by the real event stream."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from console.accounts import Accounts
from console.roles import Role
from protocols.quality import Quality
from tests.console.browser.conftest import Console, Visit

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

INKED = """(canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const wanted = getComputedStyle(document.body).getPropertyValue("--trace").trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(wanted.slice(at, at + 2), 16));
  let inked = 0;
  for (let at = 0; at < data.length; at += 4) {
    const off = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b);
    if (data[at + 3] > 200 && off < 24) inked += 1;
  }
  return inked;
}"""


def cell(page: Page, device: str, point: str) -> Locator:
    return page.locator(f"[data-device='{device}'] [data-point='{point}']")


def value(page: Page, device: str, point: str) -> Locator:
    return cell(page, device, point).locator(".value")


def test_the_desk_shows_values_and_follows_the_stream(visit: Open, console: Console) -> None:
    visitor = visit()
    page = visitor.sign_in()
    expect(value(page, "t:gas:1", "methane")).to_have_text("1.2")
    expect(cell(page, "t:gas:1", "methane").locator(".unit")).to_have_text("%LEL")
    expect(value(page, "t:gas:1", "valve")).to_have_text("开")
    expect(page.locator("#stream-state")).to_have_text("实时")
    expect(page.locator("#blind-count")).to_have_text("0 / 14")
    console.hear("t:gas:1", {"methane": 17.35})
    expect(value(page, "t:gas:1", "methane")).to_have_text("17.4")
    expect(value(page, "t:gas:1", "co")).to_have_text("4")
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_the_language_changes_in_place(visit: Open, console: Console) -> None:
    page = visit("en-US").sign_in()
    title = page.locator("[data-device='t:gas:1'] h3")
    expect(title).to_have_text("Hotpot alarm")
    page.get_by_role("button", name="中文").click()
    expect(title).to_have_text("火锅 报警器")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#site-title")).to_have_text("演示片区")
    expect(value(page, "t:gas:1", "methane")).to_have_text("1.2")


def test_a_bad_value_is_struck_and_says_why(visit: Open, console: Console) -> None:
    page = visit().sign_in()
    console.hear("t:gas:2", {"methane": 0.0, "fault": 1.0}, {"methane": Quality.BAD_SENSOR_FAULT})
    expect(cell(page, "t:gas:2", "methane").locator(".note")).to_have_text("传感器故障")
    expect(value(page, "t:gas:2", "methane")).to_have_css("text-decoration-line", "line-through")
    # A row of «the rest» that is not normal comes out by itself.
    expect(cell(page, "t:gas:2", "fault")).to_be_visible()
    expect(cell(page, "t:gas:2", "uptime")).to_be_hidden()
    expect(page.locator("#blind-count")).to_have_text("1 / 14")


def test_over_range_is_an_alarm_and_not_struck(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    console.hear("t:gas:1", {"methane": 103.0, "over_range": 1.0}, {"methane": Quality.BAD_OVER_RANGE})
    methane = cell(page, "t:gas:1", "methane")
    expect(methane).to_have_attribute("data-level", "alarm")
    expect(methane.locator(".note")).to_have_text("over range: treat as highest level")
    expect(value(page, "t:gas:1", "methane")).to_have_css("text-decoration-line", "none")


def test_a_lost_value_is_no_number(visit: Open, console: Console) -> None:
    page = visit().sign_in()
    console.hear("t:gas:1", {}, {"methane": Quality.BAD_COMM_LOSS})
    expect(value(page, "t:gas:1", "methane")).to_have_text("—")
    expect(cell(page, "t:gas:1", "methane").locator(".note")).to_have_text("通信中断")


def test_a_closed_valve_says_who_opens_it(visit: Open, console: Console) -> None:
    page = visit().sign_in()
    advice = page.locator("[data-device='t:gas:1'] .advice")
    expect(advice).to_be_hidden()
    console.hear("t:gas:1", {"valve": 2.0})
    expect(advice).to_be_visible()
    expect(advice).to_have_text("阀门已关,须现场人工复位。")
    console.hear("t:gas:1", {"valve": 1.0})
    expect(advice).to_be_hidden()


def test_an_old_value_is_called_old(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    console.hear("t:gas:1", {"warm_up": 0.0}, age_s=45)
    page.locator("[data-device='t:gas:1'] .more").click()
    expect(cell(page, "t:gas:1", "warm_up")).to_have_attribute("data-trust", "good")
    page.reload()
    page.locator("[data-device='t:gas:1'] .more").click()
    expect(cell(page, "t:gas:1", "warm_up").locator(".note")).to_have_text("no fresh reading")


def test_what_a_board_tells_of_itself_once_a_minute_is_not_old_before_that(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    console.hear("t:gas:1", {"free_heap": 98304.0, "firmware": 10203.0}, age_s=59)
    page.reload()
    page.locator("[data-device='t:gas:1'] .more").click()
    expect(cell(page, "t:gas:1", "free_heap")).to_have_attribute("data-trust", "good")
    expect(page.locator("[data-device='t:gas:1']")).to_have_attribute("data-level", "normal")


def test_a_title_with_markup_stays_text(visit: Open) -> None:
    page = visit().sign_in()
    expect(page.locator("[data-device='t:bin:1'] h3")).to_contain_text("<img src=x onerror=")
    expect(page.locator("[data-device='t:bin:1'] img")).to_have_count(0)
    assert "broken in" not in page.title()


def test_a_broken_stream_is_said_loudly_and_heals_by_itself(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    expect(page.locator("#stream-lost")).to_be_hidden()
    usual = value(page, "t:gas:1", "methane").evaluate("(node) => getComputedStyle(node).color")
    console.stop()
    expect(page.locator("#stream-lost-text")).to_have_text("Stream lost: values may be old.")
    expect(value(page, "t:gas:1", "methane")).not_to_have_css("color", usual)
    assert page.title().startswith("[STREAM LOST]")
    console.start()
    expect(page.locator("#stream-lost")).to_be_hidden(timeout=15_000)
    console.hear("t:gas:1", {"methane": 5.5})
    expect(value(page, "t:gas:1", "methane")).to_have_text("5.5")


def test_the_chart_draws_the_history(visit: Open, console: Console) -> None:
    for age_s in range(60, 0, -2):
        console.hear("t:gas:1", {"methane": float(age_s)}, age_s=float(age_s))
    visitor = visit("en-GB")
    page = visitor.sign_in()
    expect(page.locator("#panel-chart h2")).to_have_text("Methane")
    page.locator("[data-range='5m']").click()
    page.wait_for_function(f"() => ({INKED})(document.querySelector('#panel-chart canvas')) > 50")
    expect(page.locator("#panel-chart .readout")).to_contain_text("%LEL")
    assert visitor.errors == []


def test_the_chart_goes_on_with_what_the_stream_brings(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    cell(page, "t:gas:1", "temperature").evaluate("(node) => node.click()")
    canvas = page.locator("#panel-chart canvas")
    expect(page.locator("#panel-chart .plot-message")).to_have_text("No data in this time.")
    assert canvas.evaluate(INKED) == 0
    console.hear("t:gas:1", {"temperature": 21.5})
    expect(page.locator("#panel-chart .readout")).to_contain_text("21.5 °C")
    expect(page.locator("#panel-chart .plot-message")).to_have_text("")
    page.wait_for_function(f"() => ({INKED})(document.querySelector('#panel-chart canvas')) > 5")


@pytest.mark.parametrize("range_", ["6h", "24h"])
def test_long_ranges_come_in_buckets(visit: Open, console: Console, range_: str) -> None:
    for age_s in range(1200, 0, -30):
        console.hear("t:gas:1", {"methane": float(age_s % 90)}, age_s=float(age_s))
    page = visit("en-GB").sign_in()
    with page.expect_response(lambda answer: "agg=max" in answer.url) as answered:
        page.locator(f"[data-range='{range_}']").click()
    assert answered.value.status == 200
    page.wait_for_function(f"() => ({INKED})(document.querySelector('#panel-chart canvas')) > 5")
    expect(page.locator("#panel-chart .plot-message")).to_have_text("")


def test_choosing_a_value_shows_its_trend_and_the_address_keeps_it(visit: Open) -> None:
    page = visit("en-GB").sign_in()
    cell(page, "t:gas:2", "valve").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-chart h2")).to_have_text("Shut-off valve")
    page.reload()
    expect(page.locator("#panel-chart h2")).to_have_text("Shut-off valve")
    expect(cell(page, "t:gas:2", "valve")).to_have_attribute("aria-pressed", "true")


def test_the_blind_list_names_each_point_and_reason(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    console.hear("t:gas:2", {"co": 12.0}, {"co": Quality.UNCERTAIN_WARM_UP})
    expect(page.locator("#blind-count")).to_have_text("1 / 14")
    page.locator("#blind").click()
    expect(page.locator("#panel-blind li")).to_have_text("Noodle kitchen · Noodle alarmCarbon monoxidewarming up")


def test_only_what_is_abnormal_can_be_shown(visit: Open, console: Console) -> None:
    page = visit("en-GB").sign_in()
    console.hear("t:gas:1", {"alarm": 1.0})
    expect(page.locator(".count")).to_have_text("3 devices, 1 abnormal")
    page.locator("#only-abnormal").check()
    expect(page.locator("[data-device='t:gas:1']")).to_be_visible()
    expect(page.locator("[data-device='t:gas:2']")).to_be_hidden()
    page.locator("#device-search").fill("noodle")
    expect(page.locator("[data-device='t:gas:1']")).to_be_hidden()


def test_an_ended_session_leads_to_the_sign_in_page(visit: Open, console: Console, accounts: Accounts) -> None:
    page = visit("en-GB").sign_in(Role.VIEWER)
    expect(page.locator("#stream-state")).to_have_text("Live")
    accounts.set_password(Role.VIEWER.value, "another-secret-9")
    page.wait_for_url(f"{console.url}/login?reason=session")
    expect(page.locator("#reason")).to_have_text("Your session has ended. Please sign in again.")


@pytest.mark.parametrize("body", ["{}", "<html>oops", '{"items": [{}]}', ""])
def test_an_answer_that_makes_no_sense_is_said(visit: Open, body: str) -> None:
    visitor = visit("en-GB")
    visitor.sign_in()
    visitor.page.route("**/api/v1/devices*", lambda route: route.fulfill(status=200, body=body))
    visitor.page.reload()
    expect(visitor.page.locator("#fatal-text")).to_contain_text("The server's answer cannot be understood (/devices).")
    expect(visitor.page.locator("#retry")).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(visit: Open) -> None:
    page = visit(width=390, height=844).sign_in()
    expect(value(page, "t:gas:1", "methane")).to_have_text("1.2")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_a_chosen_value_brings_its_chart_into_sight(visit: Open) -> None:
    page = visit(width=390, height=844).sign_in()
    expect(page.locator("#panel-chart canvas")).not_to_be_in_viewport()
    cell(page, "t:gas:1", "co").click()
    expect(page.locator("#panel-chart canvas")).to_be_in_viewport()
