"""What makes a process a demo: a banner over its pages, what stands in its field, and what people can do to it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from device_registry.devices import Site
from gengfu.supervisor import Supervisor

if TYPE_CHECKING:  # the console is loaded when the gateway takes data
    from console.services import Demo


class Field(NamedTuple):
    """Where the devices of a demo stand. ``coap_ports``: by connection id; nothing listens there yet."""

    folder: Path
    site: Site
    coap_ports: Mapping[str, int]
    supervisor: Supervisor


def _nothing(_field: Field) -> None:
    """Of a process whose devices stand elsewhere."""


class Staging(NamedTuple):
    """What makes a process a demo: its banner, what people can do to its boards, and ``begin``, which starts the boards
    before the first of them is asked for anything."""

    banner: Mapping[str, str] | None = None
    demo: "Demo | None" = None
    begin: Callable[[Field], None] = _nothing


NO_STAGING = Staging()
