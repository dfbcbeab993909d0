"""The duty desk during a leak, in a real browser over a real gateway: alarms, valve, plan, and what people may do."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from console.roles import Role
from protocols.quality import Quality
from tests.console.browser.conftest import Visit, WallClock
from tests.console.browser.duty.conftest import CLOSED, DutyConsole, alarm, press, step, zone

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

# Notes, each time the stream has brought something, whether the leak is on the page when its listeners are through.
WATCH_STREAM = """
const listen = EventSource.prototype.addEventListener;
window.shown = [];
EventSource.prototype.addEventListener = function (kind, listener) {
  listen.call(this, kind, (event) => {
    listener(event);
    if (kind === "alarm") window.shown.push(document.querySelector('[data-alarm="t:gas:1~CK-04"]') !== null);
  });
};
"""


def test_a_leak_comes_onto_the_page_by_itself(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    visitor.page.add_init_script(WATCH_STREAM)
    page = visitor.sign_in()
    expect(zone(page).locator(".standing")).to_have_text("已布防")
    expect(page.locator("#panel-alarms")).to_be_hidden()
    console.leak()
    expect(alarm(page).locator("h3")).to_have_text("燃气泄漏 二级")
    assert page.evaluate("window.shown") == [True]
    expect(alarm(page).locator(".state")).to_have_text("未确认")
    expect(alarm(page).locator(".now")).to_have_text("61.9 %LEL")
    expect(alarm(page).locator(".response")).to_contain_text("疏散、报119和燃气公司、关总阀")
    expect(alarm(page).locator(".unverified")).to_have_text("未核实")
    expect(alarm(page).locator(".due")).to_contain_text("处置时限 还剩 0:")
    expect(page.locator("[data-device='t:gas:1'] .card-alarm")).to_contain_text("紧急 · 燃气泄漏 二级")
    expect(page.locator("#announce")).to_contain_text("紧急报警:燃气泄漏 二级,老灶火锅")
    expect(page).to_have_title(re.compile(r"^\(1\) 紧急报警:燃气泄漏 二级"))
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_the_valve_and_the_plan_stand_beside_it(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    console.leak()
    expect(zone(page).locator(".standing")).to_contain_text("已动作(锁存)")
    expect(zone(page).locator(".causes li").first).to_contain_text("RK-1 一级泄漏或本机报警 首发")
    expect(zone(page).locator("[data-status='done']")).to_contain_text("已关,回读确认")
    expect(zone(page).locator("[data-status='held']").first).to_contain_text("由现场人员决定")
    expect(zone(page).locator(".advice")).to_contain_text("阀门已关,须现场人工复位。")
    run = page.locator("[data-run]")
    expect(run.locator(".stage")).to_have_text("全级")
    expect(run.locator(".run-notice")).to_have_text("先撤离;不碰开关、不用明火;到室外上风处再打电话")
    expect(step(page, "K02").locator(".step-actor")).to_have_text("厨房员工、店主或当班负责人")
    expect(step(page, "K02").locator(".else")).to_contain_text("只由消防搜救")
    expect(step(page, "K02").locator(".due")).to_contain_text("还剩")
    expect(step(page, "K06")).to_be_hidden()
    run.get_by_text("后续 7 步").click()
    expect(step(page, "K06").locator(".step-after")).to_have_text("在 K03、K04、K05 之后")


def test_the_leak_reads_in_english_too(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    console.leak()
    expect(alarm(page).locator("h3")).to_have_text("燃气泄漏 二级")
    page.get_by_role("button", name="EN").click()
    expect(alarm(page).locator("h3")).to_have_text("Gas leak, level 2")
    expect(alarm(page).locator(".response")).to_contain_text("Full plan: evacuate, 119 + gas company")
    expect(zone(page).locator(".advice")).to_contain_text("Valve closed: to be opened by hand on site.")
    expect(page.locator("[data-run] h2")).to_have_text("Gas leak in a restaurant kitchen")
    expect(page).to_have_title(re.compile(r"^\(1\) CRITICAL: Gas leak, level 2"))
    rest = page.locator("main").evaluate("(node) => node.innerText").replace("美食街 8 号", "")
    assert re.findall("[\u4e00-\u9fff]+", rest) == []


def test_acknowledging_is_one_press_and_is_signed(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    page = visitor.sign_in()
    console.leak()
    alarm(page).locator("[data-act='acknowledge']").focus()
    page.keyboard.press("Enter")
    expect(alarm(page).locator(".state")).to_have_text("已确认,仍在报警")
    expect(alarm(page).locator(".handled")).to_contain_text("officer 于")
    expect(alarm(page).locator("[data-act='acknowledge']")).to_have_count(0)
    expect(page).to_have_title("更夫 Gengfu · 演示片区")
    expect(page.locator("#announce")).to_have_text("")
    assert visitor.errors == []


def test_a_request_that_no_gateway_answers_is_said_to_be_on_its_way(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    console.leak()
    console.gateway.hears = False
    press(alarm(page), "acknowledge")
    expect(alarm(page).locator(".said")).to_have_text("已发送,网关尚未应答;结果会显示在这里。")
    expect(alarm(page).locator(".state")).to_have_text("未确认")


def test_a_refused_reset_says_why_in_the_servers_words(visit: Open, console: DutyConsole) -> None:
    page = visit("en-GB").sign_in()
    console.leak()
    page.locator("[data-key^='reset ']").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the valve stays closed until a person opens it by hand on site")
    dialog.get_by_role("button", name="Release the latch").click()
    expect(dialog.locator(".fault")).to_have_text("Still missing: I am on site")
    dialog.get_by_label("I am on site").check()
    dialog.get_by_role("button", name="Release the latch").click()
    expect(zone(page).locator(".said")).to_contain_text("Not done. a cause still stands")
    expect(zone(page).locator(".standing")).to_contain_text("Tripped")


def test_the_latch_is_released_when_the_gas_has_been_gone_and_the_valve_stays_closed(
    visit: Open, console: DutyConsole, time_moves: WallClock
) -> None:
    page = visit("en-GB").sign_in()
    console.leak()
    for _ in range(0, 612, 4):
        time_moves.advance(4)
        console.hear("t:gas:1", {"valve": CLOSED})
    page.locator("[data-key^='reset ']").click()
    page.get_by_role("dialog").get_by_label("I am on site").check()
    page.get_by_role("dialog").get_by_role("button", name="Release the latch").click()
    expect(zone(page).locator(".standing")).to_have_text("Armed")
    expect(zone(page).locator(".advice")).to_contain_text("Valve closed: to be opened by hand on site.")
    expect(page.locator("[data-key^='reset ']")).to_have_count(0)


def test_over_range_is_reset_only_with_zero_and_calibration_checked(
    visit: Open, console: DutyConsole, time_moves: WallClock
) -> None:
    page = visit().sign_in()
    over = alarm(page, "t:gas:1~CK-07")
    console.hear("t:gas:1", {"methane": 101.0, "over_range": 1.0}, {"methane": Quality.BAD_OVER_RANGE})
    press(over, "acknowledge")
    time_moves.advance(1)
    console.hear("t:gas:1")
    press(over, "reset")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="复位").click()
    expect(dialog.locator(".fault")).to_have_text("尚缺:我在现场,零点和标定已检查")
    dialog.get_by_label("我在现场,零点和标定已检查").check()
    with page.expect_request("**/alarms/*/reset") as asked:
        dialog.get_by_role("button", name="复位").click()
    assert asked.value.post_data_json == {"why": "", "on_site": True}
    expect(over).to_have_count(0)


def test_out_of_service_asks_for_reason_end_and_measure(visit: Open, console: DutyConsole) -> None:
    page = visit("en-GB").sign_in()
    console.leak()
    press(alarm(page), "out-of-service")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("sensor is exchanged")
    dialog.get_by_role("button", name="Take out of service").click()
    expect(dialog.locator(".fault")).to_contain_text("Compensating measure")
    dialog.get_by_label("Compensating measure").fill("person with instrument")
    with page.expect_request("**/alarms/*/out-of-service") as asked:
        dialog.get_by_role("button", name="Take out of service").click()
    assert asked.value.post_data_json == {
        "why": "sensor is exchanged",
        "for_s": 3600,
        "measure": "person with instrument",
    }
    expect(alarm(page).locator(".state")).to_have_text("Out of service")
    expect(alarm(page).locator(".handled")).to_contain_text("officer · sensor is exchanged")
    expect(zone(page).locator(".standing")).to_contain_text("Tripped")


def test_a_step_is_finished_with_its_evidence(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    page = visitor.sign_in()
    console.leak()
    press(step(page, "K03"), "done")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("身份")).to_have_value("control-room")
    dialog.get_by_role("button", name="完成").click()
    expect(dialog.locator(".fault")).to_have_text("尚缺:回读状态与时间")
    dialog.get_by_label("回读状态与时间").fill("16:02 关")
    dialog.get_by_role("button", name="完成").click()
    page.get_by_text("已完成 2 / 10 步").click()
    expect(step(page, "K03").locator(".step-done")).to_contain_text("officer")
    expect(step(page, "K03").locator(".step-given")).to_have_text("回读状态与时间:16:02 关")
    page.get_by_text("记录(").click()
    expect(page.locator(".log li").first).to_contain_text("K03 · 已完成 · officer")
    assert visitor.errors == []


def test_what_the_stream_brings_does_not_take_the_focus_away(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    console.leak()
    page.locator("[data-run] summary").last.click()
    done = step(page, "K03").locator("[data-act='done']")
    done.focus()
    [run] = page.request.get(f"{console.url}/api/v1/runs").json()["items"]
    console.publish("run", {**run, "stage": "verify"})
    expect(page.locator(".stage")).to_have_text("核实")
    expect(done).to_be_focused()
    expect(page.locator(".log")).to_be_visible()


def test_a_dialog_is_left_with_escape_and_nothing_is_sent(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    console.leak()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    step(page, "K03").locator("[data-act='done']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(step(page, "K03").locator("[data-act='done']")).to_be_focused()
    assert "POST" not in asked


@pytest.mark.parametrize("is_demo", [True])
def test_a_viewer_sees_all_of_it_and_has_no_buttons(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in(Role.VIEWER)
    console.leak()
    expect(alarm(page).locator("h3")).to_have_text("燃气泄漏 二级")
    expect(zone(page).locator(".advice")).to_be_visible()
    expect(step(page, "K02")).to_be_visible()
    expect(
        page.locator("#panel-alarms button:not(.more-alarms), #panel-interlocks button, #panel-response button")
    ).to_have_count(0)
    expect(page.locator("#panel-demo")).to_be_hidden()


def test_what_ended_while_the_stream_was_lost_is_gone_after_it(visit: Open, console: DutyConsole) -> None:
    page = visit("en-GB").sign_in()
    for _ in range(2):
        console.hear("t:bin:1", {"fill": 96.0})
    press(alarm(page, "t:bin:1~SB-02"), "acknowledge")
    expect(alarm(page, "t:bin:1~SB-02").locator(".state")).to_have_text("Acknowledged, still in alarm")
    console.stop()
    expect(page.locator("#stream-lost-text")).to_have_text("Stream lost: values may be old.")
    console.hear("t:bin:1", {"fill": 3.0})
    console.leak()
    console.start()
    expect(alarm(page)).to_be_visible()
    expect(alarm(page, "t:bin:1~SB-02")).to_have_count(0)
