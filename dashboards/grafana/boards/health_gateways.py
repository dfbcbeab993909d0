"""The half of the health dashboard that is about gateways, stores and connections."""

from dashboards.grafana.board import Placed, Section
from dashboards.grafana.figures import limit
from dashboards.grafana.influxql import LIVE, SITE, flat, over, select
from dashboards.grafana.panels import ANY_IS_ORANGE, ANY_IS_RED, Column, Line, Told, chart, listing, steps_at, told
from dashboards.grafana.words import Words

HERE = (LIVE, SITE)
BY_SITE = 'time($__interval), "site"'
SLOW, LONG = limit("lag_slow"), limit("lag_long")
AGED = steps_at(SLOW.value, LONG.value, colours=("green", "orange", "red"))
AGES = Words(f"颜色:{SLOW.told};{LONG.told}。", f"Colours: {SLOW.told}; {LONG.told}.")
YES_NO = {"0": "否 no", "1": "是 yes"}


def _rows(measurement: str, tags: tuple[Column, ...], fields: tuple[Column, ...]) -> tuple[str, tuple[Column, ...]]:
    """The newest values of each series as a table."""
    what = ", ".join(f'last("{column.name}") AS "{column.name}"' for column in fields)
    names = ", ".join(f'"{column.name}"' for column in tags)
    columns = (*tags, *fields)
    return flat([column.name for column in columns], select(what, measurement, HERE, names)), columns


def _written_last() -> Placed:
    said = Words(
        "每个站点的网关最后一次上报;超过几分钟即失联。",
        "When the gateway of each site wrote last: minutes old means lost.",
    )
    query = flat(("site", "uptime_s"), select('last("uptime_s") AS "uptime_s"', "gateway", HERE, '"site"'))
    columns = (
        Column("Time", Words("时间", "When"), "dateTimeFromNow"),
        Column("site", Words("站点", "Site")),
        Column("uptime_s", Words("已运行", "Up for"), "dtdurations"),
    )
    return Placed(listing(told("最后上报", "Wrote last", said), query, columns, timed=True), 8, 8)


def _newest() -> Placed:
    said = Words("每个站点网关的最新数据。", "Newest figures of the gateway of each site.")
    query, columns = _rows(
        "gateway",
        (Column("site", Words("站点", "Site")),),
        (
            Column("version", Words("版本", "Version")),
            Column("devices", Words("设备", "Devices"), "short"),
            Column("devices_silent", Words("静默", "Silent"), "short", steps=ANY_IS_ORANGE),
            Column("devices_lost", Words("失联", "Lost"), "short", steps=ANY_IS_RED),
            Column("unknown_devices", Words("未登记", "Not registered"), "short", steps=ANY_IS_ORANGE),
            Column("refused", Words("拒收", "Refused"), "short"),
            Column("disk_free_bytes", Words("磁盘剩余", "Disk free"), "bytes"),
        ),
    )
    return Placed(listing(told("网关", "Gateways", said), query, columns), 16, 8)


def _course(shown: Told, what: str) -> Placed:
    query = select(f'{what} AS "v"', "gateway", HERE, BY_SITE, "fill(none)")
    return Placed(chart(shown, Line(query, "$tag_site")), 8, 8)


def gateways() -> Section:
    """When each wrote last, what it is, and how it fares."""
    speed = Words("每秒入库的读数。", "Readings stored per second.")
    room = Words(
        "日志已用空间占其上限的百分比;到100%时拒收批量读数,报警与指令不受影响。",
        "Share of the journal's bound in use; at 100 % bulk readings are refused, alarms and commands are not.",
    )
    memory = Words("网关进程的常驻内存。", "Resident memory of the gateway's process.")
    used = told("日志占用", "Journal in use", room, unit="percent", minimum=0, maximum=100, interval="2m")
    return Section(
        Words("网关", "Gateways"),
        [
            _written_last(),
            _newest(),
            _course(
                told("每秒读数", "Readings per second", speed, unit="short", interval="2m"),
                'non_negative_derivative(last("readings"), 1s)',
            ),
            _course(used, '100 * last("journal_bytes") / last("journal_bound_bytes")'),
            _course(told("内存", "Memory", memory, unit="bytes", interval="2m"), 'last("memory_bytes")'),
        ],
    )


