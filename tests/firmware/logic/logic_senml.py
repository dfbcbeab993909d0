"""SenML packs as the board writes them."""

import json

import senml


def test_pack_is_senml_with_its_identity_first():
    values = {"methane": 1.25, "alarm": False, "fan": 2, "co": None, "supply": float("nan")}
    pack = json.loads(senml.pack("t:1", 3, 17, values, 1800000000.1254))
    assert (pack[0]["bn"], pack[0]["n"], pack[0]["v"]) == ("t:1/", "boot", 3)
    assert abs(pack[0]["bt"] - 1800000000.125) < 0.0015
    assert pack[1] == {"n": "seq", "v": 17}
    rest = {record["n"]: record for record in pack[2:]}
    assert rest == {
        "methane": {"n": "methane", "v": 1.25},
        "alarm": {"n": "alarm", "vb": False},
        "fan": {"n": "fan", "v": 2},
    }


def test_pack_of_a_board_without_a_clock_has_no_time():
    assert "bt" not in json.loads(senml.pack("t:1", 3, 17, {}, None))[0]


def test_numbers_have_no_superfluous_digits():
    rows = [(12.0, "12"), (-0.0001, "0"), (0.1, "0.1"), (100.0, "100"), (-12.345, "-12.345"), (7, "7")]
    for value, text in rows:
        assert senml.number(value) == text
    assert senml.number(float("inf")) is None
