"""The sign-in page in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from console.roles import Role
from tests.console.browser.conftest import Console, Visit
from tests.console.conftest import PASSWORDS

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


@pytest.mark.parametrize(
    ("locale", "text"), [("zh-CN", "用户名或密码不正确。"), ("en-GB", "The user name or password is not right.")]
)
def test_a_wrong_password_is_said_and_can_be_typed_again(visit: Open, console: Console, locale: str, text: str) -> None:
    page = visit(locale).page
    page.goto(f"{console.url}/login")
    page.locator("#username").fill("officer")
    page.locator("#password").fill("wrong")
    expect(page.locator("#submit")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_have_text(text)
    expect(page.locator("#password")).to_be_focused()
    expect(page.locator("#submit")).to_be_enabled()


def test_after_too_many_failures_the_page_says_how_long_to_wait(visit: Open, console: Console) -> None:
    page = visit("en-GB").page
    page.goto(f"{console.url}/login")
    page.locator("#username").fill("officer")
    page.locator("#password").fill("wrong")
    for _ in range(6):
        with page.expect_response("**/auth/login"):
            page.locator("#submit").click()
        expect(page.locator("#submit")).to_be_enabled()
    expect(page.locator("#error")).to_contain_text("Try again in")


def test_an_empty_form_is_not_sent(visit: Open, console: Console) -> None:
    page = visit().page
    page.goto(f"{console.url}/login")
    page.locator("#submit").click()
    expect(page.locator("#error")).to_have_text("请输入用户名和密码。")


def test_a_dead_server_is_said(visit: Open, console: Console) -> None:
    page = visit("en-GB").page
    page.goto(f"{console.url}/login")
    expect(page.locator("#site-title")).to_have_text("Demo district")
    page.context.set_offline(True)
    page.locator("#username").fill("officer")
    page.locator("#password").fill("anything")
    page.locator("#submit").click()
    expect(page.locator("#error")).to_contain_text("The server cannot be reached.")


@pytest.mark.parametrize(
    ("locale", "tag", "button"),
    [("zh-TW", "zh-CN", "登录"), ("en-US", "en-GB", "Sign in"), ("fr-FR", "en-GB", "Sign in")],
)
def test_the_browsers_language_decides_first(visit: Open, console: Console, locale: str, tag: str, button: str) -> None:
    page = visit(locale).page
    page.goto(f"{console.url}/login")
    expect(page.locator("#submit")).to_have_text(button)
    expect(page.locator("html")).to_have_attribute("lang", tag)


def test_the_chosen_language_stays(visit: Open, console: Console) -> None:
    page = visit("zh-CN").page
    page.goto(f"{console.url}/login")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#submit")).to_have_text("Sign in")
    page.reload()
    expect(page.locator("#submit")).to_have_text("Sign in")


def test_a_demo_says_where_its_link_is_and_why_a_link_failed(visit: Open, console: Console) -> None:
    page = visit("en-GB").page
    page.goto(f"{console.url}/enter?key=stale")
    expect(page.locator("#reason")).to_contain_text("This sign-in link is not valid")
    expect(page.locator("#demo-hint")).to_contain_text("printed in the terminal that runs gengfu demo")
    expect(page.locator("#banner")).to_have_text("DEMO")


REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
"""What the browser notes of an answer."""


def test_signing_in_and_out(visit: Open, console: Console) -> None:
    visitor = visit()
    page = visitor.sign_in(Role.VIEWER)
    expect(page.locator("#user")).to_have_text("viewer")
    assert visitor.errors == []
    page.locator("#sign-out").click()
    page.wait_for_url(f"{console.url}/login")
    page.goto(f"{console.url}/")
    page.wait_for_url(f"{console.url}/login")
    # What the desk asks between the end of the session and its own leaving is refused, and the browser notes that.
    assert set(visitor.errors) <= {REFUSED}


def test_whoever_signs_out_is_not_told_that_the_session_has_ended(visit: Open, console: Console) -> None:
    page = visit().sign_in(Role.VIEWER)
    held: list[Route] = []

    def sign_out_and_keep_the_answer(route: Route) -> None:
        route.fetch()
        held.append(route)

    page.route("**/auth/logout", sign_out_and_keep_the_answer)
    with page.expect_response(lambda answer: answer.url.endswith("/me") and answer.status == 401):
        page.locator("#sign-out").click()
    page.wait_for_url(f"{console.url}/login")
    assert len(held) == 1


def test_the_password_never_stands_in_an_address(visit: Open) -> None:
    visitor = visit()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.sign_in()
    assert asked
    assert [url for url in asked if PASSWORDS[Role.OFFICER] in url] == []


def test_a_form_sent_before_the_page_is_ready_goes_nowhere(visit: Open, console: Console) -> None:
    page = visit().page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.route("**/static/js/login.js", lambda route: route.abort())
    page.goto(f"{console.url}/login")
    page.locator("#username").fill("officer")
    page.locator("#password").fill("too early")
    page.keyboard.press("Enter")
    expect(page.locator("#password")).to_have_value("too early")
    assert page.url == f"{console.url}/login"
    assert set(sent) == {"GET"}


def test_whoever_types_early_keeps_the_cursor(visit: Open, console: Console) -> None:
    page = visit().page
    page.goto(f"{console.url}/login", wait_until="commit")
    page.locator("#password").focus()
    expect(page.locator("#submit")).to_be_enabled()
    expect(page.locator("#password")).to_be_focused()
