"""What a dashboard, or a file of alert rules, asks of InfluxDB: every target of a panel, variable and annotation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.dashboards.showing import Shown, shown_in

Json = Mapping[str, Any]

NOT_INFLUX = frozenset({"-- Grafana --", "-- Dashboard --", "-- Mixed --", "grafana", "__expr__"})
WITHOUT_QUERY = frozenset({"row", "text", "dashlist", "alertlist", "news", "annolist"})
SIZES = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
COLUMNS = ("titleColumn", "textColumn", "tagsColumn", "timeEndColumn")


class Unfit(ValueError):
    """A dashboard or rule that Grafana would not ask as it is written. The message says where."""


class Variable(NamedTuple):
    """A dashboard variable. ``query``: of a ``query`` variable; ``options``: of all other types."""

    name: str
    type: str
    query: str
    options: tuple[str, ...]
    is_multi: bool
    has_all: bool
    all_value: str
    regex: str
    source: str


class Ask(NamedTuple):
    """One question. ``columns``: what must be in the answer by name; ``repeat``: variables of which it is asked for one
    value at a time; ``back_ms``: from when to when before now, where that is not the range of the dashboard; ``shown``:
    what is done with the answer."""

    where: str
    query: str
    source: str
    alias: str = ""
    columns: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    points: int = 1000
    least_ms: int = 1
    back_ms: tuple[int, int] | None = None
    must_be_numbers: bool = False
    shown: Shown = Shown()


class Board(NamedTuple):
    """A dashboard, or a group of alert rules, which has no variables."""

    uid: str
    tags: tuple[str, ...]
    variables: tuple[Variable, ...]
    asks: tuple[Ask, ...]


def board_of(dashboard: Json) -> Board:
    """Everything in a dashboard's JSON. Raises `Unfit`."""
    uid = str(dashboard["uid"])
    variables = tuple(_variable(uid, one) for one in dashboard.get("templating", {}).get("list", ()))
    asks = [*_panels(uid, dashboard.get("panels", ()), ()), *_annotations(uid, dashboard)]
    return Board(uid, tuple(dashboard.get("tags", ())), variables, tuple(asks))


def alerts_of(name: str, document: Json) -> Board:
    """Everything in a provisioning file of alert rules. Raises `Unfit`."""
    rules = [(group["name"], rule) for group in document.get("groups", ()) for rule in group["rules"]]
    asks = [ask for group, rule in rules for ask in _rule(f"{name}, {group}, rule «{rule['title']}»", rule)]
    return Board(name, (), (), tuple(asks))


def _panels(uid: str, panels: Sequence[Json], repeat: tuple[str, ...]) -> Iterator[Ask]:
    of_row = repeat
    for panel in panels:
        own = (panel["repeat"],) if panel.get("repeat") else ()
        if panel["type"] == "row":  # an open row speaks for the panels behind it, a closed one holds them
            of_row = (*repeat, *own)
            yield from _panels(uid, panel.get("panels", ()), of_row)
            continue
        where = f"{uid}, panel {panel.get('id')} «{panel.get('title', '')}»"
        targets = panel.get("targets", ())
        if not targets and panel["type"] not in WITHOUT_QUERY:
            raise Unfit(f"{where}: a panel without a target")
        if panel.get("timeShift") or (panel.get("timeFrom") and not _length(panel["timeFrom"])):
            raise Unfit(f"{where}: «timeShift», and «timeFrom» other than «10m», are not understood")
        for target in targets:
            source = _source(target) or _source(panel)
            if source not in NOT_INFLUX:
                yield _target(f"{where}, target {target.get('refId')}", target, source)._replace(
                    repeat=(*of_row, *own),
                    shown=shown_in(panel),
                    points=int(panel.get("maxDataPoints") or 1000),
                    least_ms=_length(panel.get("interval") or "") or 1,
                    back_ms=(_length(panel["timeFrom"]), 0) if panel.get("timeFrom") else None,
                )


def _target(where: str, target: Json, source: str) -> Ask:
    query = target.get("query")
    if target.get("rawQuery") is not True or not isinstance(query, str) or not query.strip():
        raise Unfit(f"{where}: only a text in «query» with «rawQuery» is understood")
    return Ask(where, query, source, alias=str(target.get("alias") or ""))


def _annotations(uid: str, dashboard: Json) -> Iterator[Ask]:
    for one in dashboard.get("annotations", {}).get("list", ()):
        if one.get("builtIn") or _source(one) in NOT_INFLUX:
            continue
        where = f"{uid}, annotation «{one['name']}»"
        target = one.get("target") or {}
        if target.get("fromAnnotations") is not True:
            raise Unfit(f"{where}: its target needs «fromAnnotations»")
        columns = tuple(name for key in COLUMNS for name in re.findall(r"[^,\s]+", str(target.get(key) or "")))
        yield _target(where, {**target, "rawQuery": True}, _source(one))._replace(columns=columns)


def _variable(uid: str, one: Json) -> Variable:
    query = one.get("query") or ""
    text = query.get("query", "") if isinstance(query, Mapping) else str(query)
    is_query = one["type"] == "query"
    if is_query and not text:
        raise Unfit(f"{uid}, variable «{one['name']}»: it has no query")
    options = () if is_query else _options(one, text)
    return Variable(
        one["name"], one["type"], text if is_query else "", options, bool(one.get("multi")),
        bool(one.get("includeAll")), one.get("allValue") or "", one.get("regex") or "", _source(one),
    )  # fmt: skip


def _options(one: Json, text: str) -> tuple[str, ...]:
    if one["type"] in ("custom", "interval"):
        parts = [part.strip() for part in re.split(r"(?<!\\),", text) if part.strip()]
        values = [part.partition(" : ")[2].strip() or part for part in parts] if one["type"] == "custom" else parts
        return tuple(value.replace("\\,", ",") for value in values)
    return (str((one.get("current") or {}).get("value") or text),)


def _rule(where: str, rule: Json) -> Iterator[Ask]:
    known = {part["refId"] for part in rule["data"]}
    if rule["condition"] not in known:
        raise Unfit(f"{where}: its condition {rule['condition']!r} is none of {sorted(known)}")
    for part in rule["data"]:
        model, span = part["model"], part.get("relativeTimeRange", {})
        named = [model.get("expression")] if model.get("expression") else []
        if unknown := [name for name in named if re.fullmatch(r"\w+", name) and name not in known]:
            raise Unfit(f"{where}: {part['refId']} speaks of {unknown}, which are none of {sorted(known)}")
        if part["datasourceUid"] in NOT_INFLUX or part["datasourceUid"] == "-100":
            continue
        ask = _target(f"{where}, {part['refId']}", model, part["datasourceUid"])
        if model.get("resultFormat") not in (None, "time_series"):
            raise Unfit(f"{ask.where}: a rule needs the result format time_series")
        back = (int(span["from"]) * 1000, int(span.get("to", 0)) * 1000)
        yield ask._replace(
            back_ms=back,
            must_be_numbers=True,
            points=int(model.get("maxDataPoints") or 43_200),
            least_ms=int(model.get("intervalMs") or 1000),
        )


def _source(one: Json) -> str:
    source = one.get("datasource") or ""
    return str(source.get("uid") or "") if isinstance(source, Mapping) else str(source)


def _length(text: str) -> int:
    """Of «10m» or «>10m», ms; 0 for any other text."""
    found = re.fullmatch(r">?\s*(\d+)(ms|[smhdw])", text)
    return int(found[1]) * SIZES[found[2]] if found else 0
