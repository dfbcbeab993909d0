"""Nothing but a profile's commands is written to a server; a final element's node takes its closing value (S2)."""

from typing import Any

import pytest

from protocols.errors import ProfileError
from protocols.modbus.writes import WriteRefused
from protocols.opcua.writes import Write, WriteGate
from protocols.profile.model import Profile
from protocols.profile.node_ids import NodeIdError, parse
from protocols.profile.rules import check
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_profiles import VALVE, closing, enum, point

CABINET = profile(VALVE, command=[closing()])
MUTE = {"name": "mute", "effect": "mute", "opcua": {"node": "ns=2;s=X", "type": "UInt16", "value": 3}}
NAMESPACES = ("ua", "own", "urn:test:station")


def allowed(*devices: tuple[str, Profile, dict[str, str]]) -> WriteGate:
    gate = WriteGate(NAMESPACES)
    for device, made, names in devices:
        gate.allow(device, made, names)
    return gate


def test_command_is_written_as_declared_to_the_device_s_own_node() -> None:
    gate = allowed(("a", CABINET, {"station": "A"}), ("b", CABINET, {"station": "B"}))
    (command,) = CABINET.file.command
    assert gate.write_of("b", CABINET, command) == Write(parse("ns=2;s=B.close"), "Boolean", True)


@pytest.mark.parametrize(("kind", "value", "held"), [("UInt16", 3, 3), ("Float", 0.5, 0.5), ("Boolean", 0, False)])
def test_value_has_the_type_of_the_node(kind: str, value: float, held: object) -> None:
    made = profile(point("n"), command=[{**MUTE, "opcua": {"node": "ns=2;s=X", "type": kind, "value": value}}])
    write = allowed(("a", made, {"station": "A"})).write_of("a", made, made.file.command[0])
    assert (write.value, type(write.value)) == (held, type(held))


def test_command_that_the_profile_does_not_declare_is_refused() -> None:
    gate = allowed(("a", CABINET, {"station": "A"}))
    (command,) = CABINET.file.command
    assert command.opcua is not None
    other = command.model_copy(update={"opcua": command.opcua.model_copy(update={"value": 0.0})})
    for device, asked in (("a", other), ("b", command)):
        with pytest.raises(WriteRefused, match="has no OPC UA command 'close-valve' as given"):
            gate.write_of(device, CABINET, asked)


@pytest.mark.parametrize(
    ("names", "node"),
    [
        ({"station": "A"}, "nsu=urn:test:station;s={station}.valve"),  # the element itself
        ({"station": "A"}, "ns=2;s=A.valve"),  # under another spelling
        ({"station": "A"}, "nsu=urn:test:station;s={station}.close"),  # what closes it
    ],
)
def test_nothing_else_is_written_where_a_final_element_stands(names: dict[str, str], node: str) -> None:
    mute = {**MUTE, "opcua": {"node": node, "type": "Boolean", "value": 0}}
    made = profile(VALVE, command=[closing(), mute])
    with pytest.raises(ProfileError, match=r"\(S2\)"):
        allowed(("a", made, names))


def test_two_devices_cannot_have_one_final_element() -> None:
    for names in ({"station": "A"}, {"station": "A.close"}):
        plain = profile(
            point("n"),
            command=[{**MUTE, "opcua": {"node": "nsu=urn:test:station;s={station}", "type": "Boolean", "value": 0}}],
        )
        devices = (("a", CABINET, {"station": "A"}), ("b", CABINET if names["station"] == "A" else plain, names))
        for order in (devices, devices[::-1]):
            with pytest.raises(ProfileError, match=r"mean the same node .*\(S2\)"):
                allowed(*order)


def test_two_devices_may_look_at_one_node() -> None:
    seen = profile(enum("valve", "unknown", "open", "closed", final_element=True))
    allowed(("a", seen, {"station": "A"}), ("b", seen, {"station": "A"}))


def test_namespace_that_the_server_does_not_have_is_told() -> None:
    with pytest.raises(NodeIdError, match="has no namespace 'urn:test:station'"):
        WriteGate(("ua",)).allow("a", CABINET, {"station": "A"})


RIGHT: tuple[dict[str, Any], ...] = (
    closing(),
    closing("ns=2;s=Valve.Open", opcua={"node": "ns=2;s=Valve.Open", "type": "Boolean", "value": 0}),
)
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    (closing("ns=2;s=Valve.OpenCmd"), "'open' takes a final element off its safe side"),
    (closing("ns=2;s=valve_OPEN"), "'open' takes a final element off its safe side"),
    (closing("ns=2;s=ResetValve"), "'reset' takes a final element off its safe side"),
    (closing(opcua={"node": "ns=2;s=CloseValve", "type": "Boolean", "value": 0}), "would take the closing back"),
    (closing(opcua={"node": "ns=2;s=V", "type": "Boolean", "value": 2}), "is no Boolean"),
    (closing(opcua={"node": "ns=2;s=V", "type": "UInt16", "value": 70000}), "is no UInt16"),
    (closing(opcua={"node": "ns=2;s=V", "type": "Int16", "value": 1.5}), "is no Int16"),
    (closing(opcua={"node": "ns=2;s=V", "type": "Float", "value": 1e39}), "is no Float"),
    (closing(opcua={"node": "i=99999999999", "type": "Int16", "value": 1}), "a whole number of 0 to"),
    (closing(opcua=None), "say how it is sent"),
    (closing(read_back=None), "needs the proof"),
)


@pytest.mark.parametrize("command", RIGHT)
def test_command_that_only_closes_is_right(command: dict[str, Any]) -> None:
    assert _said(VALVE, command) == []


@pytest.mark.parametrize(("command", "why"), WRONG, ids=[why for _, why in WRONG])
def test_command_that_may_do_more_is_refused(command: dict[str, Any], why: str) -> None:
    assert [what for what in _said(VALVE, command) if why in what]


def test_proof_must_come_the_way_the_command_goes() -> None:
    unseen = {key: value for key, value in VALVE.items() if key != "opcua"}
    assert [what for what in _said(unseen, closing()) if "has no OPC UA node" in what]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (point("n", "text", opcua={"scale": 2.0}), "a text has no scale"),
        (point("n", opcua={"scale": 0.0}), "other than 0"),
        (point("n", opcua={"bit": 1}), "only a flag is one bit"),
        (point("n", opcua={"words": {"a": 1}}), "has words"),
        (point("n", "flag", opcua={"words": {"a": 2}}), "is never 2"),
        (point("n", node="i=a"), "a whole number"),
    ],
)
def test_point_that_cannot_be_is_told(part: dict[str, Any], why: str) -> None:
    made = profile(part)
    assert [what for _, what in check(made.file) if why in what]


def _said(valve: dict[str, Any], command: dict[str, Any]) -> list[str]:
    made = profile(valve, command=[command])
    return [what for path, what in check(made.file) if path.startswith("command")]
