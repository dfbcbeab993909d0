"""The real drivers over the rig's raw signals: what is measured is what is put there, and every failure is told."""

import rig as helper
from desk_rig.channels import Input
from desk_rig.stimulus import Rig
from drivers import faults
from drivers.ndir import READ
from noise import Noise
from wiring.rig import parts

# What the drivers may be off by: noise of the quantity, half a count of a 12-bit ADC, rounding of the frame.
TOLERANCE = {
    "methane": 0.25,
    "co": 0.7,
    "temperature": 0.3,
    "supply": 0.04,
    "distance": 6.0,
    "weight": 0.11,
    "tilt": 0.5,
    "battery": 0.002,
    "h2_1": 0.012,
    "pressure_low_bank": 0.05,
    "temperature_gas": 0.3,
}


def bench(product, seed=7, **settings):
    settings["product"] = product
    made = Rig(settings, helper.store(), Noise(seed), 0)
    return made, parts(product, settings, made)


def settle(rig, sensor, start, ms=2000):
    """Step and read every 100 ms; the last value."""
    value = None
    for now in range(start, start + ms + 1, 100):
        rig.step(now)
        value = sensor.read(now)
    return value


# (product, sensor, values over the whole range of what it measures)
VALUES = (
    ("gas-alarm", "methane", (0.0, 24.0, 26.0, 60.0, 100.0)),
    ("gas-alarm", "co", (0.0, 52.0, 300.0, 1000.0)),
    ("gas-alarm", "temperature", (-30.0, 0.0, 25.0, 90.0)),
    ("gas-alarm", "supply", (5.0, 12.0, 30.0)),
    ("smart-bin", "distance", (40.0, 255.0, 256.0, 1999.0, 4490.0)),
    ("smart-bin", "weight", (-5.0, 0.0, 12.0, 400.0)),
    ("smart-bin", "temperature", (-30.0, 26.0, 75.0)),
    ("smart-bin", "tilt", (1.0, 40.0, 90.0, 170.0)),
    ("hydrogen-node", "h2_1", (0.0, 0.4, 1.0, 4.0)),
    ("hydrogen-node", "pressure_low_bank", (0.0, 45.0, 60.0)),
    ("hydrogen-node", "temperature_gas", (-40.0, 85.0)),
)


def test_drivers_measure_what_the_rig_holds():
    for product, name, values in VALUES:
        rig, made = bench(product)
        now = 0
        for value in values:
            rig.stimulate([name, str(value)], now)
            seen = settle(rig, getattr(made, name), now)
            now += 3000
            assert seen is not None, (name, value)
            assert abs(seen - value) <= TOLERANCE[name], (name, value, seen)
            assert getattr(made, name).fault == faults.NONE


# (product, lines, sensor, its fault afterwards, value or None, over)
FAILURES = (
    ("gas-alarm", "fault on", "methane", faults.OPEN, None, False),
    ("gas-alarm", "open methane", "methane", faults.OPEN, None, False),
    ("gas-alarm", "raw methane 3.4 mA", "methane", faults.OPEN, None, False),
    ("gas-alarm", "raw methane 12 mA", "methane", faults.NONE, 50.0, False),
    ("gas-alarm", "raw gas 21.3 mA", "methane", faults.NONE, 108.1, True),
    ("gas-alarm", "over on", "methane", faults.NONE, 109.4, True),
    ("gas-alarm", "gas 103.5", "methane", faults.NONE, 103.5, True),
    ("gas-alarm", "short methane", "methane", faults.NONE, 112.5, True),
    ("gas-alarm", "co 1150", "co", faults.NONE, 1150.0, True),
    ("gas-alarm", "silent co", "co", faults.SILENT, None, False),
    ("gas-alarm", "garble co", "co", faults.CHECKSUM, None, False),
    ("gas-alarm", "short temperature", "temperature", faults.SHORT, None, False),
    ("gas-alarm", "open temperature", "temperature", faults.OPEN, None, False),
    ("gas-alarm", "open supply", "supply", faults.OPEN, None, False),
    ("gas-alarm", "raw supply 1.0 V", "supply", faults.NONE, 11.0, False),
    ("smart-bin", "fault on", "distance", faults.SILENT, None, False),
    ("smart-bin", "garble distance", "distance", faults.CHECKSUM, None, False),
    ("smart-bin", "distance 12", "distance", faults.BELOW, None, False),
    ("smart-bin", "silent weight", "weight", faults.SILENT, None, False),
    ("smart-bin", "garble weight", "weight", faults.SILENT, None, False),
    ("smart-bin", "raw weight 8388607 counts", "weight", faults.DEVICE, None, True),
    ("smart-bin", "silent tilt", "tilt", faults.SILENT, None, False),
    ("smart-bin", "open battery", "battery", faults.OPEN, None, False),
    ("hydrogen-node", "fault on", "h2_1", faults.OPEN, None, False),
    ("hydrogen-node", "raw h2_3 21.5 mA", "h2_3", faults.NONE, 4.375, True),
)


