"""What an evidence file holds, for people and for scripts. The file explains itself: no site is needed."""

import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from alarms.alarm import decode_transition
from console.present import finite, iso, quality_text, unit_text
from gateway.acceptance import READING
from gateway.downlink import ANSWER, REQUEST
from gateway.watch import ALARM, COMMAND, TRIP
from gengfu.errors import InputError, MissingError
from interlocks.record import decode_event as decode_trip
from journal.entry import Entry
from journal.errors import JournalError
from journal.extract import About, Extract, FrameRow
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
from protocols.request import decode_answer, decode_request

Item: TypeAlias = dict[str, Any]
"""One line: ``at_ns`` (UTC), ``kind``, ``text``; of a reading its points besides, of a frame its bytes as hex."""
Points: TypeAlias = Mapping[tuple[str, str], list[list[str]]]
"""Of a device under a profile: name and unit of each value."""

CROWD_NS = 10**9
FILES = "*.sqlite"


def open_file(path: Path) -> Extract:
    """To read. Raises `MissingError` for a file that is not there, `InputError` for one that is no evidence."""
    if not path.is_file():
        raise MissingError(f"{path}: no such file; gengfu evidence list names those of a data folder")
    try:
        extract = Extract.open(path)
    except JournalError as error:
        raise InputError(str(error)) from None
    if extract is None:
        raise InputError(f"{path}: not an evidence file")
    return extract


def summary(path: Path) -> Item:
    """One file in a few words."""
    extract = open_file(path)
    try:
        about, alarms = extract.about, extract.alarms()
    finally:
        extract.close()
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "site": about.site,
        "area": about.area,
        "title": about.title,
        "begin": iso(about.begin),
        "end": iso(about.end),
        "state": "whole" if about.is_closed else "gathering",
        "alarms": [
            {"alarm": one.alarm, "rule": one.rule, "device": one.device, "raised_at": iso(one.raised_at)}
            for one in alarms
        ],
    }


def local(at: int, about: About) -> str:
    """UTC ns on the clock of the site, with its distance from UTC."""
    seconds, rest = divmod(at, 10**9)
    there = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(about.time_zone))
    return f"{there:%Y-%m-%d %H:%M:%S}.{rest // 10**6:03d}{there:%z}"


def items(extract: Extract, *, with_frames: bool) -> Iterator[Item]:
    """Everything in it: notes first, then in the order in which the gateway had it. Raises `JournalError`."""
    yield from ({"at_ns": one.at, "kind": "note", "text": one.text} for one in extract.notes())
    points = {(one.device, one.profile): json.loads(one.points) for one in extract.devices()}
    streams = [
        (_of_entry(one.entry, points) for one in extract.requests()),
        (_of_entry(one.entry, points) for one in extract.entries()),
    ]
    if with_frames:
        streams.append(_of_frame(one) for one in extract.frames())
    yield from heapq.merge(*streams, key=lambda item: item["at_ns"])


def _of_frame(frame: FrameRow) -> Item:
    at, connection, outgoing, peer, size, data = frame
    cut = f" ... ({size} bytes)" if size > len(data) else ""
    arrow = "->" if outgoing else "<-"
    text = f"{connection} {arrow} {peer} {data.hex(' ')}{cut}"
    more = {"connection": connection, "direction": "out" if outgoing else "in", "peer": peer, "size": size}
    return {"at_ns": at, "kind": "frame", "text": " ".join(text.split()), **more, "hex": data.hex()}


def _of_entry(entry: Entry, points: Points) -> Item:
    if entry.kind not in _SHOWN:
        return {"at_ns": entry.at, "kind": entry.kind, "text": entry.body.hex()}
    try:
        return {"at_ns": entry.at, "kind": entry.kind, **_SHOWN[entry.kind](entry, points)}
    except msgspec.DecodeError:
        return {"at_ns": entry.at, "kind": entry.kind, "text": f"of another release: {entry.body.hex()}"}


def _reading(entry: Entry, points: Points) -> Item:
    one = decode_reading(entry.body)
    known = points.get((one.device, one.profile), [])
    names = [*known, *([str(index), ""] for index in range(len(known), len(one.values)))]
    shown = {
        name: {"value": finite(value), "unit": unit, "quality": quality_text(quality)}
        for (name, unit), value, quality in zip(names, one.values, one.quality, strict=False)
        if value is not None or quality
    }
    texts = [_value(name, point) for name, point in shown.items()]
    late = f" (sampled {iso(one.at)})" if abs(one.received_at - one.at) > CROWD_NS else ""
    return {
        "at_ns": one.received_at,
        "text": f"{one.device} {' '.join(texts)}{late}",
        "device": one.device,
        "sampled_at_ns": one.at,
        "origin": one.origin.name.lower(),
        "points": shown,
    }


