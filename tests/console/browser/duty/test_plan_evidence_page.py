"""Evidence of each kind at the duty desk, in a real browser: a bin burns, and people write down what they did."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browser.conftest import Visit
from tests.console.browser.duty.conftest import DutyConsole, press, step

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


def asked(page: Page, name: str) -> Locator:
    """The dialog in which a step is finished."""
    press(step(page, name), "done")
    return page.get_by_role("dialog")


def sent(page: Page, dialog: Locator, name: str) -> dict[str, str]:
    """Confirm it; the evidence that goes out."""
    with page.expect_response(f"**/runs/*/steps/{name}") as answer:
        dialog.get_by_role("button", name="完成").click()
    assert answer.value.status == 200, answer.value.text()
    evidence: dict[str, str] = answer.value.request.post_data_json["evidence"]
    return evidence


def test_lines_are_ticked_and_times_have_their_zone(visit: Open, console: DutyConsole) -> None:
    visitor = visit()
    page = visitor.sign_in()
    console.hear("t:bin:1", {"fire": 1.0})
    dialog = asked(page, "B04")
    for line in ("压缩机已闭锁", "桶盖保持锁闭", "已通知清运车"):
        dialog.get_by_role("button", name="完成").click()
        expect(dialog.locator(".fault")).to_have_text(f"尚缺:清单: {line}")
        dialog.get_by_label(line).check()
    assert sent(page, dialog, "B04") == {"checked": "compactor lid truck"}
    expect(step(page, "B04").locator(".step-given")).to_have_text("清单:压缩机已闭锁、桶盖保持锁闭、已通知清运车")
    for name, label in (("B02", "119 通话记录"), ("B03", "隔离情况")):
        dialog = asked(page, name)
        dialog.get_by_label(label).fill("12:01")
        sent(page, dialog, name)
    dialog = asked(page, "B05")
    dialog.get_by_label("处置结果").fill("已扑灭")
    expect(dialog.get_by_label("到场时间")).not_to_have_value("")
    dialog.get_by_label("到场时间").fill("2026-01-02T10:30")
    assert sent(page, dialog, "B05")["arrival"] == page.evaluate("new Date('2026-01-02T10:30').toISOString()")
    assert visitor.errors == []
