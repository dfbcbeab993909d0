"""What the console is given: everything that `gengfu` wires it to. The console itself opens nothing."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry

from console.accounts import Accounts
from console.events import EventHub
from console.live import LiveView
from protocols.profile.model import Profile
from telemetry.store import Store


class Ingest(Protocol):
    """The pipeline's door for readings that arrive over HTTP."""

    async def __call__(self, body: bytes, content_format: int, peer: str) -> int:
        """Return the number of readings stored when all of them are durable.

        ``content_format``: 110 (SenML JSON) or 112 (SenML CBOR), as in RFC 8428 section 12.3. Raises
        `protocols.errors.DecodeError` (or `UnknownDevice`), `journal.errors.JournalError` (or `JournalFull`).
        """


class TextView(Protocol):
    """A text for people in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class AreaView(Protocol):
    """Where a device stands."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> TextView: ...
    @property
    def kind(self) -> str: ...
    @property
    def address(self) -> str: ...


class DeviceView(Protocol):
    """One registered device; ``connection`` is the id of the connection it speaks over."""

    @property
    def id(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def title(self) -> TextView: ...
    @property
    def area(self) -> AreaView: ...
    @property
    def connection(self) -> str: ...


class SiteView(Protocol):
    """The site and its devices by id."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> TextView: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def devices(self) -> Mapping[str, DeviceView]: ...


@dataclass(frozen=True)
class ConsoleServices:
    """``ready``: check name -> what is wrong, or ``None``; no secrets in it, `/readyz` is public.

    ``stop`` ends the event streams. ``banner``: the DEMO banner as ``{"zh": ..., "en": ...}``. ``metrics_public``:
    whether `/metrics` answers without signing in. ``profiles``: further profiles to show beside those of the
    site's devices. ``clock``: UTC ns. ``ping_s``: how often an idle event stream shows that it lives.
    """

    ingest: Ingest
    site: SiteView
    store: Store
    live: LiveView
    accounts: Accounts
    metrics: CollectorRegistry
    ready: Callable[[], Mapping[str, str | None]]
    stop: asyncio.Event
    banner: Mapping[str, str] | None
    version: str
    clock: Callable[[], int]
    metrics_public: bool = True
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    events: EventHub = field(default_factory=EventHub)
    ping_s: float = 15.0
