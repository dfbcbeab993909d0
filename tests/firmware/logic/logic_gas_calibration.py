"""Zero, span and the detector's age: what a person may set, what is refused, what a damaged record means."""

import struct

from gas_parts import Bench, damage, refuses
from products import calibration, valve
from products.calibration import CALIBRATED, FACTORY, INVALID, Calibration
from products.life import DAY_S, HOUR_MS, Life

YEAR_S = int(365.25 * DAY_S)
MADE = 1_700_000_000


def test_zero_and_span_are_taken_and_outlive_a_reset():
    bench = Bench()
    bench.shows(calibration=FACTORY)
    bench.gas(2.5, 60)
    bench.alarm.calibrate_zero(bench.now, "li", 1_790_000_000)
    assert bench.run(0.1)["methane"] == 0.0
    bench.gas(42.5, 60)
    bench.alarm.calibrate_span(bench.now, 50.0, "wang")
    assert bench.run(0.1)["methane"] == 50.0
    bench.reset()
    bench.shows(methane=50.0, calibration=CALIBRATED)
    kept = bench.alarm.gas.calibration
    assert (kept.by, kept.at, round(kept.zero, 3), round(kept.span, 3)) == ("wang", 0, 2.5, 1.25)


def test_zero_beyond_5_percent_is_refused_and_changes_nothing():
    for raw, taken in ((5.0, True), (-5.0, True), (5.1, False), (-5.1, False), (float("nan"), False)):
        one = Calibration(Bench().store, "methane")
        if taken:
            one.set_zero(raw)
            assert one.zero == raw
        else:
            assert "clean air" in refuses(one.set_zero, raw)
            assert (one.zero, one.state) == (0.0, FACTORY)


def test_span_outside_its_limits_is_refused_and_changes_nothing():
    rows = ((50.0, 50.0, True), (71.4, 50.0, True), (71.6, 50.0, False), (33.4, 50.0, True), (33.2, 50.0, False))
    for raw, applied, taken in rows:
        one = Calibration(Bench().store, "methane")
        if taken:
            one.set_span(raw, applied)
            assert abs(one.apply(raw) - applied) < 0.001
        else:
            assert "span" in refuses(one.set_span, raw, applied)
            assert one.state == FACTORY
    one = Calibration(Bench().store, "methane")
    for applied in (9.9, 90.1, float("nan")):
        assert "test gas" in refuses(one.set_span, applied, applied)
    assert "span" in refuses(one.set_span, 0.0, 50.0)
    assert "span" in refuses(one.set_span, -3.0, 50.0)


def test_limits_of_a_span_are_still_plausible_after_a_reset():
    for raw in (50.0 / 0.7 - 0.001, 50.0 / 1.5 + 0.001):
        store = Bench().store
        Calibration(store, "methane").set_span(raw, 50.0)
        assert Calibration(store, "methane").state == CALIBRATED


def test_reading_that_moves_or_is_not_there_is_no_calibration():
    bench = Bench()
    bench.gas(3.0, 1)
    assert "moves" in refuses(bench.alarm.calibrate_zero, bench.now)
    bench.run(30)
    bench.alarm.calibrate_zero(bench.now)
    bench.parts.methane.fault = 1
    bench.run(0.1)
    assert "sensor" in refuses(bench.alarm.calibrate_zero, bench.now)
    bench.parts.methane.fault = 0
    bench.parts.methane.over = True
    bench.run(0.1)
    assert "sensor" in refuses(bench.alarm.calibrate_span, bench.now, 50.0)
    bench.parts.methane.over = False
    bench.reset(warm_up=10)
    assert "warm-up" in refuses(bench.alarm.calibrate_zero, bench.now)


def test_name_that_the_record_cannot_hold_is_refused():
    one = Calibration(Bench().store, "methane")
    for by in ("x" * 25, "\u674e", "a\nb"):
        assert "name" in refuses(one.set_zero, 0.0, by)
    one.set_zero(0.0, "x" * 24)
    assert one.by == "x" * 24


def test_flash_that_refuses_is_told_and_nothing_changes():
    class Full:
        def get(self, _name):
            return None

        def put(self, _name, _value):
            raise OSError(28)

    one = Calibration(Full(), "methane")
    assert "flash" in refuses(one.set_zero, 1.0)
    assert (one.zero, one.state) == (0.0, FACTORY)


def test_calibration_that_is_damaged_implausible_or_of_another_gas_is_a_fault_that_still_alarms():
    def record(zero, span, gas=b"methane"):
        return struct.pack("<ffI", zero, span, 0) + gas + b"\0"

    nan = float("nan")
    for spoil in (
        lambda store: damage(store, "calibration"),
        lambda store: store.put("calibration", b""),
        lambda store: store.put("calibration", record(0.0, 1.0)[:12]),
        lambda store: store.put("calibration", record(5.1, 1.0)),
        lambda store: store.put("calibration", record(0.0, 0.69)),
        lambda store: store.put("calibration", record(0.0, 1.51)),
        lambda store: store.put("calibration", record(nan, 1.0)),
        lambda store: store.put("calibration", record(0.0, nan)),
        lambda store: store.put("calibration", record(0.0, 1.0, b"lpg")),
    ):
        bench = Bench()
        spoil(bench.store)
        bench.reset()
        bench.shows(calibration=INVALID, fault=True, methane=1.2, alarm=False)
        bench.gas(30.0, 16)
        bench.shows(alarm=True, trip_latched=True, methane=30.0)
        bench.gas(1.0, 60)
        bench.shows(alarm=True)
        bench.alarm.calibrate_zero(bench.now)
        bench.run(0.1)
        bench.shows(calibration=CALIBRATED, fault=False, alarm=True)
        bench.run(60)
        bench.shows(alarm=False)


