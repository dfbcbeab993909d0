"""Tables of what happened, from the measurement ``annotation``."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import table

from dashboards.grafana.influxql import LIVE, PLACE, select
from dashboards.grafana.panels import Column, listing, told
from dashboards.grafana.words import Words

ROWS = 200
COLUMNS = (
    Column("district", Words("区域", "District"), width=160),
    Column("device", Words("设备", "Device"), width=160),
    Column("kind", Words("类别", "Kind"), width=90),
    Column("priority", Words("优先级", "Priority"), width=110),
    Column("title_zh", Words("事件", "Event (Chinese)")),
    Column("title", Words("英文", "Event (English)")),
    Column("text_zh", Words("说明", "Details")),
    Column("state", Words("状态", "State"), width=180),
)
OF_DEVICES = ("device", "priority")
"""What a plan has not."""


def event_log(
    zh: str,
    en: str,
    *,
    kinds: Sequence[str] = ("alarm", "trip"),
    origin: str = LIVE,
    more: Sequence[str] = (),
) -> table.Panel:
    """The newest entries of these kinds in the districts chosen, newest first."""
    columns = [column for column in COLUMNS if set(kinds) != {"plan"} or column.name not in OF_DEVICES]
    chosen = f'"kind" =~ /^({"|".join(kinds)})$/'
    fields = ", ".join(f'"{column.name}"' for column in columns)
    query = select(fields, "annotation", (origin, *PLACE[1:], chosen, *more), tail=f"ORDER BY time DESC LIMIT {ROWS}")
    said = Words(f"最新{ROWS}条,新的在上。", f"The newest {ROWS}, newest first.")
    return listing(told(zh, en, said), query, columns, timed=True)
