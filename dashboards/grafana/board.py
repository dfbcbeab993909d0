"""One dashboard: a question, its variables, and panels that fill rows of 24 columns from the left."""

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.annotations import Overlay
from dashboards.grafana.panels import Panel
from dashboards.grafana.variables import Variable
from dashboards.grafana.words import Words

COLUMNS = 24
TAG = "gengfu"


class Placed(NamedTuple):
    """A panel with its size in columns and grid rows."""

    panel: Panel
    width: int
    height: int


class Section(NamedTuple):
    """A heading and the panels below it."""

    title: Words
    panels: Sequence[Placed]


class Board(NamedTuple):
    """``uid``: in the address, and the name of the file. ``question``: what it answers. ``since``: the time shown
    first; ``refresh``: how often it asks again. ``drill``: the reader chooses the origin; all others are live."""

    uid: str
    title: Words
    question: Words
    variables: Sequence[Variable]
    overlays: Sequence[Overlay]
    sections: Sequence[Section]
    since: str = "now-6h"
    refresh: str = "1m"
    drill: bool = False

    def build(self) -> model.Dashboard:
        """The SDK's dashboard, with ids and places given."""
        made = (
            dashboard.Dashboard(self.title.title)
            .uid(self.uid)
            .description(self.question.paragraphs)
            .tags([TAG, "drill"] if self.drill else [TAG])
            .timezone("browser")
            .time(self.since, "now")
            .refresh(self.refresh)
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .link(_others())
        )
        whole = made.build()
        whole.templating.list_val = [one.build() for one in self.variables]
        whole.annotations.list_val = [one.build() for one in self.overlays]
        whole.panels = _laid_out(self.sections)
        return whole


def _others() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("更夫看板 Gengfu dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _laid_out(sections: Sequence[Section]) -> list[model.Panel | model.RowPanel]:
    """Panels with ids from 1; a line is as high as its highest panel."""
    found: list[model.Panel | model.RowPanel] = []
    below = 0
    for section in sections:
        row = model.RowPanel(title=section.title.title, grid_pos=model.GridPos(1, COLUMNS, 0, below))
        row.id_val = len(found) + 1
        found.append(row)
        below, left, high = below + 1, 0, 0
        for placed in section.panels:
            if left + placed.width > COLUMNS:
                below, left, high = below + high, 0, 0
            panel = placed.panel.build()
            panel.id_val = len(found) + 1
            panel.grid_pos = model.GridPos(placed.height, placed.width, left, below)
            found.append(panel)
            left, high = left + placed.width, max(high, placed.height)
        below += high
    return found
