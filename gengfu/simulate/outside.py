"""What of a simulated site leads beyond this machine: nothing may (safety rules S4 and S22).

A virtual fleet that reached a gateway in service would raise real alarms and could hide real ones. So a simulation
speaks to loopback addresses and to pseudo terminals of its own, and only for a document that says ``simulated``.
"""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from device_registry.connections import Connection
from device_registry.devices import Site
from gengfu.errors import InputError

DEVICES = "/dev/"


def refuse_outside(site: Site) -> None:
    """Raises `InputError` naming everything in the document that makes it unfit for a simulation."""
    problems = list(_problems(site))
    if problems:
        raise InputError("\n" + "\n".join(problems))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine and nobody else can reach it there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _problems(site: Site) -> Iterator[str]:
    if not site.simulated:
        yield (
            "site.simulated: is not set: a gateway with this document would take the fleet for real devices; "
            "add simulated = true, to a document that no gateway in service has"
        )
    for part in site.connections.values():
        host, port = _host(part), getattr(part, "port", None)
        if host is not None and not is_loopback(host):
            yield f"connection[{part.id}]: {host} is not this machine: a simulation speaks to 127.0.0.1 or ::1 only"
        if isinstance(port, str) and port.startswith(DEVICES):
            yield f"connection[{part.id}].port: {port} may be a real line: give a path outside {DEVICES}"


def _host(part: Connection) -> str | None:
    match part.transport:
        case "coap":
            return part.listen.rpartition(":")[0]
        case "opcua":
            return urlsplit(part.url).hostname or ""
        case "modbus-tcp" | "modbus-rtu-tcp" | "mqtt":
            return part.host
    return None
