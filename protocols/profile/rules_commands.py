"""Commands of a profile. A final element is only ever told to go to its safe side (safety rules S2, S15).

The schema has no effect that opens a valve. What is checked here is that no command does it under another name: a
closing command proves itself by the state ``closed``, the register, coil, path, topic or node of a final element takes
one value only, and nothing else writes there. All addresses that a write covers are looked at.
"""

import json
import re
from collections.abc import Iterator, Mapping

from protocols.profile.problem import Problem
from protocols.profile.rules_modbus import check_write, width_of
from protocols.profile.rules_opcua import words_in
from protocols.profile.schema import CommandPart, PointPart, ProfileFile

SAFE_STATE = {"close-valve": ("closed",), "start-fan": ("running",), "stop-intake": ("stopped", "closed")}
"""Effect on a final element -> the states that prove it. An intake is a fresh-air unit or its damper."""
_ROLE = {"close-valve": "valve", "start-fan": "fan", "stop-intake": "intake"}
"""Effect on a final element -> the role of the point that proves it: by it the interlocks find the element."""

_WORD = re.compile(r"[a-z]+")
_OPENING = frozenset({"open", "opened", "opening", "reopen", "unlock", "release", "reset"})
_ANYWHERE = ("open", "unlock", "开阀", "打开阀", "复位", "解锁")
"""Opening also as a part of a word (``valveOpen``), and in Chinese."""
_STOPPING = frozenset({"stop", "stopped", "off"})
_STARTING = frozenset({"start", "started", "run", "running", "on"})
_NOT_THIS = {"start-fan": _STOPPING, "stop-intake": _STARTING}
"""Effect -> the words of its opposite, besides those that open."""
_CLOSING = frozenset({"close", "closed", "closing", "shut", "stop"})
_TAKEN_BACK = frozenset({"0", "false", "off", "no"})
OWN_TOPIC = "gengfu/{device}/down"
"""Where a command over MQTT goes that names no topic, unless the site's document says another for the device."""


def check_commands(file: ProfileFile, points: Mapping[str, PointPart]) -> Iterator[Problem]:
    """Problems of all commands."""
    for command in file.command:
        for path, what in _command(command, points):
            yield f"command[{command.name}]{path}", what
    yield from _one_value_each(file)
    yield from _observe_only(file)


def _command(command: CommandPart, points: Mapping[str, PointPart]) -> Iterator[Problem]:
    if command.modbus is None and command.coap is None and command.mqtt is None and command.opcua is None:
        yield "", "say how it is sent: add modbus, coap, mqtt or opcua"
    safe = SAFE_STATE.get(command.effect)
    if command.final_element and safe is None:
        yield (
            ".final_element",
            f"the effect {command.effect!r} moves no final element: only {', '.join(SAFE_STATE)} do",
        )
    if safe is not None and not command.final_element:
        yield ".final_element", f"must be true: {command.effect!r} moves a final element"
    yield from _opening_words(command)
    if command.modbus is not None:
        for path, what in check_write(command.modbus):
            yield f".modbus{path}", what
    yield from _read_back(command, points)


def _opening_words(command: CommandPart) -> Iterator[Problem]:
    refused = _OPENING | _NOT_THIS.get(command.effect, frozenset())
    texts = {".name": command.name}
    if command.coap is not None:
        texts |= {".coap.path": command.coap.path, ".coap.payload": command.coap.payload}
    if command.mqtt is not None:
        texts |= {".mqtt.topic": command.mqtt.topic or "", ".mqtt.payload": command.mqtt.payload}
    for path, text in texts.items():
        for word in sorted(refused.intersection(_words(text)) | {one for one in _ANYWHERE if one in _plain(text)}):
            yield path, f"{word!r} takes a final element off its safe side: there is no such command (S2)"
    yield from _closing_taken_back(command)
    if command.opcua is not None and command.opcua.value:
        for word in sorted(refused & words_in(command.opcua.node)):
            yield ".opcua.node", f"{word!r} takes a final element off its safe side: there is no such command (S2)"


def _plain(text: str) -> str:
    """In small letters; of JSON as it reads without escapes, for ``\\u006fpen`` is a word too."""
    try:
        return f"{text} {json.loads(text)}".lower()
    except ValueError:
        return text.lower()


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(_plain(text))) | words_in(text)


def _closing_taken_back(command: CommandPart) -> Iterator[Problem]:
    """``false`` to what is named «close» opens."""
    forms = {"coap": (command.coap.path, command.coap.payload)} if command.coap is not None else {}
    if command.mqtt is not None:
        forms["mqtt"] = (command.mqtt.topic or "", command.mqtt.payload)
    for form, (place, payload) in forms.items():
        said = _plain(payload).split()
        if _words(f"{place} {payload}") & _CLOSING and _TAKEN_BACK.intersection(
            re.findall(r"[a-z0-9]+", " ".join(said))
        ):
            yield (
                f".{form}.payload",
                f"{payload!r} at {place!r} would take the closing back: a command only closes (S2)",
            )


