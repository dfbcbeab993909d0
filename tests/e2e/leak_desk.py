"""A duty officer's browser on the running demo, and what the API and the journal say beside it.

Playwright's synchronous API runs an event loop in the thread that uses it. `in_browser` gives it a thread of its
own, so that no loop is left running under the tests that follow.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, TimeoutError, expect, sync_playwright

from interlocks.record import TripEvent, decode_event
from tests.console.browser.conftest import CHROMIUM_ARGS
from tests.e2e.program_run import ROOT, Demo

T = TypeVar("T")

MEASURED = {
    "demo:bin:0001": "fill",
    "demo:bin:0002": "fill",
    "demo:gas:0001": "methane",
    "demo:gas:0002": "methane",
    "demo:h2:0001": "h2_1",
}
"""Each board of the demo, with the point it is there for."""
INTERLOCK = {
    "demo:gas:0001": "street/hotpot~restaurant-kitchen",
    "demo:gas:0002": "mall/noodles~mall-tenant",
}
PATIENCE_MS = 15_000
"""For a condition that has no limit of its own: a loaded machine is slow."""

WATCH = """(wanted) => {
  const story = (window.gengfuStory = { pressed: null, seen: {} });
  const now = () => performance.timeOrigin + performance.now();
  const shown = (node, text) => node.checkVisibility() && node.textContent.includes(text);
  const look = () => {
    for (const [name, [selector, text]] of Object.entries(wanted)) {
      if (name in story.seen) continue;
      if ([...document.querySelectorAll(selector)].some((node) => shown(node, text))) story.seen[name] = now();
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-demo='leak']")) story.pressed ??= now();
  }, true);
  look();
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(document.body, everything);
}"""


def words(language: str) -> dict[str, str]:
    """The page's own texts in a language, by key."""
    text = (ROOT / f"console/static/i18n/{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def in_browser(chromium: Path, story: Callable[[Browser], T]) -> T:
    """Run ``story`` with a Chromium of its own, in a thread of its own; raises what it raises."""

    def run() -> T:
        expect.set_options(timeout=PATIENCE_MS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
            try:
                return story(browser)
            finally:
                browser.close()

    with ThreadPoolExecutor(1, "browser") as pool:
        return pool.submit(run).result()


class Desk:
    """The page as a person uses it. ``errors``: what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        # An answer such as 409 is no fault of the page, but Chromium tells of it in this way.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)

    def value(self, device: str, point: str) -> Locator:
        """The value of a point on its device's card."""
        return self.page.locator(f"[data-device='{device}'] [data-point='{point}'] .value")

    def alarm(self, alarm: str = "") -> Locator:
        """A row of the list of alarms; all of them without an id."""
        return self.page.locator(f"li[data-alarm='{alarm}']" if alarm else "li[data-alarm]")

    def zone(self, device: str) -> Locator:
        """The interlock of a device's zone."""
        return self.page.locator(f"[data-interlock='{INTERLOCK[device]}']")

    def fan(self, device: str) -> Locator:
        """What the first trip of a device's zone made of its fan."""
        return self.zone(device).locator("[data-action='start-fan']")

    def run(self, run: str) -> Locator:
        """A response plan that runs."""
        return self.page.locator(f"[data-run='{run}']")

    def step(self, step: str) -> Locator:
        """A step of the response plan that runs."""
        return self.page.locator(f"[data-run] [data-step='{step}']")

    def watch(self, wanted: Mapping[str, tuple[str, str]]) -> None:
        """From now on note in the page when each selector first shows its text."""
        self.page.evaluate(WATCH, {name: list(one) for name, one in wanted.items()})

    def seen(self, count: int) -> tuple[float | None, dict[str, float]]:
        """When the leak button was pressed (``None``: elsewhere), and when each thing was seen; UTC s.

        Waits until ``count`` were seen; after `PATIENCE_MS` it says what was.
        """
        done = f"() => Object.keys(window.gengfuStory.seen).length >= {count}"
        with suppress(TimeoutError):
            self.page.wait_for_function(done, timeout=PATIENCE_MS)
        story: dict[str, Any] = self.page.evaluate("() => window.gengfuStory")
        pressed = story["pressed"]
        seen = {name: at / 1000 for name, at in story["seen"].items()}
        return None if pressed is None else pressed / 1000, seen

    def press(self, verb: str, device: str) -> None:
        """One of the demo's buttons: what happens at the simulated board."""
        self.page.locator("#demo-board").select_option(device)
        self.page.locator(f"[data-demo='{verb}']").click()

    def confirm(self, fields: Mapping[str, str | bool]) -> None:
        """Fill the open dialog and confirm it."""
        dialog = self.page.locator("dialog[open]")
        for name, value in fields.items():
            field = dialog.locator(f"[name='{name}']")
            if isinstance(value, bool):
                field.set_checked(value)
            else:
                field.fill(value)
        dialog.locator("button[type='submit']").click()
        expect(dialog).to_have_count(0)

    def acknowledge(self, alarm: str) -> None:
        """Take note of an alarm, and see that it is noted."""
        self.alarm(alarm).locator("[data-act='acknowledge']").click()
        expect(self.alarm(alarm).locator("[data-act='acknowledge']")).to_have_count(0)

    def reset_alarm(self, alarm: str) -> None:
        """Reset an alarm that has returned; it leaves the list."""
        self.alarm(alarm).locator("[data-act='reset']").click()
        self.confirm({"why": "aired, checked on site"})
        expect(self.alarm(alarm)).to_have_count(0)

    def reset_latch(self, device: str) -> str:
        """Ask for the release of the latch; an empty string, or the words of the refusal."""
        zone = self.zone(device)
        with self.page.expect_response(lambda answer: answer.url.endswith("/reset")) as answered:
            zone.locator("button[data-key^='reset']").click()
            self.confirm({"on_site": True, "why": "appliances off"})
        if answered.value.ok:
            expect(zone.locator("button[data-key^='reset']")).to_have_count(0)
            return ""
        refusal = zone.locator(".said[data-kind='refused']")
        expect(refusal).not_to_be_empty()
        return refusal.inner_text()

    def finish(self, step: str, evidence: Mapping[str, str]) -> None:
        """Finish a step of the plan with what has to be written down."""
        self.step(step).locator("[data-act='done']").click()
        self.confirm({f"evidence.{name}": text for name, text in evidence.items()})
        expect(self.step(step)).to_have_attribute("data-state", "done")

    def highest_on_chart(self) -> float:
        """The highest value that the pointer finds on the shown chart."""
        plot = self.page.locator("#panel-chart .u-over")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box is not None
        found = []
        for place in range(int(box["width"]) - 1, 0, -4):
            self.page.mouse.move(box["x"] + place, box["y"] + box["height"] / 2)
            found.append(self.page.locator("#panel-chart .readout").inner_text().split(" ")[0])
        return max(float(text) for text in found if text.replace(".", "", 1).isdigit())


@contextmanager
def open_desk(browser: Browser, demo: Demo, locale: str = "zh-CN") -> Iterator[Desk]:
    """A browser that has opened the printed link."""
    address, key = demo.link()
    context = browser.new_context(locale=locale, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    try:
        desk = Desk(context.new_page())
        desk.page.goto(f"{address}/enter?key={key}")
        yield desk
    finally:
        context.close()


class Api:
    """The HTTP API, in the session of the printed link."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        client.headers.update({"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"})

    def get(self, path: str, **parameters: str) -> Any:
        """The answer to a question."""
        answer = self.client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """The items of a collection that fits one page."""
        found = self.get(path, **parameters)
        assert found["next"] is None, path
        items: list[dict[str, Any]] = found["items"]
        return items

    def post(self, path: str, **body: Any) -> None:
        """Do something; it must be accepted."""
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.is_success, answer.text

    def refused(self, path: str, **body: Any) -> str:
        """Ask for something that must be refused; why it is."""
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 409, answer.text
        return str(answer.json()["detail"])

    def alarm(self, alarm: str) -> dict[str, Any] | None:
        """An alarm by its id, if it was ever raised."""
        answer = self.client.get(f"/api/v1/alarms/{quote(alarm)}")
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.status_code == 200 else None

    def interlock(self, device: str) -> dict[str, Any]:
        """The interlock of a device's zone."""
        return next(one for one in self.items("/interlocks") if one["id"] == INTERLOCK[device])

    def effects(self, device: str) -> dict[tuple[str, str], dict[str, Any]]:
        """The effects of a device's interlock, by (cause, action)."""
        return {(one["cause"], one["action"]): one for one in self.interlock(device)["effects"]}

    def open_runs(self) -> list[dict[str, Any]]:
        """The response plans that run."""
        return self.items("/runs", state="open")

    def history(self) -> list[dict[str, Any]]:
        """What happened to alarms, oldest first."""
        return self.items("/alarms/history", limit="1000")[::-1]

    def newest(self, device: str, origin: str = "live") -> dict[str, dict[str, Any]]:
        """The newest sample of each point."""
        return {item["point"]: item for item in self.get(f"/devices/{device}/latest", origin=origin)["items"]}

    def stored(self, device: str, point: str, since: str = "-1h") -> list[float]:
        """The stored values of a point, oldest first."""
        return [item["value"] for item in self.items("/telemetry", device=device, point=point, **{"from": since})]

    def token(self, name: str) -> str:
        """The secret of a new API token."""
        answer = self.client.post("/api/v1/tokens", json={"name": name, "role": "officer"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@contextmanager
def at_api(demo: Demo) -> Iterator[Api]:
    """The API of the running demo."""
    with demo.enter() as client:
        yield Api(client)


def is_ready(api: Api, device: str) -> bool:
    """Whether a board reports good values and its interlock has read the valve back."""
    newest = api.newest(device)
    methane = newest.get("methane")
    return methane is not None and methane["quality"] == "good" and api.interlock(device)["state"] == "armed"


def trip_events(data: Path) -> list[TripEvent]:
    """What the journal of a data folder that nobody has open holds about interlocks, in order."""
    found: list[TripEvent] = []
    for segment in sorted((data / "journal").glob("journal-*.sqlite")):
        with closing(sqlite3.connect(segment)) as database:
            rows = database.execute("SELECT body FROM entry WHERE kind = 'trip' ORDER BY position").fetchall()
        found += [decode_event(body) for (body,) in rows]
    return found
