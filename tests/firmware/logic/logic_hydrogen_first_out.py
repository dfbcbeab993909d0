"""First-out of the hydrogen node: which cause came first, what keeps it, and who may clear it."""

import rig
from plain_parts import Full, damage
from products import first_out
from products.hydrogen_node import CHANNELS, PRESSURES
from station import CONTACTS, first, station


def story(rows, **settings):
    """Rows of (seconds since the row before, part, value or None, first-out expected)."""
    parts, node = station(None, None, **settings)
    now = 0
    for seconds, part, value, expected in rows:
        for _ in range(int(seconds * 10)):
            now += 100
            node.sample(now)
        if part in CONTACTS:
            getattr(parts, part).closed = value
        elif part and value is None:
            getattr(parts, part).breaks()
        elif part:
            getattr(parts, part).gives(value, over=value > 4.1 and part in CHANNELS)
        now += 100
        node.sample(now)
        assert first(node) == expected, (part, value, first(node), expected)
    return parts, node, now


def test_each_cause_is_the_first_out_when_it_comes_first():
    story([(1, "h2_2", 0.45, ("none", 0)), (1.7, "", None, ("none", 0)), (0.2, "", None, ("h2-high", 2))])
    story([(1, "h2_3", 1.0, ("h2-high-high", 3))])
    story([(1, "h2_4", 4.2, ("h2-over-range", 4))])
    story([(1, "flame", True, ("flame", 0))])
    story([(1, "esd", True, ("esd", 0))])
    story([(1, "break_away", True, ("break-away", 0))])
    story([(1, "h2_1", None, ("sensor-lost", 1))])
    story([(1, "fan_running", True, ("none", 0)), (1, "compressor_running", True, ("none", 0))])
    story([(1, "pressure_trailer", None, ("none", 0)), (1, "temperature_gas", None, ("none", 0))])


def test_what_follows_does_not_replace_the_first_out():
    story(
        [
            (1, "h2_1", 0.5, ("none", 0)),
            (2, "", None, ("h2-high", 1)),
            (5, "h2_1", 4.2, ("h2-high", 1)),
            (1, "flame", True, ("h2-high", 1)),
            (1, "esd", True, ("h2-high", 1)),
            (60, "h2_1", 0.0, ("h2-high", 1)),
            (60, "flame", False, ("h2-high", 1)),
            (60, "esd", False, ("h2-high", 1)),
        ]
    )


def test_rise_that_passes_both_limits_within_the_delay_is_high_high():
    story([(1, "h2_1", 0.5, ("none", 0)), (1, "h2_1", 1.1, ("h2-high-high", 1))])


def test_short_touch_of_the_lower_limit_is_none():
    rows = [(1, "h2_1", 0.4, ("none", 0)), (1, "h2_1", 0.39, ("none", 0)), (2, "h2_1", 0.4, ("none", 0))]
    story(rows + [(1.8, "", None, ("none", 0)), (0.1, "", None, ("h2-high", 1))])  # noqa: RUF005 - MicroPython


def test_level_that_was_left_is_entered_again_only_after_its_delay():
    _, node, now = story([(1, "h2_1", 0.5, ("none", 0)), (3, "h2_1", 0.3, ("h2-high", 1))])
    now = rig.run(node, now, now + 60000)
    assert node.maintain(["first-out", "clear"], now).startswith("first-out cleared")
    node._parts.h2_1.gives(0.45)
    node.sample(now + 100)
    node.sample(now + 2000)
    assert first(node) == ("none", 0)
    node.sample(now + 2100)
    assert first(node) == ("h2-high", 1)


def test_gas_that_is_there_at_the_start_is_seen():
    for value, expected in ((0.5, ("h2-high", 1)), (1.0, ("h2-high-high", 1))):
        parts = station()[0]
        parts.h2_1.gives(value)
        _, node = station(None, parts)
        node.sample(2000)
        assert first(node) == expected


