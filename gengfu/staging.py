"""What makes a process a demo: a banner over its pages, and what people can do to its boards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the console is loaded when the gateway takes data
    from console.services import Demo


class Staging(NamedTuple):
    """What makes a process a demo: its banner, and what people can do to its boards."""

    banner: Mapping[str, str] | None = None
    demo: "Demo | None" = None


NO_STAGING = Staging()
