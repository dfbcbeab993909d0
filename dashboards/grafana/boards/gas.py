"""Gas safety: where is gas, is the valve shut, which detector cannot be trusted; by site, street, restaurant."""

from collections.abc import Sequence
from typing import NamedTuple

from dashboards.grafana.annotations import ALL
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.events import event_log
from dashboards.grafana.figures import limit, rule_limit, states
from dashboards.grafana.influxql import DEVICE, PLACE, USABLE, each, flat, over, select
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
    ranking,
    steps_at,
    timeline,
    told,
)
from dashboards.grafana.variables import STREET, device, district, site, street
from dashboards.grafana.words import Words

KIND = "gas_alarm"
PROFILE = "gengfu/gas-alarm"
PERCENT_LEL = "suffix:%LEL"
HERE = (*PLACE, STREET, DEVICE)


class Gas(NamedTuple):
    """Colours at the limits of a gas, and what is said of them."""

    steps: Steps
    limits: Words


def _gas_of(*rules: str) -> Gas:
    """Drawn at the limits of shipped alarm rules."""
    figures = [rule_limit("gas", rule) for rule in rules]
    listed = ";".join(figure.told for figure in figures)
    listed_en = "; ".join(figure.told for figure in figures)
    said = Words(
        f"颜色取自更夫自带报警规则的限值:{listed}。", f"Colours are limits of the shipped alarm rules: {listed_en}."
    )
    return Gas(steps_at(*(figure.value for figure in figures)), said)


METHANE = _gas_of("CK-01", "CK-02", "CK-04")
LPG = _gas_of("CK-05", "CK-06")
NOT_SAFETY = Words(
    "本页不参与报警和切断,二者在网关内完成。",
    "Nothing here raises an alarm or closes a valve: both happen in the gateway.",
)
RECENT = Words("最近10分钟内每台探测器的最新值。", "From the newest value of each detector within 10 minutes.")
VALVE = states(PROFILE, "valve")
LEVELS = states(PROFILE, "alarm_level")
CLOSED = next(code for code, text in VALVE.items() if text.endswith(" closed"))
LIFE = limit("life_short")


def _last(field: str) -> str:
    return select(f'last("{field}") AS "v"', KIND, HERE, each("device", by_time=False))


def _count(zh: str, en: str, said: Words, query: str, steps: Steps = PLAIN) -> Placed:
    return Placed(number(told(zh, en, said, RECENT, steps=steps, time_from="10m"), query), 4, 4)


def _highest(field: str, zh: str, en: str, gas: Gas) -> Placed:
    said = Words("所有探测器中的最高值。", "The highest of all detectors.")
    shown = told(zh, en, said, RECENT, gas.limits, unit=PERCENT_LEL, steps=gas.steps, decimals=1, time_from="10m")
    return Placed(number(shown, over('max("v") AS "v"', _last(field))), 4, 4)


def _now() -> Section:
    heard = Words("有数据的探测器数。", "Detectors that sent data.")
    alarm = Words("本机报警位为1的探测器数。", "Detectors whose own alarm bit is set.")
    closed = Words(
        "回读为「关」的切断阀数;开阀只能在现场手动。",
        "Shut-off valves read back as closed; they are opened by hand on site only.",
    )
    doubtful = Words(
        "为1的故障位与超量程锁定位的总数;这些读数不可信,不等于没有燃气。",
        "Fault and over-range bits that are set: such readings are not to be trusted, and do not mean «no gas».",
    )
    bits = select('last("fault") AS "f", last("over_range") AS "o"', KIND, HERE, each("device", by_time=False))
    return Section(
        Words("现在", "Now"),
        [
            _count("在线探测器", "Detectors heard", heard, over('count("v") AS "v"', _last("alarm"))),
            _highest("methane", "最高甲烷", "Highest methane", METHANE),
            _highest("lpg", "最高液化气", "Highest LPG", LPG),
            _count("正在报警", "In alarm", alarm, over('sum("v") AS "v"', _last("alarm")), ANY_IS_RED),
            _count(
                "阀门已关",
                "Valves closed",
                closed,
                over('count("v") AS "v"', _last("valve"), f'WHERE "v" = {CLOSED}'),
                ANY_IS_ORANGE,
            ),
            _count(
                "故障或超量程",
                "Faulty or over range",
                doubtful,
                over('sum("f") + sum("o") AS "v"', bits),
                ANY_IS_ORANGE,
            ),
        ],
    )


def _place(tag: str, zh: str, en: str, said: Words) -> Placed:
    shown = told(
        zh, en, said, METHANE.limits, unit=PERCENT_LEL, steps=METHANE.steps, decimals=1, minimum=0, maximum=100
    )
    query = select('max("methane") AS "v"', KIND, HERE, each(tag, by_time=False))
    return Placed(ranking(shown, Line(query, f"$tag_{tag}")), 6, 9)


def _restaurants() -> Placed:
    columns = (
        Column("district", Words("区域", "District")),
        Column("device", Words("设备", "Device")),
        Column("methane", Words("甲烷", "Methane"), PERCENT_LEL, steps=METHANE.steps),
        Column("lpg", Words("液化气", "LPG"), PERCENT_LEL, steps=LPG.steps),
        Column("co", Words("一氧化碳", "CO"), "ppm"),
        Column("alarm_level", Words("报警级别", "Alarm level"), names=LEVELS),
        Column("valve", Words("切断阀", "Valve"), names=VALVE),
    )
    names = [column.name for column in columns]
    latest = ", ".join(f'last("{name}") AS "{name}"' for name in names[2:])
    said = Words(
        "所选时间内每台探测器的最新值。空格:该型号没有此测点。",
        "Newest value of each detector in the time shown. Empty: its type has no such point.",
    )
    query = flat(names, select(latest, KIND, HERE, '"district", "device"'))
    shown = told("餐饮点最新状态", "Restaurants: newest state", said, METHANE.limits, LPG.limits)
    return Placed(listing(shown, query, columns), 12, 9)


