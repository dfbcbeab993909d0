"""Smart bins: which are full, which will be soon, were they collected, how long did they overflow."""

from dashboards.grafana.annotations import ALARMS, PLANS
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.events import event_log
from dashboards.grafana.figures import limit, rule_limit
from dashboards.grafana.influxql import ONE_BY_ONE, USABLE, each, flat, over, select
from dashboards.grafana.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    PLAIN,
    Column,
    Line,
    Steps,
    chart,
    listing,
    number,
    steps_at,
    told,
)
from dashboards.grafana.variables import places
from dashboards.grafana.words import Words

KIND = "smart_bin"
DISTANCE = "bin_level"
ZONE = "tz('Asia/Shanghai')"

FULL = rule_limit("bins", "SB-02")
SOON = limit("bin_soon")
FILL = steps_at(SOON.value, FULL.value, colours=("green", "orange", "red"))
LIMITS = Words(
    f"颜色:{SOON.told};{FULL.told}。",
    f"Colours: {SOON.told}; {FULL.told}.",
)
URGENT, IN_TIME = limit("hours_urgent"), limit("hours_soon")
HOURS = steps_at(URGENT.value, IN_TIME.value, colours=("red", "orange", "green"))
TIMES = Words(f"颜色:{URGENT.told};{IN_TIME.told}。", f"Colours: {URGENT.told}; {IN_TIME.told}.")
RECENT = Words("最近24小时内每只桶的最新值。", "From the newest value of each bin within 24 hours.")
GOOD_FILL = (*ONE_BY_ONE, f'"fill_q" < {USABLE}')
HOURLY = 'time(1h), "district", "device"'


def _last(field: str) -> str:
    return select(f'last("{field}") AS "v"', KIND, ONE_BY_ONE, each("device", by_time=False))


def _count(zh: str, en: str, said: Words, query: str, steps: Steps = PLAIN) -> Placed:
    return Placed(number(told(zh, en, said, RECENT, steps=steps, time_from="24h"), query), 4, 4)


def _now() -> Section:
    heard = Words("有数据的桶数。", "Bins that sent data.")
    full = Words(f"满溢度不低于{FULL.value:g}%的桶数。", f"Bins filled to {FULL.value:g} % or more.")
    overflow = Words("桶自报满溢的个数。", "Bins that report an overflow themselves.")
    fire = Words(
        "烟火报警位为1的桶数;先派人确认,再打119。", "Bins with their fire bit set: a person looks, then calls 119."
    )
    tilted = Words("倾倒的桶数;此时没有满溢度。", "Bins that lie on their side: no fill level then.")
    battery = limit("battery_low")
    low = Words(f"电量低于{battery.told}的桶数。", f"Bins with a battery below {battery.told}.")
    return Section(
        Words("现在", "Now"),
        [
            _count("在线垃圾桶", "Bins heard", heard, over('count("v") AS "v"', _last("battery"))),
            _count(
                "已满",
                "Full",
                full,
                over('count("v") AS "v"', _last("fill"), f'WHERE "v" >= {FULL.value:g}'),
                ANY_IS_RED,
            ),
            _count("满溢", "Overflowing", overflow, over('sum("v") AS "v"', _last("overflow")), ANY_IS_RED),
            _count("烟火报警", "Fire", fire, over('sum("v") AS "v"', _last("fire")), ANY_IS_RED),
            _count("倾倒", "On their side", tilted, over('sum("v") AS "v"', _last("tilted")), ANY_IS_ORANGE),
            _count(
                "电量低",
                "Battery low",
                low,
                over('count("v") AS "v"', _last("battery"), f'WHERE "v" < {battery.value:g}'),
                ANY_IS_ORANGE,
            ),
        ],
    )


def _soon() -> Placed:
    hourly = select(
        'mean("fill") AS "f", non_negative_derivative(mean("fill"), 1h) AS "r"', KIND, GOOD_FILL, HOURLY, "fill(none)"
    )
    each_bin = over('last("f") AS "fill", mean("r") AS "rate"', hourly, 'GROUP BY "district", "device"')
    hours = (
        f'SELECT "fill", "rate", (100 - "fill") / "rate" AS "hours", "district", "device" FROM ({each_bin}) '
        'WHERE "rate" > 0'
    )
    columns = (
        Column("district", Words("区域", "District")),
        Column("device", Words("设备", "Device")),
        Column("fill", Words("满溢度", "Fill"), "percent", steps=FILL),
        Column("rate", Words("每小时上升", "Rise per hour"), "percent"),
        Column("hours", Words("距满小时数", "Hours to full"), "h", steps=HOURS),
    )
    said = Words(
        "距满小时数 = 剩余百分比 ÷ 所选时间内每小时的平均上升量。清运造成的下降不计入;"
        "所选时间越长越平稳。没有上升的桶不列出。这是估计,不是预报。",
        "Hours to full = what is left / the mean rise per hour in the time shown. A fall, as when it is collected, "
        "does not count; the longer the time shown, the smoother. Bins that do not rise are not listed. An estimate, "
        "not a forecast.",
    )
    return Placed(listing(told("多久会满", "Hours to full", said, LIMITS, TIMES), hours, columns), 12, 10)


