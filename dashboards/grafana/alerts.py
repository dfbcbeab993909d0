"""Alert rules of Grafana: of service and upkeep, never of safety.

Alarms and trips are the gateway's, in its memory, with the network down. Grafana asks a database once a minute; it may
be late, it may be off, and nothing waits for it. So no rule here speaks of gas, fire, hydrogen or a valve.

No dollar sign stands in the file that is made: Grafana would put variables of its environment in its place.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboards.grafana.figures import limit, rule_limit
from dashboards.grafana.influxql import DATASOURCE_UID, LIVE, USABLE
from dashboards.grafana.words import Words

FOLDER = "更夫运维告警 Gengfu service alerts"
EXPRESSION = "__expr__"
NOT_SAFETY = Words(
    "这是运维提醒,不是安全报警。燃气、火灾、氢气的报警与切断只在网关内进行,以更夫控制台为准。",
    "A matter of upkeep, not a safety alarm. Alarms and trips of gas, fire and hydrogen happen in the gateway only; "
    "the console of Gengfu is what counts.",
)
FULL = rule_limit("bins", "SB-02")
LOW, LAG, JOURNAL = limit("battery_low"), limit("lag_long"), limit("journal_high")


class Rule(NamedTuple):
    """The newest value of each series, held against a limit. ``what``: one column named ``v``; ``since``: how far back
    it looks; ``fires``: ``gt`` or ``lt``; ``lasting``: how long before it fires; ``told``: what to do. Without data
    nothing fires but the rule of gateways, which finds who stopped writing."""

    uid: str
    title: Words
    what: str
    measurement: str
    group: str
    since: str
    fires: str
    limit: float
    lasting: str
    severity: str
    told: Words
    condition: str = ""
    tail: str = ""
    without_data: str = "OK"

    @property
    def query(self) -> str:
        """Its statement, with its own time."""
        more = f" AND {self.condition}" if self.condition else ""
        where = f"{LIVE}{more} AND time > now() - {self.since}"
        tail = f" {self.tail}" if self.tail else ""
        return f'SELECT {self.what} AS "v" FROM "{self.measurement}" WHERE {where} GROUP BY {self.group}{tail}'


def _last(field: str) -> str:
    return f'last("{field}")'


DEVICE = '"site", "district", "device"'
STORE = '"site", "consumer"'
RULES = (
    Rule(
        "gengfu-device-silent",
        Words("设备失联", "Device silent"),
        _last("silent"),
        "device_health",
        DEVICE,
        "5m",
        "gt",
        0,
        "15m",
        "warning",
        Words(
            "查看供电、天线和线路;错误类别见「设备与网关健康」。",
            "See to power, antenna and wiring; kinds of errors: dashboard of health.",
        ),
    ),
    Rule(
        "gengfu-gateway-silent",
        Words("网关不再上报", "Gateway writes no more"),
        'count("uptime_s")',
        "gateway",
        'time(5m), "site"',
        "1d",
        "lt",
        1,
        "10m",
        "critical",
        Words(
            "网关或其到数据库的网络中断。现场报警可能仍在工作,但这里看不到:打电话到站点。",
            "The gateway, or its way to the database, is gone. Alarms on site may still work, but are not seen here: "
            "phone the site.",
        ),
        tail="fill(0)",
        without_data="Alerting",
    ),
    Rule(
        "gengfu-journal-lag",
        Words("日志积压", "Journal lags"),
        _last("oldest_age_s"),
        "consumer",
        STORE,
        "5m",
        "gt",
        LAG.value,
        "10m",
        "warning",
        Words(
            "数据库慢或不可用;原因见「存储状态」。数据仍在日志中。",
            "The store is slow or away; see «State of stores». Nothing is lost: the journal has it.",
        ),
    ),
    Rule(
        "gengfu-store-stopped",
        Words("存储停止取数", "Store takes no data"),
        _last("taking"),
        "consumer",
        STORE,
        "5m",
        "lt",
        1,
        "10m",
        "warning",
        Words("原因见「存储状态」的「原因」一列。", "The reason stands in «State of stores»."),
    ),
    Rule(
        "gengfu-journal-full",
        Words("日志空间将满", "Journal nearly full"),
        '100 * last("journal_bytes") / last("journal_bound_bytes")',
        "gateway",
        '"site"',
        "5m",
        "gt",
        JOURNAL.value,
        "10m",
        "critical",
        Words(
            "满后拒收批量读数。先恢复数据库,见文档 docs/journal.md。",
            "When full, bulk readings are refused. Bring the store back first: docs/journal.md.",
        ),
    ),
    Rule(
        "gengfu-dead-letters",
        Words("有死信", "Dead letters"),
        _last("dead_letters"),
        "consumer",
        STORE,
        "5m",
        "gt",
        0,
        "10m",
        "info",
        Words("有数据被搁置,见文档 docs/dead-letters.md。", "Data were set aside: docs/dead-letters.md."),
    ),
    Rule(
        "gengfu-battery-low",
        Words("电量低", "Battery low"),
        _last("battery_percent"),
        "device_health",
        DEVICE,
        "1d",
        "lt",
        LOW.value,
        "1h",
        "info",
        Words(f"低于{LOW.told}。安排更换电池。", f"Below {LOW.told}. Plan a new battery."),
    ),
    Rule(
        "gengfu-bin-full",
        Words("垃圾桶已满", "Bin full"),
        _last("fill"),
        "smart_bin",
        DEVICE,
        "1d",
        "gt",
        FULL.value,
        "30m",
        "info",
        Words(f"高于{FULL.told}。安排清运。", f"Above {FULL.told}. Plan a collection."),
        condition=f'"fill_q" < {USABLE}',
    ),
)


def _node(ref: str, source: str, seconds: int, model: Mapping[str, object]) -> dict[str, object]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": seconds, "to": 0},
        "datasourceUid": source,
        "model": {"refId": ref, "intervalMs": 60000, "maxDataPoints": 1000, **model},
    }


def _seconds(span: str) -> int:
    return int(span[:-1]) * {"m": 60, "h": 3600, "d": 86400}[span[-1]]


def _data(rule: Rule) -> Sequence[dict[str, object]]:
    own = {"type": EXPRESSION, "uid": EXPRESSION}
    asked = {
        "datasource": {"type": "influxdb", "uid": DATASOURCE_UID},
        "rawQuery": True,
        "query": rule.query,
        "resultFormat": "time_series",
    }
    newest = {"datasource": own, "type": "reduce", "expression": "A", "reducer": "last", "settings": {"mode": "dropNN"}}
    against = {"evaluator": {"type": rule.fires, "params": [rule.limit]}}
    fires = {"datasource": own, "type": "threshold", "expression": "B", "conditions": [against]}
    return [
        _node("A", DATASOURCE_UID, _seconds(rule.since), asked),
        _node("B", EXPRESSION, 0, newest),
        _node("C", EXPRESSION, 0, fires),
    ]


def _rule(rule: Rule) -> dict[str, object]:
    where = " ".join(
        f"{{{{ .Labels.{tag} }}}}" for tag in ("site", "district", "device", "consumer") if f'"{tag}"' in rule.group
    )
    return {
        "uid": rule.uid,
        "title": rule.title.title,
        "condition": "C",
        "data": _data(rule),
        "noDataState": rule.without_data,
        "execErrState": "Error",
        "for": rule.lasting,
        "annotations": {
            "summary": f"{rule.title.title}: {where}",
            "description": f"{rule.told.title} {NOT_SAFETY.title}",
        },
        "labels": {"severity": rule.severity, "source": "gengfu-service"},
    }


def document() -> dict[str, object]:
    """The provisioning file."""
    group = {"orgId": 1, "name": "gengfu-service", "folder": FOLDER, "interval": "1m", "rules": list(map(_rule, RULES))}
    return {"apiVersion": 1, "groups": [group]}
