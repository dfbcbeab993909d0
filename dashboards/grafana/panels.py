"""Panels in the look of this project, on the builders of the SDK. None of them knows what it shows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.influxql import DATASOURCE, Ready, Target
from dashboards.grafana.words import Words

Panel: TypeAlias = bargauge.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first has no value."""

PLAIN: Steps = ((None, "text"),)
ANY_IS_RED: Steps = ((None, "green"), (1.0, "red"))
ANY_IS_ORANGE: Steps = ((None, "green"), (1.0, "orange"))

REFS = "ABCDEFGH"
COLOURS = ("green", "yellow", "orange", "red", "blue", "purple", "semi-dark-green", "semi-dark-orange")


class Told(NamedTuple):
    """What stands around a picture. ``unit``: an id of Grafana's units."""

    title: Words
    description: Words
    unit: str = "none"
    steps: Steps = PLAIN
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    time_from: str = ""
    interval: str = ""


def told(
    zh: str,
    en: str,
    *said: Words,
    unit: str = "none",
    steps: Steps = PLAIN,
    decimals: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    time_from: str = "",
    interval: str = "",
) -> Told:
    """A title in both languages, and what is said of it, part after part."""
    description = Words("".join(part.zh for part in said), " ".join(part.en for part in said))
    return Told(Words(zh, en), description, unit, steps, decimals, minimum, maximum, time_from, interval)


class Line(NamedTuple):
    """A query of a chart with the names of its series (``$tag_device``, or a text)."""

    query: str
    alias: str


class Column(NamedTuple):
    """A column of a table. ``names``: texts of its codes; ``steps``: colours it; ``width``: pixels."""

    name: str
    title: Words
    unit: str = "none"
    names: Mapping[str, str] | None = None
    steps: Steps | None = None
    width: int = 0


def steps_at(*limits: float, colours: Sequence[str] = ("green", "yellow", "orange", "red")) -> Steps:
    """Green below the first limit, and the next colour from each on."""
    return ((None, colours[0]), *zip(limits, colours[1:], strict=False))


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Absolute thresholds."""
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value, colour) for value, colour in steps])
    )


def mappings(names: Mapping[str, str], colours: Sequence[str] = COLOURS) -> list[model.ValueMapping]:
    """A text and a colour for each code."""
    options = {
        code: model.ValueMappingResult(text=text, color=colours[number % len(colours)], index=number)
        for number, (code, text) in enumerate(names.items())
    }
    return [model.ValueMap(options)]


def number(told: Told, query: str) -> stat.Panel:
    """One number."""
    return numbers(told, Line(query, "")).text_mode(shared.BigValueTextMode.VALUE)


def numbers(told: Told, *lines: Line) -> stat.Panel:
    """A number with its name for each series."""
    panel = _around(stat.Panel(), told, lines)
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    return (
        panel.reduce_options(last)
        .graph_mode(shared.BigValueGraphMode.NONE)
        .color_mode(shared.BigValueColorMode.VALUE)
        .text_mode(shared.BigValueTextMode.VALUE_AND_NAME)
    )


def chart(told: Told, *lines: Line, bars: bool = False, steps_drawn: bool = False) -> timeseries.Panel:
    """Lines over time, or stacked bars. ``steps_drawn``: the limits as dashed lines."""
    panel = _around(timeseries.Panel(), told, lines)
    legend = (
        common.VizLegendOptions()
        .display_mode(shared.LegendDisplayMode.TABLE)
        .placement(shared.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = common.VizTooltipOptions().mode(shared.TooltipDisplayMode.MULTI).sort(shared.SortOrder.DESCENDING)
    panel = panel.legend(legend).tooltip(tooltip).line_width(1).show_points(shared.VisibilityMode.AUTO)
    panel = panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    if bars:
        stacked = common.StackingConfig().mode(shared.StackingMode.NORMAL).group("A")
        panel = panel.draw_style(shared.GraphDrawStyle.BARS).fill_opacity(60).stacking(stacked)
    if steps_drawn:
        style = common.GraphThresholdsStyleConfig().mode(shared.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    return panel


def ranking(told: Told, *lines: Line) -> bargauge.Panel:
    """A bar for each series."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)
    return (
        _around(bargauge.Panel(), told, lines)
        .reduce_options(last)
        .orientation(shared.VizOrientation.HORIZONTAL)
        .display_mode(shared.BarGaugeDisplayMode.BASIC)
        .value_mode(shared.BarGaugeValueMode.COLOR)
    )


