"""The smart bin as stories: a crew, a bin pushed over, an overflow, a long sleep."""

import rig
from products import fill
from products.smart_bin import ALERT_MS, FAST_MS, LOOK_MS, SmartBin
from street_bin import SETTINGS, WAKE_MS, Parts, board, shows, sleep


def test_quiet_bin_shows_what_it_measures():
    _, made, _ = board()
    assert made.snapshot() == {
        "fill": 50,
        "weight": 21.0,
        "temperature": 26.0,
        "tilt": 2,
        "lid_open": False,
        "fire": False,
        "fault": False,
        "battery": 80,
        "collections": 0,
        "overflow": False,
        "tilted": False,
        "smoke": False,
        "fire_cause": 0,
        "fill_fault": False,
        "weight_fault": False,
        "temperature_fault": False,
        "tilt_fault": False,
        "battery_fault": False,
        "memory_fault": False,
    }


def test_no_level_is_shown_before_one_was_measured():
    shows(SmartBin(Parts(), rig.store(), 0, SETTINGS), fill=None, fault=False, overflow=False)


def test_it_obeys_nothing():
    parts, made, _ = board()
    parts.smoke.closed = True
    made.sample(20000)
    before = made.snapshot()
    for name in ("unlock", "open-lid", "compact", "close-valve", "start-fan", "tare", ""):
        assert not made.command(name, 20000), name
    assert made.commands == ()
    assert made.snapshot() == before


def test_it_sleeps_between_its_samples_and_no_longer_than_a_report():
    _, made, now = board()
    assert made.sample_ms == LOOK_MS <= 10000
    made.sample(now + WAKE_MS)
    assert made.sample_ms < 1000
    _, made, _ = board(period=4.0)
    assert made.sample_ms == 4000
    _, made, _ = board(period=1.0)
    assert made.sample_ms == 1000


def test_ranger_is_asked_at_each_wake_alone():
    parts, made, now = board()
    asked = []
    read = parts.distance.read
    parts.distance.read = lambda at: (asked.append(at), read(at))[1]
    now = sleep(made, now, WAKE_MS - 20000)
    assert asked == []
    sleep(made, now, 40000)
    assert len(asked) == fill.READINGS


def test_smoke_lid_heat_and_tilt_are_seen_while_the_bin_sleeps():
    for name, value, shown in (
        ("smoke", True, {"fire": True}),
        ("lid_open", True, {"lid_open": True}),
        ("temperature", 71.0, {"fire": True}),
        ("tilt", 60.0, {"tilted": True}),
    ):
        parts, made, now = board(wake=600.0)
        now = sleep(made, now, 60000)
        part = getattr(parts, name)
        if value is True:
            part.closed = True
        else:
            part.gives(value)
        sleep(made, now, 10000 + (FAST_MS if name == "tilt" else 0))
        shows(made, **shown)


def test_overflow_is_shown_at_the_first_level_over_it_and_has_a_dead_band():
    parts, made, now = board()
    rows = [
        (89, False),
        (90, True),
        (85, True),
        (81, True),
        (81, True),
        (80, True),
        (80, False),
        (89, False),
        (95, True),
    ]
    for level, expected in rows:
        parts.fill(level)
        now = sleep(made, now, WAKE_MS + 5000)
        shows(made, overflow=expected, fill=level)
    assert "overflow" in made.watched


def test_overflow_does_not_end_by_one_burst_alone():
    parts, made, now = board()
    parts.fill(95)
    now = sleep(made, now, 2 * WAKE_MS)
    parts.fill(50)
    made.sample(now + WAKE_MS)
    now = sleep(made, now + WAKE_MS, 4 * made.sample_ms)
    shows(made, fill=50, overflow=True)
    parts.fill(95)
    now = sleep(made, now, 2 * WAKE_MS)
    parts.fill(50)
    now = sleep(made, now, WAKE_MS + 15000)
    shows(made, overflow=False)


