"""The live view: what is newest, what is announced, and when."""

from typing import Any

import pytest

from console.live import LiveView
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Value
from telemetry.store import Sample
from tests.console.conftest import START, reading_of

SECOND = 10**9
HOUR = 3600 * SECOND
DEVICE = "t:gas:1"


class Bench:
    """A view and the readings of one gas alarm."""

    def __init__(self, gas: Profile) -> None:
        self.gas = gas
        self.names = [point.name for point in gas.points]
        self.view = LiveView()

    def observe(self, at: int, more: dict[str, Any] | None = None, /, **values: Value) -> None:
        self.view.observe(reading_of(self.gas, DEVICE, at, values, **(more or {})), self.names)

    def value(self, point: str, origin: Origin = Origin.LIVE) -> Value:
        return self.view.latest(DEVICE, origin)[point].value


@pytest.fixture
def bench(gas: Profile) -> Bench:
    return Bench(gas)


def test_a_point_that_is_absent_keeps_its_value_and_time(bench: Bench) -> None:
    bench.observe(START, methane=1.0, co=4.0)
    bench.observe(START + SECOND, methane=2.0)
    latest = bench.view.latest(DEVICE)
    assert [(one.value, one.at) for one in (latest["methane"], latest["co"])] == [
        (2.0, "2026-11-18T11:06:41.000Z"),
        (4.0, "2026-11-18T11:06:40.000Z"),
    ]


def test_an_older_stamp_never_replaces_a_newer(bench: Bench) -> None:
    bench.observe(START + SECOND, methane=2.0)
    bench.observe(START, methane=1.0)
    assert bench.value("methane") == 2.0


def test_a_late_reading_still_fills_a_point_never_seen(bench: Bench) -> None:
    bench.observe(START + SECOND, methane=2.0)
    bench.observe(START, methane=1.0, co=4.0)
    assert bench.value("co") == 4.0


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_other_origins_never_touch_live(bench: Bench, origin: Origin) -> None:
    bench.observe(START, methane=60.0)
    bench.observe(START + SECOND, {"origin": origin}, methane=0.0)
    assert (bench.value("methane"), bench.value("methane", origin)) == (60.0, 0.0)
    assert bench.view.last_seen(DEVICE) == START


def test_other_origins_are_not_announced(bench: Bench) -> None:
    bench.observe(START, {"origin": Origin.DRILL}, methane=60.0)
    assert bench.view.take(0.0) is None


def test_a_clock_that_ran_ahead_does_not_freeze_the_display(bench: Bench) -> None:
    bench.observe(START + 3600 * SECOND, {"received_at": START}, methane=1.0)
    bench.observe(START + SECOND, methane=60.0)
    assert bench.value("methane") == 60.0


def test_a_clock_that_was_set_back_does_not_freeze_the_display_for_more_than_a_minute(bench: Bench) -> None:
    bench.observe(START, methane=1.0)
    shown = []
    for second in range(2, 70, 2):
        arrival = START + second * SECOND
        bench.observe(arrival - HOUR, {"received_at": arrival}, methane=60.0)
        shown.append(bench.value("methane"))
    assert (shown[:30], shown[30:]) == ([1.0] * 30, [60.0] * 4)


def test_a_clock_that_was_set_back_and_is_set_right_does_not_freeze_the_display(bench: Bench) -> None:
    bench.observe(START, methane=1.0)
    for minute in range(1, 80):
        arrival = START + minute * 60 * SECOND
        bench.observe(arrival - HOUR, {"received_at": arrival}, methane=60.0 + minute)
    assert bench.value("methane") == 139.0, "also when its stamps have passed the newest one known from before"
    bench.observe(arrival + SECOND, {"received_at": arrival + 2 * SECOND}, methane=2.0)
    assert bench.value("methane") == 2.0


def test_a_clock_that_stands_still_does_not_freeze_the_display(bench: Bench) -> None:
    for second in range(0, 130, 2):
        bench.observe(START, {"received_at": START + second * SECOND}, methane=float(second))
    assert bench.value("methane") == 128.0


def test_kept_values_sent_between_fresh_ones_never_replace_them(bench: Bench) -> None:
    for second in range(0, 600, 30):
        now = START + second * SECOND
        bench.observe(now, methane=1.0)
        bench.observe(now - HOUR, {"received_at": now}, methane=60.0)
    assert bench.value("methane") == 1.0


def test_kept_values_of_a_slow_device_never_replace_newer_ones(bench: Bench) -> None:
    for minute in range(0, 60, 15):
        now = START + minute * 60 * SECOND
        bench.observe(now, methane=1.0)
        bench.observe(now - HOUR, {"received_at": now + 300 * SECOND}, methane=60.0)
    assert bench.value("methane") == 1.0


