"""Units: conversions, SenML names, and the refusals that keep a percentage from becoming another one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import UnitError
from protocols.units import SENML, UNITS, convert, from_senml, linear, to_senml, unit

CODES = sorted(UNITS)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (12010, "mV", "V", 12.01),
        (4.0, "mA", "A", 0.004),
        (35, "MPa", "bar", 350),
        (1.01325, "bar", "kPa", 101.325),
        (1, "[psi]", "Pa", 6894.757293168),
        (23.1, "Cel", "K", 296.25),
        (85, "Cel", "[degF]", 185),
        (212, "[degF]", "Cel", 100),
        (0, "K", "Cel", -273.15),
        (90, "min", "h", 1.5),
        (2, "d", "s", 172800),
        (1500, "g", "kg", 1.5),
        (66.5, "%", "1", 0.665),
        (4400, "[ppm]", "%{vol}", 0.44),
        (1, "g/L", "mg/m3", 1_000_000),
        (60, "/min", "Hz", 1),
        (36, "km/h", "m/s", 10),
        (30, "dB[mW]", "dB[W]", 0),
        (180, "deg", "rad", 3.141592653589793),
    ],
)
def test_value_is_told_in_another_unit(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_thousandths_come_out_without_a_tail_of_digits() -> None:
    assert convert(12010, "mV", "V") == 12.01


@pytest.mark.parametrize(
    ("source", "target"),
    [("V", "Cel"), ("%", "%{LEL}"), ("%{vol}", "%{LEL}"), ("%", "%{vol}"), ("mg/m3", "[ppm]"), ("kg", "m")],
)
def test_conversion_across_dimensions_is_refused_and_names_both(source: str, target: str) -> None:
    with pytest.raises(UnitError) as caught:
        convert(1, source, target)
    assert repr(source) in str(caught.value)
    assert repr(target) in str(caught.value)


def test_unknown_code_is_refused() -> None:
    with pytest.raises(UnitError, match="unknown unit 'ppmx'"):
        unit("ppmx")


def test_codes_of_the_shipped_profiles_are_known() -> None:
    wanted = "% 1 Cel K Pa kPa MPa bar V mV A mA kg g mm cm m deg s min h d Hz [ppm] %{LEL} %{vol} mg/m3 ug/m3 g/L"
    assert set(wanted.split(" ")) <= set(UNITS)


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.floats(-1e6, 1e6))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_conversion_there_and_back_is_the_same_value(source: str, target: str, value: float) -> None:
    if UNITS[source].dimension == UNITS[target].dimension:
        scale = abs(linear(target, source).multiply / linear(target, source).divide * linear(source, target).add)
        back = convert(convert(value, source, target), target, source)
        assert back == pytest.approx(value, rel=1e-9, abs=1e-9 * (1 + scale))


@pytest.mark.parametrize("name", sorted(SENML))
def test_every_senml_name_stands_for_a_known_unit(name: str) -> None:
    assert from_senml(name) in UNITS


@pytest.mark.parametrize(
    ("name", "code"),
    [("Cel", "Cel"), ("/", "1"), ("%RH", "%{RH}"), ("%EL", "%"), ("ppm", "[ppm]"), ("B", "By"), ("kWh", "kW.h")],
)
def test_senml_name_is_told_as_ucum(name: str, code: str) -> None:
    assert from_senml(name) == code


def test_ucum_code_without_a_senml_name_stands_for_itself() -> None:
    assert (from_senml("%{LEL}"), to_senml("%{LEL}")) == ("%{LEL}", "%{LEL}")


def test_senml_name_made_from_a_code_means_that_code() -> None:
    assert {code: from_senml(to_senml(code)) for code in UNITS} == {code: code for code in UNITS}


def test_unknown_senml_name_is_refused() -> None:
    with pytest.raises(UnitError, match="unknown unit 'furlong'"):
        from_senml("furlong")
