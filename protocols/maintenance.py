"""Maintenance: people work at a device or in an area, and its diagnostic alarms are silent until then (safety rule S8).

Life safety stays armed. The last maintenance of each target is kept beside the journal (`STATE` + its id), and every
begin and end stands in the journal as an entry of kind `KIND`.
"""

from typing import Literal

import msgspec

from protocols.term import Term

KIND = "maintenance"
STATE = "maintenance/"
LONGEST_S = 8 * 3600.0
"""Proposed by this project: a shift."""

Scope = Literal["device", "area"]


class Maintenance(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One maintenance. ``id``: ``target~scope``. ``alarms``: ids of those it suppresses by design. ``ended_at``: UTC
    ns, 0 while it lasts; ``ended_by`` and ``ended_why`` as of `protocols.bump_test.BumpTest`."""

    id: str
    target: str
    scope: Scope
    term: Term
    who: str
    why: str
    alarms: tuple[str, ...] = ()
    ended_at: int = 0
    ended_by: str = ""
    ended_why: str = ""

    @property
    def is_running(self) -> bool:
        """Whether its alarms are silent."""
        return not self.ended_at


def maintenance_id(target: str, scope: Scope) -> str:
    """The id the API addresses."""
    return f"{target}~{scope}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Maintenance)


def encode_maintenance(maintenance: Maintenance) -> bytes:
    """Body of a journal entry or of a state key: a msgpack array, schema number first."""
    return _encoder.encode(maintenance)


def decode_maintenance(body: bytes) -> Maintenance:
    """Reverse of `encode_maintenance`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
