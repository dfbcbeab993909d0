"""The half of the health dashboard that is about devices."""

from dashboards.grafana.board import Placed, Section
from dashboards.grafana.figures import limit
from dashboards.grafana.influxql import ONE_BY_ONE, flat, over, select
from dashboards.grafana.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    PLAIN,
    Column,
    Line,
    Steps,
    chart,
    grouped,
    listing,
    number,
    told,
)
from dashboards.grafana.words import Words

KIND = "device_health"
BATTERY = limit("battery_low")
LOW = ((None, "red"), (BATTERY.value, "green"))
COLOURS = Words(f"电量颜色:{BATTERY.told}。", f"Colour of batteries: {BATTERY.told}.")
STATES = {
    "well": "正常 well",
    "silent": "静默 silent",
    "lost": "失联 lost",
    "unheard": "从未收到 never heard",
}
COLUMNS = (
    Column("district", Words("区域", "District")),
    Column("device", Words("设备", "Device")),
    Column("profile", Words("型号", "Profile")),
    Column("state", Words("状态", "State"), names=STATES),
    Column("last_seen_ms", Words("最后收到", "Last heard"), "dateTimeFromNow"),
    Column("errors", Words("错误", "Errors"), "short"),
    Column("clock_offset_s", Words("时钟偏差", "Clock offset"), "s"),
    Column("battery_percent", Words("电量", "Battery"), "percent", steps=LOW),
    Column("firmware", Words("固件", "Firmware")),
)
TAGS = 3
"""How many of the columns are tags."""
COUNTERS = Words(
    "计数器随网关启动归零,只显示增量;某类错误的第一次不计入。",
    "Counters begin anew with the gateway, and rises are shown; the first error of a kind is not counted.",
)


def _newest(*fields: str) -> str:
    what = ", ".join(f'last("{name}") AS "{name}"' for name in fields)
    tags = ", ".join(f'"{column.name}"' for column in COLUMNS[:TAGS])
    return select(what, KIND, ONE_BY_ONE, tags)


def _count(zh: str, en: str, said: Words, query: str, steps: Steps = PLAIN) -> Placed:
    recent = Words("最近10分钟内网关所写。", "As gateways wrote within 10 minutes.")
    return Placed(number(told(zh, en, said, recent, steps=steps, time_from="10m"), query), 6, 4)


def now() -> Section:
    """Four numbers."""
    every = Words("已登记的设备数。", "Registered devices.")
    silent = Words("静默、失联或从未收到的设备数。", "Devices that are silent, lost or were never heard.")
    broken = Words("有错误计数的设备数。", "Devices with errors since the gateway's start.")
    low = Words(f"电量低于{BATTERY.told}的设备数。", f"Devices with a battery below {BATTERY.told}.")
    return Section(
        Words("现在", "Now"),
        [
            _count("设备", "Devices", every, over('count("silent") AS "v"', _newest("silent"))),
            _count("失联设备", "Silent devices", silent, over('sum("silent") AS "v"', _newest("silent")), ANY_IS_RED),
            _count(
                "有错误的设备",
                "Devices with errors",
                broken,
                over('count("errors") AS "v"', _newest("errors"), 'WHERE "errors" > 0'),
                ANY_IS_ORANGE,
            ),
            _count(
                "电量低",
                "Battery low",
                low,
                over(
                    'count("battery_percent") AS "v"',
                    _newest("battery_percent"),
                    f'WHERE "battery_percent" < {BATTERY.value:g}',
                ),
                ANY_IS_ORANGE,
            ),
        ],
    )


def _versions() -> Placed:
    said = Words(
        "报告固件版本的设备,按版本计数(由看板合计)。",
        "Devices that tell their firmware, counted by version (by the dashboard).",
    )
    columns = (
        Column("firmware", Words("固件", "Firmware")),
        Column("device (count)", Words("设备数", "Devices"), "short"),
    )
    query = flat(("device", "firmware"), _newest("firmware"))
    panel = listing(told("固件版本", "Firmware versions", said), query, columns)
    return Placed(grouped(panel, "firmware", {"device": "count"}, "device (count)", 50), 6, 9)


def devices() -> Section:
    """Who is silent, everybody, batteries, firmware, and silence over time."""
    names = [column.name for column in COLUMNS]
    newest = _newest("silent", *names[TAGS:])
    everybody = flat(names, _newest(*names[TAGS:]))
    since = Words("现在失联的设备和最后收到的时间。", "Devices that are silent now, and when each was heard last.")
    every = Words("每台设备的最新状态。空格:设备不报告此项。", "Newest state of each device. Empty: it does not tell.")
    cells = Words("电量最低的20台设备。", "The 20 devices with the lowest battery.")
    over_time = Words("每个站点静默、失联或从未收到的设备数。", "Devices silent, lost or never heard, by site.")
    lowest = over('bottom("battery_percent", "device", 20) AS "battery_percent"', _newest("battery_percent"))
    inner = select('last("silent") AS "s"', KIND, ONE_BY_ONE, 'time($__interval), "site", "device"', "fill(none)")
    silence = over('sum("s") AS "v"', inner, 'WHERE $timeFilter GROUP BY time($__interval), "site" fill(none)')
    silent = listing(
        told("失联的设备", "Silent devices", since, COLOURS), flat(names, newest, 'WHERE "silent" > 0'), COLUMNS
    )
    course = told("失联设备数", "Silent devices over time", over_time, unit="short", interval="2m")
    batteries = listing(told("电量最低", "Lowest batteries", cells, COLOURS), lowest, (COLUMNS[1], COLUMNS[-2]))
    return Section(
        Words("设备", "Devices"),
        [
            Placed(silent, 24, 8),
            Placed(listing(told("所有设备", "All devices", every, COLOURS), everybody, COLUMNS), 24, 10),
            Placed(chart(course, Line(silence, "$tag_site")), 12, 9),
            Placed(batteries, 6, 9),
            _versions(),
        ],
    )


def errors() -> Section:
    """Errors by kind, and who has most."""
    kinds = Words("所选设备每类错误的次数。", "Errors of the devices chosen, by kind.")
    worst = Words("错误增加最多的20台设备。", "The 20 devices whose errors rose most.")
    step = 'time($__interval), "device", "error"'
    rises = select('non_negative_difference(last("errors")) AS "d"', "device_error", ONE_BY_ONE, step)
    by_kind = over('sum("d") AS "v"', rises, 'WHERE $timeFilter GROUP BY time($__interval), "error" fill(none)')
    most = over('top("v", "device", 20) AS "v"', over('sum("d") AS "v"', rises, 'GROUP BY "device"'))
    columns = (COLUMNS[1], Column("v", Words("次数", "Count"), "short"))
    return Section(
        Words("设备错误", "Errors of devices"),
        [
            Placed(
                chart(
                    told("错误类别", "Errors by kind", kinds, COUNTERS, unit="short", interval="2m"),
                    Line(by_kind, "$tag_error"),
                    bars=True,
                ),
                16,
                9,
            ),
            Placed(
                listing(told("错误最多的设备", "Devices by errors", worst, COUNTERS, interval="2m"), most, columns),
                8,
                9,
            ),
        ],
    )
