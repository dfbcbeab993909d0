"""Fire in the bin: smoke, heat, rise, and the sensor that burns (S24, SB-03, SB-04)."""

import rig
from plain_parts import Full, damage
from products import bin_fire
from products.bin_fire import HOT, LOST, NONE, RISE, SMOKE, FireWatch


def watch(store=None):
    return FireWatch(store or rig.store(), 70.0)


def play(fire, rows, now=0):
    """Rows of (seconds since the row before, temperature or None, smoke, cause expected)."""
    for turn, (seconds, temperature, smoke, expected) in enumerate(rows):
        now += int(seconds * 1000)
        fire.step(now, temperature, smoke)
        assert fire.cause == expected, (turn, fire.cause, expected)
    return now


def hold(fire, now, seconds, temperature, smoke=False):
    """The same for so long, looked at as a bin looks that suspects something; returns the time."""
    end = now + seconds * 1000
    while now < end:
        now += 5000
        fire.step(now, temperature, smoke)
    return now


def ends(fire, now, temperature):
    """Whether a minute of ``temperature``, and not less, ends what stands."""
    stood = fire.cause
    now = hold(fire, now, 60, temperature)
    assert fire.cause == stood != NONE
    hold(fire, now, 5, temperature)
    return fire.cause == NONE


def test_smoke_is_fire_at_once_and_until_it_has_been_gone_for_a_minute():
    fire = watch()
    now = play(fire, [(0, 26.0, False, NONE), (5, 26.0, True, SMOKE)])
    now = hold(fire, now, 600, 26.0, True)
    now = hold(fire, now, 55, 26.0)
    fire.step(now + 5000, 26.0, True)
    assert fire.cause == SMOKE
    assert ends(fire, now + 5000, 26.0)


def test_absolute_limit_is_fire_at_once_with_a_dead_band():
    fire = watch()
    now = play(fire, [(0, 69.9, False, NONE), (300, 70.0, False, HOT)])
    now = hold(fire, now, 600, 60.0)
    assert fire.cause == HOT
    assert ends(fire, now, 59.9)


def test_limit_is_the_one_of_the_settings():
    fire = FireWatch(rig.store(), 60.0)
    now = play(fire, [(0, 59.9, False, NONE), (300, 60.0, False, HOT)])
    now = hold(fire, now, 600, 50.0)
    assert fire.cause == HOT
    assert ends(fire, now, 49.9)


def test_rise_of_8_kelvin_in_two_minutes_from_45_degrees_is_fire_when_the_next_sample_agrees():
    play(watch(), [(0, 40.0, False, NONE), (60, 48.0, False, NONE), (5, 48.5, False, RISE)])
    play(watch(), [(0, 40.0, False, NONE), (60, 47.9, False, NONE), (5, 47.9, False, NONE)])
    play(watch(), [(0, 37.0, False, NONE), (60, 45.0, False, NONE), (5, 45.0, False, RISE)])
    play(watch(), [(0, 36.0, False, NONE), (60, 44.9, False, NONE), (5, 44.9, False, NONE)])
    play(watch(), [(0, 40.0, False, NONE), (60, 48.0, False, NONE), (4.9, 48.0, False, NONE)])
    play(watch(), [(0, 40.0, False, NONE), (60, 60.0, False, NONE), (5, 40.0, False, NONE), (5, 40.0, False, NONE)])


def test_rise_within_the_window_is_seen_at_every_rate_of_sampling():
    for step in (0.3, 1, 5, 10, 16):
        fire = watch()
        now = 0
        while now <= 132:
            fire.step(int(now * 1000), 40.0 + 10.0 * now / 120, False)
            now += step
        assert fire.cause == RISE, step


def test_slow_warming_in_the_sun_is_no_fire():
    for step in (5, 60, 300):
        fire = watch()
        for turn in range(int(3600 / step)):
            fire.step(int(turn * step * 1000), 26.0 + 40.0 * turn * step / 3600, False)
            assert fire.cause == NONE, (step, turn)


def test_rise_over_a_long_sleep_counts_by_its_mean():
    for start in (0, 1000000000):
        play(watch(), [(0, 30.0, False, NONE), (300, 51.0, False, NONE), (5, 51.0, False, RISE)], start)
        play(watch(), [(0, 30.0, False, NONE), (300, 49.0, False, NONE), (5, 49.0, False, NONE)], start)
    cool = [(0, 30.0, False, NONE), (300, 30.0, False, NONE), (300, 30.0, False, NONE)]
    play(watch(), cool + [(300, 51.0, False, NONE), (5, 51.0, False, RISE)])  # noqa: RUF005 - MicroPython


