"""A SenML record as it stands in a pack (RFC 8428 section 4), before base values are applied."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException

import msgspec
from msgspec import UNSET, Raw, UnsetType

from protocols.errors import DecodeError

VERSION = 10
"""The version of RFC 8428 (section 4.4), and the default of a pack that names none."""

NANOSECONDS = 1_000_000_000
MAX_TIME_NS = 2**63 - 1
"""Times beyond 64-bit nanoseconds (the year 2262) are refused."""

_MAX_TIME_DIGITS = 40
_DIGITS_OF_INT = 18
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_BILLION = Decimal(NANOSECONDS)
_LIMIT_S = Decimal(MAX_TIME_NS) / _BILLION


class Record(msgspec.Struct, omit_defaults=True, gc=False):
    """One record; every field may be unset. Field names are the labels of RFC 8428 tables 1 and 2.

    Times (``bt``, ``t``, ``ut``) are kept as the decimal text they were sent as, so that no nanosecond is lost to
    a double. ``vd`` is base64url text, in CBOR too. Unknown fields are dropped.
    """

    bn: str | UnsetType = UNSET
    bt: Raw | UnsetType = UNSET
    bu: str | UnsetType = UNSET
    bv: float | UnsetType = UNSET
    bs: float | UnsetType = UNSET
    bver: int | UnsetType = UNSET
    n: str | UnsetType = UNSET
    u: str | UnsetType = UNSET
    v: float | UnsetType = UNSET
    vs: str | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    vd: str | UnsetType = UNSET
    s: float | UnsetType = UNSET
    t: Raw | UnsetType = UNSET
    ut: Raw | UnsetType = UNSET


def nanoseconds(text: Raw, number: int, label: str) -> int:
    """Seconds in decimal text as whole nanoseconds, exactly; beyond nine decimals rounded half to even.

    ``number`` and ``label`` say in the error which field of which record it was. Raises `DecodeError` (``type`` for
    something that is no number, ``time`` for one that is no instant).
    """
    digits = bytes(text)
    if len(digits) <= _DIGITS_OF_INT and digits.isdigit():
        seconds = int(digits)
        if seconds <= MAX_TIME_NS // NANOSECONDS:
            return seconds * NANOSECONDS
    if digits[:1] not in b"-0123456789":
        raise DecodeError("type", f"record {number}: {label} must be a number of seconds, not {_shown(digits)}")
    if len(digits) > _MAX_TIME_DIGITS:
        raise DecodeError("time", f"record {number}: {label} has more than {_MAX_TIME_DIGITS} characters")
    try:
        exact = Decimal(digits.decode("ascii"))
    except (DecimalException, UnicodeDecodeError):
        raise DecodeError("time", f"record {number}: {label} is no time: {_shown(digits)}") from None
    if not -_LIMIT_S <= exact <= _LIMIT_S:
        raise DecodeError("time", f"record {number}: {label} is beyond the year 2262: {_shown(digits)}")
    return int(_CONTEXT.to_integral_exact(_CONTEXT.multiply(exact, _BILLION))) if exact else 0


def seconds_text(at: int) -> Raw:
    """Nanoseconds as the shortest exact decimal text in seconds; the reverse of `nanoseconds`."""
    whole, rest = divmod(abs(at), NANOSECONDS)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return Raw(f"-{text}" if at < 0 else text)


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if len(text) <= 32 else f"{text[:32]}..."
