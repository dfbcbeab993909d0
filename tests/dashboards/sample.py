"""A small dashboard and a file of rules without a fault, of every kind that the harness understands."""

from typing import Any

SOURCE = {"type": "influxdb", "uid": "sample-influxdb"}
WHERE = """"origin" = 'live' AND "site" = '$site' AND "district" =~ /^${district:regex}$/ AND $timeFilter"""


def target(query: str, **more: Any) -> dict[str, Any]:
    """A question of a panel."""
    return {"refId": "A", "datasource": SOURCE, "rawQuery": True, "query": query, "resultFormat": "time_series", **more}


def variable(name: str, query: str, **more: Any) -> dict[str, Any]:
    """A list of names out of the database."""
    return {"name": name, "type": "query", "datasource": SOURCE, "query": {"refId": name, "query": query}, **more}


def panel(number: int, kind: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A panel in a column of panels."""
    return {
        "id": number,
        "type": kind,
        "title": f"{kind} {number}",
        "gridPos": {"h": 8, "w": 12, "x": 0, "y": 8 * number},
        "fieldConfig": {"defaults": {"unit": "percent"}, "overrides": []},
        "targets": list(targets),
        **more,
    }


VARIABLES = [
    variable("site", """SHOW TAG VALUES FROM "gas_alarm" WITH KEY = "site" WHERE "origin" = 'live'"""),
    variable(
        "district",
        """SHOW TAG VALUES FROM "gas_alarm" WITH KEY = "district" WHERE "origin" = 'live' AND "site" = '$site'""",
        multi=True,
        includeAll=True,
    ),
    variable(
        "device",
        """SHOW TAG VALUES FROM "gas_alarm" WITH KEY = "device" WHERE "origin" = 'live' AND "site" = '$site' """
        """AND "district" =~ /^$district$/""",
        multi=True,
        includeAll=True,
        allValue=".*",
        regex="/^(?!none)(?<value>.+)$/",
    ),
    {"name": "limit", "type": "custom", "query": "low : 10, 50", "current": {"text": "low", "value": "10"}},
]
BY_DEVICE = target(
    f"""SELECT mean("methane") AS "mean", max("co") AS "max" FROM "gas_alarm" WHERE {WHERE} """
    """AND "device" =~ /^$device$/ AND "methane_q" < 128 GROUP BY time($__interval), "device" fill(null)""",
    alias="[[tag_device]] $col $district",
)
ABOVE = target(f"""SELECT count("methane") FROM "gas_alarm" WHERE {WHERE} AND "methane" > $limit""", hide=True)
OF_ONE = target(
    f"""SELECT last("alarm"), "district" FROM "gas_alarm" WHERE {WHERE} """
    """AND "device" =~ /^${device}$/ GROUP BY "device" """,
    resultFormat="table",
)
LATELY = target(f"""SELECT max("methane") FROM "gas_alarm" WHERE {WHERE} GROUP BY time(1m)""")
TRANSFORMATIONS = [
    {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"last": "alarm"}}},
    {
        "id": "groupBy",
        "options": {
            "fields": {
                "district": {"operation": "groupby", "aggregations": []},
                "alarm": {"operation": "aggregate", "aggregations": ["max", "count"]},
            }
        },
    },
    {"id": "filterByValue", "options": {"filters": [{"fieldName": "alarm (count)"}]}},
    {"id": "sortBy", "options": {"sort": [{"field": "alarm (max)"}]}},
    {"id": "limit", "options": {"limitField": 10}},
]
LOOKS = {
    "defaults": {},
    "overrides": [
        {"matcher": {"id": "byName", "options": "alarm (max)"}, "properties": []},
        {"matcher": {"id": "byType", "options": "time"}, "properties": []},
    ],
}
PANELS = [
    panel(1, "timeseries", BY_DEVICE, ABOVE, interval="1m", maxDataPoints=500),
    panel(2, "table", OF_ONE, repeat="district", transformations=TRANSFORMATIONS, fieldConfig=LOOKS),
    panel(3, "text"),
    {"id": 4, "type": "row", "title": "more", "collapsed": True, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 40}}
    | {"panels": [panel(5, "stat", LATELY, timeFrom="10m")]},
]
ANNOTATION = {
    "name": "Alarms",
    "datasource": SOURCE,
    "enable": True,
    "iconColor": "red",
    "target": {
        "refId": "alarms",
        "query": f"""SELECT "title", "title_zh", "kind" FROM "annotation" WHERE {WHERE} AND "kind" = 'alarm'""",
        "rawQuery": True,
        "fromAnnotations": True,
        "titleColumn": "title",
        "textColumn": "title_zh",
        "tagsColumn": "title,kind",
    },
}
BOARD = {
    "uid": "sample",
    "title": "Sample",
    "tags": [],
    "schemaVersion": 39,
    "templating": {"list": VARIABLES},
    "annotations": {"list": [{"builtIn": 1, "name": "own", "datasource": {"uid": "-- Grafana --"}}, ANNOTATION]},
    "panels": PANELS,
}
DRILLS = {
    "uid": "sample-drills",
    "title": "Drills",
    "templating": {"list": [{"name": "origin", "type": "custom", "query": "drill,live,simulated"}]},
    "panels": [
        panel(
            1,
            "timeseries",
            target("""SELECT count("title") FROM "annotation" WHERE "origin" = '$origin' AND $timeFilter"""),
        )
    ],
}


def rules() -> dict[str, Any]:
    """One rule, as a provisioning file holds it."""
    silent = """SELECT max("last_seen_age_s") FROM "device_health" WHERE "origin" = 'live' AND time > now() - 10m """
    data = [
        {
            "refId": "A",
            "datasourceUid": SOURCE["uid"],
            "relativeTimeRange": {"from": 600, "to": 0},
            "model": target(f"""{silent} AND $timeFilter GROUP BY "device" """),
        },
        {"refId": "B", "datasourceUid": "__expr__", "model": {"type": "reduce", "expression": "A"}},
        {"refId": "C", "datasourceUid": "-100", "model": {"type": "threshold", "expression": "B"}},
    ]
    rule = {"uid": "silent", "title": "Silent", "condition": "C", "data": data}
    return {"groups": [{"name": "devices", "rules": [rule]}]}