def test_fire_by_rise_stands_while_it_rises_and_until_it_has_cooled():
    fire = watch()
    now = play(fire, [(0, 40.0, False, NONE), (60, 50.0, False, NONE), (5, 52.0, False, RISE), (60, 61.0, False, RISE)])
    now = hold(fire, play(fire, [(300, 61.0, False, RISE), (300, 60.0, False, RISE)], now), 300, 60.0)
    assert fire.cause == RISE
    assert ends(fire, now, 59.0)
    # It is cool enough, and rises still.
    fire = watch()
    now = play(fire, [(0, 30.0, False, NONE), (60, 50.0, False, NONE), (5, 50.0, False, RISE)])
    now = hold(fire, now, 50, 50.0)
    fire.step(now + 5000, 50.0, False)
    now = hold(fire, now + 5000, 60, 50.0)
    assert fire.cause == RISE


def test_sensor_lost_after_heat_is_fire():
    play(watch(), [(0, 55.0, False, NONE), (300, None, False, NONE), (5, None, False, LOST), (900, None, False, LOST)])
    play(watch(), [(0, 30.0, False, NONE), (60, 38.0, False, NONE), (5, None, False, NONE), (5, None, False, LOST)])


def test_sensor_lost_while_cool_is_no_fire():
    play(watch(), [(0, 54.9, False, NONE), (300, None, False, NONE), (5, None, False, NONE), (900, None, False, NONE)])
    for temperature, expected in ((49.9, NONE), (50.0, LOST)):
        fire = watch()
        now = hold(fire, play(fire, [(0, 56.0, False, NONE)]), 65, temperature)
        play(fire, [(5, None, False, NONE), (60, None, False, NONE), (5, None, False, expected)], now)


def test_bin_that_cools_a_little_was_hot_all_the_same():
    play(watch(), [(0, 56.0, False, NONE), (600, 50.0, False, NONE), (5, None, False, NONE), (5, None, False, LOST)])


def test_lost_sensor_that_comes_back_cool_ends_the_fire_and_hot_does_not():
    rows = [(0, 56.0, False, NONE), (5, None, False, NONE), (5, None, False, LOST)]
    fire = watch()
    now = hold(fire, play(fire, rows), 600, 61.0)
    assert fire.cause == LOST
    assert ends(fire, now, 30.0)


def test_sensor_that_burns_reads_cold_and_is_then_lost_is_still_a_fire():
    for sample in (-20.0, 20.0, -39.9):
        for seconds in (5, 55):
            fire = watch()
            now = 0
            for temperature in (25, 30, 60, 90, 120, 120):
                now += 5000
                fire.step(now, float(temperature), False)
            assert fire.cause == HOT
            now = hold(fire, now, seconds, sample)
            now = hold(fire, now, 900, None)
            assert fire.cause == HOT, (sample, seconds)
            assert ends(fire, now, 30.0)
    # It was hot and no fire yet.
    fire = watch()
    now = play(fire, [(0, 56.0, False, NONE), (5, -20.0, False, NONE)])
    hold(fire, now, 10, None)
    assert fire.cause == LOST


def test_fast_rise_is_remembered_for_a_minute_after_its_window():
    for seconds, expected in ((180, LOST), (200, NONE)):
        fire = watch()
        fire.step(0, 30.0, False)
        now = hold(fire, 0, seconds, 40.0)
        hold(fire, now, 20, None)
        assert fire.cause == expected, seconds


def test_bin_that_is_not_looked_at_does_not_cool():
    fire = watch()
    play(fire, [(0, 80.0, False, HOT), (600, 20.0, False, HOT), (600, 20.0, False, HOT), (600, 20.0, False, HOT)])
    fire = watch()
    play(fire, [(0, 56.0, False, NONE), (600, 20.0, False, NONE), (600, 20.0, False, NONE), (600, None, False, NONE)])
    play(fire, [(5, None, False, LOST)], 1800000)


def test_cool_samples_between_the_hot_ones_hold_no_fire_back():
    fire = watch()
    hold(fire, 0, 30, 40.0)
    now = 30000
    for _ in range(3):
        fire.step(now + 5000, 55.0, False)
        fire.step(now + 10000, 20.0, False)
        now += 10000
    assert fire.cause == RISE
    fire = watch()
    now = play(fire, [(0, 56.0, False, NONE)])
    for _ in range(3):
        fire.step(now + 5000, None, False)
        fire.step(now + 10000, 26.0, False)
        now += 10000
    assert fire.cause == LOST