def stores() -> Section:
    """How far each store is behind the journal."""
    lag = Words("还没有被存储取走的日志条目数。", "Entries of the journal that a store has not taken yet.")
    age = Words(
        "最旧的未取条目的年龄;持续上升即积压。", "Age of the oldest entry not taken yet: rising means it lags behind."
    )
    what = Words("每个存储的最新状态;死信见文档 dead-letters。", "Newest state of each store; dead letters: see docs.")
    group = 'time($__interval), "site", "consumer"'
    behind = select('max("lag") AS "v"', "consumer", HERE, group, "fill(none)")
    oldest = select('max("oldest_age_s") AS "v"', "consumer", HERE, group, "fill(none)")
    query, columns = _rows(
        "consumer",
        (Column("site", Words("站点", "Site")), Column("consumer", Words("存储", "Store"))),
        (
            Column("taking", Words("在取", "Taking"), names=YES_NO),
            Column("problem", Words("原因", "Problem")),
            Column("oldest_age_s", Words("最旧", "Oldest"), "s", steps=AGED),
            Column("dead_letters", Words("死信", "Dead letters"), "short", steps=ANY_IS_ORANGE),
            Column("missed", Words("错过", "Missed"), "short", steps=ANY_IS_RED),
        ),
    )
    names = "$tag_site $tag_consumer"
    return Section(
        Words("存储与积压", "Stores and lag"),
        [
            Placed(chart(told("日志积压", "Journal lag", lag, unit="short", interval="2m"), Line(behind, names)), 8, 8),
            Placed(
                chart(
                    told("最旧未取条目", "Oldest entry not taken", age, AGES, unit="s", steps=AGED, interval="2m"),
                    Line(oldest, names),
                    steps_drawn=True,
                ),
                8,
                8,
            ),
            Placed(listing(told("存储状态", "State of stores", what, AGES), query, columns), 8, 8),
        ],
    )


def _connections() -> Placed:
    said = Words("每条连接的最新状态。", "Newest state of each connection.")
    query, columns = _rows(
        "connection",
        (
            Column("site", Words("站点", "Site")),
            Column("connection", Words("连接", "Connection")),
            Column("transport", Words("协议", "Transport")),
        ),
        (
            Column("state", Words("状态", "State")),
            Column("reason", Words("原因", "Reason")),
            Column("since_ms", Words("自", "Since"), "dateTimeFromNow"),
            Column("devices_silent", Words("静默设备", "Silent"), "short", steps=ANY_IS_ORANGE),
            Column("devices_lost", Words("失联设备", "Lost"), "short", steps=ANY_IS_RED),
            Column("rtt_p95_s", Words("往返P95", "Round trip p95"), "s"),
        ),
    )
    return Placed(listing(told("连接状态", "Connections", said), query, columns), 24, 8)


def _of_connection(shown: Told, what: str) -> Placed:
    query = select(f'{what} AS "v"', "connection", HERE, 'time($__interval), "site", "connection"', "fill(none)")
    return Placed(chart(shown, Line(query, "$tag_site $tag_connection")), 8, 8)


def connections() -> Section:
    """State, errors by kind, round trips and utilisation."""
    kinds = Words(
        "每类错误的次数,含其下设备。计数器随网关启动归零,只显示增量。",
        "Errors by kind, those of its devices included. Counters begin anew with the gateway; rises are shown.",
    )
    slow = Words("95%的往返不超过此时间。", "95 % of round trips took at most this.")
    busy = Words(
        "线路占用率;接近100%时轮询会被跳过。", "Share of the time a line is in use; near 100 % polls are skipped."
    )
    series = 'time($__interval), "site", "connection", "kind"'
    rises = select('non_negative_difference(last("errors")) AS "d"', "connection_error", HERE, series)
    by_kind = over('sum("d") AS "v"', rises, 'WHERE $timeFilter GROUP BY time($__interval), "kind" fill(none)')
    errors = told("连接错误类别", "Connection errors by kind", kinds, unit="short", interval="2m")
    share = told("线路占用率", "Utilisation", busy, unit="percent", minimum=0, maximum=100, interval="2m")
    return Section(
        Words("连接", "Connections"),
        [
            _connections(),
            Placed(chart(errors, Line(by_kind, "$tag_kind"), bars=True), 8, 8),
            _of_connection(told("往返时间P95", "Round trip, p95", slow, unit="s", interval="2m"), 'max("rtt_p95_s")'),
            _of_connection(share, '100 * mean("utilisation")'),
        ],
    )