def test_over_pressure_is_judged_only_where_the_station_has_given_a_limit():
    story([(1, "pressure_low_bank", 45.0, ("none", 0)), (10, "", None, ("none", 0))])
    limit = {"max-low-bank": 45.0, "max-dispenser": 0.0}
    story([(1, "pressure_low_bank", 44.9, ("none", 0)), (10, "", None, ("none", 0))], **limit)
    rows = [(1, "pressure_low_bank", 45.0, ("none", 0)), (4.8, "", None, ("none", 0))]
    story(rows + [(0.1, "", None, ("over-pressure", 2))], **limit)  # noqa: RUF005 - MicroPython
    story(rows + [(0, "pressure_low_bank", 44.0, ("none", 0)), (9, "", None, ("none", 0))], **limit)  # noqa: RUF005
    story([(1, "pressure_dispenser", 100.0, ("none", 0)), (10, "", None, ("none", 0))], **limit)
    for place, name in enumerate(PRESSURES):
        limits = {"max-trailer": 25.0, "max-low-bank": 45.0, "max-high-bank": 90.0, "max-dispenser": 87.5}
        story([(1, name, 95.0, ("none", 0)), (5, "", None, ("over-pressure", place + 1))], **limits)


def test_pressure_that_is_lost_while_too_high_stays_too_high():
    rows = [(1, "pressure_low_bank", 46.0, ("none", 0)), (1, "pressure_low_bank", None, ("none", 0))]
    _, node, now = story(rows + [(5, "", None, ("over-pressure", 2))], **{"max-low-bank": 45.0})  # noqa: RUF005
    assert "over-pressure 2" in node.maintain(["first-out", "clear"], now)


def test_of_causes_in_one_sample_the_one_that_may_lead_to_the_others_is_first():
    rows = [
        (("esd", "flame"), (), ("flame", 0)),
        (("esd", "break_away"), (), ("break-away", 0)),
        (("flame",), (("h2_1", 4.4),), ("flame", 0)),
        (("break_away",), (("h2_4", 1.2),), ("h2-high-high", 4)),
        ((), (("h2_4", 1.2), ("h2_2", 1.2)), ("h2-high-high", 2)),
        ((), (("h2_1", 1.2), ("h2_2", 4.4)), ("h2-over-range", 2)),
        (("esd",), (("h2_3", None),), ("esd", 0)),
    ]
    for contacts, sensors, expected in rows:
        parts, node = station()
        for name in contacts:
            getattr(parts, name).closed = True
        for name, value in sensors:
            if value is None:
                getattr(parts, name).breaks()
            else:
                getattr(parts, name).gives(value, over=value > 4.1)
        node.sample(100)
        assert first(node) == expected, (contacts, sensors, first(node))


def test_every_cause_has_its_place_and_its_name():
    assert sorted(first_out.PRECEDENCE) == list(range(1, 9))
    assert len(first_out.NAMES) == first_out.UNKNOWN + 1


def test_level_that_stands_is_a_cause_until_it_has_left_its_dead_band_by_a_good_value():
    rows = [
        (0.45, None, "h2-high 1"),
        (0.45, 0.33, "h2-high 1"),
        (0.45, 0.31, ""),
        (1.2, 0.95, "h2-high-high 1"),
        (1.2, 0.89, "h2-high 1"),
        (1.2, 0.1, ""),
        (1.2, None, "h2-high-high 1"),
    ]
    for peak, after, expected in rows:
        parts, node, now = story([(1, "h2_1", peak, first_of(peak)), (3, "", None, (first_name(peak), 1))])
        if after is None:
            parts.h2_1.breaks()
        else:
            parts.h2_1.gives(after)
        now = rig.run(node, now + 100, now + 120200)
        told = node.maintain(["first-out", "clear"], now)
        wanted = f"first-out not cleared: {expected} still stands" if expected else "first-out cleared"
        assert told.startswith(wanted), (peak, after, told)


def first_name(peak):
    return "h2-high-high" if peak >= 1.0 else "h2-high"


def first_of(peak):
    return (first_name(peak), 1) if peak >= 1.0 else ("none", 0)


def test_first_out_is_cleared_by_a_person_and_only_when_nothing_stands():
    store = rig.store()
    parts, node = station(store)
    parts.flame.closed = True
    node.sample(100)
    parts.esd.closed = True
    node.sample(200)
    told = node.maintain(["first-out", "clear"], 200)
    assert told == "first-out not cleared: flame, esd still stands"
    assert first(node) == ("flame", 0)
    parts.flame.closed = parts.esd.closed = False
    node.sample(300)
    assert first(node) == ("flame", 0)
    assert node.maintain(["first-out", "clear"], 300) == "first-out cleared, it was flame"
    node.sample(400)
    assert first(node) == ("none", 0)
    _, again = station(store, parts)
    assert first(again) == ("none", 0)
    parts.esd.closed = True
    again.sample(100)
    assert first(again) == ("esd", 0)
    for words in (["first-out"], ["clear"], ["first-out", "clear", "now"], ["tare"], []):
        assert again.maintain(words, 100) is None


