"""Fill level: geometry, median of a burst, blocked and broken sensors; the emptied bin; the battery's table."""

import rig
from plain_parts import Full, Sensor, damage
from products import battery, fill
from products.emptied import PEAK_MS, Emptied

PAUSE = 60000


def sensor_and_fill(distance=600.0):
    sensor = Sensor(distance)
    return sensor, fill.Fill(sensor, 1000.0, 100.0)


def burst(level, now=0, pause=PAUSE):
    """Step until the burst is over; returns the time and whether it gave a level."""
    level.step(now, False, pause)
    while level.busy:
        now += fill.BURST_MS
        level.step(now, False, pause)
    return now, level.fresh


def test_level_follows_the_geometry_of_the_mounting():
    rows = [(1100, 0), (600, 50), (100, 100), (350, 75), (50, 100), (30, 100), (1150, 0)]
    for distance, expected in rows:
        assert fill.percent(distance, 1000.0, 100.0) == expected, distance
    assert fill.percent(700, 1200.0, 40.0) == 45.0


def test_median_is_the_middle_one():
    for values, expected in (([3], 3), ([9, 1, 2], 2), ([4, 1, 3, 2], 2.5), ([5, 5, 1, 9, 7], 5)):
        assert fill.median(values) == expected


def test_single_echoes_do_not_move_the_level():
    sensor, level = sensor_and_fill()
    sensor.row = [600.0, 150.0, 605.0, 1100.0, 595.0]
    assert burst(level) == (4 * fill.BURST_MS, True)
    assert level.level == 50.0


def test_level_is_taken_once_each_pause():
    sensor, level = sensor_and_fill()
    now, _ = burst(level)
    sensor.value = 300.0
    level.step(now + PAUSE - 1, False, PAUSE)
    assert (level.level, level.busy, level.fresh) == (50.0, False, False)
    now, fresh = burst(level, now + PAUSE)
    assert (level.level, fresh) == (80.0, True)


def test_nothing_is_said_before_the_first_burst():
    _, level = sensor_and_fill()
    assert (level.level, level.fault, level.fresh, level.busy) == (None, False, False, True)


def test_burst_goes_on_when_samples_come_late():
    _, level = sensor_and_fill()
    now, _ = burst(level)
    for turn in range(1, 6):
        level.step(now + turn * PAUSE, False, PAUSE)
        assert level.fresh == (turn == 5), turn


def test_blocked_sensor_has_no_level_and_starts_again_at_once():
    sensor, level = sensor_and_fill()
    now, _ = burst(level)
    level.step(now + 10, True, PAUSE)
    assert (level.level, level.busy, level.fault, level.fresh) == (None, False, False, False)
    sensor.row = [200.0, 200.0, 200.0]
    for turn in range(3):
        level.step(now + 20 + turn, False, PAUSE)
        assert level.busy
    level.step(now + 30, True, PAUSE)
    assert not level.busy
    _, fresh = burst(level, now + 40)
    assert (level.level, fresh) == (50.0, True)


def test_sensor_that_needs_a_while_for_its_first_frame_is_waited_for():
    sensor, level = sensor_and_fill()
    sensor.row = [None] * 10
    now, fresh = burst(level)
    assert (now, fresh, level.level) == ((fill.TRIES - 1) * fill.BURST_MS, True, 50.0)


def test_most_readings_without_a_value_are_a_fault_and_heal():
    sensor, level = sensor_and_fill()
    sensor.row = [None] * 13
    now, fresh = burst(level)
    assert (fresh, level.fault, level.level) == (False, True, None)
    now, fresh = burst(level, now + PAUSE)
    assert (fresh, level.fault, level.level) == (True, False, 50.0)
    sensor.row = [None] * 12
    burst(level, now + PAUSE)
    assert (level.fault, level.level) == (False, 50.0)


def test_echo_that_cannot_be_of_this_bin_is_no_value():
    for distance, over in ((4500.0, True), (600.0, True), (1301.0, False), (-1.0, False), (float("nan"), False)):
        sensor, level = sensor_and_fill(distance)
        sensor.over = over
        burst(level)
        assert (level.fault, level.level) == (True, None), distance
    _, level = sensor_and_fill(1300.0)
    burst(level)
    assert (level.fault, level.level) == (False, 0.0)


def test_reading_with_a_fault_is_no_value_but_too_near_is_full():
    sensor, level = sensor_and_fill()
    sensor.fault = 5
    burst(level)
    assert (level.fault, level.level) == (True, None)
    sensor, level = sensor_and_fill()
    sensor.breaks(fault=2)
    burst(level)
    assert (level.fault, level.level) == (False, 100.0)


def watch(store=None, now=0):
    return Emptied(store or rig.store(), now)


def see(emptied, levels, now=0, step=10000):
    for level in levels:
        now += step
        emptied.observe(now, level)
    return now


