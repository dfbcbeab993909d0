"""What stands at a hydrogen station: no odd sample ends it or holds it back, and no reset forgets it (S1, S3, S11)."""

import rig
from plain_parts import damage
from products import first_out
from products.hydrogen_channel import HIGH, HIGH_HIGH, NORMAL
from station import Parts, first, station

LIMIT = {"max-low-bank": 45.0}
# The limit itself raises; below 98 % of it is below.
OVER, BETWEEN, UNDER = 45.0, 44.1, 44.09


def stands(node, now):
    """What a person who asks to clear the first-out is told to stand."""
    told = node.maintain(["first-out", "clear"], now)
    return told[len("first-out not cleared: ") : -len(" still stands")] if "still stands" in told else ""


def after(node, now, seconds):
    """Live on for so long; returns the time."""
    return rig.run(node, now + 100, now + int(seconds * 1000))


def risen(value=1.2, **settings):
    """A station whose second channel has stood at ``value`` for a while."""
    store = rig.store()
    parts, node = station(store, None, **settings)
    parts.h2_2.gives(value)
    return store, parts, node, after(node, 0, 5)


def test_one_low_sample_before_the_loss_ends_no_level():
    for value, name in ((0.5, "h2-high 2"), (1.2, "h2-high-high 2")):
        for odd in (0.0, -0.03, -0.1, 0.31):
            _, parts, node, now = risen(value)
            parts.h2_2.gives(odd)
            now = after(node, now, 0.1)
            parts.h2_2.breaks()
            now = after(node, now, 600)
            assert stands(node, now) == name, (value, odd)


def test_level_ends_when_it_has_been_left_for_its_time_without_a_break():
    for value, low, seconds, name in ((0.5, 0.31, 60, "h2-high 2"), (1.2, 0.1, 120, "h2-high-high 2")):
        _, parts, node, now = risen(value)
        for disturb in (lambda: parts.h2_2.gives(0.9), parts.h2_2.breaks, lambda: parts.h2_2.gives(-0.05)):  # noqa: B023
            parts.h2_2.gives(low)
            now = after(node, now, seconds - 1)
            disturb()
            now = after(node, now, 0.1)
        parts.h2_2.gives(low)
        now = after(node, now, seconds)
        assert stands(node, now) == name, value
        assert stands(node, now + 100) == "", value


def test_value_below_zero_by_more_than_the_noise_ends_nothing():
    for value, expected in ((-0.05, "h2-high-high 2"), (-0.04, "")):
        _, parts, node, now = risen()
        parts.h2_2.gives(value)
        assert stands(node, after(node, now, 300)) == expected, value


def test_level_does_not_end_by_two_samples_with_an_hour_between():
    _, parts, node, now = risen()
    parts.h2_2.gives(0.0)
    for turn in range(4):
        node.sample(now + turn * 3600000)
    assert node._channels[1].level == HIGH_HIGH


def test_dips_do_not_hold_the_level_back():
    parts, node = station()
    now = 0
    for _ in range(3):
        parts.h2_2.gives(0.6)
        now = after(node, now, 0.9)
        parts.h2_2.gives(0.1)
        now = after(node, now, 0.1)
    assert first(node) == ("h2-high", 2)


def test_gas_that_is_lost_while_its_delay_runs_is_a_level():
    parts, node = station(None, None, **{"warm-up": 60.0})
    parts.h2_2.gives(0.6)
    now = after(node, 0, 1)
    parts.h2_2.breaks()
    now = after(node, now, 0.9)
    assert first(node) == ("none", 0)
    after(node, now, 0.3)
    assert first(node) == ("h2-high", 2)


def test_level_stands_through_a_restart_with_a_dead_sensor():
    for value, level, name in ((0.5, HIGH, "h2-high 2"), (1.5, HIGH_HIGH, "h2-high-high 2")):
        store, parts, node, _ = risen(value)
        assert [channel.level for channel in node._channels] == [NORMAL, level, NORMAL, NORMAL]
        parts.h2_2.breaks()
        _, again = station(store, parts, **{"warm-up": 60.0})
        assert [channel.level for channel in again._channels] == [NORMAL, level, NORMAL, NORMAL]
        assert stands(again, after(again, 0, 3600)) == name
        parts.h2_2.gives(0.0)
        _, again = station(store, parts)
        assert stands(again, after(again, 0, 10)) == name
        assert stands(again, after(again, 10000, 121)) == ""
        assert [channel.level for channel in station(store, parts)[1]._channels] == [NORMAL] * 4


