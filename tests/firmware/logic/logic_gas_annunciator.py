"""Lamps, buzzer, button, self-test: what a person at the device sees and hears."""

from gas_parts import Bench, Output, damage
from products import annunciator, self_test, valve
from products.annunciator import HEARD_MS, Annunciator

LAMPS = ("lamp_green", "lamp_yellow", "lamp_red", "buzzer")


def on_times(bench, seconds, name):
    """Share of the samples in which an output is on, and how often it goes on."""
    output = getattr(bench.parts, name)
    before = len(output.seen)
    count = 0
    for _ in range(int(seconds * 10)):
        bench.run(0.1)
        count += output.level
    return count / (seconds * 10), output.seen[before:].count(True)


def patterns(bench, seconds=60):
    bench.now += 60000 - bench.now % 60000
    return [(name, on_times(bench, seconds, name)) for name in LAMPS]


def outputs():
    return [Output() for _ in range(4)]


def test_every_lamp_shows_the_first_row_that_applies():
    every = (
        annunciator.LEVEL_1,
        annunciator.LEVEL_2,
        annunciator.CO,
        annunciator.BLIND,
        annunciator.FAULT,
        annunciator.ACTUATOR,
        annunciator.EXPIRED,
        annunciator.WARM_UP,
        annunciator.LATCHED,
        annunciator.MONITORING,
        annunciator.OVER_RANGE,
    )
    assert sum(every) == 2047
    for what in range(2048):
        level_1 = what & (annunciator.LEVEL_1 | annunciator.BLIND)
        if what & annunciator.LEVEL_2:
            red, sound = annunciator.STEADY, annunciator.FAST
        elif what & annunciator.CO:
            red, sound = (annunciator.BLINK if level_1 else annunciator.TWO_FLASHES), annunciator.FOUR_BEEPS
        elif level_1:
            red = sound = annunciator.BLINK
        else:
            red = annunciator.ONE_FLASH if what & annunciator.LATCHED else annunciator.OFF
            wrong = what & (annunciator.FAULT | annunciator.ACTUATOR | annunciator.EXPIRED)
            sound = annunciator.CHIRP if wrong else annunciator.OFF
        assert annunciator.red(what) is red, what
        assert annunciator.sound(what) is sound, what


def test_gas_co_and_fault_sound_differently_and_low_and_high_look_differently():
    sounds = (annunciator.FAST, annunciator.FOUR_BEEPS, annunciator.BLINK, annunciator.CHIRP)
    assert len(set(sounds)) == 4
    for period, parts in sounds + (annunciator.ONE_FLASH, annunciator.TWO_FLASHES):  # noqa: RUF005 - MicroPython
        assert parts
        for start, end in parts:
            assert 0 <= start < end <= period
            assert end - start >= 200


def test_quiet_board_is_green_and_silent():
    shown = patterns(Bench())
    assert [share for _, (share, _) in shown] == [1.0, 0.0, 0.0, 0.0]


def test_warm_up_blinks_green():
    bench = Bench(warm_up=180)
    share, times = dict(patterns(bench))["lamp_green"]
    assert (share, times) == (0.5, 60)


def test_alarm_is_red_and_heard_and_level_2_otherwise_than_level_1():
    bench = Bench(trip_after=60)
    bench.gas(30.0)
    low = dict(patterns(bench, 30))
    bench.gas(55.0)
    high = dict(patterns(bench, 30))
    assert (low["lamp_red"], low["buzzer"], low["lamp_yellow"]) == ((0.5, 30), (0.5, 30), (0.0, 0))
    assert (high["lamp_red"], high["buzzer"]) == ((1.0, 0), (0.5, 75))


def test_fault_is_yellow_and_not_green_and_chirps_once_a_minute():
    bench = Bench()
    bench.parts.methane.fault = 1
    shown = dict(patterns(bench, 60))
    assert shown["lamp_yellow"][0] == 1.0
    assert shown["lamp_green"] == (0.0, 0)
    assert shown["buzzer"][1] == 1
    assert shown["lamp_red"] == (0.0, 0)


def test_latched_trip_flashes_red_after_the_gas_is_gone():
    bench = Bench()
    bench.gas(55.0, 10)
    bench.gas(1.0, 10)
    shown = dict(patterns(bench, 30))
    assert (shown["lamp_red"][1], shown["buzzer"], shown["lamp_green"][0]) == (10, (0.0, 0), 1.0)