def _list() -> Placed:
    columns = (
        Column("district", Words("区域", "District")),
        Column("device", Words("设备", "Device")),
        Column("fill", Words("满溢度", "Fill"), "percent", steps=FILL),
        Column("weight", Words("重量", "Weight"), "masskg"),
        Column("temperature", Words("桶内温度", "Temperature inside"), "celsius"),
        Column("battery", Words("电量", "Battery"), "percent"),
        Column("lid_open", Words("桶盖", "Lid"), names={"0": "关 closed", "1": "开 open"}),
    )
    names = [column.name for column in columns]
    latest = ", ".join(f'last("{name}") AS "{name}"' for name in names[2:])
    said = Words("所选时间内每只桶的最新值。", "Newest value of each bin in the time shown.")
    query = flat(names, select(latest, KIND, ONE_BY_ONE, '"district", "device"'))
    return Placed(listing(told("各桶最新状态", "Bins: newest state", said, LIMITS), query, columns), 12, 10)


def _trends() -> Section:
    fill = Words(
        "平均满溢度,按设备;不可信读数(桶盖打开、倾倒、故障)不计。",
        "Mean by device; without bad readings (lid open, on its side, fault).",
    )
    hot = Words("每个时间步内的最高值,按设备。", "Highest of each step, by device.")
    far = Words(
        "只测距离的传感器:到废物表面的距离,越小越满。桶深未知,因此没有百分比。",
        "Sensors that measure a distance only: to the surface of the waste; the smaller, the fuller. The depth of the "
        "bin is not known here, so there is no percentage.",
    )
    level = select('mean("fill") AS "v"', KIND, GOOD_FILL, each("device"), "fill(none)")
    heat = select('max("temperature") AS "v"', KIND, ONE_BY_ONE, each("device"), "fill(none)")
    distance = select('mean("distance") AS "v"', DISTANCE, ONE_BY_ONE, each("device"), "fill(none)")
    return Section(
        Words("趋势", "Trends"),
        [
            Placed(
                chart(
                    told("满溢度", "Fill level", fill, LIMITS, unit="percent", steps=FILL, minimum=0, maximum=100),
                    Line(level, "$tag_device"),
                    steps_drawn=True,
                ),
                12,
                9,
            ),
            Placed(
                chart(
                    told("桶内温度", "Temperature inside", hot, unit="celsius", decimals=1), Line(heat, "$tag_device")
                ),
                12,
                9,
            ),
            Placed(
                chart(
                    told("到废物的距离", "Distance to the waste", far, unit="lengthmm"), Line(distance, "$tag_device")
                ),
                24,
                8,
            ),
        ],
    )


def _per_day(zh: str, en: str, said: Words, unit: str, inner: str, field: str, alias: str) -> Placed:
    query = over(f'sum("{field}") AS "v"', inner, f"WHERE $timeFilter GROUP BY time(1d) {ZONE}")
    return Placed(chart(told(zh, en, said, unit=unit, interval="1d"), Line(query, alias), bars=True), 8, 9)


def _worst(said: Words, inner: str) -> Placed:
    listed = Words("所选时间内满溢过的桶。", "Bins that overflowed in the time shown.")
    columns = (
        Column("district", Words("区域", "District")),
        Column("device", Words("设备", "Device")),
        Column(
            "hours",
            Words("满溢小时数", "Hours of overflow"),
            "h",
            steps=steps_at(URGENT.value, colours=("orange", "red")),
        ),
    )
    each_bin = over('sum("o") AS "hours"', inner, 'GROUP BY "district", "device"')
    query = flat([column.name for column in columns], each_bin, 'WHERE "hours" > 0')
    return Placed(listing(told("满溢最久的桶", "Bins by hours of overflow", said, listed, TIMES), query, columns), 8, 9)


def _service() -> Section:
    counted = select('non_negative_difference(last("collections")) AS "c"', KIND, ONE_BY_ONE, HOURLY)
    flagged = select('mean("overflow") AS "o"', KIND, ONE_BY_ONE, HOURLY)
    emptied = Words(
        "桶自己数的清运次数,按日历天(北京时间)合计。请选一天以上的时间。",
        "Collections as the bins count them, per calendar day (China time). Choose a day or more.",
    )
    hours = Words(
        "满溢小时数 = 每小时内满溢标志的平均值之和;按日历天(北京时间)合计所有桶。",
        "Hours of overflow = the sum of the hourly means of the overflow flag; all bins, per day (China time).",
    )
    return Section(
        Words("清运与满溢", "Collections and overflow"),
        [
            _per_day("每日清运次数", "Collections per day", emptied, "short", counted, "c", "清运 Collections"),
            _per_day("每日满溢小时数", "Overflow hours per day", hours, "h", flagged, "o", "满溢 Overflow"),
            _worst(hours, flagged),
            Placed(event_log("区域内的报警", "Alarms in the districts", kinds=("alarm",)), 24, 9),
        ],
    )


BOARD = Board(
    "gengfu-bins",
    Words("智能垃圾桶", "Smart bins"),
    Words(
        "哪些桶满了,哪些快满了,清运了没有,满溢了多久?",
        "Which bins are full, which will be soon, were they collected, and how long did they overflow?",
    ),
    places(f"{KIND} {DISTANCE}"),
    (ALARMS, PLANS),
    (_now(), Section(Words("桶", "Bins"), [_soon(), _list()]), _trends(), _service()),
    since="now-7d",
    refresh="5m",
)
