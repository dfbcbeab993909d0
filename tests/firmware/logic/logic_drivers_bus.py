"""Drivers over I2C and over the two pins of an HX711: traces, and any answer at all."""

import struct

import replay
from drivers import faults
from drivers.accelerometer import Accelerometer
from drivers.hx711 import Hx711
from drivers.tof import TimeOfFlight
from noise import Noise


def luna():
    return replay.I2c(0x00, {0x3C: b"LUNA"})


def lis3dh():
    return replay.I2c(0xA8, {0x0F: b"\x33"})


def test_time_of_flight_follows_its_trace():
    bus = luna()
    replay.play("tof", bus, TimeOfFlight(bus))


def test_accelerometer_follows_its_trace():
    bus = lis3dh()
    replay.play("lis3dh", bus, Accelerometer(bus))


def test_accelerometer_is_configured_once_and_again_after_it_was_lost():
    bus = lis3dh()
    sensor = Accelerometer(bus)
    upright = "00000000803e"
    settings = [(0x20, b"\x27"), (0x23, b"\x88")]
    for given, times in ((upright, 1), (upright, 1), ("!", 1), (upright, 2), ("000000000000", 2), (upright, 3)):
        bus.put(given)
        sensor.read(0)
        assert bus.written == settings * times, given


def test_chip_of_another_kind_is_told():
    for bus, sensor in (
        (replay.I2c(0xA8, {0x0F: b"\x44"}), Accelerometer),
        (replay.I2c(0x00, {0x3C: b"\0\0\0\0"}), TimeOfFlight),
    ):
        bus.put("7800e8030000")
        made = sensor(bus)
        assert made.read(0) is None
        assert made.fault == faults.DEVICE
        assert bus.written == []


def test_sensor_that_was_exchanged_while_it_was_off_is_looked_at_again():
    bus = luna()
    sensor = TimeOfFlight(bus)
    bus.put("7800e803")
    assert sensor.read(0) == 1200.0
    bus.put("!")
    sensor.read(100)
    bus.fixed[0x3C] = b"OTHR"
    bus.put("7800e803")
    assert (sensor.read(200), sensor.fault) == (None, faults.DEVICE)


def test_tilt_is_measured_from_the_axis_that_points_up():
    bus = lis3dh()
    bus.put("80c100000000")
    assert replay.matches(Accelerometer(bus, up=(-1, 0, 0)).read(0), "0.0")
    bus.put("0000803e0000")
    assert replay.matches(Accelerometer(bus, up=(0, 1, 0)).read(0), "0.0")


def test_any_registers_give_a_value_or_a_fault():
    noise = Noise(5)
    for bus, sensor in ((luna(), TimeOfFlight), (lis3dh(), Accelerometer)):
        made = sensor(bus)
        for _ in range(500):
            bus.data = struct.pack("<II", noise.bits(), noise.bits())[: noise.bits() % 9]
            value = made.read(0)
            assert value is None or 0.0 <= value <= 8000.0
            assert (value is None) == (made.fault != faults.NONE)


class Chip:
    """An HX711: one word for each conversion; ``!`` a data line that hangs low."""

    def __init__(self):
        self.word = None
        self.stuck = False
        self.pulses = 0
        self._clock = False

    def put(self, text):
        self.stuck = text == "!"
        self.word = None if text in "-!" else int(text, 16)
        self.pulses = 0

    def get(self):
        if self.stuck:
            return False
        if self.word is None:
            return True
        if 0 < self.pulses <= 24:
            return bool(self.word >> (24 - self.pulses) & 1)
        return self.pulses > 24

    def set(self, level):
        if level and not self._clock:
            self.pulses += 1
        self._clock = level


def test_load_cell_follows_its_trace():
    chip = Chip()
    replay.play("hx711", chip, Hx711(chip, chip))


def test_channel_a_with_gain_128_is_asked_for_by_25_pulses():
    chip = Chip()
    chip.put("03e800")
    Hx711(chip, chip).read(0)
    assert chip.pulses == 25


def test_zero_of_the_cell_is_taken_off():
    chip = Chip()
    chip.put("007d00")
    assert replay.matches(Hx711(chip, chip, zero=16000, counts_per_kg=8000.0).read(0), "2.00")
