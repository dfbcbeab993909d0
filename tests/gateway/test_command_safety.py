"""Nothing that opens a valve leaves, over any transport, whatever a profile says and whatever people ask (S2).

Profiles are made at random from few addresses and values, so that commands get in each other's way. Those that the
loader takes are given to a queue and an actuator; what reaches the sender is encoded as each transport does it. What
opens is judged here from the description alone: at any place that a final element has, or that its command writes to,
only the value of its own closing command may ever be written.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.actuator import Actuator
from gateway.command_queue import CommandQueue, Ways
from gateway.errors import CommandRefused
from gateway.pipeline import Verdict
from journal.entry import Done
from protocols.command import Command
from protocols.modbus.writes import WriteGate, WriteRefused, declared_writes, encode_command
from protocols.moment import SECOND, Moment
from protocols.opcua.writes import WriteGate as NodeGate
from protocols.profile.model import Profile
from protocols.profile.node_ids import parse
from protocols.profile.rules_commands import OWN_TOPIC
from protocols.profile.schema import CommandPart
from protocols.reading import Origin
from protocols.request import OperatorRequest
from protocols.wire.modbus_pdu import READS
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.random_commands import ASKED, FINAL, RIGHT, commands, element, elements, problems

DEVICE = "t:1"
NAMESPACES = ("ua", "own")
Place = tuple[str, object]


class Wires:
    """Every transport at once, with the last gate that each has; the `gateway.actuator.Sender`.

    ``written``: (command, place, value) of everything that left, read back from the frames.
    """

    def __init__(self, made: Profile) -> None:
        self.made = made
        self.gate = WriteGate()
        self.gate.allow(1, made)
        self.nodes = NodeGate(NAMESPACES)
        self.nodes.allow(DEVICE, made, {})
        self.written: list[tuple[str, Place, object]] = []

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """Encode as the sides of the gateway do."""
        found: list[tuple[Place, object]] = []
        if command.modbus is not None:
            pdu = encode_command(self.made, command)
            self.gate.check(1, pdu)
            found += read_pdu(pdu)
        if command.coap is not None:
            found.append((("coap", command.coap.path), command.coap.payload))
        if command.mqtt is not None:
            found.append((("mqtt", command.mqtt.topic or OWN_TOPIC), command.mqtt.payload))
        if command.opcua is not None:
            write = self.nodes.write_of(device, self.made, command)
            found.append((("opcua", write.node), write.value))
        self.written += [(command.name, place, value) for place, value in found]
        sent("")


def read_pdu(pdu: bytes) -> list[tuple[Place, object]]:
    """What a Modbus slave would do (Modbus Application Protocol 1.1b3, 6.5, 6.6, 6.11, 6.12)."""
    code, address, value = struct.unpack(">BHH", pdu[:5])
    if code == 5:
        return [(("coil", address), int(value == 0xFF00))]
    if code == 6:
        return [(("holding", address), value)]
    if code == 15:
        bits = int.from_bytes(pdu[6:], "little")
        return [(("coil", address + at), bits >> at & 1) for at in range(value)]
    assert code == 16, f"function {code} is none of the writes"
    return [(("holding", address + at), one) for at, one in enumerate(struct.unpack(f">{value}H", pdu[6:]))]


def places(command: Mapping[str, Any]) -> list[tuple[Place, object]]:
    """Every single place that a command of a description writes to, and what."""
    found: list[tuple[Place, object]] = []
    write = command.get("modbus")
    if write is not None:
        values = write.get("values") or [write["value"]]
        found += [((write["table"], write["address"] + at), value) for at, value in enumerate(values)]
    if "coap" in command:
        found.append((("coap", command["coap"]["path"]), command["coap"]["payload"]))
    if "mqtt" in command:
        found.append((("mqtt", command["mqtt"].get("topic", OWN_TOPIC)), command["mqtt"]["payload"]))
    if "opcua" in command:
        found.append((("opcua", parse(command["opcua"]["node"])), command["opcua"]["value"]))
    return found


def guarded(points: Sequence[Mapping[str, Any]], given_: Sequence[Mapping[str, Any]]) -> dict[Place, set[object]]:
    """Places of final elements -> the values that their commands write; a second value would be the opening one."""
    found: dict[Place, set[object]] = {}
    for one in points:
        where = one.get("modbus")
        if where is not None and where["table"] in ("coil", "holding"):
            width = 2 if where.get("type") == "uint32" else 1
            found |= {(where["table"], where["address"] + at): set() for at in range(width)}
        if "opcua" in one:
            found[("opcua", parse(one["opcua"]["node"]))] = set()
    for command in given_:
        if command["effect"] in FINAL:
            for place, value in places(command):
                found.setdefault(place, set()).add(value)
    return found


def opens(name: str, place: Place, value: object, found: Mapping[Place, set[object]], closing: frozenset[str]) -> bool:
    """Whether writing this could open: a word says so, or it is not what the element's own command writes there."""
    said = f"{place} {value}".lower()
    if place[0] == "opcua" and value == 0:
        said = ""  # 0 at a node that opens closes
    return (
        "open" in said
        or "006f" in said
        or "开阀" in said
        or (place in found and (name not in closing or found[place] != {value}))
    )


