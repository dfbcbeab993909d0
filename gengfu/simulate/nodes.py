"""Values as an OPC UA server holds them: the reverse of `protocols.opcua.values`."""

from collections.abc import Mapping
from typing import TypeAlias

from protocols.profile.model import Profile
from protocols.profile.node_ids import NodeKey, fill, parse
from protocols.profile.parts_opcua import OpcUaPart
from protocols.profile.schema import PointPart
from protocols.reading import Value

Raw: TypeAlias = bool | int | float | str | None


def key_of(template: str, names: Mapping[str, str]) -> NodeKey:
    """The node of a profile's template. Raises `NodeIdError`."""
    return parse(fill(template, names))


def nodes_of(profile: Profile, names: Mapping[str, str], values: tuple[Value, ...]) -> dict[NodeKey, Raw]:
    """What stands in each node of a device. ``names``: its ``opcua.values``. Flags of one node are its bits."""
    found: dict[NodeKey, Raw] = {}
    for part, value in zip(profile.file.point, values, strict=True):
        if part.opcua is None:
            continue
        key = key_of(part.opcua.node, names)
        if part.opcua.bit is None:
            found[key] = _raw(part, part.opcua, value)
        else:
            before = found.get(key)
            found[key] = (before if isinstance(before, int) else 0) | int(bool(value)) << part.opcua.bit
    return found


def _raw(part: PointPart, opcua: OpcUaPart, value: Value) -> Raw:
    if not isinstance(value, float):
        return value
    word = next((text for text, code in opcua.words.items() if code == value), None)
    if word is not None:
        return word == "true" if word in ("true", "false") else word
    if part.type == "flag":
        return bool(value)
    raw = (value - opcua.offset) / opcua.scale
    return round(raw) if part.type == "enum" else raw