def test_every_failure_is_told_and_mended():
    for product, line, name, fault, value, over in FAILURES:
        rig, made = bench(product)
        sensor = getattr(made, name)
        before = settle(rig, sensor, 0)
        assert (sensor.fault, sensor.over) == (faults.NONE, False), name
        rig.stimulate(line.split(), 2100)
        seen = settle(rig, sensor, 2100, 4000)
        assert (sensor.fault, sensor.over) == (fault, over), (line, sensor.fault, sensor.over)
        assert (seen is None) == (value is None), (line, seen)
        assert value is None or abs(seen - value) <= TOLERANCE.get(name, 0.05), (line, seen)
        if line.split()[0] in rig.channels or line.split()[0] in rig.aliases:
            # What was put there stays there.
            continue
        rig.stimulate(["mend", name], 6200)
        after = settle(rig, sensor, 6200)
        assert (sensor.fault, sensor.over) == (faults.NONE, False), line
        assert abs(after - before) <= 2 * TOLERANCE.get(name, 0.05), (line, before, after)


def test_chip_of_another_kind_is_found_when_the_board_starts():
    rig, made = bench("smart-bin")
    rig.stimulate(["garble", "tilt"], 0)
    assert settle(rig, made.tilt, 0) is None
    assert made.tilt.fault == faults.DEVICE


def test_gas_module_answers_once_and_only_when_asked():
    module = bench("gas-alarm")[0].channels["co"]
    assert module.read() == b""
    module.write(READ)
    assert len(module.read()) == 9
    assert module.read() == b""
    module.write(b"\xff\x01\x87\x00\x00\x00\x00\x00\x78")
    assert module.read() == b""


def test_dead_load_cell_keeps_its_data_pin_high_and_a_stuck_one_low():
    rig = bench("smart-bin")[0]
    cell = rig.channels["weight"]
    for line, level in (("silent weight", True), ("garble weight", False)):
        rig.stimulate(line.split(), 1000)
        assert cell.data_pin.get() is level


def test_every_bit_of_a_load_cell_is_shifted():
    rig, made = bench("smart-bin")
    now = 0
    for counts in (0, 1, -1, 5592405, -5592406):
        now += 1000
        rig.stimulate(["raw", "weight", str(counts), "counts"], now)
        assert made.weight.read(now) == counts / 16000.0


def test_quantity_moves_in_a_straight_line():
    noise = Noise(1)
    quantity = Input(0.0, 0.0, -1000.0, 1000.0)
    quantity.move(1000, 50.0, 10.0)
    assert [quantity.read(now, noise) for now in (1000, 3000, 6000, 11000, 20000)] == [0.0, 10.0, 25.0, 50.0, 50.0]
    quantity.move(20000, 10.0)
    assert quantity.read(20000, noise) == 10.0


def test_fill_and_charge_are_put_as_percent():
    rig, made = bench("smart-bin", height=800, offset=50, cell="li-socl2")
    rig.stimulate(["fill", "75"], 0)
    rig.stimulate(["battery", "10"], 0)
    assert abs(settle(rig, made.distance, 0) - 250.0) <= TOLERANCE["distance"]
    assert abs(made.battery.read(0) - 3.4) <= TOLERANCE["battery"]


def readings(product, seed):
    rig, made = bench(product, seed)
    found = []
    for now in range(0, 3000, 100):
        rig.step(now)
        for name in sorted(rig.channels):
            found.append(getattr(made, name).read(now))  # noqa: PERF401 - the order of the reads is the point
    return found


def test_same_seed_gives_the_same_readings_and_another_does_not():
    for product in ("gas-alarm", "smart-bin", "hydrogen-node"):
        assert readings(product, 5) == readings(product, 5)
        assert readings(product, 5) != readings(product, 6)


def test_noise_is_the_same_under_every_interpreter():
    noise = Noise(7)
    # xorshift32 (shifts 13, 17, 5) from the state 7.
    assert [noise.bits() for _ in range(4)] == [1892583, 470389255, 3882205507, 3069989445]
