"""No path of ours can make a write that moves a final element to its unsafe side (safety rule S2)."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import ProfileError
from protocols.modbus.writes import WriteGate, WriteRefused, declared_writes, encode_command
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.wire.modbus_pdu import parse_request, read_request
from tests.fixtures.modbus_profiles import flag, point, profile

ROOT = Path(__file__).parents[2]
GAS = tomllib.loads((ROOT / "protocols/profiles/gengfu/gas-alarm.toml").read_text())
CLOSE = bytes.fromhex("050000ff00")
START = bytes.fromhex("050001ff00")
SELF_TEST = bytes.fromhex("050002ff00")


def compiled(content: dict[str, Any]) -> Profile:
    return compile_profile(ProfileFile.model_validate_json(json.dumps(content)))


def gas(**changes: Any) -> Profile:
    """The gas alarm with its first command changed."""
    first, *others = GAS["command"]
    return compiled({**GAS, "command": [{**first, **changes}, *others]})


def gas_and(**command: Any) -> Profile:
    extra = {"name": "extra", "title": {"zh": "另", "en": "other"}, "effect": "identify", **command}
    return compiled({**GAS, "command": [*GAS["command"], extra]})


def test_commands_of_the_gas_alarm_close_start_and_test() -> None:
    assert declared_writes(gas()) == {"close-valve": CLOSE, "start-fan": START, "self-test": SELF_TEST}


def test_holding_register_command_is_function_6() -> None:
    one = gas_and(modbus={"table": "holding", "address": 300, "value": 513})
    assert encode_command(one, one.file.command[-1]) == bytes.fromhex("06012c0201")


PUBLISHED = {
    one["fc"]: (one["fields"], one["pdu_hex"])
    for one in json.loads((ROOT / "tests/vectors/modbus.json").read_text())["pdus"]
    if one["dir"] == "req" and one["fc"] in (5, 6, 15, 16)
}


@pytest.mark.parametrize(
    ("function", "table", "written"),
    [
        (5, "coil", lambda fields: {"value": int(fields["value"])}),
        (6, "holding", lambda fields: {"value": fields["value"]}),
        (15, "coil", lambda fields: {"values": [int(bit) for bit in fields["bits"]]}),
        (16, "holding", lambda fields: {"values": fields["registers"]}),
    ],
)
def test_command_is_the_published_request_of_its_function(function: int, table: str, written: Any) -> None:
    fields, pdu = PUBLISHED[function]
    one = gas_and(modbus={"table": table, "address": fields["address"], **written(fields)})
    assert encode_command(one, one.file.command[-1]).hex() == pdu


@pytest.mark.parametrize(("table", "pdu"), [("coil", "0f012c00010101"), ("holding", "10012c0001020001")])
def test_device_that_knows_only_multiple_writes_gets_one_value_by_them(table: str, pdu: str) -> None:
    one = gas_and(modbus={"table": table, "address": 300, "value": 1, "multiple": True})
    assert encode_command(one, one.file.command[-1]).hex() == pdu


@pytest.mark.parametrize(
    ("modbus", "message"),
    [
        ({"table": "holding", "address": 1}, "modbus: give one value, or the list values"),
        ({"table": "holding", "address": 1, "value": 1, "values": [1]}, "modbus: give one value, or the list values"),
        ({"table": "coil", "address": 9, "values": [1, 2]}, "modbus.values: a coil takes 0 or 1, not 2"),
        ({"table": "holding", "address": 65534, "values": [1, 2, 3]}, "modbus.address: 3 values from 65534"),
        ({"table": "holding", "address": 9, "values": [0] * 124}, "modbus.values: 124 at once"),
        ({"table": "coil", "address": 9, "values": [0] * 1969}, "modbus.values: 1969 at once"),
    ],
)
def test_write_that_no_request_can_carry_is_refused(modbus: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        declared_writes(gas_and(modbus=modbus))


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (
            gas_and(modbus={"table": "coil", "address": 0, "values": [1, 1, 1]}),
            "coil 0 belongs to command 'close-valve'",
        ),
        (
            gas_and(modbus={"table": "coil", "address": 0, "value": 0, "multiple": True}),
            "nothing else is written there",
        ),
        (
            gas(modbus={"table": "coil", "address": 0, "values": [1, 0]}),
            "2 coils: a final element is moved by one coil",
        ),
        (
            gas(modbus={"table": "coil", "address": 4, "values": [1, 1]}),
            "2 coils: a final element is moved by one coil",
        ),
        (gas_and(modbus={"table": "coil", "address": 0, "value": 0}), "nothing else is written there"),
        (gas_and(modbus={"table": "coil", "address": 0, "value": 1}), "nothing else is written there"),
        (gas(final_element=False), "moves a final element"),
        (gas(effect="mute"), "moves no final element"),
        (gas(read_back=None), "needs the proof that it moved"),
        (gas(read_back={"point": "valve", "equals": 1, "within_s": 9}), "1 is 'open'"),
        (gas(read_back={"point": "fan", "equals": 2, "within_s": 9}), "2 is 'running'"),
        (gas(read_back={"point": "alarm", "equals": 1, "within_s": 9}), "state of an enum"),
        (gas(modbus={"table": "coil", "address": 1, "value": 0}), "nothing else is written there"),
        (gas(modbus={"table": "coil", "address": 0, "value": 2}), "a coil takes 0 or 1"),
    ],
)
def test_command_that_could_move_a_final_element_the_wrong_way_is_refused(one: Profile, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        declared_writes(one)


def test_write_into_a_final_element_kept_in_a_register_is_refused() -> None:
    points = [
        {**part, "modbus": {"table": "holding", "address": 40, "type": "uint32"}} if part["name"] == "valve" else part
        for part in GAS["point"]
    ]
    extra = {
        "name": "x",
        "title": {"zh": "另", "en": "x"},
        "effect": "mute",
        "modbus": {"table": "holding", "address": 41, "value": 1},
    }
    with pytest.raises(
        ProfileError, match=r"command\[x\]\.modbus: holding 41 belongs to point 'valve': nothing else is"
    ):
        declared_writes(compiled({**GAS, "point": points, "command": [extra]}))


def test_write_that_moves_a_second_final_element_along_is_refused() -> None:
    states = [
        {"code": code, "name": name, "title": {"zh": name, "en": name}} for code, name in [(1, "open"), (2, "closed")]
    ]
    element = {"type": "enum", "role": "valve", "state": states, "final_element": True}
    close = {
        "name": "close",
        "effect": "close-valve",
        "final_element": True,
        "read_back": {"point": "one", "equals": 2, "within_s": 5},
    }
    valves = {**point("one", "holding", 10), **element}, {**point("two", "holding", 11), **element}
    alone, both = ({"table": "holding", "address": 10, "values": values} for values in ([2], [2, 1]))
    assert declared_writes(profile(*valves, command=[{**close, "modbus": alone}])) == {
        "close": bytes.fromhex("06000a0002")
    }
    with pytest.raises(ProfileError, match="it writes to one and two: move one with each command"):
        declared_writes(profile(*valves, command=[{**close, "modbus": both}]))


def test_register_that_holds_a_bit_of_a_final_element_is_not_written() -> None:
    mute = {"name": "mute", "effect": "mute", "modbus": {"table": "holding", "address": 8, "values": [0, 0, 0]}}
    shut = {**flag("shut", "holding", 10, bit=3), "final_element": True}
    with pytest.raises(ProfileError, match="holding 10 belongs to point 'shut'"):
        declared_writes(profile(shut, command=[mute]))


def test_command_of_another_profile_is_refused() -> None:
    stranger = gas_and(modbus={"table": "coil", "address": 9, "value": 1}).file.command[-1]
    with pytest.raises(WriteRefused, match="no Modbus command 'extra'"):
        encode_command(gas(), stranger)


def writes_to(lowest: int) -> st.SearchStrategy[dict[str, Any]]:
    """Every form of a write at or around ``lowest``: of one value or several, to coils or registers."""
    values = st.one_of(
        st.integers(0, 2).map(lambda one: {"value": one}),
        st.lists(st.integers(0, 2), min_size=1, max_size=4).map(lambda several: {"values": several}),
        st.lists(st.integers(1, 1), min_size=1, max_size=4).map(lambda several: {"values": several}),
    )
    place = st.fixed_dictionaries(
        {"table": st.sampled_from(["coil", "holding"]), "address": st.integers(lowest, lowest + 5)},
        optional={"multiple": st.booleans()},
    )
    return st.tuples(place, values).map(lambda drawn: drawn[0] | drawn[1])


ANY_COMMAND = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["close-valve", "start-fan", "self-test", "mute", "identify"]),
        "final_element": st.booleans(),
        "read_back": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "point": st.sampled_from(["valve", "fan", "alarm"]),
                    "equals": st.integers(0, 4),
                    "within_s": st.just(1.0),
                }
            ),
        ),
    }
)
RIGHT_COMMAND = st.sampled_from(
    [
        {"effect": "mute"},
        {**GAS["command"][0], "effect": "close-valve"},
        {**GAS["command"][1], "effect": "start-fan"},
    ]
)
"""Nothing is wrong with these but what they write."""


def commands(lowest: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.tuples(st.one_of(ANY_COMMAND, RIGHT_COMMAND), writes_to(lowest))
    return st.lists(one.map(lambda drawn: {**drawn[0], "modbus": drawn[1]}), min_size=1, max_size=2)


def written(pdu: bytes) -> list[tuple[str, int, int]]:
    """(table, address, value) of everything that a slave does when it gets this write."""
    request = parse_request(pdu)
    table = "coil" if request.function in (5, 15) else "holding"
    return [(table, at, value) for at, value in enumerate(request.values, request.address)]


def declared(content: dict[str, Any], drawn: list[dict[str, Any]]) -> dict[str, bytes]:
    """The writes of the profile with these commands too, c0 and so on; none if it is refused."""
    extra = [{"title": {"zh": "令", "en": "c"}, **one, "name": f"c{at}"} for at, one in enumerate(drawn)]
    try:
        return dict(declared_writes(compiled({**content, "command": [*content["command"], *extra]})))
    except ProfileError:
        return {}


@given(st.sampled_from([0, 2]), commands(0))
def test_no_profile_beside_the_closing_command_yields_an_opening_write(at: int, drawn: list[dict[str, Any]]) -> None:
    close, start, _ = GAS["command"]
    moved = [
        {**one, "modbus": {"table": "coil", "address": coil, "value": 1}}
        for one, coil in ((close, at), (start, at + 1))
    ]
    done = [one for pdu in declared({**GAS, "command": moved}, drawn).values() for one in written(pdu)]
    assert {value for table, coil, value in done if table == "coil" and coil in (at, at + 1)} <= {1}


KEPT = {
    **GAS,
    "command": [
        {**GAS["command"][0], "modbus": {"table": "holding", "address": 40, "values": [90, 2]}},
        {**GAS["command"][1], "modbus": {"table": "holding", "address": 42, "value": 2}},
    ],
    "point": [
        {**one, "modbus": {"table": "holding", "address": 40 if one["name"] == "valve" else 42, "type": "uint32"}}
        if one["name"] in ("valve", "fan")
        else one
        for one in GAS["point"]
    ],
}
"""The gas alarm with valve and fan in two holding registers each (40, 42), which are written to close and to start."""


@settings(max_examples=400)
@given(commands(38))
def test_no_write_touches_the_registers_of_a_final_element_but_its_own_command(drawn: list[dict[str, Any]]) -> None:
    made = declared(KEPT, drawn)
    done = {one for pdu in made.values() for one in written(pdu)}
    own = {("holding", 40, 90), ("holding", 41, 2), ("holding", 42, 2)}
    assert {one for one in done if one[:2] in {of[:2] for of in own}} <= own
    others = [
        pdu for number, one in enumerate(drawn) if not one.get("final_element") and (pdu := made.get(f"c{number}"))
    ]
    assert {at for pdu in others for table, at, _ in written(pdu) if table == "holding"}.isdisjoint(range(40, 44))
    # register 43 is the fan's and no command of the file writes it: another may, with one value for ever
    assert len([one for one in done if one[:2] == ("holding", 43)]) <= 1


def test_the_changed_gas_alarm_of_the_property_is_accepted() -> None:
    assert [pdu.hex() for pdu in declared(KEPT, []).values()] == ["1000280002" + "04005a0002", "06002a0002"]
    assert len(declared(GAS, [{"effect": "mute", "modbus": {"table": "coil", "address": 2, "values": [1, 0]}}])) == 4


def gate() -> WriteGate:
    one = WriteGate()
    one.allow(7, gas())
    return one


def passes(unit: int, pdu: bytes) -> bool:
    try:
        gate().check(unit, pdu)
    except WriteRefused:
        return False
    return True


def test_declared_writes_and_reads_pass() -> None:
    assert [passes(7, pdu) for pdu in (CLOSE, START, SELF_TEST, read_request(4, 0, 25))] == [True] * 4


@pytest.mark.parametrize(
    "pdu",
    [
        "0500000000",
        "05000000ff",
        "0f000000010100",
        "0f000000010101",
        "060000ff00",
        "160000ffff0000",
        "1700000001000000010200ff",
        "",
        "04",
        "0400000001ff",
    ],
)
def test_any_other_write_is_refused(pdu: str) -> None:
    assert not passes(7, bytes.fromhex(pdu))


def test_closing_write_to_a_unit_without_that_command_is_refused() -> None:
    assert not passes(8, CLOSE)


def test_nothing_is_broadcast() -> None:
    assert not passes(0, CLOSE)
    assert not passes(0, read_request(4, 0, 1))
    with pytest.raises(ProfileError, match="unit 0"):
        gate().allow(0, gas())


def test_unit_cannot_get_the_writes_of_two_different_devices() -> None:
    one = gate()
    one.allow(7, gas())
    with pytest.raises(ProfileError, match="unit 7 already belongs"):
        one.allow(7, gas_and(modbus={"table": "coil", "address": 9, "value": 1}))


@given(
    st.integers(0, 255),
    st.one_of(st.binary(max_size=20), st.binary(max_size=4).map(lambda tail: b"\x05\x00\x00" + tail)),
)
def test_whatever_passes_the_gate_is_a_read_or_a_declared_write(unit: int, pdu: bytes) -> None:
    if passes(unit, pdu):
        assert (len(pdu) == 5 and pdu[0] in (1, 2, 3, 4)) or (unit == 7 and pdu in (CLOSE, START))
