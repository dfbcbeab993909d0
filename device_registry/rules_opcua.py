"""How the devices of an OPC UA connection fill the nodes of their profiles, and that no two mean the same ones."""

from collections.abc import Iterable, Iterator, Mapping

from device_registry.connections import Connection, OpcUaConnection
from device_registry.problem import Problem
from device_registry.site import DevicePart
from protocols.errors import ProfileError
from protocols.opcua.writes import WriteGate, node_of
from protocols.profile.model import Profile
from protocols.profile.node_ids import NodeIdError, NodeKey
from protocols.profile.rules_opcua import names_of


def check_nodes(
    devices: Iterable[DevicePart], connections: Mapping[str, Connection], profiles: Mapping[str, Profile]
) -> Iterator[Problem]:
    """What is wrong with the nodes of all devices."""
    gates: dict[str, WriteGate] = {}
    owner: dict[tuple[str, frozenset[NodeKey]], str] = {}
    for part in devices:
        connection, profile = connections.get(part.connection), profiles.get(part.profile)
        if not isinstance(connection, OpcUaConnection) or profile is None or not _speaks(profile):
            continue
        names = part.opcua.values if part.opcua is not None else {}
        path = f"device[{part.id}].opcua.values"
        wrong = list(_names(profile, names))
        yield from ((path, what) for what in wrong)
        if wrong:
            continue
        try:
            nodes = frozenset(node_of(point.opcua.node, names, None) for point in profile.file.point if point.opcua)
            gates.setdefault(connection.id, WriteGate()).allow(part.id, profile, names)
        except (NodeIdError, ProfileError) as error:
            yield path, str(error)
            continue
        first = owner.setdefault((connection.id, nodes), part.id)
        if first != part.id:
            yield path, f"name the very nodes of {first!r} on {connection.id!r}: give it others"


def _speaks(profile: Profile) -> bool:
    return any(point.opcua is not None for point in profile.file.point)


def _names(profile: Profile, names: Mapping[str, str]) -> Iterator[str]:
    wanted = names_of(profile.file)
    for name in sorted(wanted - names.keys()):
        yield f"{name!r} is missing: {profile.id} needs it to find its nodes"
    for name in sorted(names.keys() - wanted):
        yield f"{name!r} means nothing to {profile.id}: remove it"
