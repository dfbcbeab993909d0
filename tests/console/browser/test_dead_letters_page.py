"""The page of the dead letters in a real browser, over the real API and a real influxd."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console.roles import Role
from console.services import ConsoleServices
from device_registry.devices import Site
from gengfu.letter_board import LetterBoard
from gengfu.stores import series_of
from protocols.profile.loader import shipped_profiles
from protocols.reading import encode_reading
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.store import Series
from tests.console.browser.conftest import Console, Visit
from tests.console.conftest import START, reading_of
from tests.fixtures.influx import Influxd

pytestmark = [pytest.mark.browser, pytest.mark.server]
Open = Callable[..., Visit]
NEW = "t:gas:new"


@pytest.fixture
def series() -> dict[str, Series]:
    """What the sink knows; nothing yet."""
    return {}


@pytest.fixture
def store(site: Site, series: dict[str, Series], tmp_path: Path) -> Iterator[DuckStore]:
    """Knows the devices of the site, and those of ``series``."""
    known = series_of(site)
    path = tmp_path / "telemetry.duckdb"
    with closing(DuckStore.open(path, lambda id_: known.get(id_) or series.get(id_), now=lambda: START)) as made:
        yield made


@pytest.fixture
def sink(influxd: Influxd, series: dict[str, Series], tmp_path: Path) -> Iterator[InfluxSink]:
    """With 120 readings of a device that nobody registered: more than a page."""
    chosen = InfluxSettings(url=influxd.url, database=influxd.database())
    gas = shipped_profiles()["gengfu/gas-alarm"]
    bodies = [encode_reading(reading_of(gas, NEW, START + n, {"methane": float(n)})) for n in range(120)]
    with closing(InfluxSink(chosen, series.get, tmp_path / "influx.db", now=lambda: START)) as opened:
        opened.consume([(n, 5, "reading", body) for n, body in enumerate(bodies, 1)])
        yield opened


@pytest.fixture
def services(services: ConsoleServices, store: DuckStore, sink: InfluxSink) -> ConsoleServices:
    return replace(services, letters=LetterBoard(store, sink))


def opened(visitor: Visit, console: Console, role: Role) -> Page:
    page = visitor.sign_in(role)
    page.goto(f"{console.url}/dead-letters")
    page.locator("#letters tbody tr").first.wait_for()
    return page


def test_letters_are_shown_and_replayed_by_an_officer(
    visit: Open, console: Console, series: dict[str, Series], sink: InfluxSink
) -> None:
    visitor = visit()
    page = opened(visitor, console, Role.OFFICER)
    rows = page.locator("#letters tbody tr")
    expect(rows).to_have_count(100)
    expect(page.locator("#summary")).to_have_text("duckdb:0 条 · influxdb:120 条")
    expect(page.locator("#none")).to_be_hidden()
    expect(rows.first).to_contain_text(NEW)
    expect(rows.first).to_contain_text("the device is not registered")
    page.get_by_role("button", name="显示更多").click()
    expect(rows).to_have_count(120)
    page.get_by_role("button", name="全部重放").click()
    expect(page.locator("#notice")).to_have_text("已入库 0 条,再次被拒 120 条")
    gas = shipped_profiles()["gengfu/gas-alarm"]
    series[NEW] = Series(gas.id, gas.kind, "demo", "a", tuple(point.name for point in gas.points))
    page.get_by_role("button", name="全部重放").click()
    expect(page.locator("#notice")).to_have_text("已入库 120 条,再次被拒 0 条")
    expect(rows).to_have_count(0)
    expect(page.locator("#none")).to_have_text("没有未入库数据。")
    expect(page.locator("#none")).to_be_visible()
    expect(page.get_by_role("button", name="全部重放")).to_be_hidden()
    assert sink.dead_letter_count() == 0
    assert visitor.errors == []
    assert visitor.elsewhere == []


def test_letters_of_duckdb_are_replayed_too(
    visit: Open, console: Console, series: dict[str, Series], store: DuckStore, sink: InfluxSink
) -> None:
    gas = shipped_profiles()["gengfu/gas-alarm"]
    store.write([reading_of(gas, NEW, START + n, {"methane": float(n)}) for n in range(3)], {})
    series[NEW] = Series(gas.id, gas.kind, "demo", "a", tuple(point.name for point in gas.points))
    visitor = visit()
    page = opened(visitor, console, Role.OFFICER)
    expect(page.locator("#summary")).to_have_text("duckdb:3 条 · influxdb:120 条")
    page.get_by_role("button", name="全部重放").click()
    expect(page.locator("#notice")).to_have_text("已入库 123 条,再次被拒 0 条")
    page.get_by_role("button", name="EN").click()
    expect(page.locator("#none")).to_have_text("There are no dead letters.")
    assert (store.dead_letter_count(), sink.dead_letter_count()) == (0, 0)
    assert len(store.samples(NEW, "methane", START, START + 10)) == 3
    assert visitor.errors == []


def test_who_only_looks_sees_reasons_in_english_and_no_button(visit: Open, console: Console) -> None:
    visitor = visit("en-GB")
    page = opened(visitor, console, Role.VIEWER)
    expect(page.locator("h2").first).to_have_text("Dead letters")
    expect(page.get_by_role("button", name="Replay all")).to_be_hidden()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h2").first).to_have_text("未入库数据")
    expect(page.locator("#letters th").nth(3)).to_have_text("原因")
    assert visitor.errors == []
