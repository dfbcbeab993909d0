"""Parts of a profile for devices that an OPC UA server speaks for."""

from typing import Annotated, Literal

from pydantic import Field

from protocols.document import Strict

NodeId = Annotated[str, Field(pattern=r"^(ns=\d{1,5};|nsu=[^;\s]{1,200};)?[isgb]=.{1,400}$")]
"""As OPC UA Part 6 (5.3.1.10) writes it; ``{name}`` is filled from the device's ``opcua.values``. The number of a
namespace may change when a server is set up anew, its URI (``nsu=``) does not."""


class OpcUaPart(Strict):
    """The node whose value a point is: value = number * ``scale`` + ``offset``.

    ``bit``: bit number (0 is the lowest) for a flag inside a whole number; ``words``: text (or ``true`` and ``false``)
    -> code of an enumeration or flag.
    """

    node: NodeId
    scale: float = 1.0
    offset: float = 0.0
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    words: dict[str, int] = Field(default_factory=dict)


class OpcUaWritePart(Strict):
    """A command over OPC UA: ``value`` written to ``node`` as ``type``."""

    node: NodeId
    type: Literal["Boolean", "Int16", "UInt16", "Int32", "UInt32", "Float", "Double"]
    value: float


class OpcUaSamplePart(Strict):
    """What a server says of one point, in a golden part: ``value`` as the server has it, ``status`` its code."""

    point: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    value: bool | int | float | str | None = None
    status: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
