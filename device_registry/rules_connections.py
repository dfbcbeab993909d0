"""What the shape of a connection cannot say: two of them at one place, files that belong together."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from device_registry.connections import (
    CoapConnection,
    Connection,
    HttpConnection,
    ModbusRtuTcpConnection,
    ModbusTcpConnection,
    MqttConnection,
    OpcUaConnection,
    SerialPart,
)
from device_registry.problem import Problem


def check_connections(connections: Iterable[Connection]) -> Iterator[Problem]:
    """Everything that is wrong with the connections of a document."""
    owner: dict[tuple[str, ...], str] = {}
    for part in connections:
        yield from _alone(part)
        key, place = _place(part)
        first = owner.setdefault(place, part.id)
        if place and first != part.id:
            yield f"connection[{part.id}].{key}", f"{place[1]!r} is taken by connection {first!r}: use that one"


def _place(part: Connection) -> tuple[str, tuple[str, ...]]:
    """What two connections cannot share, for they would take each other's bytes: (key, place)."""
    match part:
        case CoapConnection():
            return "listen", ("listen", part.listen)
        case HttpConnection():
            return "transport", ("transport", "http")
        case SerialPart():
            return "port", ("port", part.port)
        case ModbusTcpConnection() | ModbusRtuTcpConnection():
            return "host", ("host", part.host, str(part.port))
        case MqttConnection():
            return "client_id", ("client_id", part.client_id or part.id, part.host, str(part.port))
        case OpcUaConnection():
            return "url", ("url", part.url)


def _alone(part: Connection) -> Iterator[Problem]:
    path = f"connection[{part.id}]"
    match part:
        case CoapConnection() if not _is_host_port(part.listen):
            yield f"{path}.listen", f"{part.listen!r} must be host:port, such as '0.0.0.0:5683'"
        case MqttConnection():
            yield from _mqtt(path, part)
        case OpcUaConnection():
            yield from _opcua(path, part)


def _is_host_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535


def _mqtt(path: str, part: MqttConnection) -> Iterator[Problem]:
    yield from _together(path, part, "certificate_file", "key_file")
    yield from _with_user(path, part)
    for key in ("ca_file", "certificate_file"):
        if getattr(part, key) is not None and not part.tls:
            yield f"{path}.{key}", "means nothing without tls: add tls = true, or remove it"


def _is_url(text: str) -> bool:
    """Whether a host can be asked there; a user does not belong into what is shown in logs."""
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _opcua(path: str, part: OpcUaConnection) -> Iterator[Problem]:
    if not _is_url(part.url):
        yield f"{path}.url", "must be opc.tcp://host:port/path, without a user: give username and password_file"
    yield from _with_user(path, part)
    yield from _together(path, part, "user_certificate_file", "user_key_file")
    if part.username is not None and part.user_certificate_file is not None:
        yield f"{path}.username", "one user signs in: remove it, or user_certificate_file and user_key_file"
    if part.username is not None and part.security == "none":
        yield f"{path}.username", "its password would go over the network readable: use security 'Basic256Sha256'"
    for key in ("certificate_file", "key_file", "server_certificate_file"):
        given = getattr(part, key) is not None
        if given and part.security == "none":
            yield f"{path}.{key}", "means nothing with security 'none': remove it"
        if not given and part.security != "none":
            yield f"{path}.{key}", f"is missing: security {part.security!r} needs it"


def _with_user(path: str, part: MqttConnection | OpcUaConnection) -> Iterator[Problem]:
    yield from _together(path, part, "username", "password_file")


def _together(path: str, part: MqttConnection | OpcUaConnection, one: str, other: str) -> Iterator[Problem]:
    for given, missing in ((one, other), (other, one)):
        if getattr(part, given) is not None and getattr(part, missing) is None:
            yield f"{path}.{missing}", f"is missing: {given} needs it"
