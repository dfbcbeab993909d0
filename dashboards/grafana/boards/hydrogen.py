"""Hydrogen station: pressures, temperatures, concentrations, first-out, and how full a fill is."""

from collections.abc import Mapping, Sequence

from dashboards.grafana.annotations import ALL
from dashboards.grafana.board import Board, Placed, Section
from dashboards.grafana.density import charge, references
from dashboards.grafana.events import event_log
from dashboards.grafana.figures import document, limit, states
from dashboards.grafana.influxql import ONE_BY_ONE, USABLE, each, flat, over, select
from dashboards.grafana.panels import ANY_IS_RED, Column, Line, Told, chart, listing, number, steps_at, timeline, told
from dashboards.grafana.variables import Variable, places
from dashboards.grafana.words import Words

NODE = "hydrogen_node"
STATION = "hydrogen_station"
PROFILE = "gengfu/hydrogen-node"

HIGH, HIGH_HIGH = limit("hydrogen_high"), limit("hydrogen_high_high")
H2 = steps_at(HIGH.value, HIGH_HIGH.value, colours=("green", "orange", "red"))
LIMITS = Words(f"虚线与颜色:{HIGH.told};{HIGH_HIGH.told}。", f"Lines and colours: {HIGH.told}; {HIGH_HIGH.told}.")
GOOD, END = limit("fill_good"), limit("fill_end")
ENDS = Words(f"虚线:{GOOD.told};{END.told}。", f"Lines: {GOOD.told}; {END.told}.")
FOLLOWS = Words(
    "更夫只观察,不写站控系统;联锁由站内硬接线完成。",
    "Gengfu observes and writes nothing to the station: its trips are hard-wired.",
)
FIRST_OUT = states(PROFILE, "first_out")
BANKS = (
    ("pressure_trailer", "管束车 Trailer"),
    ("pressure_low_bank", "低压储氢 Low bank"),
    ("pressure_high_bank", "高压储氢 High bank"),
    ("pressure_dispenser", "加氢机 Dispenser"),
)
NODE_GAS = (
    ("h2_1", "压缩机间 Compressor"),
    ("h2_2", "储氢区 Storage"),
    ("h2_3", "加氢机柜 Cabinet"),
    ("h2_4", "卸气区 Unloading"),
)
STATION_GAS = (
    ("h2_room", "压缩机间 Compressor"),
    ("h2_storage", "储氢区 Storage"),
    ("h2_cabinet", "加氢机柜 Cabinet"),
    ("h2_unloading", "卸气区 Unloading"),
)
BY_DEVICE = Words("每条线是一台设备的一个测点。", "One line for each point of each device.")
NOMINAL = ", ".join(f"{mpa} MPa : {rho}" for mpa, rho in references())
REFERENCE = Variable(
    "rho", Words("公称压力", "nominal pressure"), NOMINAL, fixed=True, first=("35 MPa", NOMINAL.split(", ")[0][9:])
)


def _line(kind: str, field: str, name: str) -> Line:
    query = select(f'max("{field}") AS "v"', kind, ONE_BY_ONE, each("device"), "fill(none)")
    return Line(query, f"{name} $tag_device")


def _now() -> Section:
    recent = Words(
        "最近10分钟内的最新值,监测节点与站控系统合计。",
        "From newest values within 10 minutes, nodes and station systems together.",
    )
    flags = (
        ("flame", "火焰报警", "Flame", Words("火焰报警位。", "Flame bits that are set.")),
        (
            "esd",
            "紧急切断",
            "Emergency shutdown",
            Words("紧急切断位;复位在站内进行。", "Shutdown bits that are set; reset is done at the station."),
        ),
        ("break_away", "软管拉断", "Hose break-away", Words("软管拉断位。", "Break-away bits that are set.")),
    )
    panels = []
    for field, zh, en, said in flags:
        for kind, where_zh, where_en in ((NODE, "节点", "nodes"), (STATION, "站控", "station")):
            query = over(
                'sum("v") AS "v"', select(f'last("{field}") AS "v"', kind, ONE_BY_ONE, each("device", by_time=False))
            )
            shown = told(f"{zh}({where_zh})", f"{en}, {where_en}", said, recent, steps=ANY_IS_RED, time_from="10m")
            panels.append(Placed(number(shown, query), 4, 4))
    return Section(Words("现在", "Now"), panels)


def _gas(zh: str, en: str, lines: Sequence[Line]) -> Placed:
    said = Words("每个时间步内的最高体积分数,含不可信读数。", "Highest of each step in vol%, bad readings too.")
    shown = told(zh, en, said, LIMITS, BY_DEVICE, unit="suffix:vol%", steps=H2, decimals=2, minimum=0, interval="10s")
    return Placed(chart(shown, *lines, steps_drawn=True), 12, 10)


def _concentrations() -> Section:
    return Section(
        Words("氢浓度", "Concentrations"),
        [
            _gas("氢浓度:监测节点", "Hydrogen: nodes", [_line(NODE, *one) for one in NODE_GAS]),
            _gas("氢浓度:站控系统", "Hydrogen: station systems", [_line(STATION, *one) for one in STATION_GAS]),
        ],
    )