def _by_place() -> Section:
    by_site = Words("所选时间内的最高甲烷浓度,含不可信读数。", "Highest methane in the time shown, bad readings too.")
    by_area = Words(
        "所选街道内每个区域(餐饮点)的最高甲烷浓度。区域编号以街道开头:「街道/餐饮点」。",
        "Highest methane of each district (restaurant) of the streets chosen. A district's id begins with its street: "
        "«street/restaurant».",
    )
    return Section(
        Words("按站点、街道、餐饮点", "By site, street, restaurant"),
        [
            _place("site", "各站点最高浓度", "Highest by site", by_site),
            _place("district", "街道内各区域最高浓度", "Highest by district of the street", by_area),
            _restaurants(),
        ],
    )


def _gas(field: str, zh: str, en: str, unit: str, gas: Gas | None = None) -> Placed:
    said = Words("每个时间步内的最高值,按设备;含不可信读数。", "Highest of each step, by device; bad readings too.")
    parts, steps = ([said, gas.limits], gas.steps) if gas else ([said], PLAIN)
    shown = told(zh, en, *parts, unit=unit, steps=steps, decimals=1, minimum=0, interval="10s")
    query = select(f'max("{field}") AS "v"', KIND, HERE, each("device"), "fill(none)")
    return Placed(chart(shown, Line(query, "$tag_device"), steps_drawn=gas is not None), 12, 9)


def _trends() -> Section:
    rise = Words(
        "平均值每分钟的变化,按设备。先看上升后失联的。",
        "Change of the mean per minute, by device. Look first at what rose and then fell silent.",
    )
    rising = select('derivative(mean("methane"), 1m) AS "v"', KIND, HERE, each("device"), "fill(none)")
    bad = Words(
        f"质量码不小于{USABLE}的甲烷读数个数:故障、超量程、失联。它们能报警,不能消警。",
        f"Methane readings of quality {USABLE} or more: fault, over range, lost. They can raise an alarm and never "
        "clear one.",
    )
    doubtful = (*HERE, f'"methane_q" >= {USABLE}')
    counted = select('count("methane_q") AS "v"', KIND, doubtful, each("device"), "fill(none)")
    speed = told("甲烷上升速度(每分钟)", "Methane: rise per minute", rise, unit=PERCENT_LEL, decimals=2, interval="1m")
    doubts = told("不可信读数", "Readings not to be trusted", bad, unit="short", interval="1m")
    return Section(
        Words("趋势", "Trends"),
        [
            _gas("methane", "甲烷浓度", "Methane", PERCENT_LEL, METHANE),
            _gas("lpg", "液化石油气浓度", "LPG", PERCENT_LEL, LPG),
            _gas("co", "一氧化碳浓度", "Carbon monoxide", "ppm"),
            Placed(chart(speed, Line(rising, "$tag_device")), 12, 9),
            Placed(chart(doubts, Line(counted, "$tag_device"), bars=True), 24, 7),
        ],
    )


def _band(field: str, zh: str, en: str, said: Words, names: dict[str, str], colours: Sequence[str]) -> Placed:
    query = select(f'last("{field}") AS "v"', KIND, HERE, each("device"), "fill(none)")
    return Placed(timeline(told(zh, en, said, interval="10s"), Line(query, "$tag_device"), names, colours), 12, 8)


def _states() -> Section:
    position = Words("设备回读的阀位,不是指令。", "The position read back from the device, not the command.")
    level = Words("设备自报的级别。", "As the device itself says it.")
    own = (*HERE, '"profile" =~ /^gengfu\\//')
    life = over(
        'bottom("v", "device", 20) AS "v"',
        select('last("life_left") AS "v"', KIND, own, each("device", by_time=False)),
    )
    ending = Words(
        f"更夫自带型号,以天计;低于{LIFE.told}为橙色。到期的探测器仍会报警。",
        f"Boards of this project, in days; orange below {LIFE.told}. An expired detector still alarms.",
    )
    left = Column("v", Words("剩余天数", "Days left"), steps=((None, "orange"), (LIFE.value, "green")))
    shown = told("寿命最短的20台探测器", "The 20 detectors nearest to the end of their life", ending)
    return Section(
        Words("状态与事件", "States and events"),
        [
            _band("valve", "切断阀", "Shut-off valve", position, VALVE, ("yellow", "green", "red", "blue", "purple")),
            _band(
                "alarm_level", "燃气报警级别", "Gas alarm level", level, LEVELS, ("green", "orange", "red", "purple")
            ),
            Placed(listing(shown, life, (Column("device", Words("设备", "Device")), left)), 8, 9),
            Placed(event_log("区域内的报警与联锁", "Alarms and trips in the districts", more=(STREET,)), 16, 9),
        ],
    )


BOARD = Board(
    "gengfu-gas",
    Words("燃气安全", "Gas safety"),
    Words(
        f"哪里有燃气,阀门关了没有,哪台探测器不可信?{NOT_SAFETY.zh}",
        f"Where is gas, are the valves shut, which detector cannot be trusted? {NOT_SAFETY.en}",
    ),
    (site(KIND), street(KIND), district(KIND, STREET), device(KIND, STREET)),
    ALL,
    (_now(), _by_place(), _trends(), _states()),
    refresh="30s",
)
