"""What Grafana makes of the text of an InfluxQL query before InfluxDB gets it.

Two steps, as in Grafana 11.6: the page replaces the variables of the dashboard (`@grafana/scenes`, and
``interpolateQueryExpr`` of its InfluxDB data source), then the server replaces four macros by plain text
(``pkg/tsdb/influxdb/models/query.go``). Written from reading them; no Grafana was run.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

Value = str | tuple[str, ...]

REFERENCE = re.compile(
    r"\$(?P<plain>\w+)"
    r"|\[\[(?P<square>\w+?)(?::(?P<square_as>\w+))?\]\]"
    r"|\$\{(?P<braced>\w+)(?:\.(?P<path>[^:^}]+))?(?::(?P<braced_as>[^}]+))?\}",
    re.ASCII,
)
IN_REGEX = re.compile(r"\s*[=!]~\s*/(?![*+?])(?:[^\r\n\[/\\]|\\.|\[(?:[^\r\n\]\\]|\\.)*\])+/")
NUMBER = re.compile(r"\s*[+-]?(?:Infinity|\d+\.?\d*|\.\d+)")
SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")
MACROS = ("__interval", "__interval_ms", "timeFilter", "interval")
"""What the page leaves for the server."""

UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
STEPS = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000), (3500, 2000),
    (7500, 5000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000),
    (210_000, 120_000), (450_000, 300_000), (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000),
    (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000),
)  # fmt: skip
"""Below the first number of milliseconds an interval is rounded to the second."""


class NotReplaced(ValueError):
    """Something in the text is no variable of the dashboard and no macro: Grafana would send it as it is."""


class Chosen(NamedTuple):
    """What is chosen of one variable: one value, several, or, where «All» has a text of its own, ``custom_all``."""

    value: Value
    is_multi: bool = False
    custom_all: str = ""
    is_all: bool = False


class Span(NamedTuple):
    """The range of time of a dashboard, ms since 1970, and what makes an interval of it: how many points a panel draws
    and the shortest step it allows."""

    start_ms: int
    end_ms: int
    points: int = 1000
    least_ms: int = 1

    @property
    def time_filter(self) -> str:
        """What ``$timeFilter`` stands for."""
        return f"time >= {self.start_ms}ms and time <= {self.end_ms}ms"

    @property
    def interval_ms(self) -> int:
        """The step between two points, rounded as Grafana does it."""
        step = (self.end_ms - self.start_ms) / self.points
        rounded = next((to for below, to in STEPS if step < below), 604_800_000)
        return max(rounded, self.least_ms)


def duration(ms: int) -> str:
    """An interval as Grafana's server writes it: whole numbers of the largest unit that fits."""
    name, size = next((name, size) for name, size in UNITS if ms >= size)
    return f"{ms // size}{name}"


def escaped(value: str) -> str:
    """For a regular expression; the slash too, because it would end it."""
    return SPECIAL.sub(r"\\\g<0>", value)


def as_regex(value: Value) -> str:
    """Format ``:regex``: one value stands alone, several in brackets."""
    if isinstance(value, str):
        return escaped(value)
    texts = [escaped(one) for one in value]
    return texts[0] if len(texts) == 1 else f"({'|'.join(texts)})"


def as_glob(value: Value) -> str:
    """Format ``:glob``, which is that of a text without a data source, such as an alias."""
    if isinstance(value, str):
        return value
    return f"{{{','.join(value)}}}" if len(value) > 1 else ",".join(value)


def _joined(separator: str) -> Callable[[Value], str]:
    return lambda value: value if isinstance(value, str) else separator.join(value)


def _quoted(mark: str, instead: str) -> Callable[[Value], str]:
    def quote(value: Value) -> str:
        values = (value,) if isinstance(value, str) else value
        return ",".join(f"{mark}{one.replace(mark, instead)}{mark}" for one in values)

    return quote


FORMATS: Mapping[str, Callable[[Value], str]] = {
    "regex": as_regex,
    "glob": as_glob,
    "raw": _joined(","),
    "csv": _joined(","),
    "pipe": _joined("|"),
    "text": _joined(" + "),
    "singlequote": _quoted("'", r"\'"),
    "doublequote": _quoted('"', r"\""),
}


def in_influxql(name: str, chosen: Chosen, text: str) -> str:
    """Without a format the data source decides. Its two traps are kept: one value that begins with a digit is never
    escaped, and of a variable of one value only ``$name`` in a regular expression is, not ``${name}``."""
    value = chosen.value
    if isinstance(value, str) and NUMBER.match(value):
        return value
    if not chosen.is_multi and not _is_in_regex(name, text):
        return value if isinstance(value, str) else ",".join(value)
    return escaped(value) if isinstance(value, str) else f"({'|'.join(map(escaped, value))})"


def _is_in_regex(name: str, text: str) -> bool:
    inside = re.compile(rf"/.*\${name}.*/")
    return any(inside.search(found[0]) for found in IN_REGEX.finditer(text))


def on_the_page(text: str, chosen: Mapping[str, Chosen], span: Span, *, is_query: bool = True) -> str:
    """The first step: dashboard variables, and ``$__from`` and ``$__to``; what it does not know stays.

    Raises `NotReplaced` for a format that this harness does not know.
    """

    def replace(found: re.Match[str]) -> str:
        name = found["plain"] or found["square"] or found["braced"]
        how = found["square_as"] or found["braced_as"] or ""
        if name in ("__from", "__to"):
            return _edge(span.start_ms if name == "__from" else span.end_ms, how)
        if name in ("__interval", "__interval_ms") and is_query:
            return f"${name}"
        if name not in chosen or found["path"]:
            return found[0]
        return _value(name, chosen[name], how)

    def _value(name: str, one: Chosen, how: str) -> str:
        if one.is_all and how == "text":
            return "All"
        if one.is_all and one.custom_all:
            return REFERENCE.sub(replace, one.custom_all)
        if not how:
            return in_influxql(name, one, text) if is_query else as_glob(one.value)
        if how not in FORMATS:
            raise NotReplaced(f"the harness does not know the format {how!r} of ${name}: {text}")
        return FORMATS[how](one.value)

    return REFERENCE.sub(replace, text)


def _edge(ms: int, how: str) -> str:
    match how:
        case "":
            return str(ms)
        case "date:seconds":
            return str(round(ms / 1000))
        case "date" | "date:iso":
            return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise NotReplaced(f"the harness does not know the format {how!r} of a time")


def on_the_server(text: str, span: Span) -> str:
    """The second step, in this order, by plain text."""
    step = duration(span.interval_ms)
    text = text.replace("$timeFilter", span.time_filter).replace("$interval", step)
    return text.replace("$__interval_ms", str(span.interval_ms)).replace("$__interval", step)


def interpolate(text: str, chosen: Mapping[str, Chosen], span: Span) -> str:
    """The text that InfluxDB gets. Raises `NotReplaced` if anything is left over."""
    done = on_the_server(on_the_page(text, chosen, span), span)
    if left := sorted({found[0] for found in REFERENCE.finditer(done)}):
        raise NotReplaced(f"{', '.join(left)} is left over in: {done}")
    return done
