"""Records the bodies of everything that this version of the program stores in its journals:
``python -m tools.journal_bodies`` writes ``tests/vectors/journal/VERSION/KIND.json``.

A journal outlives the program that wrote it, so every version must read what every earlier one recorded. Bytes of a
version that was released are never recorded again: raise the version first.

Exit codes: 0 recorded, or nothing to do; 1 a recording of this version has other bytes (`--again`: it was never
released, record it anew).
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import alarms.alarm
import gengfu
import gengfu.consumer_record
import interlocks.record
import operations.events
import protocols.bump_test
import protocols.bypass
import protocols.command
import protocols.gateway_sign
import protocols.maintenance
import protocols.proof_test
import protocols.reading
import protocols.report
import protocols.request
import telemetry.health
from protocols.command_log import CommandLog
from tools import journal_samples as samples

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "journal"

Decode = Callable[[bytes], Any]


class Kind(NamedTuple):
    """``name``: of the entry's kind, or how its state key begins (with a slash). ``bodies``: by today's encoders."""

    name: str
    bodies: Callable[[], Sequence[bytes]]
    decode: Decode


def _each(make: Callable[[], Sequence[Any]], encode: Callable[[Any], bytes]) -> Callable[[], Sequence[bytes]]:
    return lambda: [encode(one) for one in make()]


def _commands(body: bytes) -> Any:
    log = CommandLog(lambda _device, _name: True)
    log.load("x", body)
    return log.of("x")


KINDS = (
    Kind("reading", _each(samples.readings, protocols.reading.encode_reading), protocols.reading.decode_reading),
    Kind("alarm", _each(samples.transitions, alarms.alarm.encode), alarms.alarm.decode_transition),
    Kind("trip", _each(samples.trips, interlocks.record.encode), interlocks.record.decode_event),
    Kind(
        "command",
        _each(samples.command_events, protocols.command.encode_command_event),
        protocols.command.decode_command_event,
    ),
    Kind(
        "bump-test",
        _each(samples.bump_tests, protocols.bump_test.encode_bump_test),
        protocols.bump_test.decode_bump_test,
    ),
    Kind(
        "maintenance",
        _each(samples.maintenance, protocols.maintenance.encode_maintenance),
        protocols.maintenance.decode_maintenance,
    ),
    Kind(
        "gateway-sign",
        _each(samples.gateway_signs, protocols.gateway_sign.encode_sign),
        protocols.gateway_sign.decode_sign,
    ),
    Kind("bypass", _each(samples.bypasses, protocols.bypass.encode_bypass), protocols.bypass.decode_bypass),
    Kind(
        "proof-test",
        _each(samples.proof_tests, protocols.proof_test.encode),
        protocols.proof_test.decode_proof_test,
    ),
    Kind(
        "proof-plan",
        _each(samples.proof_plans, protocols.proof_test.encode),
        protocols.proof_test.decode_proof_plan,
    ),
    Kind("report", _each(samples.reports, protocols.report.encode_report), protocols.report.decode_report),
    Kind("request", _each(samples.requests, protocols.request.encode), protocols.request.decode_request),
    Kind("answer", _each(samples.answers, protocols.request.encode), protocols.request.decode_answer),
    Kind("plan", _each(samples.plan_events, operations.events.encode_event), operations.events.decode_event),
    Kind("health", _each(samples.health, telemetry.health.encode_health), telemetry.health.decode_health),
    Kind("site", lambda: list(samples.site_bodies()), msgspec.msgpack.decode),  # nobody reads it back but people
    Kind("alarm/", _each(samples.alarm_records, alarms.alarm.encode), alarms.alarm.decode_record),
    Kind("console-alarm/", _each(samples.alarm_records, alarms.alarm.encode), alarms.alarm.decode_record),
    Kind("interlock/", _each(samples.interlock_records, interlocks.record.encode), interlocks.record.decode_record),
    Kind("commands/", lambda: [samples.command_log().dump(samples.GAS)], _commands),
    Kind(
        "bump-test/",
        _each(samples.bump_tests, protocols.bump_test.encode_bump_test),
        protocols.bump_test.decode_bump_test,
    ),
    Kind(
        "maintenance/",
        _each(samples.maintenance, protocols.maintenance.encode_maintenance),
        protocols.maintenance.decode_maintenance,
    ),
    Kind(
        "gateway/sign",
        _each(samples.gateway_signs, protocols.gateway_sign.encode_sign),
        protocols.gateway_sign.decode_sign,
    ),
    Kind("report/", _each(samples.reports, protocols.report.encode_report), protocols.report.decode_report),
    Kind("bypass/", _each(samples.bypasses, protocols.bypass.encode_bypass), protocols.bypass.decode_bypass),
    Kind(
        "proof-test/",
        _each(samples.proof_tests, protocols.proof_test.encode),
        protocols.proof_test.decode_proof_test,
    ),
    Kind(
        "proof-plan/",
        _each(samples.proof_plans, protocols.proof_test.encode),
        protocols.proof_test.decode_proof_plan,
    ),
    Kind("downlink/cursor", lambda: [samples.cursor_body()], samples.cursor_of),
    Kind("oscore/", lambda: [samples.numbers_body()], samples.next_number),
    Kind(
        "consumer/",
        _each(samples.consumer_records, gengfu.consumer_record.encode),
        gengfu.consumer_record.decode,
    ),
)


def plain(item: Any) -> Any:
    """An object as JSON has it: a record's fields by name, an enumeration's code."""
    if isinstance(item, msgspec.Struct):
        return {name: plain(getattr(item, name)) for name in item.__struct_fields__}
    if isinstance(item, Enum):
        return item.value
    if isinstance(item, dict):
        return {str(key): plain(value) for key, value in item.items()}
    return [plain(one) for one in item] if isinstance(item, list | tuple) else item


def path_of(folder: Path, name: str) -> Path:
    """The recording of a kind; that of a state key has ``state-`` before it."""
    return folder / f"{'state-' if '/' in name else ''}{name.strip('/').replace('/', '-')}.json"


def recording(kind: Kind) -> str:
    """The text of the file."""
    bodies = kind.bodies()
    found = {
        "source": f"Gengfu {gengfu.__version__}, python -m tools.journal_bodies",
        "kind": kind.name,
        "bodies": [{"hex": body.hex(), "means": plain(kind.decode(body))} for body in bodies],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def record(folder: Path, *, again: bool) -> list[str]:
    """Write the recordings that are missing; those that are there and have other bytes are named, and stay, unless
    ``again``."""
    folder.mkdir(parents=True, exist_ok=True)
    differing = []
    for kind in KINDS:
        path = path_of(folder, kind.name)
        text = recording(kind)
        if path.exists() and path.read_text(encoding="utf-8") != text and not again:
            differing.append(kind.name)
        else:
            path.write_text(text, encoding="utf-8")
    return differing


def main() -> int:
    """Record this version."""
    parser = argparse.ArgumentParser(description="Record the bodies that this version stores in its journals.")
    parser.add_argument("--again", action="store_true", help="this version was never released: record it anew")
    differing = record(FOLDER / gengfu.__version__, again=parser.parse_args().again)
    if differing:
        print(
            f"{', '.join(differing)}: version {gengfu.__version__} was recorded with other bytes. Raise the version in "
            "gengfu/__init__.py and pyproject.toml and record that one; --again if this one was never released",
            file=sys.stderr,
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
