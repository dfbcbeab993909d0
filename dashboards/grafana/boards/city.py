"""City overview: what needs somebody now, and at which site."""

from collections.abc import Sequence

from dashboards.grafana.annotations import ALL
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.boards import bins, gas, hydrogen
from dashboards.grafana.boards.alarms import KIND, RAISED
from dashboards.grafana.events import event_log
from dashboards.grafana.influxql import LIVE, PLACE, SITE, USABLE, each, flat, over, select
from dashboards.grafana.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    PLAIN,
    Column,
    Line,
    Steps,
    Told,
    chart,
    listing,
    number,
    numbers,
    ranking,
    told,
)
from dashboards.grafana.variables import district, site
from dashboards.grafana.words import Words

OF_SITES = (LIVE, SITE)
RECENT = Words("最近10分钟。", "Within 10 minutes.")


def _of_gateways(field: str) -> str:
    return over('sum("v") AS "v"', select(f'last("{field}") AS "v"', "gateway", OF_SITES, each("site", by_time=False)))


def _count(zh: str, en: str, said: Words, query: str, steps: Steps = PLAIN, *, recent: bool = True) -> Placed:
    shown = told(zh, en, said, *([RECENT] if recent else []), steps=steps, time_from="10m" if recent else "")
    return Placed(number(shown, query), 4, 4)


def _highest(zh: str, en: str, kind: str, field: str, said: Sequence[Words], unit: str, steps: Steps) -> Placed:
    inner = select(f'last("{field}") AS "v"', kind, PLACE, each("device", by_time=False))
    shown = told(zh, en, said[0], RECENT, *said[1:], unit=unit, steps=steps, decimals=1, time_from="10m")
    return Placed(number(shown, over('max("v") AS "v"', inner)), 4, 4)


def _of_sites() -> list[Placed]:
    heard = Words("所选站点登记的设备数。", "Devices registered at the sites chosen.")
    silent = Words("静默的设备数。", "Devices that are silent.")
    lost = Words("失联的设备数。", "Devices that do not answer.")
    raised = Words("所选时间内的报警次数。", "Alarms raised in the time shown.")
    tripped = Words("所选时间内联锁动作的次数。", "Trips in the time shown.")
    opened = Words("所选时间内启动的预案次数(只含真实)。", "Plans opened in the time shown (real ones only).")
    alarms = select('count("alarm") AS "v"', KIND, RAISED)
    trips = select('count("title") AS "v"', KIND, (*PLACE, "\"kind\" = 'trip'", '"title" =~ /· tripped$/'))
    plans = select('count("title") AS "v"', KIND, (*PLACE, "\"kind\" = 'plan'", '"title" =~ /· opened$/'))
    return [
        _count("设备", "Devices", heard, _of_gateways("devices")),
        _count("静默设备", "Silent devices", silent, _of_gateways("devices_silent"), ANY_IS_ORANGE),
        _count("失联设备", "Lost devices", lost, _of_gateways("devices_lost"), ANY_IS_RED),
        _count("报警", "Alarms raised", raised, alarms, recent=False),
        _count("联锁动作", "Trips", tripped, trips, ANY_IS_RED, recent=False),
        _count("预案启动", "Plans opened", opened, plans, ANY_IS_RED, recent=False),
    ]


def _having(kind: str, field: str, condition: str) -> str:
    """How many devices have this newest value."""
    newest = select(f'last("{field}") AS "v"', kind, PLACE, each("device", by_time=False))
    return over('count("v") AS "v"', newest, f'WHERE "v" {condition}')


def _hydrogen(zh: str, en: str, kind: str, points: Sequence[tuple[str, str]]) -> Placed:
    said = Words("每个区域所有设备的最高氢浓度。", "The highest hydrogen of all devices, by place in the station.")
    shown = told(
        zh, en, said, RECENT, hydrogen.LIMITS, unit="suffix:vol%", steps=hydrogen.H2, decimals=2, time_from="10m"
    )
    lines = [
        Line(
            over('max("v") AS "v"', select(f'last("{field}") AS "v"', kind, PLACE, each("device", by_time=False))), name
        )
        for field, name in points
    ]
    return Placed(numbers(shown, *lines), 12, 4)


