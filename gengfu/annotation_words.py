"""Words of annotations in Chinese, by the word of the record; English is the record's own word.

A word that is not here (a later release wrote it) is shown as it is.
"""

from collections.abc import Mapping
from types import MappingProxyType

from protocols.document import Text
from protocols.reading import Origin

ORIGIN: Mapping[Origin, Text] = MappingProxyType(
    {Origin.DRILL: Text(zh="演练", en="DRILL"), Origin.SIMULATED: Text(zh="模拟", en="SIMULATED")}
)
"""Stands before every title that is not of something real (S4)."""

ALARM_EVENT = {
    "raise": "报警",
    "return": "恢复正常",
    "return-latched": "恢复,已锁存",
    "acknowledge": "确认",
    "reset": "复位",
    "shelve": "搁置",
    "unshelve": "结束搁置",
    "suppress": "按设计抑制",
    "unsuppress": "结束抑制",
    "out-of-service": "停用",
    "in-service": "恢复投用",
}
ALARM_STATE = {
    "normal": "正常",
    "unacknowledged": "未确认",
    "acknowledged": "已确认,仍在报警",
    "returned-unacknowledged": "已恢复,未确认",
    "latched-unacknowledged": "已恢复,锁存,未确认",
    "latched-acknowledged": "已恢复,锁存,待复位",
    "shelved": "已搁置",
    "suppressed-by-design": "按设计抑制",
    "out-of-service": "已停用",
}
COMMAND_STATUS = {
    "waiting": "等待",
    "issued": "已下达",
    "sent": "设备已接收",
    "unsent": "未送达,重试中",
    "failed": "未回读到,重试中",
    "confirmed": "回读确认",
    "given-up": "已放弃",
    "cancelled": "已取消",
    "expired": "已过期,未发出",
    "refused": "被拒绝",
}
TRIP_EVENT = {
    "tripped": "联锁动作",
    "effect": "执行情况",
    "armed": "已布防",
    "reset": "复位",
    "opened": "现场开阀",
    "closed": "阀门已关",
    "not-closed": "阀门未关",
    "removed": "区域已移除",
}
EFFECT_ACTION = {
    "close-valve": "关断阀",
    "close-upstream-valve": "关上级阀",
    "start-fan": "启动事故风机",
    "hold-fan": "风机不自动动作",
    "inhibit-fan": "本区禁止启动风机",
    "stop-intake": "停新风、关风阀",
    "ask-person": "请人在区外停新风、关风阀",
    "ask-evacuation": "请值班员组织疏散",
    "expect": "站控应自行动作",
}
EFFECT_STATUS = {
    "waiting": "待执行",
    "issued": "已下发,等待回读",
    "done": "回读确认",
    "failed": "失败:未回读到位",
    "held": "保持现状",
    "absent": "本区未安装",
    "shadow": "只记录,未动作",
}
PLAN_EVENT = {
    "opened": "预案启动",
    "alarm": "又有报警",
    "escalated": "升为全级",
    "completed": "预案完成",
    "closed": "响应结束",
    "step-open": "可执行",
    "step-held": "等待传感器条件",
    "step-releasable": "待放行",
    "step-released": "已放行",
    "step-started": "已开始",
    "step-done": "已完成",
    "step-skipped": "已跳过",
    "step-reopened": "重新执行",
    "step-rewound": "退回等待",
    "step-overdue": "超时",
    "withdraw": "撤离",
}


def worded(word: str, chinese: Mapping[str, str]) -> Text | None:
    """A word in both languages; ``None`` for the empty one."""
    return Text(zh=chinese.get(word, word), en=word) if word else None


def plain(word: str) -> Text | None:
    """What stands the same in both languages (an id, a name, what a person wrote); ``None`` for the empty one."""
    return Text(zh=word, en=word) if word else None
