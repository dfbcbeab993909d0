"""How values, units, qualities and times are written for browsers and scripts."""

import math
import re
import time
from datetime import UTC, datetime

from console.errors import BadParameter
from protocols.quality import Quality
from protocols.reading import Value

SECOND_NS = 1_000_000_000

# UCUM case-sensitive codes whose written form differs from the code; every other code is shown as it is.
_UNIT_TEXT = {
    "1": "",
    "%{LEL}": "%LEL",
    "%{vol}": "vol%",
    "[ppm]": "ppm",
    "Cel": "°C",
    "deg": "°",
    "By": "B",
    "m3": "m³",
    "m3/h": "m³/h",
}

_STEP_NS = {"ms": 10**6, "s": SECOND_NS, "m": 60 * SECOND_NS, "h": 3600 * SECOND_NS, "d": 86400 * SECOND_NS}
_STEP = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_NS = 2**63  # the end of 64-bit nanoseconds, in 2262
_QUALITY_TEXT = {int(one): f"{one.severity}:{one.reason}" if one else "good" for one in Quality}


def unit_text(code: str) -> str:
    """The written form of a UCUM code: ``%LEL`` for ``%{LEL}``; empty for the unit one."""
    return _UNIT_TEXT.get(code, code)


def quality_text(code: int) -> str:
    """``good``, ``bad:sensor-fault`` ...; a code this release does not know keeps its severity (``bad:other``)."""
    known = _QUALITY_TEXT.get(code)
    if known is not None:
        return known
    return "uncertain:other" if 0x40 <= code < 0x80 else "bad:other"


def finite(value: Value) -> Value:
    """The value as JSON can carry it: not-a-number and infinities have no JSON form and become ``None``."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def iso(at: int) -> str:
    """UTC ns as RFC 3339 with milliseconds and ``Z``; further digits are cut, not rounded."""
    seconds, rest = divmod(at, SECOND_NS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"


def parse_step(where: str, text: str) -> int:
    """A duration (``500ms``, ``10s``, ``1m``, ``1h``, ``1d``) in ns, greater than zero. Raises `BadParameter`."""
    match = _STEP.fullmatch(text)
    length = int(match[1]) * _STEP_NS[match[2]] if match else 0
    if length <= 0:
        raise BadParameter(
            where, f"{text!r} is not a duration such as 10s, 1m, 1h or 1d", f"{text!r} 不是时长,例如 10s、1m、1h、1d"
        )
    return length


def parse_time(where: str, text: str, now: int) -> int:
    """RFC 3339 with a time zone, ``now``, or a time before now (``-1h``), as UTC ns. Raises `BadParameter`."""
    at: int | None
    if text == "now":
        at = now
    elif text.startswith("-"):
        at = now - parse_step(where, text[1:])
    else:
        at = _stamp_ns(text)
    if at is None or not 0 <= at < _END_NS:
        raise BadParameter(
            where,
            f"{text!r} is neither RFC 3339 with a time zone (2026-11-20T08:00:00Z) nor relative (-1h)",
            f"{text!r} 既不是带时区的 RFC 3339 时间(2026-11-20T08:00:00Z),也不是相对时间(-1h)",
        )
    return at


def _stamp_ns(text: str) -> int | None:
    # An unescaped «+» of a zone arrives as a space; only one reading of that is possible.
    match = _STAMP.fullmatch(text.replace(" ", "+").upper())
    if match is None:
        return None
    try:
        whole = datetime.fromisoformat(match[1] + match[3]) - _EPOCH
    except ValueError:
        return None
    return (whole.days * 86400 + whole.seconds) * SECOND_NS + int((match[2] or "").ljust(9, "0"))