def test_full_and_tilted_stand_through_a_restart_until_a_sensor_says_otherwise():
    store = rig.store()
    parts, made, now = board(store)
    parts.fill(95)
    sleep(made, now, WAKE_MS + 20000)
    parts.fill(85)
    _, made, _ = board(store, parts)
    shows(made, overflow=True, fill=85)
    parts.tilt.gives(90.0)
    sleep(made, 15000, 30000)
    parts.tilt.breaks()
    _, made, _ = board(store, parts)
    shows(made, tilted=True, overflow=True)
    parts.tilt.gives(0.0)
    parts.fill(20)
    _, made, _ = board(store, parts)
    shows(made, tilted=False, overflow=False)


def test_full_bin_whose_lid_opens_is_still_overflowing():
    parts, made, now = board()
    parts.fill(95)
    now = sleep(made, now, WAKE_MS + 5000)
    parts.lid_open.closed = True
    made.sample(now)
    shows(made, fill=None, overflow=True)


def test_crew_empties_the_bin():
    parts, made, now = board()
    parts.fill(95)
    now = sleep(made, now, WAKE_MS + 20000)
    parts.lid_open.closed = True
    parts.tilt.gives(110.0)
    parts.fill(0)
    now += 1000
    made.sample(now)
    shows(made, fill=None, lid_open=True, collections=0)
    now = sleep(made, now, 30000)
    parts.tilt.gives(1.0)
    parts.lid_open.closed = False
    now = sleep(made, now, 30000)
    shows(made, fill=0, collections=1, overflow=False, lid_open=False, tilted=False)
    sleep(made, now, 5 * WAKE_MS)
    shows(made, collections=1)


def test_bin_that_was_emptied_while_the_board_was_off_is_counted():
    store = rig.store()
    parts, made, now = board(store)
    parts.fill(95)
    sleep(made, now, WAKE_MS + 20000)
    parts.fill(3)
    _, made, _ = board(store, parts)
    shows(made, collections=1)
    _, made, _ = board(store, parts)
    shows(made, collections=1)


def test_fall_of_the_level_counts_only_while_nothing_is_out_of_order():
    def lid(parts):
        parts.lid_open.closed = True

    def lean(parts):
        parts.tilt.gives(40.0)

    def blind_to_tilt(parts):
        parts.tilt.breaks()

    def broken(parts):
        parts.distance.breaks()

    for disorder in (lid, lean, blind_to_tilt, broken):
        parts, made, now = board()
        parts.fill(95)
        now = sleep(made, now, WAKE_MS + 20000)
        parts.fill(5)
        disorder(parts)
        sleep(made, now, 3 * WAKE_MS)
        shows(made, collections=0)


def test_bin_pushed_over_is_tilted_after_a_moment_and_upright_again_likewise():
    parts, made, now = board()
    parts.tilt.gives(31.0)
    rows = [(0, False), (2900, False), (3000, True), (3100, True)]
    for after, expected in rows:
        made.sample(now + after)
        shows(made, tilted=expected, fill=None, tilt=31)
    rows = [(25.0, 4000), (25.0, 8000), (24.9, 9000), (24.9, 11900), (24.9, 12000)]
    for tilt, after in rows:
        expected = after < 12000
        parts.tilt.gives(tilt)
        made.sample(now + after)
        shows(made, tilted=expected)
    sleep(made, now + 12000, 5000)
    shows(made, fill=50)


def test_bin_that_lies_when_the_board_starts_is_tilted():
    parts = Parts()
    parts.tilt.gives(90.0)
    parts, made, _ = board(parts=parts)
    shows(made, tilted=True, fill=None)
    parts, made, now = board()
    parts.tilt.gives(30.0)
    sleep(made, now, 2 * WAKE_MS)
    shows(made, tilted=False, fill=50)


def test_moment_of_a_tilt_is_counted_anew_after_it_was_decided_or_lost():
    parts, made, now = board()
    parts.tilt.gives(60.0)
    made.sample(now)
    made.sample(now + 3000)
    shows(made, tilted=True)
    parts.tilt.gives(0.0)
    made.sample(now + 3100)
    shows(made, tilted=True)
    parts, made, now = board()
    parts.tilt.gives(60.0)
    made.sample(now)
    parts.tilt.breaks()
    made.sample(now + 100)
    parts.tilt.gives(60.0)
    made.sample(now + 5000)
    shows(made, tilted=False)


