"""How the duty desk looks and sounds, what it does with hostile texts, and the demo's strip."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.browser.conftest import Visit
from tests.console.browser.duty.conftest import Boards, DutyConsole, alarm, press, step

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


@pytest.mark.parametrize("is_demo", [True])
def test_the_demos_strip_acts_on_boards_and_commands_nothing(visit: Open, console: DutyConsole, boards: Boards) -> None:
    visitor = visit("en-GB")
    page = visitor.sign_in()
    strip = page.locator("#panel-demo")
    expect(strip.locator("option")).to_have_text(["Hotpot alarm", "Noodle alarm"])
    strip.get_by_role("button", name="Gas leaks", exact=True).click()
    strip.locator("select").select_option("t:gas:2")
    strip.get_by_role("button", name="Gas leaks slowly").click()
    strip.get_by_role("button", name="Gas clears").click()
    with page.expect_response("**/demo/reopen"):
        strip.get_by_role("button", name="A person at the board opens the valve by hand").click()
    wanted = [
        ("leak", "t:gas:1", False),
        ("leak", "t:gas:2", True),
        ("clear", "t:gas:2", False),
        ("reopen", "t:gas:2", False),
    ]
    assert boards.done == wanted
    assert console.gateway.line.sent == []
    assert visitor.errors == []


def test_there_is_no_demos_strip_elsewhere(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.sign_in()
    expect(page.locator("#panel-interlocks")).to_be_visible()
    expect(page.locator("#panel-demo")).to_be_hidden()
    assert [url for url in asked if "/api/v1/demo" in url] == []


def test_markup_in_a_text_stays_text(visit: Open, console: DutyConsole) -> None:
    page = visit("en-GB").sign_in()
    for _ in range(2):
        console.hear("t:bin:1", {"fill": 96.0})
    expect(alarm(page, "t:bin:1~SB-02").locator(".place")).to_contain_text("<img src=x onerror=")
    hostile = {"zh": "<img src=x onerror=alert(1)>", "en": "<script>alert(1)</script>"}
    shown = page.request.get(f"{console.url}/api/v1/alarms/t:bin:1~SB-02").json()
    response = [{"id": "<b>R1</b>", **hostile}]
    console.publish("alarm", {**shown, "title": hostile, "cause": hostile, "response": response, "silenced_why": "<b>"})
    expect(alarm(page, "t:bin:1~SB-02").locator("h3")).to_have_text("<script>alert(1)</script>")
    expect(page.locator("#panel-alarms :is(img, script)")).to_have_count(0)


def test_sound_is_off_until_a_person_switches_it_on(visit: Open, console: DutyConsole) -> None:
    page = visit().sign_in()
    expect(page.locator("#sound-state")).to_have_text("声音未开启")
    expect(page.locator("#sound")).to_have_attribute("data-level", "warning")
    page.locator("#sound").click()
    expect(page.locator("#sound-state")).to_have_text("声音已开启")
    page.locator("#sound").click()
    expect(page.locator("#sound-state")).to_have_text("声音未开启")


def test_nothing_flashes_for_whoever_wants_no_motion(visit: Open, console: DutyConsole) -> None:
    console.leak()
    moving = visit().sign_in()
    expect(alarm(moving).locator("> .shape")).to_have_css("animation-name", "call")
    still = visit(reduced_motion="reduce").sign_in()
    expect(alarm(still).locator("> .shape")).to_have_css("animation-name", "none")
    expect(alarm(still).locator(".state")).to_have_text("未确认")


# Every text of the page with its contrast to what it stands on (WCAG 2.2, 1.4.3), where that is too little.
FAINT = """() => {
  const parse = (css) => css.match(/[\\d.]+/g).map(Number);
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !node.checkVisibility() || node.closest("script, noscript, option, .plot")) continue;
    const style = getComputedStyle(node);
    const [one, other] = [light(parse(style.color)), light(ground(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("is_demo", [True])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_a_leak_can_be_read(visit: Open, console: DutyConsole, scheme: str) -> None:
    for _ in range(2):
        console.hear("t:bin:1", {"fill": 96.0})
    console.leak()
    page = visit("en-GB", height=4000, color_scheme=scheme, reduced_motion="reduce").sign_in()
    expect(step(page, "K02")).to_be_visible()
    expect(alarm(page, "t:bin:1~SB-02")).to_be_visible()
    press(alarm(page), "acknowledge")
    expect(alarm(page).locator(".state")).to_have_text("Acknowledged, still in alarm")
    assert page.evaluate(FAINT) == []


def test_a_leak_fits_a_phone(visit: Open, console: DutyConsole) -> None:
    console.leak()
    page = visit("en-GB", width=390, height=844).sign_in()
    expect(alarm(page).locator("h3")).to_be_in_viewport()
    expect(step(page, "K02")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = "(ids) => ids.map((id) => document.getElementById(id).getBoundingClientRect().top)"
    order = page.evaluate(tops, ["panel-alarms", "panel-interlocks", "panel-response", "panel-devices", "panel-chart"])
    assert order == sorted(order)