def timeline(told: Told, line: Line, names: Mapping[str, str], colours: Sequence[str] = COLOURS) -> statetimeline.Panel:
    """A band for each series, coloured by its state."""
    return (
        _around(statetimeline.Panel(), told, [line])
        .mappings(mappings(names, colours))
        .show_value(shared.VisibilityMode.AUTO)
        .merge_values(True)
    )


def listing(told: Told, query: str, columns: Sequence[Column], *, timed: bool = False) -> table.Panel:
    """Rows. ``timed``: with the column of the time."""
    panel = _around(table.Panel(), told, [], [Target("A", query, table=True)])
    if not timed:
        panel = panel.override_by_field_type("time", [model.DynamicConfigValue("custom.hidden", True)])
    for column in columns:
        panel = panel.override_by_name(column.name, _column(column))
    return panel.show_header(True)


def step(kind: str, **options: object) -> model.DataTransformerConfig:
    """A transformation that Grafana makes of a query's rows."""
    return model.DataTransformerConfig(id_val=kind, options=options)


def grouped(
    panel: table.Panel,
    field: str,
    kept: Mapping[str, str],
    sort: str,
    rows: int,
    *between: model.DataTransformerConfig,
) -> table.Panel:
    """Rows grouped by a field, largest ``sort`` first: InfluxQL groups by tags only. ``kept``: other fields, and what
    becomes of each (``first``, ``count``); their columns are then called ``name (first)``."""
    fields: dict[str, object] = {field: {"operation": "groupby", "aggregations": []}}
    fields |= {name: {"operation": "aggregate", "aggregations": [how]} for name, how in kept.items()}
    order = step("sortBy", fields={}, sort=[{"field": sort, "desc": True}])
    return panel.transformations([step("groupBy", fields=fields), *between, order, step("limit", limitField=rows)])


def _column(column: Column) -> list[model.DynamicConfigValue]:
    given: list[tuple[str, object]] = [("displayName", column.title.title), ("unit", column.unit)]
    if column.names is not None:
        given.append(("mappings", mappings(column.names)))
    if column.steps is not None:
        given += [
            ("thresholds", thresholds(column.steps).build()),
            ("color", {"mode": "thresholds"}),
            ("custom.cellOptions", {"type": "color-text"}),
        ]
    if column.width:
        given.append(("custom.width", column.width))
    return [model.DynamicConfigValue(name, value) for name, value in given]


Shown = TypeVar("Shown", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


def _of_lines(lines: Sequence[Line]) -> list[Target]:
    return [Target(ref, line.query, table=False, alias=line.alias) for ref, line in zip(REFS, lines, strict=False)]


def _around(panel: Shown, around: Told, lines: Sequence[Line], targets: Sequence[Target] = ()) -> Shown:
    panel.title(around.title.title).description(around.description.paragraphs).datasource(DATASOURCE)
    panel.targets([Ready(target) for target in (*_of_lines(lines), *targets)])
    panel.unit(around.unit).thresholds(thresholds(around.steps)).no_value("–")
    if around.decimals is not None:
        panel.decimals(around.decimals)
    if around.minimum is not None:
        panel.min(around.minimum)
    if around.maximum is not None:
        panel.max(around.maximum)
    if around.time_from:
        panel.time_from(around.time_from)
    if around.interval:
        panel.interval(around.interval)
    return panel