def _read_back(command: CommandPart, points: Mapping[str, PointPart]) -> Iterator[Problem]:
    proof = command.read_back
    if proof is None:
        if command.final_element:
            yield ".read_back", "a final element needs the proof that it moved: add point, equals and within_s"
        return
    point = points.get(proof.point)
    if point is None:
        yield ".read_back.point", f"there is no point {proof.point!r}"
        return
    if point.type != "enum":
        yield ".read_back.point", f"{proof.point!r} is a {point.type}: the proof is a state of an enum"
        return
    state = next((one.name for one in point.state if one.code == proof.equals), None)
    if state is None:
        yield ".read_back.equals", f"{proof.point!r} has no state with the code {proof.equals}"
    elif command.final_element and not point.final_element:
        yield (
            ".read_back.point",
            f"{proof.point!r} is not marked final_element: the proof must be the element's own state",
        )
    elif state not in (proofs := SAFE_STATE.get(command.effect, (state,))):
        yield (
            ".read_back.equals",
            f"{proof.equals} is {state!r}, but {command.effect!r} is proven by {' or '.join(map(repr, proofs))} (S2)",
        )
    elif command.final_element and point.role != _ROLE.get(command.effect, point.role):
        yield (
            ".read_back.point",
            f"give {proof.point!r} the role {_ROLE[command.effect]!r}: by it the interlocks find what they command",
        )


def _targets(command: CommandPart) -> Iterator[tuple[str, str, str]]:
    """(key, where it writes, what) of a command, for every address it covers."""
    write = command.modbus
    if write is not None:
        for at, value in enumerate(write.written, write.address):
            yield "modbus", f"{write.table} {at}", str(value)
    if command.coap is not None:
        yield "coap", f"path {command.coap.path!r}", command.coap.payload
    if command.mqtt is not None:
        yield "mqtt", f"topic {command.mqtt.topic or OWN_TOPIC!r}", command.mqtt.payload
    if command.opcua is not None:
        yield "opcua", f"node {command.opcua.node!r}", f"{command.opcua.type} {command.opcua.value}"


def _elements(file: ProfileFile) -> dict[str, str]:
    """The final elements that can be written to, by every address they take."""
    found: dict[str, str] = {}
    for point in file.point:
        part = point.modbus
        if point.final_element and part is not None and part.table in ("coil", "holding"):
            found |= {f"{part.table} {part.address + at}": point.name for at in range(width_of(part))}
        if point.final_element and point.opcua is not None:
            found[f"node {point.opcua.node!r}"] = point.name
    return found


def _one_value_each(file: ProfileFile) -> Iterator[Problem]:
    """A second value at the address of a final element would be its opening value."""
    elements = _elements(file)
    written = {target: (f"point {name!r}", "") for target, name in elements.items()}
    for command in sorted(file.command, key=_final_first):
        if command.final_element:
            yield from _one_element(command, elements)
        for key, target, value in _targets(command):
            owner, allowed = written.get(target, ("", ""))
            if owner and (not command.final_element or (allowed and value != allowed)):
                yield (
                    f"command[{command.name}].{key}",
                    f"{target} belongs to {owner}: nothing else is written there (S2)",
                )
            elif command.final_element:
                written[target] = (f"command {command.name!r}", value)


def _one_element(command: CommandPart, elements: Mapping[str, str]) -> Iterator[Problem]:
    """What moves a final element moves no other along with it: its safe side may be the other value."""
    targets = [target for key, target, _ in _targets(command) if key == "modbus"]
    moved = sorted({elements[target] for target in targets if target in elements})
    if len(moved) > 1:
        yield f"command[{command.name}].modbus", f"it writes to {' and '.join(moved)}: move one with each command (S2)"
    if command.modbus is not None and command.modbus.table == "coil" and len(targets) > 1:
        yield (
            f"command[{command.name}].modbus.values",
            f"{len(targets)} coils: a final element is moved by one coil, and nothing along with it (S2)",
        )


def _final_first(command: CommandPart) -> bool:
    return not command.final_element


def _observe_only(file: ProfileFile) -> Iterator[Problem]:
    """A hydrogen station is observed, never acted on (S15)."""
    if not any((point.role or "").startswith("h2-") for point in file.point):
        return
    for command in file.command:
        if command.final_element:
            yield f"command[{command.name}]", "a hydrogen station is observe-only: no command to a final element (S15)"
