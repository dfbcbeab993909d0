"""The lines of the bench: each is understood by the boards that have the part, and refused whole by the others."""

import rig as helper
from desk_rig.channels import StimulusError
from desk_rig.stimulus import Rig
from noise import Noise
from wiring.rig import parts


def bench(product):
    settings = {"product": product}
    made = Rig(settings, helper.store(), Noise(7), 0)
    return made, parts(product, settings, made)


def refuses(rig, line):
    try:
        rig.stimulate(line.split(), 0)
    except StimulusError as error:
        return str(error)
    return ""


UNDERSTOOD = {
    "gas-alarm": (
        "gas 55, gas 55 10, methane 3, co 60 5, temperature 40, supply 10.5, set methane 20 3, fault on, fault off,"
        "set fault 1, over on, over off, valve open, valve close, valve jammed, valve free, fan stop, fan start,"
        "fan jammed, fan free, button press, button press 3, raw gas 21.3 mA, raw methane off, silent co, garble co,"
        "mend co, short temperature, open valve_closed, mend valve_closed"
    ),
    "smart-bin": (
        "fill 92, fill 10 60, weight 12, tilt 40, battery 15, lid open, lid closed, set fire 1, smoke on, smoke off,"
        "set fill 30, distance 300, temperature 80, fault on, raw battery 3.1 V, raw weight 1 counts, open lid"
    ),
    "hydrogen-node": (
        "h2_1 0.6, h2_1 0.6 10, set h2_4 1.2, set flame 1, flame off, esd on, break_away on, fan_running on,"
        "compressor_running 1, pressure_trailer 20, temperature_gas -30, fault on, fault off, over on, over on h2_3,"
        "over off h2_3, open esd, raw h2_2 3.2 mA"
    ),
}
REFUSED = {
    "gas-alarm": (
        "nonsense, gas, gas much, gas 1 2 3, gas nan, gas 1 -5, fan maybe, fault maybe, valve ajar, set muted 7, over,"
        "over on co2, set valve 1, valve_open on, button, button press 900, raw methane 3, raw methane 3 ohm,"
        "raw co 3 V, raw temperature 3 mA, garble methane, open nothing, lid open, esd on, mend, mend nothing,"
        "over on methane now, set methane"
    ),
    "smart-bin": "gas 5, valve open, fan stop, button press, over on, lid ajar, smoke 3, set lid, raw distance 3 V",
    "hydrogen-node": "lid open, fill 3, set valve 1, set warm_up 0, set flame 3, pressure, h2_1 much, flame on 10",
}


def lines(text):
    return [line.strip() for line in text.split(",")]


def test_every_line_of_the_vocabulary_is_understood():
    for product, text in UNDERSTOOD.items():
        for line in lines(text):
            assert refuses(bench(product)[0], line) == "", (product, line)


def test_every_other_line_is_refused_with_a_reason():
    for product, text in REFUSED.items():
        for line in lines(text):
            assert len(refuses(bench(product)[0], line)) > 8, (product, line)


def test_no_words_at_all_are_refused():
    assert refuses(bench("gas-alarm")[0], "") != ""


# (product, line, contact, what it says afterwards)
CONTACTS = (
    ("smart-bin", "lid open", "lid_open", True),
    ("smart-bin", "lid closed", "lid_open", False),
    ("smart-bin", "smoke on", "smoke", True),
    ("smart-bin", "set fire 1", "smoke", True),
    ("smart-bin", "open smoke", "smoke", True),
    ("smart-bin", "open lid", "lid_open", False),
    ("hydrogen-node", "flame on", "flame", True),
    ("hydrogen-node", "set flame 0", "flame", False),
    ("hydrogen-node", "open esd", "esd", True),
    ("hydrogen-node", "open break_away", "break_away", True),
    ("hydrogen-node", "short flame", "flame", False),
    ("hydrogen-node", "fan_running on", "fan_running", True),
    ("hydrogen-node", "open compressor_running", "compressor_running", False),
)


def test_contacts_say_what_was_done_to_them_and_fail_to_the_safe_side():
    for product, line, name, says in CONTACTS:
        rig, made = bench(product)
        contact = getattr(made, name)
        assert contact.get() is False, name
        rig.stimulate(line.split(), 0)
        for _ in range(3):
            seen = contact.get()
        assert seen is says, line


class Product:
    """What the rig may do to a product: sample it, and be the person who confirms."""

    def __init__(self, sensor):
        self._sensor = sensor
        self.calls = []

    def sample(self, now):
        self.calls.append(("sample", now, self._sensor.read(now) is not None and not self._sensor.over))

    def confirm_over_range(self):
        self.calls.append(("confirm",))


def test_person_confirms_calibration_after_the_board_has_seen_the_mended_loop():
    for product, name in (("gas-alarm", "methane"), ("hydrogen-node", "h2_1")):
        rig, made = bench(product)
        rig.product = Product(getattr(made, name))
        rig.stimulate(["over", "on"], 100)
        assert rig.product.calls == []
        rig.stimulate(["over", "off"], 200)
        assert rig.product.calls == [("sample", 200, True), ("confirm",)]


def test_refused_line_changes_nothing():
    rig, made = bench("gas-alarm")
    rig.stimulate(["gas", "30"], 0)
    for line in ("gas 60 soon", "raw methane 21 ohm", "over on nothing", "set methane much"):
        assert refuses(rig, line) != ""
    rig.step(100)
    assert abs(made.methane.read(100) - 30.0) < 0.3