def test_knock_is_no_tilt():
    parts, made, now = board()
    for turn in range(5):
        parts.tilt.gives(60.0)
        made.sample(now + turn * 4000)
        parts.tilt.gives(1.0)
        made.sample(now + turn * 4000 + 2900)
    shows(made, tilted=False)


def test_tilt_sensor_that_dies_neither_raises_nor_clears():
    parts, made, now = board()
    parts.tilt.gives(50.0)
    now = sleep(made, now, WAKE_MS + FAST_MS)
    shows(made, tilted=True)
    parts.tilt.breaks()
    now = sleep(made, now, 60000)
    shows(made, tilted=True, tilt=None, tilt_fault=True, fault=True, fill=None)
    parts, made, now = board()
    parts.tilt.breaks()
    sleep(made, now, WAKE_MS + 5000)
    shows(made, tilted=False, tilt=None, tilt_fault=True, fill=50)


def test_something_out_of_the_ordinary_is_looked_at_faster():
    def lid(parts):
        parts.lid_open.closed = True

    def lean(parts):
        parts.tilt.gives(40.0)

    def warm(parts):
        parts.temperature.gives(30.0)

    def hot(parts):
        parts.temperature.gives(56.0)

    def smoke(parts):
        parts.smoke.closed = True

    for oddity in (lid, lean, warm, hot, smoke):
        parts, made, now = board()
        assert made.sample_ms > FAST_MS
        oddity(parts)
        made.sample(now + 10000)
        assert made.sample_ms <= FAST_MS, oddity


def test_bin_left_lying_or_open_does_not_empty_its_battery():
    parts, made, now = board()
    parts.lid_open.closed = True
    parts.tilt.gives(90.0)
    made.sample(now)
    now = sleep(made, now, ALERT_MS - FAST_MS)
    assert made.sample_ms == FAST_MS
    now = sleep(made, now, 2 * FAST_MS)
    assert made.sample_ms == LOOK_MS
    parts.tilt.gives(0.0)
    parts.lid_open.closed = False
    made.sample(now)
    assert made.sample_ms == FAST_MS
    sleep(made, now, 2 * FAST_MS)
    shows(made, tilted=False)


def test_new_level_is_confirmed_soon():
    parts, made, now = board()
    parts.fill(5)
    sleep(made, now, WAKE_MS + 12000)
    shows(made, collections=1)


def test_fire_is_watched_and_a_jump_of_the_level_too():
    _, made, _ = board()
    for name in ("fire", "overflow", "tilted", "collections", "lid_open", "fault", "fire_cause"):
        assert name in made.watched, name
    seen = made.snapshot()
    for name in made.watched + tuple(made.jumps):
        assert name in seen, name


def sleeper(other):
    """A quiet bin whose chip may stop, unless ``other`` settings say otherwise, after its first burst."""
    parts = Parts()
    given = dict(SETTINGS, sleep="light", parts="board")
    given.update(other)
    made = SmartBin(parts, rig.store(), 0, given)
    assert not made.may_sleep
    sleep(made, 0, 15000)
    return parts, made


def test_chip_stops_between_two_looks_only_where_the_setting_says_so_and_no_master_asks():
    parts, made = sleeper({})
    assert made.may_sleep
    parts.tilt.gives(40.0)
    made.sample(16000)
    assert not made.may_sleep
    for other in ({"sleep": "none"}, {"parts": "rig"}, {"modbus": "0"}, {"serial-link": "0"}, {"modbus-tcp": 502}):
        assert not sleeper(other)[1].may_sleep, other


def test_lid_and_smoke_stir_it_until_they_are_sampled():
    parts, made, now = board()
    for contact in (parts.lid_open, parts.smoke):
        assert not made.is_stirred()
        contact.closed = True
        assert made.is_stirred()
        now += 1000
        made.sample(now)
    assert not made.is_stirred()
