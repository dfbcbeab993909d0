"""Resolved records (RFC 8428 section 4.6): each with its full name, absolute time and summed value."""

import base64
import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from protocols.errors import DecodeError
from protocols.senml.record import MAX_TIME_NS, NANOSECONDS, VERSION, Record, nanoseconds

RELATIVE_BELOW = 2**28 * NANOSECONDS
"""Times below 2**28 s are relative to now (RFC 8428 section 4.5.3)."""

_NAME = re.compile(r"[A-Za-z0-9/][A-Za-z0-9:./_-]*")

RecordValue: TypeAlias = float | str | bool | bytes | None


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One value of a pack. ``number`` counts records from 1; ``at``: UTC ns; ``unit``: SenML name or empty;
    ``value``: by its Python type a number, text, boolean or data, ``None`` where only ``total`` (the sum) was sent.
    """

    number: int
    name: str
    at: int
    value: RecordValue
    unit: str = ""
    total: float | None = None


class _Base:
    """The base fields in force."""

    __slots__ = ("name", "time", "total", "unit", "value", "version")

    def __init__(self) -> None:
        self.name = ""
        self.time = 0
        self.unit = ""
        self.value = 0.0
        self.total: float | None = None
        self.version = VERSION

    def update(self, record: Record, number: int) -> bool:
        """Take in the base fields of a record; whether there were any."""
        before = (UNSET,) * 6
        given = (record.bn, record.bt, record.bu, record.bv, record.bs, record.bver)
        if given == before:
            return False
        if record.bn is not UNSET:
            self.name = record.bn
        if record.bt is not UNSET:
            self.time = nanoseconds(record.bt, number, "bt")
        if record.bu is not UNSET:
            self.unit = record.bu
        if record.bv is not UNSET:
            self.value = record.bv
        if record.bs is not UNSET:
            self.total = record.bs
        if record.bver is not UNSET:
            self._check_version(record.bver, number)
        return True

    def _check_version(self, version: int, number: int) -> None:
        if version > VERSION or version < 1:
            raise DecodeError("version", f"record {number}: SenML version {version}; up to {VERSION} is understood")
        if number > 1 and version != self.version:
            raise DecodeError("version", f"record {number}: version {version} in a pack of version {self.version}")
        self.version = version


def resolve(records: Sequence[Record], now: int) -> list[Resolved]:
    """Resolve the records of one pack; ``now`` (UTC ns) is what relative times count from.

    Records with base fields only are left out. A leading ``/`` in names is allowed (OMA LwM2M writes them so).
    Raises `DecodeError` naming the record.
    """
    base = _Base()
    resolved = []
    for number, record in enumerate(records, 1):
        has_base = base.update(record, number)
        value = _value(record, number, base.value)
        if value is None and record.s is UNSET:
            if has_base:
                continue
            raise DecodeError("value", f"record {number}: it has neither a value (v, vs, vb, vd) nor a sum (s)")
        resolved.append(
            Resolved(
                number,
                _name(base.name, record, number),
                _at(base.time, record, number, now),
                value,
                base.unit if record.u is UNSET else record.u,
                _total(base.total, record),
            )
        )
    return resolved


def _value(record: Record, number: int, base: float) -> RecordValue:
    number_given = record.v is not UNSET
    if record.vs is UNSET and record.vb is UNSET and record.vd is UNSET:
        return record.v + base if record.v is not UNSET else None
    if number_given + (record.vs is not UNSET) + (record.vb is not UNSET) + (record.vd is not UNSET) > 1:
        raise DecodeError("value", f"record {number}: more than one of v, vs, vb and vd")
    if record.vb is not UNSET:
        return record.vb
    return record.vs if record.vs is not UNSET else _data(record, number)


def _data(record: Record, number: int) -> bytes:
    text = "" if record.vd is UNSET else record.vd
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise DecodeError("value", f"record {number}: vd is no base64url text without padding") from None


def _name(base: str, record: Record, number: int) -> str:
    name = base if record.n is UNSET else base + record.n
    if _NAME.fullmatch(name) is None:
        raise DecodeError(
            "name",
            f"record {number}: name {name[:80]!r} must be of A-Z a-z 0-9 - : . / _ and begin with a letter or digit",
        )
    return name


def _at(base: int, record: Record, number: int, now: int) -> int:
    time = base if record.t is UNSET else base + nanoseconds(record.t, number, "t")
    if time < RELATIVE_BELOW:
        time += now
    if not -MAX_TIME_NS <= time <= MAX_TIME_NS:
        raise DecodeError("time", f"record {number}: its time is beyond the year 2262")
    if record.ut is not UNSET:
        nanoseconds(record.ut, number, "ut")
    return time


def _total(base: float | None, record: Record) -> float | None:
    if record.s is UNSET:
        return base
    return record.s if base is None else base + record.s
