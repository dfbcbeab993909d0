"""What people write down as evidence, each by its kind: refused with the reason in both languages, or good."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn

from operations.errors import ActionRefused
from operations.plan import Evidence, EvidenceKind
from protocols.moment import SECOND

TEXT_MAX = 2000
AHEAD_NS = 60 * SECOND
"""Proposed by this project: so far may the clock of the person's phone be ahead of ours."""


def check_answer(item: Evidence, text: str, now: int) -> None:
    """Raise `ActionRefused` where ``text`` is no such evidence. ``now``: wall ns."""
    if not text.strip() or len(text) > TEXT_MAX:
        _refuse(item, f"needs 1 to {TEXT_MAX} characters", f"须填写 1 至 {TEXT_MAX} 字")
    check = _BY_KIND.get(item.kind)
    if check is not None:
        check(item, text, now)


def _count(item: Evidence, text: str, _now: int) -> None:
    least = item.at_least or 0
    # a number of many digits is no count of anything, and costs time to read
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or int(text) < least:
        _refuse(item, f"needs a whole number of at least {least}, not {text[:20]!r}", f"须为不小于 {least} 的整数")


def _reading(item: Evidence, text: str, _now: int) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        _refuse(item, f"needs a number in {item.unit}, not {text[:20]!r}", f"须为数字,单位 {item.unit}")


def _time(item: Evidence, text: str, now: int) -> None:
    try:
        at: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        _refuse(item, f"needs a time such as 2026-11-23T10:32:00+08:00, not {text[:40]!r}", "须为带时区的时间")
    elif at.timestamp() * SECOND > now + AHEAD_NS:
        _refuse(item, f"{text[:40]} is in the future; give the time at which it was", "时间在将来,请填写实际发生时间")


def _choice(item: Evidence, text: str, _now: int) -> None:
    known = {one.id: one.title for one in item.options}
    if text not in known:
        _refuse(
            item,
            f"{text[:40]!r} is none of {', '.join(f'{name} ({title.en})' for name, title in known.items())}",
            f"须为以下之一:{'、'.join(f'{name}({title.zh})' for name, title in known.items())}",
        )


def _checklist(item: Evidence, text: str, _now: int) -> None:
    ticked, known = set(text.split()), {one.id: one.title for one in item.options}
    if strange := sorted(ticked - known.keys()):
        _refuse(item, f"no line is called {strange[0][:40]!r}; use {', '.join(known)}", "清单中没有这一项")
    if missing := [title for name, title in known.items() if name not in ticked]:
        _refuse(
            item,
            f"not ticked: {'; '.join(one.en for one in missing)}",
            f"未勾选:{';'.join(one.zh for one in missing)}",
        )


_BY_KIND: Mapping[EvidenceKind, Callable[[Evidence, str, int], None]] = {
    "count": _count,
    "reading": _reading,
    "time": _time,
    "choice": _choice,
    "checklist": _checklist,
}


def _refuse(item: Evidence, en: str, zh: str) -> NoReturn:
    raise ActionRefused(f"{item.title.en}: {en}", f"{item.title.zh}:{zh}")