def _value(name: str, point: Mapping[str, Any]) -> str:
    value = point["value"]
    number = f"{value:g}" if isinstance(value, float | int) else str(value)
    mark = "" if point["quality"] == "good" else f"({point['quality']})"
    return f"{name}={number}{unit_text(point['unit'])}{mark}"


def _alarm(entry: Entry, _points: Points) -> Item:
    one = decode_transition(entry.body)
    value = "" if one.value is None else f" at {one.value:g}"
    who = f" by {one.who}: {one.why}" if one.who else ""
    event = one.event.name.lower().replace("_", "-")
    states = f"{one.before.name} -> {one.after.name}".lower().replace("_", "-")
    text = f"{one.alarm} {event} ({one.priority}){value}, {states}{who}{' (late)' if one.late else ''}"
    return {"text": text, "alarm": one.alarm, "event": event, "device": one.device}


def _trip(entry: Entry, _points: Points) -> Item:
    one = decode_trip(entry.body)
    words = (one.interlock, one.event, one.cause, one.action or one.effect, one.device, one.status, one.who)
    return {"text": " ".join(filter(None, words)), "interlock": one.interlock, "event": one.event}


def _command(entry: Entry, _points: Points) -> Item:
    one = decode_command_event(entry.body)
    words = (one.command.device, one.command.name, one.status, f"for {one.command.cause}", one.detail, one.why)
    return {"text": " ".join(filter(None, words)), "device": one.command.device, "status": one.status}


def _plan(entry: Entry, _points: Points) -> Item:
    one = decode_plan(entry.body)
    words = (one.run, one.event, one.step, one.step_state or one.run_state, one.who, one.why)
    return {"text": " ".join(filter(None, words)), "run": one.run, "event": one.event}


def _request(entry: Entry, _points: Points) -> Item:
    one = decode_request(entry.body)
    words = (one.who, "asks", one.verb, one.target, one.command, one.why)
    return {"text": " ".join(filter(None, words)), "id": one.id, "who": one.who}


def _answer(entry: Entry, _points: Points) -> Item:
    one = decode_answer(entry.body)
    return {"text": f"answer to {one.request}: {one.refusal or 'done'}", "id": one.request}


def _bump_test(entry: Entry, _points: Points) -> Item:
    one = decode_bump_test(entry.body)
    seen = "nothing good yet" if one.highest is None else f"highest {one.highest:g} of {one.limit:g}"
    unit = unit_text(one.unit)
    words = ("bump test", one.id, one.state, seen, unit, f"by {one.who}: {one.why}", one.ended_by, one.ended_why)
    return {"text": " ".join(filter(None, words)), "device": one.device, "point": one.point, "state": one.state}


def _maintenance(entry: Entry, _points: Points) -> Item:
    one = decode_maintenance(entry.body)
    state = "running" if one.is_running else "ended"
    words = ("maintenance", one.id, state, f"by {one.who}: {one.why}", one.ended_by, one.ended_why)
    return {"text": " ".join(filter(None, words)), "target": one.target, "state": state}


def _bypass(entry: Entry, _points: Points) -> Item:
    one = decode_bypass(entry.body)
    who = f"by {one.who} and {one.confirmed_by}" if one.confirmed_by else f"by {one.who}"
    what = f"bypass of {one.interlock} {one.cause} at {', '.join(one.devices)}"
    words = (what, one.state, f"{who}: {one.why}; {one.measure}", one.ended_by, one.ended_why)
    return {"text": " ".join(filter(None, words)), "target": one.id, "state": one.state}


def _proof_test(entry: Entry, _points: Points) -> Item:
    one = decode_proof_test(entry.body)
    took = "" if one.took_s is None else f"in {one.took_s:g} s"
    words = ("proof test", one.id, one.state, took, f"by {one.who}, on site {one.on_site}: {one.why}", one.detail)
    return {"text": " ".join(filter(None, words)), "device": one.device, "point": one.point, "state": one.state}


def _report(entry: Entry, _points: Points) -> Item:
    one = decode_report(entry.body)
    state = "standing" if one.stands else "withdrawn"
    said = f"by {one.who}: {one.text}"
    words = ("report of", one.what, "at", one.area, state, said, one.phone, one.withdrawn_by, one.withdrawn_why)
    return {
        "text": " ".join(filter(None, words)),
        "target": one.id,
        "state": state,
        "origin": one.origin.name.lower(),
        "noticed_at_ns": one.noticed_at,
    }


_SHOWN: Mapping[str, Callable[[Entry, Points], Item]] = {
    READING: _reading,
    ALARM: _alarm,
    TRIP: _trip,
    COMMAND: _command,
    BUMP_TEST: _bump_test,
    MAINTENANCE: _maintenance,
    BYPASS: _bypass,
    PROOF_TEST: _proof_test,
    REPORT: _report,
    PLAN: _plan,
    REQUEST: _request,
    ANSWER: _answer,
}