def test_jammed_valve_blinks_yellow_and_expired_detector_flashes_it():
    bench = Bench()
    bench.parts.iron.jammed = True
    bench.alarm.command("close-valve", bench.now)
    bench.run(60)
    assert bench.alarm.snapshot()["valve"] == valve.FAULT
    assert dict(patterns(bench, 30))["lamp_yellow"] == (0.5, 30)
    old = Bench(life_years=0)
    assert dict(patterns(old, 30))["lamp_yellow"][1] == 10


def heard(one, outs, now, what, span=5000):
    """Whether the buzzer is on at any time of ``span``."""
    found = False
    for at in range(now, now + span, 100):
        one.show(at, what, False)
        found = found or outs[3].level
    return found


def test_mute_silences_the_buzzer_alone_and_ends_after_its_time():
    bench = Bench(trip_after=60, mute_for=60)
    bench.gas(30.0, 11)
    bench.press()
    seen = bench.run(0.1)
    assert (seen["muted"], seen["alarm"], seen["alarm_level"]) == (True, True, 1)
    assert on_times(bench, 50, "buzzer") == (0.0, 0)
    assert on_times(bench, 5, "lamp_red")[0] > 0
    bench.run(10)
    bench.shows(muted=False)
    assert on_times(bench, 10, "buzzer")[1] == 10


def test_new_or_higher_alarm_sounds_at_once_and_the_same_stays_muted():
    bits = (
        annunciator.LEVEL_1,
        annunciator.LEVEL_2,
        annunciator.OVER_RANGE,
        annunciator.CO,
        annunciator.BLIND,
        annunciator.FAULT,
    )
    for first in bits:
        for second in bits:
            outs = outputs()
            one = Annunciator(*outs, 300000)
            one.show(0, first, False)
            assert one.mute(HEARD_MS)
            one.show(HEARD_MS + 100, first | second, False)
            assert one.muted == (first == second), (first, second)


def test_alarm_that_comes_back_sounds_again():
    outs = outputs()
    one = Annunciator(*outs, 300000)
    one.show(0, annunciator.LEVEL_1, False)
    one.mute(HEARD_MS)
    assert not heard(one, outs, 11000, annunciator.LEVEL_1)
    one.show(16000, 0, False)
    assert not one.muted
    assert heard(one, outs, 17000, annunciator.LEVEL_1)


def test_what_ends_leaves_the_rest_muted():
    outs = outputs()
    one = Annunciator(*outs, 300000)
    one.show(0, annunciator.LEVEL_1 | annunciator.FAULT, False)
    one.mute(HEARD_MS)
    assert not heard(one, outs, 11000, annunciator.LEVEL_1)
    assert one.muted


def test_what_begins_to_sound_is_heard_for_ten_seconds_before_the_button_silences_it():
    for pressed_at, silences in ((0, False), (9900, False), (10000, True)):
        one = Annunciator(*outputs(), 60000)
        one.show(0, annunciator.FAULT, False)
        assert one.mute(pressed_at)
        one.show(pressed_at + 100, annunciator.FAULT, False)
        assert one.muted == silences, pressed_at
    # It sounds anew after its time, and when something joins: each time for as long.
    for later, what in ((70000, annunciator.FAULT), (20000, annunciator.FAULT | annunciator.CO)):
        one.show(later, what, False)
        assert one.mute(later + 9900)
        one.show(later + 10000, what, False)
        assert not one.muted, later
        assert one.mute(later + 10000)
        one.show(later + 10100, what, False)
        assert one.muted, later
        one = Annunciator(*outputs(), 60000)
        one.show(0, annunciator.FAULT, False)
        one.mute(10000)
        one.show(10100, annunciator.FAULT, False)


def test_button_that_chatters_keeps_no_alarm_silent():
    bench = Bench(mute_for=60)
    bench.gas(60.0)
    sounding = 0
    for turn in range(6000):
        bench.parts.button.level = turn % 2 == 0
        bench.run(0.1)
        sounding += bench.parts.buzzer.level
    # Of ten minutes a seventh, half of it on.
    assert 400 <= sounding <= 600, sounding


def test_press_that_comes_too_early_to_mute_begins_no_self_test():
    bench = Bench()
    bench.parts.co.fault = 4
    bench.run(1)
    seen = bench.press()
    assert (seen["muted"], seen["self_test"]) == (False, self_test.NONE)


