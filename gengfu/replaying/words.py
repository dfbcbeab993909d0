"""The document of a replay as lines for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

LISTED = 20
HEAD = ("rule", "in the file", "raised", "standing", "chattering", "journal", "")


def lines(found: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    """``zone``: of the times."""
    raised = found["raised"]
    warm_up = f"{_span(found['warm_up_s'])}, {found['warm_up_readings']} readings"
    yield (
        f"{_local(found['from'], zone)} to {_local(found['to'], zone)}: {found['readings']} readings of "
        f"{found['devices']} devices (warm-up before it: {warm_up})"
    )
    yield f"Alarms raised: {_instead(raised['after'], raised['before'])} (the journal holds {raised['recorded']})"
    yield ""
    yield from _table([HEAD, *(_row(one) for one in found["rules"])])
    for name, said in (("vanished", "Vanished"), ("new", "New")):
        yield from _alarms(said, found[name], zone)
    for one in found["gateway_off"]:
        yield f"The gateway is taken to have been off: {_local(one['from'], zone)} to {_local(one['until'], zone)}"
    yield from (f"note: {one}" for one in found["notes"])
    yield from (f"WARNING: {one}" for one in found["warnings"])


def _row(rule: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = ({"raised": 0, "standing_s": 0, "chattering": 0} | (rule[one] or {}) for one in ("before", "after"))
    standing = _span(after["standing_s"]), _span(before["standing_s"])
    title = rule["title"] or {"zh": "", "en": "(no such rule now)"}
    return (
        rule["id"],
        rule["in_file"] or "",
        _instead(after["raised"], before["raised"]),
        _instead(*standing),
        _instead(after["chattering"], before["chattering"]),
        str(rule["recorded"]),
        f"{title['zh']} {title['en']}".strip(),
    )


def _instead(now: object, before: object) -> str:
    return str(now) if now == before else f"{now} instead of {before}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _alarms(said: str, some: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    if not some["count"]:
        return
    yield ""
    yield f"{said}: {some['count']}"
    shown = some["alarms"][:LISTED]
    for one in shown:
        yield "  " + "  ".join(_alarm(one, zone))
    if some["count"] > len(shown):
        yield f"  ... and {some['count'] - len(shown)} more (--json)"


def _alarm(one: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    yield _local(one["raised_at"], zone)
    yield f"{one['device']} {one['rule']} {one['point']}"
    if one["value"] is not None:
        yield f"{one['value']:g} {one['unit']}".strip()
    ended = one["returned_at"]
    yield "stands at the end" if ended is None else f"until {_local(ended, zone)}"
    if one["life_safety"]:
        yield "life safety"
    if one["late"]:
        yield "late"


def _local(stamp: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(stamp).astimezone(zone):%Y-%m-%d %H:%M:%S%z}"


def _span(seconds: float) -> str:
    """The two largest units."""
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number or unit == "s")
