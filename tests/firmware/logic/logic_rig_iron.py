"""The rig's valve, fan and button by stories: coil, hand, jam, power."""

import kv
import rig as helper
from desk_rig.stimulus import Rig
from noise import Noise
from wiring.rig import parts


class Bench:
    """A rig of a gas alarm with its parts; ``until`` steps the world and reads the contacts."""

    def __init__(self, store=None, *, power=None, **settings):
        settings["product"] = "gas-alarm"
        self.rig = Rig(settings, store or helper.store(), Noise(7), 0, **(power or {}))
        self.parts = parts("gas-alarm", settings, self.rig)
        self.now = 0

    def until(self, now):
        while self.now < now:
            self.now += 100
            self.rig.step(self.now)
            self.limits = (self.parts.valve_open.get(), self.parts.valve_closed.get())
            self.fan = self.parts.fan_proof.get()
        return self

    def say(self, line):
        self.rig.stimulate(line.split(), self.now)
        return self


OPEN = (True, False)
CLOSED = (False, True)
BETWEEN = (False, False)


def pulse(bench, ms=500):
    bench.parts.valve_coil.set(True)
    bench.until(bench.now + ms)
    bench.parts.valve_coil.set(False)
    return bench.until(bench.now + 300)


def test_new_valve_is_open_until_a_pulse_closes_it_and_stays_closed():
    bench = Bench().until(500)
    assert bench.limits == OPEN
    bench.parts.valve_coil.set(True)
    assert bench.until(700).limits == BETWEEN
    assert bench.until(900).limits == CLOSED
    bench.parts.valve_coil.set(False)
    assert bench.until(9000).limits == CLOSED


def test_pulse_that_is_too_short_does_not_close_it():
    bench = Bench().until(500)
    assert pulse(bench, 200).limits == OPEN
    assert pulse(bench, 300).limits == CLOSED


def test_no_coil_opens_it_and_a_hand_does():
    bench = pulse(Bench().until(500))
    assert pulse(bench).limits == CLOSED
    assert bench.say("valve open").until(bench.now + 300).limits == OPEN


def test_energized_coil_pulls_it_shut_again_after_a_hand():
    bench = Bench().until(500)
    bench.parts.valve_coil.set(True)
    bench.until(1000).say("valve open")
    assert bench.limits == CLOSED
    assert bench.until(1200).limits == BETWEEN
    assert bench.until(1700).limits == CLOSED


def test_hand_closes_it_in_the_time_of_its_travel():
    bench = Bench().until(500).say("valve close")
    assert bench.until(700).limits == BETWEEN
    assert bench.until(1000).limits == CLOSED


def test_pulse_that_ends_does_not_stop_a_hand():
    bench = Bench().until(500).say("valve close").until(600)
    assert pulse(bench, 100).limits == CLOSED


def test_coil_that_lets_go_while_it_pulls_against_a_hand_lets_the_valve_fall_back():
    bench = Bench().until(500)
    bench.parts.valve_coil.set(True)
    bench.until(1000).rig.valve.open_by_hand()
    bench.until(1200)
    bench.parts.valve_coil.set(False)
    assert bench.until(2000).limits == OPEN


def test_jammed_valve_never_reaches_its_end_and_does_when_it_is_free():
    bench = Bench().until(500).say("valve jammed")
    assert pulse(bench).limits == BETWEEN
    assert pulse(bench, 5000).limits == BETWEEN
    bench.say("valve free")
    assert bench.until(bench.now + 5000).limits == BETWEEN
    assert pulse(bench).limits == CLOSED


# (what is done before the power is lost, power-loss of the valve, where it is then)
RESTARTS = (
    ((), "last", OPEN),
    (("valve close",), "last", CLOSED),
    (("valve close", "valve open"), "last", OPEN),
    (("valve jammed", "valve close"), "last", BETWEEN),
    ((), "closed", CLOSED),
    (("valve close", "valve open"), "closed", CLOSED),
)


def test_place_of_the_valve_outlives_the_board():
    for lines, kind, limits in RESTARTS:
        store = helper.store()
        bench = Bench(store).until(500)
        for line in lines:
            bench.say(line).until(bench.now + 1000)
        again = Bench(store, **{"power-loss": kind})
        assert again.until(500).limits == limits, (lines, kind)


def test_travel_that_the_power_cut_short_falls_back():
    store = helper.store()
    bench = Bench(store).until(500)
    bench.parts.valve_coil.set(True)
    bench.until(700)
    assert Bench(store).until(500).limits == OPEN


def test_spring_does_not_close_when_only_the_processor_was_reset():
    store = helper.store()
    Bench(store, **{"power-loss": "closed"}).until(500).say("valve open")
    assert Bench(store, power={"power_lost": False}, **{"power-loss": "closed"}).until(500).limits == OPEN


def test_jam_outlives_the_board():
    store = helper.store()
    Bench(store).until(500).say("valve jammed")
    assert pulse(Bench(store).until(500)).limits == BETWEEN


class Damaged:
    """A store whose record is not what was written."""

    def get(self, name):
        raise kv.Corrupt(name)

    def put(self, name, value):
        self.kept = (name, value)


def test_rig_without_a_readable_memory_has_an_open_valve():
    store = Damaged()
    assert Bench(store).until(500).limits == OPEN
    assert store.kept == ("rig-valve", b"\0\0")


def test_fan_runs_up_and_down_with_its_relay():
    bench = Bench()
    assert bench.until(100).fan is False
    bench.parts.fan_relay.set(True)
    assert bench.until(300).fan is False
    assert bench.until(500).fan is True
    bench.until(1000)
    bench.parts.fan_relay.set(False)
    assert bench.until(1100).fan is True
    assert bench.until(1600).fan is False


def test_fan_stopped_by_hand_needs_its_relay_anew():
    bench = Bench().until(500)
    bench.parts.fan_relay.set(True)
    bench.until(1500)
    bench.rig.fan.stop()
    assert bench.rig.fan.is_running() is False
    assert bench.until(3000).fan is False
    bench.parts.fan_relay.set(True)
    assert bench.until(4000).fan is False
    bench.parts.fan_relay.set(False)
    bench.parts.fan_relay.set(True)
    assert bench.until(5000).fan is True


def test_person_lets_a_stopped_fan_run_again():
    bench = Bench().until(500)
    bench.parts.fan_relay.set(True)
    bench.until(1500).say("fan stop").until(2000).say("fan start")
    assert bench.until(3000).fan is True


def test_jammed_fan_gives_no_proof():
    bench = Bench().until(500).say("fan jammed")
    bench.parts.fan_relay.set(True)
    assert bench.until(6000).fan is False
    bench.say("fan free")
    assert bench.until(7000).fan is True


def presses(line):
    bench = Bench().until(500).say(line)
    seen = []
    for _ in range(14):
        bench.until(bench.now + 100)
        seen.append(bench.parts.button.get())
    return seen.count(True)


def test_button_is_held_as_long_as_it_is_pressed():
    assert presses("button press") == 5
    assert presses("button press 1") == 10


def test_cut_wire_of_a_limit_switch_hides_where_the_valve_is():
    bench = pulse(Bench().until(500)).say("open valve_closed")
    assert bench.until(bench.now + 300).limits == BETWEEN
    bench.say("short valve_open")
    assert bench.until(bench.now + 300).limits == OPEN
    bench.say("mend valve_open").say("mend valve_closed")
    assert bench.until(bench.now + 300).limits == CLOSED


def test_board_that_starts_drives_nothing():
    bench = Bench().until(2000)
    assert [name for name, output in bench.rig.outputs.items() if output.on] == []
    assert bench.fan is False
