"""UTC of this start and of earlier ones: steps, drift, what is remembered."""

import assembly
import rig
from clock import EARLIEST_MS, SAVE_EVERY_MS, STEADY_MS, Clock, seconds
from version import BUILT_MS

NOON = EARLIEST_MS + 12 * 3600000


class Watch:
    """A port's clock: ``NOON`` at the start, plus what the test adds; ``None`` until set."""

    def __init__(self):
        self.utc = None

    def __call__(self):
        return self.utc


def made(store=None, boot=1):
    watch = Watch()
    events = rig.Events()
    return Clock(store or rig.store(), boot, events, watch), watch, events


def test_time_is_unknown_until_it_is_told():
    clock, watch, _ = made()
    clock.look(0)
    assert clock.utc_at(1, 0, 0) is None
    watch.utc = NOON + 5000
    clock.look(5000)
    assert clock.utc_at(1, 1000, 5000) == NOON + 1000
    assert clock.utc_at(2, 1000, 5000) is None


def test_time_that_was_never_set_right_is_not_believed():
    clock, watch, _ = made()
    for utc in (0, EARLIEST_MS - 1, 4102444800000, -5):
        watch.utc = utc
        clock.look(0)
        assert clock.utc_at(1, 0, 0) is None


def test_stepped_clock_is_not_believed_until_it_was_steady():
    for step in (3600000, -3600000, 2000, -2000):
        clock, _, events = made()
        clock.set(0, NOON)
        clock.set(1000, NOON + 1000 + step)
        assert events.of("clock") == [{"step_ms": step}]
        assert clock.utc_at(1, 500, 1000) is None
        assert clock.utc_at(1, 500, 1000 + STEADY_MS - 1) is None
        assert clock.utc_at(1, 500, 1000 + STEADY_MS) == NOON + 500 + step


def test_clock_of_whole_seconds_gives_even_times():
    clock, _, events = made()
    for now in range(0, 10000, 130):
        clock.set(now, (NOON + now) // 1000 * 1000)
        assert clock.utc_at(1, now, now) == NOON + now
    assert events.seen == []


def test_drift_is_followed_and_no_reading_is_dated_before_an_earlier_one():
    for per_mille in (-5, 5):
        clock, _, events = made()
        last = 0
        for now in range(0, 3600000, 500):
            clock.set(now, NOON + now + now * per_mille // 1000)
            dated = clock.utc_at(1, now, now)
            assert dated > last
            last = dated
        away = dated - (NOON + now + now * per_mille // 1000)
        assert -1100 < away < 1100, away
        assert events.seen == []


def test_earlier_start_is_dated_by_what_was_known_in_it():
    store = rig.store()
    first, _, _ = made(store, 7)
    first.set(60000, NOON)
    second, _, _ = made(store, 8)
    assert second.utc_at(7, 1000, 5) == NOON - 59000
    assert second.utc_at(8, 1000, 5) is None
    third, _, _ = made(store, 9)
    assert (third.utc_at(7, 0, 0), third.utc_at(8, 0, 0)) == (NOON - 60000, None)


def test_only_the_last_starts_are_remembered():
    store = rig.store()
    for boot in range(1, 30):
        clock, _, _ = made(store, boot)
        clock.set(0, NOON + boot)
    clock, _, _ = made(store, 99)
    known = [boot for boot in range(1, 30) if clock.utc_at(boot, 0, 0) == NOON + boot]
    assert known == list(range(14, 30))


def test_flapping_clock_does_not_wear_out_the_flash():
    store = rig.store()
    puts = []
    put = store.put
    store.put = lambda name, value: (puts.append(name), put(name, value))
    clock, _, _ = made(store, 1)
    for now in range(0, 3 * SAVE_EVERY_MS, 1000):
        clock.set(now, NOON + now + (3600000 if now // 1000 % 2 else 0))
    assert 2 <= len(puts) <= 4, puts


def test_broken_record_dates_nothing_and_breaks_nothing():
    store = rig.store()
    first, _, _ = made(store, 7)
    first.set(0, NOON)
    folder = store._folder
    with open(folder + "/clock", "rb") as file:
        whole = file.read()
    for size in range(len(whole)):
        with open(folder + "/clock", "wb") as file:
            file.write(whole[:size])
        clock, _, _ = made(store, 8)
        assert clock.utc_at(7, 0, 0) is None


class Full:
    def get(self, _name):
        return None

    def put(self, _name, _value):
        raise OSError(28)


def test_full_flash_is_told_and_the_clock_goes_on():
    clock, _, events = made(Full())
    clock.set(0, NOON)
    assert clock.utc_at(1, 5, 5) == NOON + 5
    assert events.of("error")[0]["message"][:6] == "clock:"


def test_seconds_are_exact_text():
    rows = [(0, "0"), (5, "0.005"), (-250, "-0.25"), (1000, "1"), (-61000, "-61"), (1735689600123, "1735689600.123")]
    assert [seconds(number) for number, _ in rows] == [text for _, text in rows]


class WholeSeconds:
    """The clock of a microcontroller, and the time that passes: it is set to a second, and tells seconds."""

    def __init__(self):
        self.now = 0
        self._set = None

    def utc(self):
        return None if self._set is None else self._set[1] + (self.now - self._set[0]) // 1000

    def set_utc(self, seconds):
        self._set = (self.now, seconds)


def test_time_that_a_gateway_told_is_not_drawn_to_the_whole_seconds_of_the_boards_own_clock():
    before = assembly.hal
    for part in range(0, 1000, 37):
        port = assembly.hal = WholeSeconds()
        try:
            clock = Clock(rig.store(), 1, rig.Events(), assembly._utc_ms)
            assembly._telling(clock)(0, BUILT_MS + part)
            for port.now in range(0, 30000, 130):
                clock.look(port.now)
                assert clock.utc_at(1, port.now, port.now) == BUILT_MS + part + port.now
        finally:
            assembly.hal = before
