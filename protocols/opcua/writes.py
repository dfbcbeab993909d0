"""The only writes there are: what a profile's commands say (safety rule S2).

The rules of a profile look at node ids with names in them. Filled and with their namespaces resolved, two of them may
mean one node, of one device or of two: `WriteGate` looks again at the nodes as they are. A node that a final element
owns takes one value, and whoever holds a gate cannot send anything else.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from protocols.errors import ProfileError
from protocols.modbus.writes import WriteRefused
from protocols.profile.model import Profile
from protocols.profile.node_ids import NodeKey, fill, parse, resolve
from protocols.profile.rules_commands import check_commands
from protocols.profile.schema import CommandPart, PointPart


class Write(NamedTuple):
    """One value for one node. ``type``: name of the OPC UA type; ``value``: as that type holds it."""

    node: NodeKey
    type: str
    value: bool | int | float


class Owner(NamedTuple):
    """Who has a node: a command (with what it may write) or the point of a final element (with nothing)."""

    device: str
    what: str
    final: bool
    write: Write | None


def node_of(template: str, values: Mapping[str, str], namespaces: Sequence[str] | None) -> NodeKey:
    """The node a template means for a device; without ``namespaces`` a URI stays one. Raises `NodeIdError`."""
    key = parse(fill(template, values))
    return key if namespaces is None else resolve(key, namespaces)


class WriteGate:
    """The last look at every write before it leaves. ``namespaces``: the server's, or ``None`` before it was asked."""

    def __init__(self, namespaces: Sequence[str] | None = None) -> None:
        self._namespaces = namespaces
        self._owners: dict[NodeKey, list[Owner]] = {}
        self._writes: dict[tuple[str, str], Write] = {}

    def allow(self, device: str, profile: Profile, values: Mapping[str, str]) -> None:
        """Let the declared writes of a device pass.

        Raises `ProfileError` when any could move a final element, of any device allowed so far, to its unsafe side,
        and `NodeIdError` for a node that cannot be.
        """
        told = [f"{profile.id}: {path}: {what}" for path, what in check_commands(profile.file, _parts(profile))]
        if told:
            raise ProfileError(told)
        for point in profile.file.point:
            if point.final_element and point.opcua is not None:
                node = node_of(point.opcua.node, values, self._namespaces)
                self._own(node, Owner(device, f"point {point.name!r}", True, None))
        for command in profile.file.command:
            if command.opcua is not None:
                node = node_of(command.opcua.node, values, self._namespaces)
                write = Write(node, command.opcua.type, _typed(command.opcua.type, command.opcua.value))
                self._own(node, Owner(device, f"command {command.name!r}", command.final_element, write))
                self._writes[device, command.name] = write

    def _own(self, node: NodeKey, new: Owner) -> None:
        owners = self._owners.setdefault(node, [])
        for one in owners:
            if (one.final or new.final) and not _agree(one, new):
                raise ProfileError(
                    [
                        f"{new.what} of {new.device} and {one.what} of {one.device} mean the same node {node}: give "
                        "each its own, for nothing but its command is written to a final element (S2)"
                    ]
                )
        owners.append(new)

    def write_of(self, device: str, profile: Profile, command: CommandPart) -> Write:
        """What one of the profile's own commands writes. Raises `WriteRefused`."""
        found = self._writes.get((device, command.name))
        if command not in profile.file.command or found is None:
            raise WriteRefused(
                f"{profile.id} has no OPC UA command {command.name!r} as given; add [[command]] with opcua to its file"
            )
        return found


def _agree(one: Owner, other: Owner) -> bool:
    """Whether two may have one node: to look at it, or of one device a final element and the command to it."""
    if one.write is None and other.write is None:
        return True
    theirs = one.device == other.device and one.final and other.final
    return theirs and (one.write is None or other.write is None or one.write == other.write)


def _parts(profile: Profile) -> dict[str, PointPart]:
    return {point.name: point for point in profile.file.point}


def _typed(kind: str, value: float) -> bool | int | float:
    if kind == "Boolean":
        return bool(value)
    return value if kind in ("Float", "Double") else int(value)
