"""Drivers over a UART: traces, every cut of a frame, and any bytes at all."""

import replay
from drivers import faults
from drivers.frames import Frames
from drivers.ndir import READ, ZE07_CO, Ndir
from drivers.ultrasonic import Ultrasonic, sound
from noise import Noise

MHZ19_544 = bytes.fromhex("ff8602200000000058")
A02_1953 = bytes.fromhex("ff07a1a7")


def test_ndir_follows_its_trace():
    uart = replay.Uart()
    replay.play("ndir", uart, Ndir(uart, 5000.0))


def test_ultrasonic_follows_its_trace():
    uart = replay.Uart()
    replay.play("ultrasonic", uart, Ultrasonic(uart))


def test_gas_module_is_asked_with_the_command_of_its_manual_and_not_too_often():
    uart = replay.Uart()
    sensor = Ndir(uart, 5000.0, poll_ms=500)
    for now in range(0, 1501, 100):
        sensor.read(now)
    assert uart.sent == [READ, READ, READ, READ]
    assert bytes.fromhex("ff0186000000000079") == READ


def test_place_and_scale_of_the_value_are_those_of_the_module():
    uart = replay.Uart()
    sensor = Ndir(uart, 1000.0, **ZE07_CO)
    # made: 0x0208 steps of 0.1 ppm
    uart.put("ff86000000000208" + "70")
    assert replay.matches(sensor.read(0), "52.0")


def test_silence_is_counted_from_the_first_read_and_not_from_the_start_of_the_board():
    sensor = Ndir(replay.Uart(), 1.0)
    assert (sensor.read(900000), sensor.fault) == (None, faults.NONE)
    assert (sensor.read(903000), sensor.fault) == (None, faults.NONE)
    assert (sensor.read(903001), sensor.fault) == (None, faults.SILENT)


def test_sensor_that_never_spoke_is_told_at_the_second_waking():
    sensor = Ultrasonic(replay.Uart())
    seen = []
    for now in (0, 600000, 1200000):
        assert sensor.read(now) is None
        seen.append(sensor.fault)
    assert seen == [faults.NONE, faults.NONE, faults.SILENT]


def test_over_range_does_not_outlive_the_sensor():
    uart = replay.Uart()
    sensor = Ndir(uart, 100.0)
    uart.arrive(MHZ19_544)
    sensor.read(0)
    assert sensor.over
    for now in (2000, 4000):
        sensor.read(now)
    assert (sensor.fault, sensor.over) == (faults.SILENT, False)


def test_first_read_after_a_sleep_is_no_fault_and_the_second_waking_without_a_frame_is():
    uart = replay.Uart()
    sensor = Ultrasonic(uart)
    uart.arrive(A02_1953)
    sensor.read(0)
    assert (sensor.read(600000), sensor.fault) == (1953.0, faults.NONE)
    assert (sensor.read(1200000), sensor.fault) == (None, faults.SILENT)
    uart.arrive(A02_1953)
    assert (sensor.read(1800000), sensor.fault) == (1953.0, faults.NONE)
    assert (sensor.read(1802001), sensor.fault) == (1953.0, faults.NONE)
    assert (sensor.read(1804000), sensor.fault) == (1953.0, faults.NONE)
    assert (sensor.read(1804002), sensor.fault) == (None, faults.SILENT)
    assert (sensor.read(2400000), sensor.fault) == (None, faults.SILENT)


def test_frame_is_found_at_every_cut_and_behind_every_rest_of_another():
    for size in range(len(MHZ19_544)):
        uart = replay.Uart()
        sensor = Ndir(uart, 5000.0)
        uart.arrive(MHZ19_544[:size])
        assert sensor.read(0) is None
        uart.arrive(MHZ19_544[size:])
        assert replay.matches(sensor.read(100), "544"), size
        uart = replay.Uart()
        sensor = Ndir(uart, 5000.0)
        uart.arrive(MHZ19_544[size + 1 :] + MHZ19_544)
        assert replay.matches(sensor.read(0), "544"), size


def test_every_good_frame_of_a_stream_with_noise_is_counted():
    # 0xFF in the noise may begin a false frame and swallow at most one true one: a pause of zeros separates them.
    noise = Noise(3)
    frames = Frames(0xFF, 4, sound)
    good = 0
    for _ in range(200):
        rest = bytes((noise.bits() & 0x7F, noise.bits() & 0x7F, 0, 0, 0, 0))
        good += frames.feed(rest + A02_1953)
    assert good == 200
    assert bytes(frames.frame) == A02_1953


class Broken:
    """A line whose driver has gone."""

    def read(self):
        raise OSError(5)

    def write(self, data):
        raise OSError(5)


def test_line_that_cannot_be_read_is_silent():
    sensors = (Ndir(Broken(), 5000.0), Ultrasonic(Broken()))
    for sensor in sensors:
        sensor.read(0)
        sensor.read(2000)
        assert sensor.read(4000) is None
        assert sensor.fault == faults.SILENT


def test_any_bytes_give_a_value_or_a_fault():
    noise = Noise(11)
    uart = replay.Uart()
    sensors = (Ndir(uart, 5000.0), Ultrasonic(uart))
    for now in range(0, 40000, 100):
        for sensor in sensors:
            data = bytearray(noise.bits() & 0xFF for _ in range(noise.bits() % 24))
            if noise.bits() & 1 and len(data) > 10:
                data[0:4] = A02_1953
            uart.arrive(bytes(data))
            value = sensor.read(now)
            assert value is None or 0.0 <= value <= 65535.0
            assert not (value is not None and sensor.fault)
    assert sensors[0].fault == faults.CHECKSUM
