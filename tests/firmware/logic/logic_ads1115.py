"""The converter for more loops: what it asks of the chip, and what becomes of any answer."""

from drivers import faults
from drivers.ads1115 import REFERENCE_V, Ads1115
from drivers.current_loop import CurrentLoop


class Chip:
    """Registers as the data sheet has them. ``busy``: looks at the config until a conversion is done."""

    def __init__(self, code=0, busy=2):
        self.code = code
        self.busy = busy
        self.written = []
        self.dead = False
        self._left = 0

    def write(self, address, register, data):
        if self.dead:
            raise OSError(5)
        self.written.append((address, register, bytes(data)))
        self._left = self.busy

    def read(self, address, register, count):
        if self.dead:
            raise OSError(5)
        if register == 1:
            self._left -= 1
            return b"\x43\xe3" if self._left >= 0 else b"\xc3\xe3"
        return (self.code & 0xFFFF).to_bytes(2, "big")


def test_each_input_is_asked_for_one_conversion_of_its_own():
    chip = Chip()
    for channel in range(4):
        Ads1115(chip, 0x49, channel).read_u16()
    assert chip.written == [(0x49, 1, bytes((0xC3 + channel * 0x10, 0xE3))) for channel in range(4)]


def test_code_is_a_part_of_the_reference():
    assert [Ads1115(Chip(code), 0x48, 0).read_u16() for code in (0, 1, 0x4000, 0x7FFF)] == [0, 2, 32768, 65534]


def test_a_little_below_ground_is_nothing():
    assert Ads1115(Chip(-3), 0x48, 0).read_u16() == 0


def loop(chip):
    return CurrentLoop(Ads1115(chip, 0x48, 0), 0.0, 4.0, shunt_ohm=150.0, reference_v=REFERENCE_V, samples=1)


def test_loop_reads_its_current():
    # 12 mA over 150 ohm are 1.8 V of 4.096.
    sensor = loop(Chip(14400))
    assert abs(sensor.read(0) - 2.0) < 0.001
    assert (sensor.fault, sensor.over) == (faults.NONE, False)


def test_loop_over_its_range_is_seen_below_the_supply_of_the_chip():
    # 21 mA are 3.15 V.
    sensor = loop(Chip(25200))
    sensor.read(0)
    assert sensor.over


def test_chip_that_is_dead_or_never_done_is_an_open_loop():
    dead = Chip(14400)
    dead.dead = True
    for chip in (dead, Chip(14400, busy=1000)):
        sensor = loop(chip)
        assert sensor.read(0) is None
        assert sensor.fault == faults.OPEN