def test_two_odd_samples_far_apart_confirm_nothing():
    fire = watch()
    now = hold(fire, 0, 30, 40.0)
    for _ in range(3):
        fire.step(now + 5000, 55.0, False)
        now = hold(fire, now + 5000, 40, 40.0)
    assert fire.cause == NONE


def test_lost_sensor_never_ends_a_fire():
    play(watch(), [(0, 26.0, True, SMOKE), (5, None, False, SMOKE), (3600, None, False, SMOKE)])
    play(watch(), [(0, 80.0, False, HOT), (5, None, False, HOT), (3600, None, False, HOT)])


def test_first_cause_stands_while_another_follows():
    fire = watch()
    now = play(fire, [(0, 26.0, True, SMOKE), (5, 80.0, False, SMOKE), (5, 80.0, True, SMOKE)])
    assert ends(fire, now, 20.0)


def test_fire_stands_through_a_restart():
    for rows, expected in (
        ([(0, 26.0, True, SMOKE)], SMOKE),
        ([(0, 75.0, False, HOT)], HOT),
        ([(0, 40.0, False, NONE), (60, 50.0, False, NONE), (5, 52.0, False, RISE)], RISE),
        ([(0, 56.0, False, NONE), (5, None, False, NONE), (5, None, False, LOST)], LOST),
    ):
        store = rig.store()
        play(watch(store), rows)
        again = watch(store)
        assert again.cause == expected
        now = hold(again, play(again, [(0, None, False, expected)]), 55, 20.0)
        again = watch(store)
        assert again.cause == expected
        assert ends(again, now, 20.0)
        assert watch(store).cause == NONE


def test_sensor_that_burns_while_the_board_restarts_is_fire():
    store = rig.store()
    play(watch(store), [(0, 56.0, False, NONE)])
    play(watch(store), [(0, None, False, NONE), (5, None, False, LOST)])
    store = rig.store()
    play(watch(store), [(0, 30.0, False, NONE)])
    play(watch(store), [(0, None, False, NONE), (5, None, False, NONE)])


def test_record_that_cannot_be_read_counts_as_a_bin_that_was_hot():
    for data in (b"\0\0\0\0\1", b"", b"\0\0\0\0"):
        store = rig.store()
        play(watch(store), [(0, 26.0, False, NONE)])
        damage(rig.FOLDER, rig._made[0], "fire", data)
        play(watch(store), [(0, None, False, NONE), (5, None, False, LOST)])
    for record in (b"\x05", b"\0\0"):
        store = rig.store()
        store.put("fire", record)
        fire = watch(store)
        play(fire, [(5, None, False, NONE), (5, None, False, NONE)], hold(fire, 0, 65, 26.0))
        store.put("fire", record)
        play(watch(store), [(0, None, False, NONE), (5, None, False, LOST)])


def test_flash_that_refuses_does_not_hide_a_fire():
    store = Full()
    fire = FireWatch(store, 70.0)
    play(fire, [(0, 26.0, True, SMOKE), (0.3, 26.0, True, SMOKE), (5, 26.0, True, SMOKE)])
    assert (fire.store_errors, fire.refused) == (2, True)
    store.full = False
    play(fire, [(10, 26.0, True, SMOKE)])
    assert not fire.refused
    assert FireWatch(store, 70.0).cause == SMOKE


def test_record_is_written_only_when_it_changes():
    store = Full()
    store.full = False
    writes = []
    put = store.put
    store.put = lambda name, value: (writes.append(name), put(name, value))
    fire = FireWatch(store, 70.0)
    for turn in range(50):
        fire.step(turn * 5000, 26.0 + turn % 2, False)
    assert len(writes) == 1


def test_what_deserves_a_second_look_is_suspicious():
    rows = [
        ([(0, 26.0, False)], False),
        ([(0, 26.0, False), (300, 30.0, False)], False),
        ([(0, 26.0, False), (60, 29.0, False)], True),
        ([(0, 55.0, False)], True),
        ([(0, 54.0, False)], False),
        ([(0, 26.0, True)], True),
        ([(0, 26.0, False), (5, None, False)], False),
        ([(0, 56.0, False), (300, None, False)], True),
    ]
    for samples, expected in rows:
        fire = watch()
        now = 0
        for seconds, temperature, smoke in samples:
            now += seconds * 1000
            fire.step(now, temperature, smoke)
        assert fire.suspicious == expected, samples


def test_temperatures_kept_are_few():
    fire = watch()
    for turn in range(20000):
        fire.step(turn * 100, 26.0, False)
    assert len(fire._kept) <= bin_fire.RISE_WINDOW_MS // bin_fire.SPACING_MS + 1
