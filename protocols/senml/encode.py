"""Records to a SenML pack in JSON (RFC 8428 section 5)."""

from collections.abc import Sequence

import msgspec

from protocols.senml.record import Record

_JSON = msgspec.json.Encoder()


def encode_json(records: Sequence[Record]) -> bytes:
    """The pack of these records, as they stand; unset fields are left out."""
    return _JSON.encode(records)