def test_kept_values_sent_within_a_minute_never_replace_newer_ones(bench: Bench) -> None:
    bench.observe(START, methane=1.0)
    for second in range(600, 659):
        bench.observe(START + (second - 900) * SECOND, {"received_at": START + second * SECOND}, methane=60.0)
    assert bench.value("methane") == 1.0


def test_kept_values_that_are_newer_than_what_is_known_are_shown_in_the_order_of_their_stamps(bench: Bench) -> None:
    bench.observe(START, methane=1.0)
    for second in (100, 300, 200):
        bench.observe(START + second * SECOND, {"received_at": START + 900 * SECOND}, methane=float(second))
    assert bench.value("methane") == 300.0


def test_a_clock_that_was_set_back_does_not_freeze_what_was_stored_before(bench: Bench) -> None:
    bench.view.warm([Sample(DEVICE, Origin.LIVE, "methane", START, 1.0, 0)], START)
    for second in (30, 90):
        bench.observe(START + second * SECOND - HOUR, {"received_at": START + second * SECOND}, methane=60.0)
    assert bench.value("methane") == 60.0


def test_a_stored_stamp_from_the_future_does_not_freeze_the_display(bench: Bench) -> None:
    bench.view.warm([Sample(DEVICE, Origin.LIVE, "methane", START + 3600 * SECOND, 1.0, 0)], START)
    bench.observe(START + SECOND, methane=60.0)
    assert bench.value("methane") == 60.0


def test_a_fault_without_a_value_takes_the_old_value_away(bench: Bench) -> None:
    bench.observe(START, methane=3.0)
    bench.observe(START + SECOND, {"quality": {"methane": Quality.BAD_SENSOR_FAULT}}, fault=1.0)
    methane = bench.view.latest(DEVICE)["methane"]
    assert (methane.value, methane.quality) == (None, "bad:sensor-fault")


def test_warm_values_are_replaced_by_younger_ones_only(bench: Bench) -> None:
    bench.view.warm([Sample(DEVICE, Origin.LIVE, "methane", START, 1.0, Quality.BAD_OVER_RANGE)], START + SECOND)
    bench.observe(START - SECOND, methane=9.0)
    methane = bench.view.latest(DEVICE)["methane"]
    assert (methane.value, methane.quality) == (1.0, "bad:over-range")
    assert bench.view.take(0.0) is None


def test_warming_keeps_origins_apart(bench: Bench) -> None:
    bench.view.warm([Sample(DEVICE, Origin.DRILL, "methane", START, 60.0, 0)], START)
    assert (dict(bench.view.snapshot()), bench.value("methane", Origin.DRILL)) == ({}, 60.0)


def test_a_device_is_last_seen_when_it_was_received(bench: Bench) -> None:
    bench.observe(START, {"received_at": START + 5 * SECOND}, methane=1.0)
    bench.observe(START + SECOND, {"received_at": START + 2 * SECOND}, methane=1.0)
    assert (bench.view.last_seen(DEVICE), bench.view.last_seen("t:gas:2")) == (START + 5 * SECOND, None)


def test_announcements_are_gathered_to_one_event_in_200_ms(bench: Bench) -> None:
    bench.observe(START, methane=1.0)
    first = bench.view.take(10.0)
    bench.observe(START + 1, methane=2.0)
    bench.observe(START + 2, methane=3.0)
    assert bench.view.due_in_s(10.05) == pytest.approx(0.15)
    assert bench.view.take(10.19) is None
    assert [_values(event) for event in (first, bench.view.take(10.2))] == [[1.0], [2.0, 3.0]]
    assert (bench.view.due_in_s(10.3), bench.view.changed.is_set()) == (None, False)


def test_only_what_changed_is_announced(bench: Bench) -> None:
    bench.observe(START + SECOND, methane=2.0)
    bench.view.take(0.0)
    bench.observe(START, methane=1.0, co=4.0)
    kind, data = bench.view.take(1.0) or ("", {})
    assert kind == "readings"
    items: Any = data
    assert [list(item.values) for item in items["items"]] == [["co"]]


def test_a_flood_nobody_takes_ends_in_resync(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.live.PENDING_MAX", 3)
    for n in range(5):
        bench.observe(START + n, methane=float(n))
    assert bench.view.take(0.0) == ("resync", {})
    bench.observe(START + 9, methane=9.0)
    assert _values(bench.view.take(1.0)) == [9.0]


def test_a_reading_shorter_than_the_profile_is_taken(bench: Bench) -> None:
    whole = reading_of(bench.gas, DEVICE, START, {"methane": 1.0})
    short = type(whole)(DEVICE, whole.profile, START, START, Origin.LIVE, whole.values[:1], whole.quality[:1])
    bench.view.observe(short, bench.names)
    assert list(bench.view.latest(DEVICE)) == ["methane"]


def _values(event: Any) -> list[Value]:
    return [item.values["methane"].value for item in event[1]["items"]]
