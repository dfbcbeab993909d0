"""Whole boards on the rig: a person or the air acts, and the product shows it through the real drivers."""

import rig as helper
from desk_rig.stimulus import Rig
from noise import Noise
from products.hydrogen_node import HydrogenNode
from products.smart_bin import SmartBin
from wiring.rig import parts

BIN = {
    "product": "smart-bin",
    "height": 1200,
    "offset": 0,
    "overflow": 90.0,
    "fire": 70.0,
    "wake": 60.0,
    "period": 60.0,
}
HYDROGEN = {"product": "hydrogen-node", "warm-up": 0.0}


class Board:
    """A product on its rig; it is sampled as often as it wants to be, or every 100 ms."""

    def __init__(self, kind, settings):
        self.rig = Rig(settings, helper.store(), Noise(7), 0)
        made = parts(settings["product"], settings, self.rig)
        self.product = self.rig.product = kind(made, helper.store(), 0, settings)
        self.now = 0

    def say(self, line):
        self.rig.stimulate(line.split(), self.now)
        return self

    def run(self, seconds):
        """What it shows after so long."""
        end = self.now + int(seconds * 1000)
        while self.now < end:
            self.now += getattr(self.product, "sample_ms", 100)
            self.rig.step(self.now)
            self.product.sample(self.now)
        return self.product.snapshot()


def near(value, expected, off):
    return value is not None and abs(value - expected) <= off


def test_bin_shows_what_is_in_it():
    board = Board(SmartBin, BIN)
    seen = board.run(120)
    assert near(seen["fill"], 35, 1)
    assert near(seen["weight"], 12.0, 0.2)
    assert near(seen["temperature"], 26.0, 0.5)
    assert near(seen["tilt"], 2, 1)
    assert near(seen["battery"], 88, 1)
    assert seen["fault"] is False


def test_bin_follows_its_stimulus():
    board = Board(SmartBin, BIN)
    board.run(120)
    for line in ("fill 92", "weight 33", "battery 15"):
        board.say(line)
    seen = board.run(180)
    assert near(seen["fill"], 92, 1)
    assert near(seen["weight"], 33.0, 0.2)
    assert near(seen["battery"], 15, 2)
    assert seen["overflow"] is True
    assert board.say("lid open").run(60)["lid_open"] is True
    assert board.say("lid closed").run(120)["lid_open"] is False
    assert near(board.say("tilt 40").run(60)["tilt"], 40, 1)


def test_full_bin_whose_waste_touches_the_sensor_is_full():
    board = Board(SmartBin, BIN)
    board.run(120)
    assert board.say("fill 100").run(180)["fill"] == 100


def test_bin_sleeps_between_its_samples_without_a_false_fault():
    board = Board(SmartBin, BIN)
    board.run(120)
    for _ in range(30):
        seen = board.run(60)
        assert (seen["fault"], seen["weight_fault"], seen["fill_fault"]) == (False, False, False), board.now


def test_dead_sensor_of_a_sleeping_bin_is_told():
    for line, flag in (("silent distance", "fill_fault"), ("silent weight", "weight_fault"), ("silent tilt", "fault")):
        board = Board(SmartBin, BIN)
        board.run(120)
        assert board.say(line).run(240)[flag] is True, line


def test_smoke_and_a_cut_smoke_wire_are_a_fire():
    for line in ("smoke on", "open smoke"):
        board = Board(SmartBin, BIN)
        board.run(120)
        assert board.say(line).run(120)["fire"] is True, line


def test_hydrogen_node_shows_its_loops():
    board = Board(HydrogenNode, HYDROGEN)
    seen = board.run(1)
    assert near(seen["h2_1"], 0.02, 0.02)
    assert near(seen["pressure_high_bank"], 82.7, 0.1)
    assert near(seen["temperature_gas"], -12.5, 0.3)
    assert (seen["fault"], seen["flame"], seen["esd"], seen["break_away"]) == (False, False, False, False)
    assert near(board.say("h2_2 0.6").run(1)["h2_2"], 0.6, 0.02)


def test_dead_loop_has_no_value_and_the_others_have():
    board = Board(HydrogenNode, HYDROGEN)
    seen = board.say("fault on").run(1)
    assert (seen["h2_1"], seen["fault"]) == (None, True)
    assert near(seen["h2_2"], 0.01, 0.02)
    assert board.say("fault off").run(1)["fault"] is False


def test_over_range_stands_until_a_person_has_confirmed():
    board = Board(HydrogenNode, HYDROGEN)
    board.say("raw h2_3 21.5 mA").run(1)
    assert board.run(1)["h2_3_state"] != 0
    assert board.say("mend h2_3").run(60)["h2_3_state"] != 0
    board.say("over off h2_3")
    assert board.run(1)["h2_3_state"] == 0


def test_cut_wires_of_a_hydrogen_node_are_alarms():
    for name in ("flame", "esd", "break_away"):
        board = Board(HydrogenNode, HYDROGEN)
        board.run(1)
        assert board.say("open " + name).run(1)[name] is True