def test_locked_channel_is_a_cause_that_stands():
    parts, node = station()
    parts.h2_2.gives(4.4, over=True)
    node.sample(100)
    parts.h2_2.gives(0.0)
    node.sample(200)
    assert "h2-over-range 2 still stands" in node.maintain(["first-out", "clear"], 200)
    node.maintain(["over-range", "confirm"], 200)
    assert "h2-high-high 2 still stands" in node.maintain(["first-out", "clear"], 300)
    now = rig.run(node, 300, 120300)
    assert node.maintain(["first-out", "clear"], now) == "first-out cleared, it was h2-over-range 2"


def test_first_out_outlives_a_restart():
    store = rig.store()
    parts, node = station(store)
    parts.h2_4.gives(1.5)
    node.sample(100)
    parts.h2_4.gives(0.0)
    parts.flame.closed = True
    _, again = station(store, parts)
    assert first(again) == ("h2-high-high", 4)


def test_record_of_the_first_out_that_cannot_be_read_is_unknown_until_it_is_cleared():
    for data in (b"\0\0\0\0\1", b""):
        store = rig.store()
        parts, node = station(store)
        damage(rig.FOLDER, rig._made[0], "first-out", data)
        _, again = station(store, parts)
        assert first(again) == ("unknown", 0)
        _, again = station(store, parts)
        assert first(again) == ("unknown", 0)
    assert again.maintain(["first-out", "clear"], 100) == "first-out cleared, it was unknown"
    for record in (b"\x0a\0", b"\1\5", b"\1"):
        store.put("first-out", record)
        _, node = station(store, parts)
        assert first(node) == ("unknown", 0), record


def test_first_out_that_the_flash_does_not_forget_is_not_cleared():
    store = Full()
    store.full = False
    parts, node = station(store)
    parts.esd.closed = True
    node.sample(100)
    parts.esd.closed = False
    node.sample(200)
    store.full = True
    told = node.maintain(["first-out", "clear"], 200)
    assert told == "first-out not cleared: the flash does not take it"
    assert first(node) == ("esd", 0)


def test_high_value_counts_in_the_warm_up_and_a_missing_one_does_not():
    settings = {"warm-up": 60.0}
    story([(1, "h2_1", 1.2, ("h2-high-high", 1))], **settings)
    story([(1, "h2_1", 4.4, ("h2-over-range", 1))], **settings)
    story([(1, "h2_1", None, ("none", 0)), (57, "", None, ("none", 0)), (2, "", None, ("sensor-lost", 1))], **settings)


def test_level_that_stood_does_not_end_in_the_warm_up():
    rows = [(1, "h2_1", 1.2, ("h2-high-high", 1)), (1, "h2_1", 0.0, ("h2-high-high", 1))]
    _, node, now = story(rows, **{"warm-up": 60.0})
    rig.run(node, now, 60000)
    assert "h2-high-high 1 still stands" in node.maintain(["first-out", "clear"], 60000)
    rig.run(node, 60000, 179900)
    assert "h2-high-high 1 still stands" in node.maintain(["first-out", "clear"], 179900)
    assert node.maintain(["first-out", "clear"], 180000).startswith("first-out cleared")


def test_first_out_is_not_cleared_in_the_warm_up_when_nobody_knows_what_stands():
    parts, node, _ = story([(1, "flame", True, ("flame", 0)), (1, "flame", False, ("flame", 0))], **{"warm-up": 60.0})
    parts.h2_3.breaks()
    refused = "first-out not cleared: what stands is known only after the warm-up"
    assert node.maintain(["first-out", "clear"], 59900) == refused
    assert first(node) == ("flame", 0)
    assert node.maintain(["first-out", "clear"], 60000) == "first-out not cleared: sensor-lost 3 still stands"
    parts.h2_3.gives(0.0)
    assert node.maintain(["first-out", "clear"], 60100) == "first-out cleared, it was flame"