class Bench:
    """A queue and an actuator over all wires."""

    def __init__(self, made: Profile) -> None:
        self.wires = Wires(made)
        self.now = Moment(10**18, 10**12)
        self.actuator = Actuator(self.wires, lambda one: made if one == DEVICE else None)
        ways = Ways(
            lambda one: made if one == DEVICE else None, Origin.LIVE, lambda _device, _effect: "", store, lambda: None
        )
        self.queue = CommandQueue(ways)
        self.queue.issuer = self

    def issue(self, command: Command, now: Moment) -> None:
        self.actuator.issue(command, now)
        for event in self.actuator.drain()[0]:
            self.queue.follow(event)

    def withdraw(self, command_id: str, why: str, now: Moment) -> None:
        self.actuator.cancel(command_id, now, why)

    def ask(self, name: str, number: int) -> bool:
        """Ask for a command; whether it was taken."""
        expires = self.now.wall + 60 * SECOND
        request = OperatorRequest(f"r{number}", "command", DEVICE, "ada", self.now.wall, expires, "why", command=name)
        try:
            self.queue.ask(request, self.now)
        except CommandRefused:
            return False
        self.queue.tick(self.now)
        self.queue.tick(self.now)
        return True


def store(_verdict: Verdict, done: Done) -> None:
    done(None)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(points=elements(), given_=commands(), asked=ASKED)
def test_nothing_that_opens_and_nothing_undeclared_leaves_over_any_transport(
    points: list[dict[str, Any]], given_: list[dict[str, Any]], asked: list[str]
) -> None:
    made = profile(*points, command=given_)
    assume(not problems(made))
    bench = Bench(made)
    declared = {one["name"]: one for one in given_}
    for number, name in enumerate(asked):
        assert bench.ask(name, number) == (name in declared)
    found = guarded(points, given_)
    closing = frozenset(name for name, one in declared.items() if one["effect"] in FINAL)
    for name, place, value in bench.wires.written:
        assert (place, value) in places(declared[name])
        assert not opens(name, place, value, found, closing), (name, place, value)


@settings(max_examples=500, deadline=None)
@given(points=elements(), given_=commands())
def test_a_profile_that_could_open_is_refused_at_load(
    points: list[dict[str, Any]], given_: list[dict[str, Any]]
) -> None:
    found = guarded(points, given_)
    closing = frozenset(one["name"] for one in given_ if one["effect"] in FINAL)
    could = any(
        opens(one["name"], place, value, found, closing) for one in given_ for place, value in places(one)
    ) or any("open" in one["name"] for one in given_)
    if could:
        assert problems(profile(*points, command=given_)) != []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(points=elements(), given_=commands(), pdu=st.binary(min_size=1, max_size=12), unit=st.integers(0, 255))
def test_no_bytes_but_reads_and_declared_writes_pass_the_last_gate(
    points: list[dict[str, Any]], given_: list[dict[str, Any]], pdu: bytes, unit: int
) -> None:
    made = profile(*points, command=given_)
    assume(not problems(made))
    wires = Wires(made)
    try:
        wires.gate.check(unit, pdu)
    except WriteRefused:
        return
    assert pdu[0] in READS or (unit == 1 and pdu in declared_writes(made).values())


@pytest.mark.parametrize(
    "form",
    [
        {"modbus": {"table": "coil", "address": 0, "value": 0}},
        {"coap": {"path": "valve", "payload": "1"}},
        {"mqtt": {"topic": "cmnd/{device}/VALVE", "payload": "1"}},
        {"opcua": {"node": "ns=1;s=valveOpen", "type": "UInt16", "value": 2}},
        {"mqtt": {"payload": '{"v":"\\u006fpen"}'}},
        {"mqtt": {"topic": "Valve/Open", "payload": "true"}},
        {"mqtt": {"topic": "Valve/Close", "payload": "false"}},
    ],
)
def test_another_command_may_not_use_a_valve_s_place_nor_opening_words(form: dict[str, Any]) -> None:
    valve = element("valve", "valve", "closed", opcua={"node": "ns=1;s=state"})
    made = profile(valve, command=[RIGHT[0], {**RIGHT[3], "modbus": None, "mqtt": None, **form}])
    assert {one.split(".")[0] for one in problems(made)} == {"command[blink]"}


def test_the_profiles_above_are_not_all_refused() -> None:
    close = {"name": "close-valve", "effect": "close-valve", "final_element": True, "mqtt": {"payload": "close"}}
    proof = {"point": "valve", "equals": 2, "within_s": 5}
    valve = element("valve", "valve", "closed", modbus={"table": "input", "address": 1})
    made = profile(valve, command=[{**close, "read_back": proof}])
    assert problems(made) == []
    bench = Bench(made)
    assert bench.ask("close-valve", 1)
    assert bench.wires.written == [("close-valve", ("mqtt", OWN_TOPIC), "close")]
