"""What happened, drawn over the charts: alarms, trips, commands and plans of the measurement ``annotation``."""

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.influxql import DATASOURCE, LIVE, PLACE, select
from dashboards.grafana.words import Words


class _Query(model.AnnotationTarget):
    """The query of an annotation: what the data source's own editor stores, which the SDK does not know."""

    def __init__(self, name: str, query: str, tags: Sequence[str]) -> None:
        super().__init__(limit=1000, type_val="tags")
        self._name = name
        self._query = query
        self._shown = ",".join(tags)

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        return {
            **super().to_json(),
            "refId": "annotationQuery",
            "name": self._name,
            "query": self._query,
            "queryType": "tags",
            "rawQuery": True,
            "fromAnnotations": True,
            "textEditor": True,
            "titleColumn": "title_zh",
            "textColumn": "title",
            "tagsColumn": self._shown,
        }


class Overlay(NamedTuple):
    """Entries of one kind. ``tags``: those that such entries have; ``origin``: the condition that chooses whose."""

    kind: str
    name: Words
    colour: str
    tags: Sequence[str]
    origin: str = LIVE

    def build(self) -> model.AnnotationQuery:
        """As Grafana stores it."""
        conditions = (self.origin, *PLACE[1:], f"\"kind\" = '{self.kind}'")
        fields = ", ".join(f'"{name}"' for name in ("title_zh", "title", *self.tags))
        query = select(fields, "annotation", conditions)
        return model.AnnotationQuery(
            name=self.name.title,
            datasource=DATASOURCE,
            enable=self.kind in ("alarm", "trip", "plan"),
            icon_color=self.colour,
            target=_Query(self.name.title, query, self.tags),
            built_in=None,
        )


ALARMS = Overlay("alarm", Words("报警", "Alarms"), "red", ("kind", "priority", "device"))
TRIPS = Overlay("trip", Words("联锁", "Trips"), "purple", ("kind", "device"))
COMMANDS = Overlay("command", Words("指令", "Commands"), "blue", ("kind", "priority", "device"))
PLANS = Overlay("plan", Words("预案", "Plans"), "orange", ("kind",))
ALL = (ALARMS, TRIPS, COMMANDS, PLANS)
