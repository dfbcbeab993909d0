"""The nodes of an OPC UA server with their types and values, as somebody needs them who writes a profile."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from gateway.transports.opcua.session import Session
from protocols.opcua.values import UNREADABLE
from protocols.profile.node_ids import NodeKey

OBJECTS = "i=85"
"""The folder under which a server shows what it is about (Part 5, 8.2.4)."""
SERVER = "i=2253"
"""What a server says of itself: hundreds of nodes that no profile needs."""
DEEPEST = 20
_WRITABLE = 2
"""Bit of the access level (Part 3, 8.57)."""


class Row(NamedTuple):
    """One node. ``node``: as a profile names it; ``short``: with the namespace's number; ``type``: of a variable, else
    what the node is. ``value``: as the server sends it; ``status``: its status code."""

    depth: int
    node: str
    short: str
    name: str
    type: str
    value: object = None
    status: int = 0
    writable: bool = False


async def browse(session: Session, start: NodeKey, most: int) -> AsyncIterator[Row]:
    """Every node below ``start`` once, each with those below it, at most ``most``. Raises `TransportError`."""
    seen: set[str] = set()
    stack: list[tuple[int, Any]] = [(0, one) for one in reversed(await session.browse(start))]
    while stack and len(seen) < most:
        depth, reference = stack.pop()
        node = reference.NodeId
        key = key_of(node)
        text = written(key, ())
        if text in seen or text == SERVER:
            continue
        seen.add(text)
        yield await _row(session, depth, reference, key)
        if depth < DEEPEST:
            stack += [(depth + 1, one) for one in reversed(await session.browse(key))]


async def _row(session: Session, depth: int, reference: Any, key: NodeKey) -> Row:
    long, short = written(key, session.namespaces), written(key, ())
    name, kind = str(reference.BrowseName.Name), ua.NodeClass(reference.NodeClass_)
    if kind is not ua.NodeClass.Variable:
        return Row(depth, long, short, name, kind.name.lower())
    (value,) = await session.read([key])
    of_type, access = await session.attributes(key, (ua.AttributeIds.DataType, ua.AttributeIds.AccessLevel))
    writable = isinstance(access, int) and bool(access & _WRITABLE)
    held = "(of a type unknown here)" if value.value is UNREADABLE else value.value
    return Row(depth, long, short, name, _type(of_type), held, value.status, writable)


def _type(data_type: object) -> str:
    if not isinstance(data_type, ua.NodeId):
        return "?"
    named = ua.ObjectIdNames.get(data_type.Identifier) if data_type.NamespaceIndex == 0 else None
    return str(named or data_type.to_string())


def key_of(node: Any) -> NodeKey:
    """Of a node id as asyncua has it."""
    kinds = {int: "i", str: "s", bytes: "b"}
    identifier = node.Identifier
    kind = next((letter for held, letter in kinds.items() if isinstance(identifier, held)), "g")
    return NodeKey(int(node.NamespaceIndex), kind, identifier)


def written(key: NodeKey, namespaces: Sequence[str]) -> str:
    """As Part 6 writes it: with the namespace's URI where it is among ``namespaces``, else its number."""
    held = key.identifier
    identifier = b64encode(held).decode() if isinstance(held, bytes) else str(held)
    if key.namespace == 0:
        return f"{key.kind}={identifier}"
    if isinstance(key.namespace, int) and key.namespace < len(namespaces):
        return f"nsu={namespaces[key.namespace]};{key.kind}={identifier}"
    return f"ns={key.namespace};{key.kind}={identifier}"
