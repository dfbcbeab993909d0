"""A device's time stamp in JSON, as UTC nanoseconds.

    number below 10**11             seconds since 1970
    number below 10**14             milliseconds since 1970
    text in digits                  as the number
    text of RFC 3339                as it says; one without an offset from UTC takes the profile's ``utc_offset``

Anything else is `UNREADABLE`: a clock that cannot be read is judged like one that was never set.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from protocols.moment import SECOND

UNREADABLE = 0
"""1970: more than ten years off, so that the gateway's time stands and the quality is uncertain:clock."""

_MILLISECONDS_FROM = 10**11
_BEYOND = 10**14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_NS = 2**63 - 1
_NUMBER = re.compile(r"\d{1,14}(\.\d{1,9})?")
_RFC3339 = re.compile(
    r"(?P<whole>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.(?P<fraction>\d{1,9})\d*)?(?P<offset>Z|[+-]\d\d:\d\d)?",
    re.IGNORECASE,
)


def instant(raw: object, utc_offset: str | None = None) -> int:
    """UTC ns of a stamp, or `UNREADABLE`. ``utc_offset``: ``+08:00`` and so on."""
    if isinstance(raw, bool):
        return UNREADABLE
    if isinstance(raw, int | float):
        raw = repr(raw)
    if not isinstance(raw, str):
        return UNREADABLE
    return _epoch(raw) if _NUMBER.fullmatch(raw) else _calendar(raw, utc_offset)


def _epoch(text: str) -> int:
    number = Decimal(text)
    if number >= _BEYOND:
        return UNREADABLE
    return int(number * (SECOND // 1000 if number >= _MILLISECONDS_FROM else SECOND))


def _calendar(text: str, utc_offset: str | None) -> int:
    found = _RFC3339.fullmatch(text)
    offset = (found["offset"] or utc_offset) if found else None
    if found is None or offset is None:
        return UNREADABLE
    try:
        whole = datetime.fromisoformat(found["whole"] + offset.upper())
    except ValueError:
        return UNREADABLE
    at = (whole - _EPOCH) // timedelta(seconds=1) * SECOND + int((found["fraction"] or "0").ljust(9, "0"))
    return at if 0 <= at <= _MAX_NS else UNREADABLE
