"""Whose an entry of the journal is, and of when: what a freeze goes by."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from alarms.alarm import decode_transition
from gateway.acceptance import READING
from gateway.downlink import ANSWER, REQUEST
from gateway.watch import ALARM, COMMAND, TRIP
from interlocks.record import decode_event as decode_trip
from journal.entry import Entry
from operations.events import KIND as PLAN
from operations.events import decode_event as decode_plan
from protocols.bump_test import KIND as BUMP_TEST
from protocols.bump_test import decode_bump_test
from protocols.bypass import KIND as BYPASS
from protocols.bypass import decode_bypass
from protocols.command import decode_command_event
from protocols.maintenance import KIND as MAINTENANCE
from protocols.maintenance import decode_maintenance
from protocols.proof_test import KIND as PROOF_TEST
from protocols.proof_test import decode_proof_test
from protocols.reading import decode_reading
from protocols.report import KIND as REPORT
from protocols.report import decode_report
from protocols.request import decode_request


class Mark(NamedTuple):
    """``device``, ``area``, ``request``: empty where it has none. ``times``: when it was, UTC ns; any may count."""

    times: tuple[int, ...]
    device: str = ""
    area: str = ""
    request: str = ""


def _of_reading(entry: Entry) -> Mark:
    reading = decode_reading(entry.body)
    return Mark((reading.at, reading.received_at), reading.device)


def _of_trip(entry: Entry) -> Mark:
    trip = decode_trip(entry.body)
    return Mark((entry.at,), trip.device, trip.zone)


def _of_maintenance(entry: Entry) -> Mark:
    one = decode_maintenance(entry.body)
    return Mark((entry.at,), one.target) if one.scope == "device" else Mark((entry.at,), area=one.target)


def _of_report(entry: Entry) -> Mark:
    one = decode_report(entry.body)
    return Mark((entry.at, one.noticed_at), area=one.area)


_MARKS: Mapping[str, Callable[[Entry], Mark]] = {
    READING: _of_reading,
    TRIP: _of_trip,
    ALARM: lambda entry: Mark((entry.at,), decode_transition(entry.body).device),
    COMMAND: lambda entry: Mark((entry.at,), decode_command_event(entry.body).command.device),
    BUMP_TEST: lambda entry: Mark((entry.at,), decode_bump_test(entry.body).device),
    MAINTENANCE: _of_maintenance,
    BYPASS: lambda entry: Mark((entry.at,), area=decode_bypass(entry.body).id),
    PROOF_TEST: lambda entry: Mark((entry.at,), decode_proof_test(entry.body).device),
    REPORT: _of_report,
    PLAN: lambda entry: Mark((entry.at,), area=decode_plan(entry.body).area),
    ANSWER: lambda entry: Mark((entry.at,), request=entry.id),
}


def mark_of(entry: Entry) -> Mark | None:
    """``None`` for a kind that belongs to no device and no area, and for a body of another release."""
    mark = _MARKS.get(entry.kind)
    try:
        return mark(entry) if mark is not None else None
    except msgspec.DecodeError:
        return None


def mark_of_request(entry: Entry) -> Mark | None:
    """Of an entry of the journal in which people ask: its target begins with a device or with an area."""
    if entry.kind != REQUEST:
        return None
    try:
        owner = decode_request(entry.body).target.partition("~")[0]
    except msgspec.DecodeError:
        return None
    return Mark((entry.at,), owner, owner)
