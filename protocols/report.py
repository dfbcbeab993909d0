"""Report: what a person smelled, saw or was told of at an area of the site, entered by a named person.

It stands until a person withdraws it with a reason. Those that stand, and the last `KEPT` that do not, are kept beside
the journal (`STATE` + the id); that one was entered, and that it was withdrawn, stands in the journal as entries of
kind `KIND`.
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

from protocols.reading import Origin

KIND = "report"
STATE = "report/"
What: TypeAlias = Literal["works-damage", "odour", "fire-seen"]
"""``works-damage``: works hit a gas pipe. ``odour``: it smells of gas. ``fire-seen``: flame or smoke."""
WHATS: tuple[What, ...] = get_args(What)
KEPT = 200
LONGEST_TEXT = 500
LONGEST_PHONE = 32
OLDEST_S = 7 * 86400.0
"""How long before it was entered a thing may have been noticed. Proposed by this project."""


class Report(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One report. ``id``: of its area and its request. ``what``: one of `WHATS`, a text so that one of a later release
    can be read. ``origin``: given by the gateway, or by who leads a drill (S4). ``at``: when it was entered;
    ``noticed_at``: when it was noticed; ``withdrawn_at``: 0 while it stands; all UTC ns. ``phone``: of the caller,
    where one was given."""

    id: str
    what: str
    area: str
    origin: Origin
    text: str
    who: str
    at: int
    noticed_at: int
    phone: str = ""
    withdrawn_at: int = 0
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def stands(self) -> bool:
        """Whether nobody has withdrawn it."""
        return not self.withdrawn_at


class Told(NamedTuple):
    """What a request to enter one names."""

    area: str
    what: What


def report_id(area: str, request: str) -> str:
    """The id of the report that a request enters."""
    return f"{area}~{request}"


def report_target(area: str, what: str) -> str:
    """How a request names what is reported: ``area~what``."""
    return f"{area}~{what}"


def told_of(target: str) -> Told | None:
    """Reverse of `report_target`; ``None`` for any other text."""
    area, _, said = target.partition("~")
    what = next((one for one in WHATS if one == said), None)
    return Told(area, what) if area and what is not None else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Report)


def encode_report(report: Report) -> bytes:
    """Body of a journal entry or of a state key: a msgpack array, schema number first."""
    return _encoder.encode(report)


def decode_report(body: bytes) -> Report:
    """Reverse of `encode_report`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