def test_each_channel_finds_its_own_level_again():
    for place, name in enumerate(("h2_1", "h2_2", "h2_3", "h2_4")):
        store = rig.store()
        parts, node = station(store)
        getattr(parts, name).gives(1.5)
        node.sample(100)
        getattr(parts, name).gives(0.0)
        _, again = station(store, parts)
        assert [channel.level for channel in again._channels] == [
            HIGH_HIGH if at == place else NORMAL for at in range(4)
        ]
        assert [channel.over for channel in again._channels] == [False] * 4


def test_record_that_cannot_be_read_means_that_all_stood():
    store = rig.store()
    station(store)
    damage(rig.FOLDER, rig._made[0], "over-range")
    parts, node = station(store, None, **LIMIT)
    assert first(node) == ("h2-over-range", 1)
    now = after(node, 0, 10)
    node.maintain(["over-range", "confirm"], now)
    expected = "h2-high-high 1, h2-high-high 2, h2-high-high 3, h2-high-high 4, over-pressure 2"
    assert stands(node, now) == expected
    assert stands(node, after(node, now, 121)) == ""
    assert parts.h2_1.value > 0


def pressed(**settings):
    """A station whose low bank has been over its limit for a while."""
    store = rig.store()
    parts, node = station(store, None, **dict(LIMIT, **settings))
    parts.pressure_low_bank.gives(OVER)
    return store, parts, node, after(node, 0, 6)


def test_over_pressure_ends_when_it_has_been_left_for_its_time():
    _, parts, node, now = pressed()
    assert first(node) == ("over-pressure", 2)
    for value in (UNDER, None, BETWEEN):
        parts.pressure_low_bank.gives(value)
        now = after(node, now, 29)
        parts.pressure_low_bank.gives(OVER)
        now = after(node, now, 0.1)
    parts.pressure_low_bank.gives(BETWEEN)
    now = after(node, now, 300)
    assert stands(node, now) == "over-pressure 2"
    parts.pressure_low_bank.gives(UNDER)
    now = after(node, now, 30)
    assert stands(node, now) == "over-pressure 2"
    assert stands(node, now + 100) == ""


def test_over_pressure_stands_through_a_restart_with_a_dead_sensor():
    store, parts, _, _ = pressed()
    parts.pressure_low_bank.breaks()
    _, again = station(store, parts, **LIMIT)
    assert stands(again, after(again, 0, 3600)) == "over-pressure 2"
    parts.pressure_low_bank.gives(UNDER)
    _, again = station(store, parts, **LIMIT)
    assert stands(again, after(again, 0, 29)) == "over-pressure 2"
    assert stands(again, after(again, 29000, 2)) == ""


def test_dips_do_not_hold_the_over_pressure_back():
    parts, node = station(None, None, **LIMIT)
    now = 0
    for _ in range(6):
        parts.pressure_low_bank.gives(OVER)
        now = after(node, now, 0.9)
        parts.pressure_low_bank.gives(UNDER)
        now = after(node, now, 0.1)
    assert first(node) == ("over-pressure", 2)


def test_station_is_in_alarm_while_anything_stands_but_a_lost_sensor():
    parts, node = station()
    assert not node.in_alarm
    parts.h2_1.breaks()
    node.sample(100)
    assert (node.in_alarm, node.snapshot()["first_out"]) == (False, first_out.SENSOR_LOST)
    parts.flame.closed = True
    node.sample(200)
    assert node.in_alarm
    for name in ("esd", "break_away"):
        parts, node = station()
        getattr(parts, name).closed = True
        node.sample(100)
        assert node.in_alarm
    parts = Parts()
    parts.h2_4.gives(4.4, over=True)
    _, node = station(None, parts)
    parts.h2_4.gives(0.0)
    node.sample(300000)
    assert node.in_alarm
