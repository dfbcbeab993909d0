"""Drivers over an ADC: traces at every limit, and what a limit protects."""

import replay
from drivers import faults
from drivers.accelerometer import Accelerometer
from drivers.bridge import Bridge
from drivers.contact import Contact
from drivers.current_loop import CurrentLoop
from drivers.divider import Divider
from drivers.hx711 import Hx711
from drivers.ndir import Ndir
from drivers.relay import Output
from drivers.thermistor import Thermistor
from drivers.tof import TimeOfFlight
from drivers.ultrasonic import Ultrasonic


def test_loop_follows_its_trace():
    adc = replay.Adc()
    replay.play("current_loop", adc, CurrentLoop(adc, 0.0, 100.0))


def test_bridge_follows_its_trace():
    adc = replay.Adc()
    replay.play("bridge", adc, Bridge(adc, 0.4, 0.02, 100.0))


def test_thermistor_follows_its_trace():
    adc = replay.Adc()
    replay.play("thermistor", adc, Thermistor(adc))


def test_divider_follows_its_trace():
    adc = replay.Adc()
    replay.play("divider", adc, Divider(adc, 11.0))


def test_sensor_that_was_not_read_has_no_fault_and_no_over_range():
    adc = replay.Adc()
    sensors = (
        CurrentLoop(adc, 0.0, 1.0),
        Bridge(adc, 0.0, 1.0, 1.0),
        Thermistor(adc),
        Divider(adc, 1.0),
        Ndir(adc, 1.0),
        Ultrasonic(adc),
        TimeOfFlight(adc),
        Hx711(adc, adc),
        Accelerometer(adc),
    )
    assert [(sensor.fault, sensor.over) for sensor in sensors] == [(faults.NONE, False)] * 9


def test_loop_of_a_span_that_does_not_begin_at_zero():
    adc = replay.Adc(35746)
    loop = CurrentLoop(adc, -50.0, 150.0)
    assert replay.matches(loop.read(0), "50.0")
    assert replay.matches(loop.ma, "12.00")


def test_value_far_below_the_span_of_a_trimmed_transmitter_is_a_fault():
    # 4.6 mA stands for zero: 5 % of the span below it is 3.81 mA, above the limit of an open loop.
    adc = replay.Adc(11300)
    loop = CurrentLoop(adc, 0.0, 100.0, ends_ma=(4.6, 20.4))
    assert loop.read(0) is None
    assert loop.fault == faults.BELOW
    adc.count = 11400
    assert replay.matches(loop.read(0), "-4.9")
    assert loop.fault == faults.NONE


def test_loop_carries_no_more_than_its_saturation_whatever_the_shunt():
    loop = CurrentLoop(replay.Adc(65535), 0.0, 100.0, shunt_ohm=120.0)
    assert replay.matches(loop.read(0), "112.5")
    assert loop.over


class Sequence:
    """An ADC that gives one count after the other."""

    def __init__(self, counts):
        self.counts = list(counts)

    def read_u16(self):
        return self.counts.pop(0)


def test_samples_are_averaged_and_no_more_are_taken():
    adc = Sequence((30000, 40000, 35000, 37984, 1))
    assert replay.matches(CurrentLoop(adc, 0.0, 100.0, samples=4).read(0), "50.0")
    assert adc.counts == [1]


class Pin:
    def __init__(self, level):
        self.level = level
        self.writes = []

    def get(self):
        return self.level

    def set(self, level):
        self.writes.append(level)


def test_contact_follows_its_trace():
    pin = Pin(True)
    contact = Contact(pin, on=1, off=2)
    for level, acts in replay.rows("contact"):
        pin.level = bool(int(level))
        assert contact.get() == bool(int(acts)), (level, acts)


def test_normally_closed_contact_acts_when_its_wire_is_cut():
    pin = Pin(False)
    contact = Contact(pin, active=True)
    assert not contact.get()
    pin.level = True
    assert contact.get()


def test_first_sample_of_a_contact_is_believed_at_once():
    assert Contact(Pin(True), active=True, on=5).get() is True


def test_contact_that_bounces_on_does_not_act():
    pin = Pin(True)
    contact = Contact(pin, on=2, off=2)
    seen = []
    for level in (True, False, True, False, True, False, False, True):
        pin.level = level
        seen.append(contact.get())
    assert seen == [False, False, False, False, False, False, True, True]


def test_output_is_not_touched_before_it_is_set():
    pin = Pin(False)
    output = Output(pin)
    assert pin.writes == []
    output.set(True)
    output.set(True)
    output.set(False)
    assert pin.writes == [True, True, False]


def test_output_that_pulls_to_ground_is_on_at_low():
    pin = Pin(True)
    output = Output(pin, active=False)
    output.set(True)
    output.set(False)
    assert pin.writes == [False, True]
