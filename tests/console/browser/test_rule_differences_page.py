"""The page of the rule differences in a real browser, over the real API and the files of a site."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from console.roles import Role
from console.services import ConsoleServices
from device_registry.in_use import SiteInUse
from gengfu.rule_desk import RuleDesk
from gengfu.site_rules.book import read_book
from tests.console.browser.conftest import Console, Visit
from tests.fixtures.rule_site import override, site, write

pytestmark = pytest.mark.browser
LATER = override("CK-02", "approved_on = 2026-11-20", "on_delay_s = 20.0", by='"王伟", "Li Na"')


@pytest.fixture
def console(services: ConsoleServices, tmp_path: Path) -> Iterator[Console]:
    document = write(tmp_path, {"rules/a.toml": LATER})
    book = read_book(document, site())
    desk = RuleDesk(document, SiteInUse(site()), lambda: book, lambda _found: None)
    running = Console(replace(services, ping_s=0.2, rules=desk))
    running.start()
    yield running
    running.close()


def test_what_differs_stands_with_who_approved_it_and_what_nobody_did_is_said(
    visit: Callable[..., Visit], console: Console, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.sign_in(Role.VIEWER)
    page.goto(f"{console.url}/alarm-metrics")
    page.get_by_role("link", name="规则差异").click()
    row = page.locator("#differences tbody tr")
    expect(row).to_have_count(1)
    visitor.errors.clear()  # of the page before, which is given no metrics here
    cells = ["CK-02", "on_delay_s", "5", "20", "20", "王伟, Li Na", "2026-11-20", "as agreed"]
    assert [text.split("\n")[0] for text in row.locator("td").all_inner_texts()] == cells
    expect(page.locator("#summary")).to_have_text("运行的与批准的一致")
    expect(page.locator("#deviations")).to_be_hidden()
    expect(page.locator("#none")).to_be_hidden()

    write(tmp_path, {"rules/a.toml": ""})
    page.get_by_role("button", name="EN").click()
    page.reload()
    expect(page.locator("#summary")).to_have_text("Deviations of what runs from what is approved: 1")
    expect(page.locator("#deviations li")).to_have_text("CK-02 on_delay_s: 20.0 runs, 5.0 is approved")
    expect(row.locator("td[data-met=false]")).to_contain_text("not as approved")
    assert (visitor.errors, visitor.elsewhere) == ([], [])