def _process() -> Section:
    said = Words("每个时间步内的最高值。", "Highest of each step.")
    heat = [
        _line(NODE, "temperature_gas", "氢气 Gas"),
        _line(NODE, "temperature_room", "机柜 Cabinet"),
        _line(STATION, "temperature_gas", "氢气(站控) Gas, station"),
    ]
    return Section(
        Words("压力与温度", "Pressures and temperatures"),
        [
            Placed(
                chart(
                    told("压力:监测节点", "Pressures: nodes", said, BY_DEVICE, unit="suffix:MPa", decimals=1),
                    *(_line(NODE, *one) for one in BANKS),
                ),
                12,
                10,
            ),
            Placed(
                chart(
                    told("压力:站控系统", "Pressures: station systems", said, BY_DEVICE, unit="suffix:MPa", decimals=1),
                    *(_line(STATION, *one) for one in BANKS),
                ),
                12,
                10,
            ),
            Placed(chart(told("温度", "Temperatures", said, BY_DEVICE, unit="celsius", decimals=1), *heat), 24, 8),
        ],
    )


def _charge(kind: str, zh: str, en: str) -> Placed:
    data = document("dashboards/grafana/hydrogen.toml")
    said = Words(
        "SOC = 100·ρ(加氢机压力, 氢气温度)÷ρ(公称压力, 15 ℃),在查询内按密度方程计算,压力按绝对压力,不可信读数不计。"
        f"车载气瓶内的温度和压力不在站内,所以这是站侧估计。方程与数据来源:{data['source']}(未核实 unverified)。",
        "SOC = 100 rho(dispenser pressure, gas temperature) / rho(nominal pressure, 15 Cel), calculated in the query, "
        "pressures taken as absolute, without bad readings. "
        "What is in the vehicle's tank is not measured at the station: an estimate from the station's side. Equation: "
        f"{data['source']} (unverified).",
    )
    inner = select(
        'mean("pressure_dispenser") AS "p", mean("temperature_gas") AS "t"',
        kind,
        (*ONE_BY_ONE, f'"pressure_dispenser_q" < {USABLE}', f'"temperature_gas_q" < {USABLE}'),
        each("device"),
        "fill(none)",
    )
    query = over(f'{charge("p", "t", "$rho")} AS "v"', inner, 'GROUP BY "device"')
    shown = told(
        zh,
        en,
        said,
        ENDS,
        unit="percent",
        decimals=0,
        minimum=0,
        steps=steps_at(GOOD.value, END.value, colours=("text", "green", "red")),
        interval="10s",
    )
    return Placed(chart(shown, Line(query, "$tag_device"), steps_drawn=True), 12, 9)


def _fills() -> Section:
    return Section(
        Words("加注程度", "Fill state of charge"),
        [
            _charge(NODE, "加注程度 SOC:监测节点", "Fill SOC: nodes"),
            _charge(STATION, "加注程度 SOC:站控系统", "Fill SOC: station systems"),
        ],
    )


def _newest_first_out(said: Words) -> Placed:
    columns = (
        Column("district", Words("区域", "District")),
        Column("device", Words("设备", "Device")),
        Column("first_out", Words("首出原因", "First-out"), names=FIRST_OUT),
        Column("first_out_channel", Words("通道", "Channel")),
    )
    names = [column.name for column in columns]
    latest = ", ".join(f'last("{name}") AS "{name}"' for name in names[2:])
    query = flat(names, select(latest, NODE, ONE_BY_ONE, '"district", "device"'))
    return Placed(listing(told("各节点最新首出", "Newest first-out of each node", said), query, columns), 8, 9)


def _band(shown: Told, field: str, names: Mapping[str, str], colours: Sequence[str]) -> Placed:
    query = select(f'last("{field}") AS "v"', NODE, ONE_BY_ONE, each("device"), "fill(none)")
    return Placed(timeline(shown, Line(query, "$tag_device"), names, colours), 12, 7)


def _first_out() -> Section:
    seen = Words(
        "节点所见的首出原因;站内安全PLC自己的清单才是准的。",
        "First-out as the node saw it; the list of the station's own safety PLC is the truth.",
    )
    proof = Words("风机运行反馈,不是指令。", "Proof that the fan runs, not the command.")
    colours = ("green", "orange", "red", "purple", "red", "red", "red", "red", "yellow", "blue")
    running = {"0": "停 stopped", "1": "运行 running"}
    return Section(
        Words("首出与事件", "First-out and events"),
        [
            _band(told("首出原因", "First-out", seen, FOLLOWS, interval="10s"), "first_out", FIRST_OUT, colours),
            _band(told("事故风机", "Accident fan", proof, interval="10s"), "fan_running", running, ("blue", "green")),
            _newest_first_out(seen),
            Placed(event_log("区域内的报警与联锁", "Alarms and trips in the districts"), 16, 9),
        ],
    )


BOARD = Board(
    "gengfu-hydrogen",
    Words("加氢站", "Hydrogen station"),
    Words(
        f"压力、温度、氢浓度是否正常,什么先动作,加注到几成?{FOLLOWS.zh}",
        f"Are pressures, temperatures and concentrations in order, what acted first, how full is a fill? {FOLLOWS.en}",
    ),
    (*places(f"{NODE} {STATION}"), REFERENCE),
    ALL,
    (_now(), _concentrations(), _process(), _fills(), _first_out()),
    refresh="30s",
)
