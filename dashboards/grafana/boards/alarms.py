"""Alarm performance: are there too many alarms to act on, which ones, and what stands."""

from dashboards.grafana.annotations import ALARMS
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.events import event_log
from dashboards.grafana.figures import limit
from dashboards.grafana.influxql import PLACE, each, over, select
from dashboards.grafana.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    Column,
    Line,
    chart,
    grouped,
    listing,
    number,
    ranking,
    step,
    steps_at,
    told,
)
from dashboards.grafana.variables import district, site
from dashboards.grafana.words import Words

KIND = "annotation"
OF_ALARMS = (*PLACE, "\"kind\" = 'alarm'")
RAISED = (*OF_ALARMS, '"title" =~ /· raise$/')
"""The event stands last in the English title (`gengfu.annotations`)."""

MANAGEABLE, FLOOD, CHATTER, STALE = (
    limit(name) for name in ("alarms_manageable", "alarm_flood", "chattering", "stale")
)
BAD_ACTORS = limit("bad_actors")
RATE = steps_at(MANAGEABLE.value + 1, FLOOD.value, colours=("green", "orange", "red"))
RATES = Words(f"参考值:{MANAGEABLE.told};{FLOOD.told}。", f"Reference: {MANAGEABLE.told}; {FLOOD.told}.")
TEN_MINUTES = select('count("alarm") AS "n"', KIND, RAISED, "time(10m)")


def _key() -> Section:
    raised = Words("所选时间内的报警次数。", "Alarms raised in the time shown.")
    per_ten = Words("任一10分钟内最多的报警次数。", "The most alarms raised in any 10 minutes.")
    flood = Words(
        f"10分钟内报警不少于{FLOOD.value:g}次的时间之和,分钟。",
        f"Minutes in which {FLOOD.value:g} alarms or more were raised within 10 minutes.",
    )
    life = Words("优先级为「critical」的报警次数。", "Alarms of priority «critical».")
    critical = (*RAISED, "\"priority\" = 'critical'")
    return Section(
        Words("关键数字", "Key figures"),
        [
            Placed(
                number(told("报警次数", "Alarms raised", raised), select('count("alarm") AS "v"', KIND, RAISED)), 6, 4
            ),
            Placed(
                number(
                    told("最高10分钟次数", "Most in 10 min", per_ten, RATES, steps=RATE),
                    over('max("n") AS "v"', TEN_MINUTES),
                ),
                6,
                4,
            ),
            Placed(
                number(
                    told("洪泛时间", "Time in flood", flood, RATES, unit="m", steps=ANY_IS_RED),
                    over('count("n") * 10 AS "v"', TEN_MINUTES, f'WHERE "n" >= {FLOOD.value:g}'),
                ),
                6,
                4,
            ),
            Placed(
                number(
                    told("最高优先级报警", "Critical alarms", life, steps=ANY_IS_ORANGE),
                    select('count("alarm") AS "v"', KIND, critical),
                ),
                6,
                4,
            ),
        ],
    )


def _load() -> Section:
    rate = Words("每10分钟的报警次数。", "Alarms raised in each 10 minutes.")
    aims = [limit(f"priority_{name}") for name in ("low", "medium", "high")]
    split = Words(
        f"按优先级的报警次数。常用目标:低{aims[0].value:g}%、中{aims[1].value:g}%、高{aims[2].told}。",
        f"Alarms raised by priority. A usual aim: low {aims[0].value:g} %, medium {aims[1].value:g} %, high "
        f"{aims[2].told}.",
    )
    area = Words("报警最多的区域。", "Districts by alarms raised.")
    per_ten = select('count("alarm") AS "n"', KIND, RAISED, "time(10m)", "fill(0)")
    by_priority = select('count("alarm") AS "n"', KIND, RAISED, each("priority", by_time=False))
    by_district = select('count("alarm") AS "n"', KIND, RAISED, each("district", by_time=False))
    return Section(
        Words("负荷", "Load"),
        [
            Placed(
                chart(
                    told(
                        "每10分钟报警次数", "Alarms per 10 min", rate, RATES, unit="short", steps=RATE, interval="10m"
                    ),
                    Line(per_ten, "报警 Alarms"),
                    bars=True,
                    steps_drawn=True,
                ),
                12,
                9,
            ),
            Placed(
                ranking(told("优先级分布", "Priority split", split, unit="short"), Line(by_priority, "$tag_priority")),
                6,
                9,
            ),
            Placed(
                ranking(
                    told("各区域报警次数", "Alarms by district", area, unit="short"), Line(by_district, "$tag_district")
                ),
                6,
                9,
            ),
        ],
    )


