"""Queries in the InfluxQL that InfluxDB 1.x, 2.x and 3 share, and the query object of Grafana's InfluxDB data source.

Rules that every query here keeps:

* It chooses an origin (S4): `LIVE`, or on the dashboard of drills the variable.
* A variable that may hold several values, or «All» (``.*``), stands in ``=~ /^${name:regex}$/`` and nowhere else.
  Without ``:regex`` Grafana 11.6 leaves a single value that begins with a digit unescaped, so that the slash in a
  district's id ends the expression.
* A table has one flat series: tags become columns by `flat`, because Grafana's reader of several tags a series took
  them from an unordered map and could swap their columns.
* Not used, because 3 lacks it: SLIMIT, SOFFSET, SHOW SERIES, SHOW DATABASES, INTEGRAL, SAMPLE.
"""

from collections.abc import Iterable

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

DATASOURCE_UID = "gengfu-influxdb"
DATASOURCE = DataSourceRef("influxdb", DATASOURCE_UID)

LIVE = "\"origin\" = 'live'"
SITE = '"site" =~ /^${site:regex}$/'
DISTRICT = '"district" =~ /^${district:regex}$/'
DEVICE = '"device" =~ /^${device:regex}$/'
PLACE = (LIVE, SITE, DISTRICT)
ONE_BY_ONE = (*PLACE, DEVICE)
"""Real, and of the sites, districts and devices chosen."""

USABLE = 128
"""Qualities from here are bad (`protocols.quality`)."""


class Target(Dataquery):
    """One raw query. The SDK has no type for this data source.

    ``alias``: the name of each series, with ``$tag_<name>``; only for time series.
    """

    def __init__(self, ref: str, query: str, *, table: bool, alias: str = "") -> None:
        self.ref = ref
        self.query = query
        self.table = table
        self.alias = alias

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        told = {"alias": self.alias} if self.alias else {}
        return {
            "refId": self.ref,
            "datasource": DATASOURCE,
            "rawQuery": True,
            "query": self.query,
            "resultFormat": "table" if self.table else "time_series",
            **told,
        }


class Ready(Builder[Target]):
    """A target for the SDK's panels, which take builders."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def build(self) -> Target:
        """The target itself."""
        return self._target


def select(what: str, measurement: str, conditions: Iterable[str], group: str = "", tail: str = "") -> str:
    """One statement over the time that the dashboard shows. ``group``: after GROUP BY; ``tail``: what stands last."""
    where = " AND ".join((*conditions, "$timeFilter"))
    grouped = f" GROUP BY {group}" if group else ""
    return f'SELECT {what} FROM "{measurement}" WHERE {where}{grouped}{f" {tail}" if tail else ""}'


def flat(columns: Iterable[str], inner: str, tail: str = "") -> str:
    """Columns, tags among them, of a grouped statement, as rows of one series. ``tail``: WHERE, ORDER BY, LIMIT."""
    chosen = ", ".join(f'"{name}"' for name in columns)
    return f"SELECT {chosen} FROM ({inner}){f' {tail}' if tail else ''}"


def over(what: str, inner: str, tail: str = "") -> str:
    """Something of the rows of another statement."""
    return f"SELECT {what} FROM ({inner}){f' {tail}' if tail else ''}"


def each(tag: str, *, by_time: bool = True) -> str:
    """A group for each value of a tag, and for each step of the chart unless told."""
    return f'time($__interval), "{tag}"' if by_time else f'"{tag}"'
