"""Times as people and other systems write them, as UTC ns. A time without a zone is meant in a zone that is named."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from telemetry.sink import TIME_MAX

ISO = "iso"
UNIX = {"unix_s": 10**9, "unix_ms": 10**6, "unix_us": 10**3, "unix_ns": 1}
"""Formats that count from 1970, and the ns of their unit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,](?P<rest>[0-9]{1,9}))?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


def zone_named(name: str) -> ZoneInfo:
    """A zone of the tz database. Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write Asia/Shanghai or UTC") from None


def parse(text: str, zone: tzinfo, form: str = ISO) -> int:
    """UTC ns. ``form``: `ISO` (``2026-11-01``, ``2026-11-01 08:00:00.5``, with or without a zone), a key of `UNIX`, or
    a format of `datetime.strptime`. ``zone``: of a time that names none.

    Raises `ValueError` that says what is wrong, also for a time that the clocks of ``zone`` showed twice or never.
    """
    if form in UNIX:
        at = _counted(text, UNIX[form])
    elif form == ISO:
        at = _iso(text, zone)
    else:
        at = _ns(_aware(_in_form(text, form), zone))
    if abs(at) > TIME_MAX:
        raise ValueError("is outside the years 1677 to 2262")
    return at


def _counted(text: str, unit: int) -> int:
    try:
        return int(Decimal(text.strip()) * unit)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError("is no number") from None


def _iso(text: str, zone: tzinfo) -> int:
    match = _ISO.fullmatch(text.strip())
    wrong = ValueError("is no time such as 2026-11-01, 2026-11-01 08:00:00 or 2026-11-01T08:00:00.5+08:00")
    if match is None:
        raise wrong
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['clock'] or '00:00'}{(match['zone'] or '').upper()}")
    except ValueError:
        raise wrong from None
    return _ns(_aware(moment, zone)) + int((match["rest"] or "").ljust(9, "0"))


def _in_form(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - a zone is given to it next
    except ValueError:
        raise ValueError(f"is no time of the form {form}") from None


def _aware(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is not None:
        return moment
    first, second = moment.replace(tzinfo=zone), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise ValueError(f"is a time that the clocks of {zone} showed twice or never; write it with a zone")
    return first


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