def _top_devices() -> Placed:
    said = Words("报警最多的10台设备。", "The 10 devices that raised most.")
    query = over(
        'top("n", "device", 10) AS "n"', select('count("alarm") AS "n"', KIND, RAISED, each("device", by_time=False))
    )
    columns = (Column("device", Words("设备", "Device")), Column("n", Words("次数", "Count"), "short"))
    return Placed(listing(told("报警最多的10台设备", "Top 10 devices", said), query, columns), 8, 9)


def _top_alarms() -> Placed:
    said = Words(
        f"报警最多的10个报警(设备与规则),由看板在最新10000次报警中计数。先从这里改({BAD_ACTORS.told})。",
        "The 10 alarms (device and rule) raised most, counted by the dashboard in the newest 10,000. Begin here "
        f"({BAD_ACTORS.told}).",
    )
    query = select('"alarm", "title_zh", "rule"', KIND, RAISED, tail="ORDER BY time DESC LIMIT 10000")
    columns = (
        Column("alarm", Words("报警", "Alarm")),
        Column("title_zh (first)", Words("名称", "Name")),
        Column("rule (count)", Words("次数", "Count"), "short"),
    )
    panel = listing(told("报警最多的10个报警", "Top 10 alarms", said), query, columns)
    return Placed(grouped(panel, "alarm", {"title_zh": "first", "rule": "count"}, "rule (count)", 10), 16, 9)


def _standing() -> Placed:
    said = Words(
        f"最近30天内最后状态不是「normal」的报警;久立的先看({STALE.told})。更早的报警不在此列,以更夫控制台为准。",
        f"Alarms whose last state within 30 days is not «normal»; look at the oldest first ({STALE.told}). Older ones "
        "are not here: the console of Gengfu is the truth.",
    )
    query = select('"alarm", "state", "title_zh", "title"', KIND, OF_ALARMS, tail="ORDER BY time DESC LIMIT 10000")
    columns = (
        Column("alarm", Words("报警", "Alarm")),
        Column("state (first)", Words("状态", "State")),
        Column("title_zh (first)", Words("最后事件", "Last event")),
        Column("title (first)", Words("英文", "In English")),
        Column("Time (first)", Words("自", "Since"), "dateTimeFromNow"),
    )
    panel = listing(told("未恢复的报警", "Standing alarms", said, time_from="30d"), query, columns, timed=True)
    kept = {"state": "first", "title_zh": "first", "title": "first", "Time": "first"}
    normal = {"fieldName": "state (first)", "config": {"id": "equal", "options": {"value": "normal"}}}
    without = step("filterByValue", type="exclude", match="any", filters=[normal])
    panel = grouped(panel, "alarm", kept, "Time (first)", 200, without)
    return Placed(panel, 24, 9)


def _chattering() -> Placed:
    said = Words(
        f"一分钟内同一设备重复报警:报警次数减去不同报警的个数不小于{CHATTER.value - 1:g}的分钟数。"
        f"候选清单:两个报警各两次也会算入。参考:{CHATTER.told}。",
        f"Minutes in which a device repeated itself: alarms raised less different alarms is {CHATTER.value - 1:g} or "
        f"more. Candidates: two alarms raised twice each count too. Reference: {CHATTER.told}.",
    )
    minutes = select('count("alarm") AS "n", count(distinct("alarm")) AS "d"', KIND, RAISED, 'time(1m), "device"')
    repeated = over('count("n") AS "minutes"', minutes, f'WHERE "n" - "d" >= {CHATTER.value - 1:g} GROUP BY "device"')
    query = over('top("minutes", "device", 20) AS "minutes"', repeated)
    columns = (Column("device", Words("设备", "Device")), Column("minutes", Words("分钟数", "Minutes"), "short"))
    return Placed(listing(told("抖动报警", "Chattering", said), query, columns), 8, 9)


def _worst() -> Section:
    return Section(
        Words("最多、抖动、未恢复", "Most frequent, chattering, standing"),
        [
            _top_alarms(),
            _top_devices(),
            _chattering(),
            Placed(event_log("报警记录", "Alarm log", kinds=("alarm",)), 16, 9),
            _standing(),
        ],
    )


BOARD = Board(
    "gengfu-alarms",
    Words("报警绩效", "Alarm performance"),
    Words(
        "报警是否多到无法应对,哪些最多,哪些还立着?",
        "Are there more alarms than people can act on, which ones, and which still stand?",
    ),
    (site(KIND), district(KIND)),
    (ALARMS,),
    (_key(), _load(), _worst()),
    since="now-7d",
    refresh="5m",
)
