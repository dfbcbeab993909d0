"""OPC UA parts of a profile: nodes that can be, values that fit their points, and writes that close and never open."""

import math
import re
from collections.abc import Iterator

from protocols.profile.node_ids import NodeIdError, names_in, parse
from protocols.profile.parts_opcua import OpcUaPart, OpcUaWritePart
from protocols.profile.problem import Problem
from protocols.profile.schema import CommandPart, PointPart, ProfileFile

LIMITS = {
    "Boolean": (0, 1),
    "Int16": (-(2**15), 2**15 - 1),
    "UInt16": (0, 2**16 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "UInt32": (0, 2**32 - 1),
}
_FLOAT_MOST = 3.4028234663852886e38
"""Largest single precision number (IEEE 754)."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CLOSING = frozenset({"close", "closed", "closing", "shut", "stop"})


def check_opcua(file: ProfileFile) -> Iterator[Problem]:
    """Problems of all OPC UA parts."""
    for point in file.point:
        if point.opcua is not None:
            for path, what in _point(point, point.opcua):
                yield f"point[{point.name}].opcua{path}", what
    mapped = {point.name for point in file.point if point.opcua is not None}
    for command in file.command:
        if command.opcua is not None:
            for path, what in _command(command, command.opcua, mapped):
                yield f"command[{command.name}].{path}", what
    for golden in file.golden:
        for sample in golden.opcua:
            if sample.point not in mapped:
                yield f"golden[{golden.name}].opcua", f"{sample.point!r} has no OPC UA node: name points that have one"


def words_in(node: str) -> frozenset[str]:
    """The words of a node id in lower case, those of ``ValveOpenCmd`` too; names in braces are none."""
    text = re.sub(r"\{[a-z0-9_]*\}", " ", node)
    return frozenset(word.lower() for word in _WORD.findall(text))


def names_of(file: ProfileFile) -> frozenset[str]:
    """What a device must fill in: every name in braces of every node."""
    nodes = [point.opcua.node for point in file.point if point.opcua is not None]
    nodes += [command.opcua.node for command in file.command if command.opcua is not None]
    return frozenset().union(*(names_in(node) for node in nodes))


def _node(node: str) -> Iterator[Problem]:
    try:
        parse(_tried(node))
    except NodeIdError as error:
        yield ".node", str(error)


def _tried(node: str) -> str:
    """The node with a value for each name that any kind of identifier could hold."""
    return re.sub(r"\{[a-z][a-z0-9_]*\}", "1", node) if not re.search(r"[gb]=[^;]*\{", node) else "i=1"


def _point(point: PointPart, part: OpcUaPart) -> Iterator[Problem]:
    yield from _node(part.node)
    is_code = point.type in ("flag", "enum")
    if (part.scale, part.offset) != (1.0, 0.0) and (is_code or point.type == "text"):
        yield ".scale", f"a {point.type} has no scale or offset: remove them"
    if not (math.isfinite(part.scale) and math.isfinite(part.offset) and part.scale):
        yield ".scale", "scale must be a number other than 0, offset a number"
    if part.bit is not None and point.type != "flag":
        yield ".bit", f"only a flag is one bit, this is of type {point.type}: remove it"
    if part.words and not is_code:
        yield ".words", f"only an enum or a flag has words, this is of type {point.type}: remove them"
    codes = {state.code for state in point.state} if point.type == "enum" else {0, 1}
    for word, code in part.words.items() if is_code else ():
        if code not in codes:
            yield f".words.{word}", f"{point.name!r} is never {code}: use one of {', '.join(map(str, sorted(codes)))}"


def _command(command: CommandPart, part: OpcUaWritePart, mapped: set[str]) -> Iterator[Problem]:
    for path, what in _node(part.node):
        yield f"opcua{path}", what
    problem = _misfit(part)
    if problem:
        yield "opcua.value", problem
    if command.final_element and part.value == 0 and words_in(part.node) & _CLOSING:
        yield "opcua.value", f"0 at {part.node!r} would take the closing back: a command only closes (S2)"
    if command.final_element and command.read_back is not None and command.read_back.point not in mapped:
        yield (
            "read_back.point",
            f"{command.read_back.point!r} has no OPC UA node: the proof must come the way the command goes",
        )


def _misfit(part: OpcUaWritePart) -> str:
    if part.type in LIMITS:
        low, high = LIMITS[part.type]
        if not (float(part.value).is_integer() and low <= part.value <= high):
            return f"{part.value} is no {part.type}: a whole number of {low} to {high}"
    elif not math.isfinite(part.value) or (part.type == "Float" and abs(part.value) > _FLOAT_MOST):
        return f"{part.value} is no {part.type}: a finite number that it can hold"
    return ""
