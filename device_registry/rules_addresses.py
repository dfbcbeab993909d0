"""How a device is found on its connection: what its transport needs, and no two at one place."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from device_registry.addresses import MqttAddress
from device_registry.connections import Connection
from device_registry.problem import Problem
from device_registry.site import DevicePart
from protocols.profile.model import Profile

_BY_UNIT = frozenset({"modbus-rtu", "modbus-tcp", "modbus-rtu-tcp", "serial-link"})
_OWN = {"http": "http", "mqtt": "mqtt", "opcua": "opcua", "coap": "coap", "oscore": "coap"}
"""Table of a device -> the transport it speaks of."""


def check_address(part: DevicePart, connection: Connection | None, profile: Profile | None) -> Iterator[Problem]:
    """What is wrong with the way to one device."""
    if connection is None:
        return
    path = f"device[{part.id}]"
    if connection.transport not in _BY_UNIT and part.unit is not None:
        yield f"{path}.unit", f"means nothing to a {connection.transport} connection: remove it"
    if connection.transport in _BY_UNIT and part.unit is None:
        yield f"{path}.unit", f"is missing: {connection.transport} finds a device by it (1 to 247)"
    for key, transport in _OWN.items():
        if getattr(part, key) is not None and connection.transport != transport:
            yield f"{path}.{key}", f"means nothing to a {connection.transport} connection: remove it"
    at = part.coap.at if part.coap is not None else None
    if at is not None and not 1 <= int(at.rpartition(":")[2]) <= 65535:
        yield f"{path}.coap.at", f"port {at.rpartition(':')[2]} does not exist: give one from 1 to 65535"
    if part.oscore is not None:
        yield from _protected(f"{path}.oscore", part)
    if part.mqtt is not None:
        yield from _topics(f"{path}.mqtt", part.mqtt)
        yield from _told_elsewhere(f"{path}.mqtt.down", part, profile)
    speaks = _SPEAKS.get(connection.transport.partition("-")[0])
    if profile is not None and speaks is not None and not speaks(profile):
        yield (
            f"{path}.profile",
            f"{part.profile!r} names no {_WHAT[connection.transport.partition('-')[0]]}: choose another connection or "
            "add them to the profile",
        )


def _topics(path: str, part: MqttAddress) -> Iterator[Problem]:
    for key in ("up", "down"):
        topic = getattr(part, key)
        if topic is not None and part.sparkplug is not None:
            yield f"{path}.{key}", "means nothing beside sparkplug: remove it"
        elif topic is not None and topic.startswith("spBv1.0/"):
            yield f"{path}.{key}", "is a topic of Sparkplug B: say sparkplug = 'GROUP/EDGE_NODE/DEVICE'"


def _told_elsewhere(path: str, part: DevicePart, profile: Profile | None) -> Iterator[Problem]:
    """A payload means what its topic makes of it: «start» for a fan must not reach the topic of a valve (S2)."""
    down = part.mqtt.down if part.mqtt is not None else None
    for command in profile.file.command if profile is not None and down is not None else ():
        topic = command.mqtt.topic if command.mqtt is not None else None
        if topic is not None and topic.replace("{device}", part.id) == down:
            yield path, f"is the topic of command {command.name!r} alone: give the device another"


def _protected(path: str, part: DevicePart) -> Iterator[Problem]:
    if part.oscore is not None and part.oscore.sender_id == part.oscore.recipient_id:
        yield f"{path}.sender_id", "must not be the device's own id: give us another"


_WHAT = {"modbus": "Modbus register", "opcua": "OPC UA node"}
_SPEAKS: Mapping[str, Callable[[Profile], bool]] = {
    "modbus": lambda profile: any(point.modbus is not None for point in profile.file.point),
    "opcua": lambda profile: any(point.opcua is not None for point in profile.file.point),
}
"""A device whose profile names nothing of its transport would be asked for nothing, and look alive."""


def check_shared(devices: Iterable[DevicePart], connections: Mapping[str, Connection]) -> Iterator[Problem]:
    """Two devices at one place of a connection."""
    owner: dict[tuple[str, ...], str] = {}
    for part in devices:
        connection = connections.get(part.connection)
        for key, place in _places(part, connection.transport if connection else ""):
            first = owner.setdefault((part.connection, key, place), part.id)
            if first != part.id:
                yield (
                    f"device[{part.id}].{key}",
                    f"{place} is taken by {first!r} on {part.connection!r}: give it another",
                )


def _at_broker(part: DevicePart) -> tuple[str, str]:
    """Where it publishes: two devices there would speak for each other."""
    if part.mqtt is not None and part.mqtt.sparkplug is not None:
        return "mqtt.sparkplug", part.mqtt.sparkplug
    return "mqtt.up", part.mqtt.up if part.mqtt is not None and part.mqtt.up is not None else f"gengfu/{part.id}/up"


def _places(part: DevicePart, transport: str) -> Iterator[tuple[str, str]]:
    if part.unit is not None:
        yield "unit", str(part.unit)
    if transport == "mqtt":
        yield _at_broker(part)
    if part.http is not None:
        yield "http.token_sha256", part.http.token_sha256
    if part.oscore is not None:
        yield "oscore.recipient_id", f"{part.oscore.recipient_id}/{part.oscore.id_context or ''}"
