"""Node ids as OPC UA Part 6 (5.3.1.10) writes them, with names in braces that a device fills.

ns=2;s=Station.H2_1            namespace by its number at the server
nsu=urn:maker:plc;s=H2_1       namespace by its URI: its number may change when the server is set up anew
nsu={maker};s={station}.H2_1   filled from the device's ``opcua.values``
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from protocols.errors import ProtocolError

Identifier: TypeAlias = int | str | bytes | uuid.UUID

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NODE = re.compile(r"(?:ns=(?P<number>\d{1,5});|nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<id>.+)", re.DOTALL)
_MOST_NAMESPACE = 2**16 - 1
_MOST_NUMBER = 2**32 - 1
_LONGEST = 4096
"""Characters of a string identifier (Part 3, 8.2.4)."""


class NodeIdError(ProtocolError):
    """A text that is no node id, or names a namespace that the server does not have."""


class NodeKey(NamedTuple):
    """One node of a server: equal when two texts mean the same node. ``namespace``: number, or URI until it is
    known; ``kind``: ``i``, ``s``, ``g`` or ``b``."""

    namespace: int | str
    kind: str
    identifier: Identifier


def names_in(template: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(_NAME.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with every name replaced. Raises `NodeIdError` naming the first one without a value."""

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in values:
            raise NodeIdError(f"{template!r} needs a value for {{{name}}}: add it to the device's opcua.values")
        return values[name]

    return _NAME.sub(value_of, template)


def parse(text: str) -> NodeKey:
    """The node that a filled template means. Raises `NodeIdError`."""
    found = _NODE.fullmatch(text)
    if found is None:
        raise NodeIdError(
            f"{text[:80]!r} is no node id: write [ns=NUMBER; or nsu=URI;] and i=, s=, g= or b= (Part 6, 5.3.1.10)"
        )
    namespace: int | str = found["uri"] or int(found["number"] or 0)
    if isinstance(namespace, int) and namespace > _MOST_NAMESPACE:
        raise NodeIdError(f"{text[:80]!r}: a namespace has a number of 0 to {_MOST_NAMESPACE}")
    return NodeKey(namespace, found["kind"], _IDENTIFIERS[found["kind"]](text, found["id"]))


def resolve(key: NodeKey, namespaces: Sequence[str]) -> NodeKey:
    """The same with the namespace's number at this server. Raises `NodeIdError` where it has no such namespace.

    ``namespaces``: the server's NamespaceArray, in its order.
    """
    if isinstance(key.namespace, int):
        return key
    if key.namespace not in namespaces:
        had = ", ".join(one[:60] for one in namespaces[:8])
        raise NodeIdError(f"the server has no namespace {key.namespace!r}; it has {had}")
    return key._replace(namespace=namespaces.index(key.namespace))


def _number(text: str, digits: str) -> Identifier:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= _MOST_NUMBER):
        raise NodeIdError(f"{text[:80]!r}: after i= stands a whole number of 0 to {_MOST_NUMBER}")
    return int(digits)


def _string(text: str, name: str) -> Identifier:
    if len(name) > _LONGEST:
        raise NodeIdError(f"{text[:80]!r}...: a string identifier has at most {_LONGEST} characters")
    return name


def _guid(text: str, digits: str) -> Identifier:
    try:
        return uuid.UUID(digits)
    except ValueError:
        raise NodeIdError(f"{text[:80]!r}: after g= stands a GUID, 8-4-4-4-12 hex digits") from None


def _opaque(text: str, letters: str) -> Identifier:
    try:
        return base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        raise NodeIdError(f"{text[:80]!r}: after b= stands base64") from None


_IDENTIFIERS = {"i": _number, "s": _string, "g": _guid, "b": _opaque}
