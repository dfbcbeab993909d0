"""The words of the printed cause-and-effect matrices, in Chinese and English."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("因果矩阵", "Cause-and-effect matrices"),
    "desk": ("值班台", "Duty desk"),
    "print-hint": ("用浏览器打印(横向 A4)", "Print it with the browser (A4, landscape)"),
    "no-matrix": ("本站没有因果矩阵。", "No matrix applies to this site."),
    "not-certified": (
        "本程序不是经认证的安全系统。探测器到阀门的硬接线联锁必须保留;本矩阵只作后备。",
        "No certified safety system. Hard-wired links from detector to valve stay; this is their backup.",
    ),
    "observe": ("只监视:不发任何命令,站控自行动作", "Only observed: nothing is commanded, the station acts by itself"),
    "act": ("自动动作", "Acts"),
    "reset": (
        "复位:全部原因消失并保持 {time}(数据良好),有权限的人在现场确认;复位不动作设备,阀门由人现场打开。",
        "Reset: every cause gone for {time} on good fresh data, a person with the role on site; it moves "
        "nothing: the valve is opened by hand.",
    ),
    "ends": (
        "记录在全部原因消失并保持 {time} 后自行结束;本程序从不复位加氢站。",
        "The record ends by itself when every cause was gone for {time}; the station is never reset from here.",
    ),
    "areas": ("适用区域", "Areas"),
    "no-areas": ("本站没有此类区域", "this site has no such area"),
    "cause": ("原因", "Cause"),
    "when": ("条件(任一)", "When (any of)"),
    "vote": ("表决", "Vote"),
    "stage": ("预案阶段", "Stage"),
    "expect": ("站控必须做到,限时内证实", "The station must, proven within"),
    "sources": ("依据", "Sources"),
    "verified": ("已核实", "verified"),
    "unverified": ("未核实", "not verified"),
    "at-once": ("立即", "at once"),
    "after": ("{seconds} 秒后", "after {seconds} s"),
    "if-failed": ("{effect} 失败时", "if {effect} fails"),
    "stands-for": ("持续 {seconds} 秒", "stands for {seconds} s"),
    "stands-in-all": ("累计 {seconds} 秒(消失时倒计)", "stands for {seconds} s in all, counted down while it does not"),
    "unless-closed": ("本机阀门未关时", "only while the own valve is not closed"),
    "within": ("{seconds} 秒内", "within {seconds} s"),
    "minutes": ("{minutes} 分钟", "{minutes} min"),
    "seconds": ("{seconds} 秒", "{seconds} s"),
    "costly": ("仅失联不触发", "never by loss alone"),
    "on-lost.alarm": ("全部失效:只报警", "all failed: alarm only"),
    "on-lost.all-lost": ("全部失效:按失联行", "all failed: the row of lost detectors"),
    "moves": ("继续跳动", "moves on"),
    "is-on": ("成立", "shown"),
    "is-off": ("解除", "ended"),
    "stage.verify": ("核实", "verify"),
    "stage.full": ("全级", "full"),
    "stage.fire": ("火灾", "fire"),
    "action.close-valve": ("关断阀", "close the valve"),
    "action.close-upstream-valve": ("关上级阀", "close the upstream valve"),
    "action.start-fan": ("启动事故风机(许可全部成立)", "start the fan (with every permissive)"),
    "action.hold-fan": ("风机不自动动作,由人决定", "fan: left to a person"),
    "action.inhibit-fan": ("禁止启动风机", "no fan is started"),
    "action.stop-intake": ("停新风(启动器在区外时)", "stop fresh air (starter outside the zone)"),
    "action.ask-person": ("请人处理", "a person is asked"),
    "action.ask-evacuation": ("请示疏散", "evacuation is asked for"),
    "where.zone": ("", ""),
    "where.neighbour": ("邻铺", "neighbour"),
    "where.duct": ("风道/新风口", "duct or intake"),
    "where.well": ("附近窨井", "well near by"),
    "kind.high": ("{role} ≥ {limit}", "{role} ≥ {limit}"),
    "kind.low": ("{role} ≤ {limit}", "{role} ≤ {limit}"),
    "kind.flag": ("{role}", "{role}"),
    "kind.over-range": ("{role} 超量程", "{role} over range"),
    "kind.blind-rising": (
        "{role} 失联或故障,此前 ≥ {limit} 或每分钟上升 ≥ {slope}",
        "{role} lost or bad, and last ≥ {limit} or rising ≥ {slope} a minute",
    ),
    "kind.all-lost": ("{role} 全部失联或故障,且无人值守", "every detector of {role} lost or bad, and nobody there"),
    "kind.lost-near-gas": (
        "本区{role}全部失联或故障,且邻铺报警(≥ {limit})",
        "every detector of {role} lost or bad, while a neighbour is in alarm (≥ {limit})",
    ),
    "kind.unset": ("{role} 未置位", "{role} not set"),
    "kind.reported": ("接到报告:{role}", "reported: {role}"),
    "kind.still": ("{role} 停跳超过", "{role} still for"),
    "set": ("设定值", "the set value"),
    "role.gas": ("燃气浓度", "gas"),
    "role.co": ("一氧化碳", "carbon monoxide"),
    "role.alarm-bit": ("本机报警", "the device's own alarm"),
    "role.over-range-bit": ("本机超量程锁定", "the device's over-range lock"),
    "role.fire-bit": ("烟火信号", "smoke or fire signal"),
    "role.h2-room": ("房间氢浓度", "hydrogen in the room"),
    "role.h2-cabinet": ("加氢机柜氢浓度", "hydrogen in the cabinet"),
    "role.flame": ("火焰", "flame"),
    "role.esd": ("紧急停车", "ESD"),
    "role.bank-pressure": ("储氢压力", "bank pressure"),
    "role.break-away": ("软管拉断", "hose break-away"),
    "role.vehicle-data": ("车辆数据", "vehicle data"),
    "role.plc-heartbeat": ("安全 PLC 心跳", "heartbeat of the safety PLC"),
    "role.fan-proof": ("事故风机运行", "accident fan runs"),
    "role.station-alarm": ("站控高报警", "alarm of the station"),
    "role.dispenser-stop-proof": ("加氢机停机", "dispenser stopped"),
    "role.inlet-valve-proof": ("进气阀关闭", "inlet valve closed"),
    "role.station-valves-proof": ("切断阀全关", "all shut-off valves closed"),
    "role.compressor-proof": ("压缩机运行", "compressor runs"),
    "role.filling": ("正在加注", "filling"),
    "role.works-damage": ("施工挖破燃气管道", "works damage to a gas pipe"),
    "role.odour": ("闻到燃气味", "smell of gas"),
    "role.fire-seen": ("看到明火或冒烟", "fire or smoke seen"),
}


def word(language: Language, key: str, **values: str) -> str:
    """The text of a key. One without a text is shown as itself, without its family, so that nothing is ever blank."""
    known = _WORDS.get(key)
    text = key.partition(".")[2] or key if known is None else known[LANGUAGES.index(language)]
    return text.format(**values) if values and known is not None else text


def has_word(key: str) -> bool:
    """Whether the key has a text."""
    return key in _WORDS
