"""Commands of a profile. A final element is only ever told to go to its safe side (safety rules S2, S15).

The schema has no effect that opens a valve. What is checked here is that no command does it under another name: a
closing command proves itself by the state ``closed``, the register, coil or path of a final element takes one value
only, and nothing else writes there.
"""

import re
from collections.abc import Iterator, Mapping

from protocols.profile.problem import Problem
from protocols.profile.schema import CommandPart, PointPart, ProfileFile

SAFE_STATE = {"close-valve": "closed", "start-fan": "running"}
"""Effect on a final element -> the state that proves it."""

_WORD = re.compile(r"[a-z]+")
_OPENING = frozenset({"open", "opened", "opening", "reopen", "unlock", "release", "reset"})
_STOPPING = frozenset({"stop", "stopped", "off"})


def check_commands(file: ProfileFile, points: Mapping[str, PointPart]) -> Iterator[Problem]:
    """Problems of all commands."""
    for command in file.command:
        for path, what in _command(command, points):
            yield f"command[{command.name}]{path}", what
    yield from _one_value_each(file)
    yield from _observe_only(file)


def _command(command: CommandPart, points: Mapping[str, PointPart]) -> Iterator[Problem]:
    if command.modbus is None and command.coap is None:
        yield "", "say how it is sent: add modbus, coap or both"
    safe = SAFE_STATE.get(command.effect)
    if command.final_element and safe is None:
        yield (
            ".final_element",
            f"the effect {command.effect!r} moves no final element: only {' and '.join(SAFE_STATE)} do",
        )
    if safe is not None and not command.final_element:
        yield ".final_element", f"must be true: {command.effect!r} moves a final element"
    yield from _opening_words(command)
    yield from _coil_value(command)
    yield from _read_back(command, points)


def _opening_words(command: CommandPart) -> Iterator[Problem]:
    refused = _OPENING | _STOPPING if command.effect == "start-fan" else _OPENING
    texts = {".name": command.name}
    if command.coap is not None:
        texts |= {".coap.path": command.coap.path, ".coap.payload": command.coap.payload}
    for path, text in texts.items():
        for word in sorted(refused.intersection(_WORD.findall(text.lower()))):
            yield path, f"{word!r} opens or stops a final element: there is no such command (S2)"


def _coil_value(command: CommandPart) -> Iterator[Problem]:
    write = command.modbus
    if write is not None and write.table == "coil" and write.value not in (0, 1):
        yield ".modbus.value", f"a coil takes 0 or 1, not {write.value}"


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
    elif state != SAFE_STATE.get(command.effect, state):
        yield (
            ".read_back.equals",
            f"{proof.equals} is {state!r}, but {command.effect!r} is proven by {SAFE_STATE[command.effect]!r} (S2)",
        )


def _targets(command: CommandPart) -> Iterator[tuple[str, str, str]]:
    """(key, where it writes, what) of a command."""
    if command.modbus is not None:
        yield "modbus", f"{command.modbus.table} {command.modbus.address}", str(command.modbus.value)
    if command.coap is not None:
        yield "coap", f"path {command.coap.path!r}", command.coap.payload


def _one_value_each(file: ProfileFile) -> Iterator[Problem]:
    """A second value at the address of a final element would be its opening value."""
    written: dict[str, tuple[str, str]] = {}
    for point in file.point:
        if point.final_element and point.modbus is not None and point.modbus.table in ("coil", "holding"):
            written[f"{point.modbus.table} {point.modbus.address}"] = (f"point {point.name!r}", "")
    for command in sorted(file.command, key=_final_first):
        for key, target, value in _targets(command):
            owner, allowed = written.get(target, ("", ""))
            if owner and (not command.final_element or (allowed and value != allowed)):
                yield (
                    f"command[{command.name}].{key}",
                    f"{target} belongs to {owner}: nothing else is written there (S2)",
                )
            elif command.final_element:
                written[target] = (f"command {command.name!r}", value)


def _final_first(command: CommandPart) -> bool:
    return not command.final_element


def _observe_only(file: ProfileFile) -> Iterator[Problem]:
    """A hydrogen station is observed, never acted on (S15)."""
    if not any((point.role or "").startswith("h2-") for point in file.point):
        return
    for command in file.command:
        if command.final_element:
            yield f"command[{command.name}]", "a hydrogen station is observe-only: no command to a final element (S15)"