def test_no_calibration_is_taken_from_a_link():
    bench = Bench()
    for name in ("calibrate zero", "calibrate-zero", "confirm_over_range", "set_made"):
        assert not bench.alarm.command(name, bench.now)
    assert bench.store.get("calibration") is None


def test_test_gas_alarms_as_any_gas():
    bench = Bench()
    bench.gas(50.0, 60)
    bench.alarm.calibrate_span(bench.now, 50.0)
    bench.shows(alarm=True, valve=valve.CLOSED)


def test_limits_are_those_that_were_agreed():
    assert (calibration.ZERO_LIMIT_LEL, calibration.SPAN_LOW, calibration.SPAN_HIGH) == (5.0, 0.7, 1.5)


def test_hours_under_power_end_the_life():
    store = Bench().store
    store.put("life", struct.pack("<II", 3 * 8766 - 25, 0))
    one = Life(store, 0, 3)
    assert (one.days_left, one.expired) == (1, False)
    one.step(HOUR_MS // 2 - 1)
    assert one.hours == 3 * 8766 - 25
    for hour in (1, 2):
        one.step(hour * HOUR_MS - HOUR_MS // 2)
    assert (one.days_left, one.expired) == (0, True)
    again = Life(store, 0, 3)
    assert (again.hours, again.expired) == (3 * 8766 - 23, True)
    assert not Life(store, 0, 5).expired


def test_years_since_manufacture_end_the_life_of_one_that_lay_on_a_shelf():
    one = Life(Bench().store, 0, 3)
    one.set_made(MADE)
    assert one.days_left == 1095
    one.tell_date(MADE + 2 * YEAR_S)
    assert one.days_left == 365
    one.tell_date(MADE + 3 * YEAR_S)
    assert one.expired
    one.tell_date(MADE - YEAR_S)
    assert one.days_left == 1095


def test_first_date_counts_as_manufacture_until_somebody_enters_the_label():
    store = Bench().store
    Life(store, 0, 3).tell_date(MADE)
    one = Life(store, 0, 3)
    one.tell_date(MADE + DAY_S)
    assert (one.made, one.days_left) == (MADE + 1, 1094)
    one.set_made(MADE - YEAR_S)
    assert one.days_left == 729


def test_date_before_a_learnt_one_ends_the_reign_of_a_false_one():
    store = Bench().store
    one = Life(store, 0, 3)
    one.tell_date(MADE + 70 * YEAR_S)
    one.tell_date(MADE)
    one.tell_date(MADE + 2 * YEAR_S)
    assert one.days_left == 365
    again = Life(store, 0, 3)
    again.tell_date(MADE + 3 * YEAR_S + 60)
    assert again.expired


def test_date_before_the_label_leaves_the_label():
    label = MADE - MADE % DAY_S
    one = Life(Bench().store, 0, 3)
    one.set_made(label)
    one.tell_date(label - YEAR_S)
    one.tell_date(label + 2 * YEAR_S)
    assert (one.made, one.days_left) == (label, 365)


def test_date_that_no_record_holds_is_none():
    bench = Bench()
    for utc in (-1, 0, 1 << 32):
        bench.alarm.tell_date(utc)
        assert bench.alarm.life.made == 0, utc
    bench.reset()
    bench.shows(expired=False)


def test_short_runs_are_counted_from_the_half_of_an_hour():
    store = Bench().store
    for length_ms, hours in ((HOUR_MS // 2 - 1, 0), (HOUR_MS // 2, 10), (HOUR_MS - 1000, 20), (90 * 60000, 40)):
        for _ in range(10):
            one = Life(store, 5000, 3)
            for at in range(0, length_ms + 1, length_ms // 3):
                one.step(5000 + at)
            one.step(5000 + length_ms)
        assert Life(store, 0, 3).hours == hours, length_ms


def test_age_that_cannot_be_read_is_expired_until_the_label_is_entered():
    bench = Bench()
    bench.alarm.set_made(MADE)
    damage(bench.store, "life")
    bench.reset()
    bench.shows(expired=True, life_left=0)
    bench.alarm.tell_date(MADE + DAY_S)
    bench.run(3700, step=1000)
    bench.shows(expired=True)
    bench.alarm.set_made(MADE)
    bench.run(0.1)
    bench.shows(expired=False, life_left=1094)


def test_expired_detector_alarms_and_trips_and_never_ends_an_alarm():
    bench = Bench()
    bench.alarm.set_made(MADE)
    bench.alarm.tell_date(MADE + 4 * YEAR_S)
    bench.gas(30.0, 20)
    bench.shows(expired=True, alarm=True, trip_latched=True, valve=valve.CLOSED)
    bench.gas(1.0, 300)
    bench.shows(alarm=True)
