"""What finds one device on its connection, and what proves that it is the one, where a unit number does not do."""

from typing import Annotated

from pydantic import Field

from protocols.document import Strict

Topic = Annotated[str, Field(pattern=r"^[^+#\x00/][^+#\x00]{0,255}$")]
Octets = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]
"""Bytes as lower-case hex."""
OscoreId = Annotated[str, Field(pattern=r"^([0-9a-f]{2}){0,7}$")]
"""Up to 7 bytes: more do not fit into the nonce of AES-CCM-16-64-128 (RFC 8613, 3.3)."""


class MqttAddress(Strict):
    """Where the device publishes (``up``) and listens (``down``): ``gengfu/DEVICE/up`` and ``gengfu/DEVICE/down`` where
    these are absent. ``sparkplug``: ``GROUP/EDGE_NODE/DEVICE`` or ``GROUP/EDGE_NODE`` of a Sparkplug B device."""

    up: Topic | None = None
    down: Topic | None = None
    sparkplug: Annotated[str, Field(pattern=r"^[^/+#]+/[^/+#]+(/[^/+#]+)?$")] | None = None


class OpcUaAddress(Strict):
    """``values``: what the profile's node ids name in braces (``ns=2;s={station}.H2`` with ``station``)."""

    values: dict[str, str]


class HttpAddress(Strict):
    """How an HTTP device proves that it is the one. ``token_sha256``: SHA-256 of its token, lower-case hex; only the
    device has the token (``gengfu device credential`` makes both)."""

    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CoapAddress(Strict):
    """Where a CoAP device listens (``at``: host:port; else where it was last heard), and the resources of it that are
    observed (``observe``: paths without a leading slash; RFC 7641)."""

    at: Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}$")] | None = None
    observe: tuple[Annotated[str, Field(pattern=r"^[^/?#\s][^?#\s]{0,127}$")], ...] = ()


class OscorePart(Strict):
    """The device's OSCORE context (RFC 8613, 3.2). ``recipient_id`` is the device's own id, ``sender_id`` ours. The
    file holds the master secret as hex (16 bytes or more); nobody but the gateway's user may read it."""

    sender_id: OscoreId
    recipient_id: OscoreId
    master_secret_file: Annotated[str, Field(min_length=1)]
    master_salt: Octets = ""
    id_context: Octets | None = None
