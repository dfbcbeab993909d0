"""Values as bytes and back: the same text in a pack."""

import compact
import rig
import senml


def test_values_come_back_as_the_same_text():
    noise = rig.noise()
    values = [0, 1, -1, 127, 128, -128, -129, 32767, 32768, 2**31 - 1, 2**31, -(2**31) - 1, 0.0, 24.5, -40.0, 101.3]
    values += [0.02, 0.125, 4.123, 8192.5, -0.001, 123456, 2**40]
    values += [round((noise.unit() - 0.5) * 2000, places) for places in (0, 1, 2, 2, 1, 1) for _ in range(50)]
    decoded = compact.decode(compact.encode(values))
    assert [senml.number(value) for value in decoded] == [senml.number(value) for value in values]


def test_flags_and_what_is_no_number_come_back():
    values = [True, False, None, float("nan"), float("inf"), -float("inf"), 1, 0]
    assert compact.decode(compact.encode(values)) == [True, False, None, None, None, None, 1, 0]
    assert compact.decode(compact.encode([1, True]))[0] is not True


def test_huge_float_is_kept():
    assert compact.decode(compact.encode([2.0**80, -(2.0**40)])) == [2.0**80, -(2.0**40)]


def test_gas_alarm_takes_about_fifty_bytes():
    values = [1.2, 3] + [False] * 9
    values += [1, 1, 24.5, 12.01, 86400, 0, 17, 95000, 1, 100, 0, 0]
    assert len(compact.encode(values)) < 55


def test_other_bytes_are_refused():
    for data in (b"\x04", b"\x0f", b"\x20", b"\xff", b"\x10", b"\x12\0\0", b"\x03\0", b"\x00\x11\0"):
        try:
            compact.decode(data)
        except ValueError:
            continue
        raise AssertionError(data)
