"""Variables: site, then street, district and device, each offering what the ones before it leave.

Several values may be chosen, so that they stand in ``=~ /^${name:regex}$/`` only. «All» is ``.*``: the list of 5,000
devices would be a regular expression of 100 kB.
"""

from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.influxql import DATASOURCE, DISTRICT, LIVE, SITE
from dashboards.grafana.words import Words

STREET = '"district" =~ /^${street:regex}(\\/.*)?$/'
"""An area's id begins with its street: ``food-street/hotpot``."""


class Variable(NamedTuple):
    """A choice at the top of a dashboard. ``query``: of the data source, or «text : value» pairs if ``fixed``."""

    name: str
    label: Words
    query: str
    regex: str = ""
    fixed: bool = False
    first: tuple[str, str] = ("", "")

    def build(self) -> model.VariableModel:
        """As Grafana stores it."""
        made = self._fixed() if self.fixed else self._asked()
        # The schema of Grafana 11.6 does not know these on such variables.
        made.auto = made.auto_min = made.auto_count = None
        return made

    def _asked(self) -> model.VariableModel:
        return (
            dashboard.QueryVariable(self.name)
            .label(self.label.title)
            .datasource(DATASOURCE)
            .query({"refId": self.name, "query": self.query})
            .regex(self.regex)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
            .build()
        )

    def _fixed(self) -> model.VariableModel:
        pairs = [pair.split(" : ") for pair in self.query.split(", ")]
        options = [model.VariableOption(value == self.first[1], text, value) for text, value in pairs]
        return (
            dashboard.CustomVariable(self.name)
            .label(self.label.title)
            .values(self.query)
            .options(options)
            .multi(False)
            .include_all(False)
            .current(model.VariableOption(True, *self.first))
            .build()
        )


def _values(kinds: str, key: str, *conditions: str) -> str:
    measurements = ", ".join(f'"{kind}"' for kind in kinds.split())
    return f'SHOW TAG VALUES FROM {measurements} WITH KEY = "{key}" WHERE {" AND ".join(conditions)}'


def site(kinds: str, origin: str = LIVE) -> Variable:
    """Sites that wrote. ``kinds`` (here and below): measurements, with spaces between."""
    return Variable("site", Words("站点", "site"), _values(kinds, "site", origin))


def street(kinds: str) -> Variable:
    """First parts of the districts' ids."""
    query = _values(kinds, "district", LIVE, SITE)
    return Variable("street", Words("街道", "street"), query, regex="/^([^\\/]+)/")


def district(kinds: str, *more: str, origin: str = LIVE) -> Variable:
    """Districts (areas) of the sites chosen."""
    return Variable("district", Words("区域", "district"), _values(kinds, "district", origin, SITE, *more))


def device(kinds: str, *more: str, origin: str = LIVE) -> Variable:
    """Devices in the districts chosen."""
    query = _values(kinds, "device", origin, SITE, DISTRICT, *more)
    return Variable("device", Words("设备", "device"), query)


def places(kinds: str) -> tuple[Variable, Variable, Variable]:
    """Site, district and device."""
    return site(kinds), district(kinds), device(kinds)