def test_fall_by_more_than_30_points_is_one_collection():
    rows = [
        ([92, 92, 5, 5, 5, 5], 1),
        ([92, 92, 62, 62], 0),
        ([92, 92, 61, 61], 1),
        ([80, 80, 5, 5, 60, 60, 5, 5], 2),
        ([92, 92, 70, 70, 45, 45, 20, 20], 1),
        ([30, 30, 0, 0], 0),
    ]
    for levels, expected in rows:
        emptied = watch()
        see(emptied, levels)
        assert emptied.count == expected, levels


def test_level_counts_only_when_two_bursts_saw_it():
    for levels in ([92, 92, 5, 92, 92], [40, 40, 100, 40, 40], [92, 92, 5]):
        emptied = watch()
        see(emptied, levels)
        assert emptied.count == 0, levels


def test_unsettled_level_asks_for_a_second_look():
    emptied = watch()
    seen = []
    for level in (50, 50, 60, 49.9, 90, 90, 84, 5, 5):
        see(emptied, [level])
        seen.append(emptied.settled)
    assert seen == [False, True, True, False, False, True, True, False, True]


def test_bursts_before_and_after_an_interruption_are_none_in_a_row():
    emptied = watch()
    see(emptied, [92, 92, 5])
    emptied.interrupt()
    assert emptied.settled
    see(emptied, [5])
    assert (emptied.count, emptied.settled) == (0, False)
    see(emptied, [5])
    assert emptied.count == 1


def test_waste_that_sinks_by_itself_is_no_collection():
    emptied = watch()
    now = see(emptied, [92, 92])
    for level in (80, 70, 60, 50, 40):
        now = see(emptied, [level, level], now + PEAK_MS)
    assert emptied.count == 0
    see(emptied, [9, 9], now)
    assert emptied.count == 1


def test_emptying_in_steps_is_seen_however_long_the_board_was_up():
    emptied = watch()
    now = see(emptied, [92, 92], 50 * PEAK_MS)
    now = see(emptied, [92, 92], now + PEAK_MS)
    see(emptied, [70, 70, 45, 45, 20, 20], now)
    assert emptied.count == 1
    store = rig.store()
    see(watch(store), [92, 92])
    again = watch(store, 50 * PEAK_MS)
    see(again, [70, 70, 45, 45], 50 * PEAK_MS)
    assert again.count == 1


def test_emptying_after_a_long_sleep_is_counted():
    emptied = watch()
    now = see(emptied, [92, 92, 91, 91])
    see(emptied, [5, 5], now + 10 * PEAK_MS)
    assert emptied.count == 1
    now = see(emptied, [92, 92], now + 11 * PEAK_MS)
    see(emptied, [5, 5, 5], now, step=6 * PEAK_MS)
    assert emptied.count == 2


def test_emptying_while_the_board_was_off_is_counted_once():
    store = rig.store()
    see(watch(store), [92, 92])
    again = watch(store, 500)
    assert again.count == 0
    see(again, [5, 5], 500)
    assert again.count == 1
    third = watch(store)
    see(third, [5, 5, 5])
    assert third.count == 1


def test_count_that_the_flash_refused_is_kept_later_and_not_twice():
    store = Full()
    store.full = False
    see(watch(store), [92, 92])
    store.full = True
    emptied = watch(store)
    see(emptied, [92, 92, 5, 5])
    assert (emptied.count, emptied.store_errors) == (1, 1)
    now = see(emptied, [5], 50000)
    assert (emptied.store_errors, emptied.refused) == (2, True)
    emptied.observe(now + 900, 5)
    assert emptied.store_errors == 2
    store.full = False
    see(emptied, [5], now)
    assert not emptied.refused
    assert emptied.count == watch(store).count == 1
    see(watch(store), [5, 5])
    assert watch(store).count == 1


def test_count_whose_record_was_lost_starts_again():
    store = rig.store()
    see(watch(store), [92, 92, 5, 5])
    damage(rig.FOLDER, rig._made[0], "emptied")
    emptied = watch(store)
    see(emptied, [5, 5, 90, 90])
    assert emptied.count == 0
    see(emptied, [5, 5])
    assert watch(store).count == 1


def test_battery_charge_follows_the_table_of_its_cell():
    rows = [
        ("li-ion", 4.3, 100),
        ("li-ion", 4.2, 100),
        ("li-ion", 4.1, 90),
        ("li-ion", 3.74, 20),
        ("li-ion", 3.0, 0),
        ("li-ion", 2.0, 0),
        ("li-socl2", 3.65, 100),
        ("li-socl2", 3.45, 15),
    ]
    for cell, volts, expected in rows:
        assert battery.charge(cell, volts) == expected, (cell, volts)


def test_battery_that_a_bench_plays_shows_the_charge_asked_for():
    for cell in battery.CELLS:
        for share in range(101):
            assert battery.charge(cell, battery.volts_at(cell, share)) == share, (cell, share)
