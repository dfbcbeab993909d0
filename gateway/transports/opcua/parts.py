"""What an OPC UA connection is made of, without asyncua, which takes seconds to import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from protocols.opcua.values import Sample
from protocols.opcua.writes import Write
from protocols.profile.model import Profile
from protocols.profile.node_ids import NodeKey

_QUEUES = (10, 100)
"""Shortest and longest queue of a point that a server is asked for."""


class Changes(Protocol):
    """See `gateway.transports.opcua.session.Changes`."""

    @property
    def samples(self) -> list[tuple[int, Sample]]:
        """(handle, sample) in the server's order."""

    @property
    def gap(self) -> bool:
        """Whether something before them never came, and cannot be had any more."""

    @property
    def republished(self) -> int:
        """Messages among them that never came and were had for the asking."""


class Session(Protocol):
    """See `gateway.transports.opcua.session.Session`. Everything raises `TransportError`."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The server's."""

    async def subscribe(self, publishing_s: float) -> None:
        """Ask to be told."""

    async def watch(self, nodes: Mapping[int, NodeKey], sampling_s: float, queue: int) -> dict[int, int]:
        """Of these nodes, by handle; returns what was refused."""

    async def changes(self) -> Changes:
        """What changed, or that the server lives."""

    async def read(self, nodes: Sequence[NodeKey]) -> list[Sample]:
        """How they stand now."""

    async def write(self, write: Write) -> int:
        """The server's status code."""

    async def close(self) -> None:
        """Let go."""


class Access(NamedTuple):
    """How to get in. Without ``certificate`` nothing is signed or encrypted. Files are read at each sign-in.
    ``channel_s``: how long keys are used before new ones are agreed on."""

    url: str
    timeout_s: float
    certificate: Path | None = None
    key: Path | None = None
    server_certificate: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    user_certificate: Path | None = None
    user_key: Path | None = None
    channel_s: float = 3600.0


class OpcUaDevice(NamedTuple):
    """``names``: what fills the braces of the profile's nodes."""

    id: str
    profile: Profile
    names: Mapping[str, str]
    period_s: float


class Pace(NamedTuple):
    """Seconds: how often the server tells, and how often it looks for itself."""

    publishing_s: float
    sampling_s: float

    @property
    def queue(self) -> int:
        """Values of a point that the server keeps between two publishes, twice as many as it samples in one."""
        shortest, longest = _QUEUES
        wanted = 2 * self.publishing_s / self.sampling_s if self.sampling_s else longest
        return int(min(max(shortest, wanted), longest))