def test_over_range_sounds_though_level_2_was_muted():
    bench = Bench()
    bench.gas(60.0, 11)
    assert bench.press()["muted"]
    bench.gas(150.0)
    bench.shows(muted=False, over_range=True)
    assert on_times(bench, 10, "buzzer")[1] == 25


def test_calibration_that_is_not_valid_is_yellow_and_chirps():
    bench = Bench()
    damage(bench.store, "calibration")
    bench.reset()
    shown = dict(patterns(bench, 60))
    assert (shown["lamp_yellow"][0], shown["buzzer"][1], shown["lamp_green"][0]) == (1.0, 1, 1.0)


def test_lost_supply_sensor_of_a_board_that_must_close_without_power_is_a_fault():
    for kind, power_loss, told in (("pulse", "closed", True), ("pulse", "last", False), ("hold", "closed", False)):
        bench = Bench(valve=kind, power_loss=power_loss)
        bench.parts.supply.fault = 1
        shown = dict(patterns(bench, 60))
        assert (shown["lamp_yellow"][0], shown["buzzer"][1]) == ((1.0, 1) if told else (0.0, 0)), (kind, power_loss)


def test_valve_that_springs_off_its_switch_after_a_closing_is_told_and_not_pulsed():
    def by_trip(bench):
        bench.gas(60.0, 7)
        bench.gas(1.0, 70)

    def by_command(bench):
        bench.alarm.command("close-valve", bench.now)
        bench.run(1)

    for close in (by_trip, by_command):
        bench = Bench()
        close(bench)
        pulses = len(bench.parts.valve_coil.seen)
        bench.parts.iron.move("between")
        bench.run(10)
        assert not bench.parts.lamp_yellow.seen, close
        shown = dict(patterns(bench, 60))
        assert (shown["lamp_yellow"], shown["buzzer"][1]) == ((0.5, 60), 1), close
        assert len(bench.parts.valve_coil.seen) == pulses
        bench.parts.iron.move("open")
        assert dict(patterns(bench, 30))["lamp_yellow"] == (0.0, 0)
    quiet = Bench()
    quiet.parts.iron.move("between")
    assert dict(patterns(quiet, 30))["lamp_yellow"] == (0.0, 0)


def test_nothing_to_mute_begins_a_self_test():
    bench = Bench()
    seen = bench.press()
    assert (seen["muted"], seen["self_test"]) == (False, self_test.RUNNING)
    assert [getattr(bench.parts, name).level for name in LAMPS] == [True] * 4
    bench.run(2.7)
    bench.shows(self_test=self_test.RUNNING)
    bench.run(0.2)
    bench.shows(self_test=self_test.PASSED)
    assert [getattr(bench.parts, name).level for name in LAMPS] == [True, False, False, False]
    assert bench.parts.valve_coil.seen == []
    assert bench.parts.fan_relay.seen == []


def test_button_that_is_held_counts_once():
    bench = Bench()
    bench.parts.button.level = True
    bench.run(10)
    bench.shows(self_test=self_test.PASSED)
    bench.reset()
    bench.run(10)
    bench.shows(self_test=self_test.NONE)


def test_self_test_by_command_tells_what_is_wrong():
    def spoil_nothing(_parts):
        return None

    def gas(parts):
        parts.methane.fault = 1

    def drift(parts):
        parts.methane.value = -5.1

    def co(parts):
        parts.co.fault = 4

    def low(parts):
        parts.supply.value = 8.9

    def high(parts):
        parts.supply.value = 36.1

    def none(parts):
        parts.supply.fault = 1

    for spoil in (spoil_nothing, gas, drift, co, low, high, none):
        bench = Bench()
        spoil(bench.parts)
        assert bench.alarm.command("self-test", bench.now)
        bench.run(3.1)
        bench.shows(self_test=self_test.PASSED if spoil is spoil_nothing else self_test.FAILED)


def test_self_test_ends_when_a_cause_appears_and_does_not_begin_while_one_stands():
    bench = Bench()
    bench.alarm.command("self-test", bench.now)
    bench.run(1)
    bench.gas(30.0)
    bench.shows(self_test=self_test.NONE, alarm=True)
    assert not bench.parts.lamp_yellow.level
    assert not bench.alarm.command("self-test", bench.now)
    bench.run(10)
    bench.press()
    bench.press()
    bench.shows(self_test=self_test.NONE, muted=True)