def _of_equipment() -> list[Placed]:
    methane = Words("所有探测器的最高甲烷。", "The highest methane of all detectors.")
    lpg = Words("所有探测器的最高液化气。", "The highest LPG of all detectors.")
    closed = Words("回读为「关」的切断阀数。", "Shut-off valves read back as closed.")
    filled = Words(f"满溢度不低于{bins.FULL.told}的桶数。", f"Bins filled to at least {bins.FULL.told}.")
    wrote = Words(
        "网关在上报的站点数;比站点总数少,就有站点看不见,上面的数字也不含它。",
        "Sites whose gateway writes: fewer than there are means that one is not seen, nor in the numbers above.",
    )
    sites = select('last("uptime_s") AS "v"', "gateway", OF_SITES, each("site", by_time=False))
    lel = gas.PERCENT_LEL
    full = told("已满的桶", "Full bins", filled, steps=ANY_IS_ORANGE, time_from="24h")
    valves = _having(gas.KIND, "valve", f"= {gas.CLOSED}")
    return [
        _highest(
            "最高甲烷", "Highest methane", gas.KIND, "methane", (methane, gas.METHANE.limits), lel, gas.METHANE.steps
        ),
        _highest("最高液化气", "Highest LPG", gas.KIND, "lpg", (lpg, gas.LPG.limits), lel, gas.LPG.steps),
        _count("阀门已关", "Valves closed", closed, valves, ANY_IS_ORANGE),
        _hydrogen("最高氢浓度:节点", "Highest hydrogen: nodes", hydrogen.NODE, hydrogen.NODE_GAS),
        _hydrogen("最高氢浓度:站控", "Highest hydrogen: stations", hydrogen.STATION, hydrogen.STATION_GAS),
        _count("上报的站点", "Sites heard", wrote, over('count("v") AS "v"', sites)),
        Placed(number(full, _having(bins.KIND, "fill", f">= {bins.FULL.value:g}")), 4, 4),
    ]


def _sites() -> Section:
    columns = (
        Column("site", Words("站点", "Site")),
        Column("devices", Words("设备", "Devices"), "short"),
        Column("devices_silent", Words("静默", "Silent"), "short", steps=ANY_IS_ORANGE),
        Column("devices_lost", Words("失联", "Lost"), "short", steps=ANY_IS_RED),
        Column("devices_unheard", Words("从未收到", "Never heard"), "short", steps=ANY_IS_ORANGE),
        Column("version", Words("版本", "Version")),
    )
    names = [column.name for column in columns]
    what = ", ".join(f'last("{name}") AS "{name}"' for name in names[1:])
    said = Words("每个站点网关的最新数据。", "Newest figures of the gateway of each site.")
    load = Words("所选时间内各站点的报警次数。", "Alarms raised in the time shown, by site.")
    kinds = Words("所选时间内各优先级的报警次数。", "Alarms raised in the time shown, by priority.")
    by_site = select('count("alarm") AS "n"', KIND, RAISED, each("site", by_time=False))
    by_priority = select('count("alarm") AS "n"', KIND, RAISED, each("priority", by_time=False))
    return Section(
        Words("站点", "Sites"),
        [
            Placed(
                listing(told("站点", "Sites", said), flat(names, select(what, "gateway", OF_SITES, '"site"')), columns),
                12,
                8,
            ),
            Placed(ranking(told("各站点报警", "Alarms by site", load, unit="short"), Line(by_site, "$tag_site")), 6, 8),
            Placed(
                ranking(
                    told("各优先级报警", "Alarms by priority", kinds, unit="short"), Line(by_priority, "$tag_priority")
                ),
                6,
                8,
            ),
        ],
    )


def _by_site(shown: Told, query: str, *, bars: bool = False, drawn: bool = False) -> Placed:
    return Placed(chart(shown, Line(query, "$tag_site"), bars=bars, steps_drawn=drawn), 12, 8)


def _trends() -> Section:
    hourly = Words("每小时报警次数,按站点。", "Alarms per hour, by site.")
    gone = Words("每个站点静默与失联的设备数。", "Devices silent or lost, by site.")
    gas_said = Words("每个站点的最高甲烷。", "Highest methane of each site.")
    fill_said = Words("每个站点的平均满溢度。", "Mean fill level of each site.")
    silent = 'last("devices_silent") + last("devices_lost") AS "v"'
    good = (*PLACE, f'"fill_q" < {USABLE}')
    methane = told(
        "最高甲烷走势",
        "Highest methane over time",
        gas_said,
        gas.METHANE.limits,
        unit=gas.PERCENT_LEL,
        steps=gas.METHANE.steps,
        decimals=1,
    )
    fill = told(
        "平均满溢度", "Mean fill level", fill_said, bins.LIMITS, unit="percent", steps=bins.FILL, minimum=0, maximum=100
    )
    return Section(
        Words("趋势与事件", "Trends and events"),
        [
            _by_site(
                told("每小时报警", "Alarms per hour", hourly, unit="short", interval="1h"),
                select('count("alarm") AS "v"', KIND, RAISED, 'time(1h), "site"', "fill(0)"),
                bars=True,
            ),
            _by_site(
                told("失联设备走势", "Silent or lost devices", gone, unit="short", interval="2m"),
                select(silent, "gateway", OF_SITES, each("site"), "fill(none)"),
            ),
            _by_site(methane, select('max("methane") AS "v"', gas.KIND, PLACE, each("site"), "fill(none)"), drawn=True),
            _by_site(fill, select('mean("fill") AS "v"', bins.KIND, good, each("site"), "fill(none)")),
            Placed(event_log("报警、联锁与预案", "Alarms, trips and plans", kinds=("alarm", "trip", "plan")), 24, 10),
        ],
    )


BOARD = Board(
    "gengfu-city",
    Words("城市总览", "City overview"),
    Words("现在哪里需要人去?只含真实数据。", "Where is somebody needed now? Live data only."),
    (site("device_health"), district("device_health")),
    ALL,
    (Section(Words("现在", "Now"), [*_of_sites(), *_of_equipment()]), _sites(), _trends()),
    since="now-24h",
)
