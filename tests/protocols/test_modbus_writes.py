"""No path of ours can make a write that moves a final element to its unsafe side (safety rule S2)."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import ProfileError
from protocols.modbus.writes import WriteGate, WriteRefused, declared_writes, encode_command
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.wire.modbus_pdu import read_request

GAS = tomllib.loads((Path(__file__).parents[2] / "protocols/profiles/gengfu/gas-alarm.toml").read_text())
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


@pytest.mark.parametrize(
    ("one", "message"),
    [
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
    with pytest.raises(ProfileError, match=r"command\[x\]\.modbus: writes into the final element 'valve'"):
        declared_writes(compiled({**GAS, "point": points, "command": [extra]}))


def test_command_of_another_profile_is_refused() -> None:
    stranger = gas_and(modbus={"table": "coil", "address": 9, "value": 1}).file.command[-1]
    with pytest.raises(WriteRefused, match="no Modbus command 'extra'"):
        encode_command(gas(), stranger)


commands = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["close-valve", "start-fan", "self-test", "mute", "identify"]),
        "final_element": st.booleans(),
        "modbus": st.fixed_dictionaries(
            {"table": st.sampled_from(["coil", "holding"]), "address": st.integers(0, 2), "value": st.integers(0, 2)}
        ),
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


@given(st.lists(commands, max_size=3))
def test_no_profile_beside_the_closing_command_yields_an_opening_write(drawn: list[dict[str, Any]]) -> None:
    extra = [{"name": f"c{at}", "title": {"zh": "令", "en": "c"}, **one} for at, one in enumerate(drawn)]
    try:
        writes = declared_writes(compiled({**GAS, "command": [*GAS["command"], *extra]}))
    except ProfileError:
        return
    assert {pdu for pdu in writes.values() if pdu[:3] in (CLOSE[:3], START[:3])} <= {CLOSE, START}


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
