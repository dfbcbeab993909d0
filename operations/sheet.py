"""A plan as one printed page, for the wall and for the hour in which nothing else works. In Chinese or English."""

from collections.abc import Iterable
from html import escape
from typing import Literal

from operations.plan import Evidence, Plan, Step
from protocols.document import Text

Language = Literal["zh", "en"]
BLANK = "____________"
"""For a number that stands on the response card of the area: to be written in by hand."""
EMERGENCY = ("119", "120")
UNVERIFIED = "*"
"""Behind what nobody checked in a source; the legend says so."""

_WORDS = {
    "columns": Text(
        zh="编号|步骤|由谁|在…之后|时限(分)|证据|传感器条件|否则|标记",
        en="No.|Step|Who|After|Within (min)|Evidence|Sensor condition|Else|Mark",
    ),
    "start": Text(zh="启动", en="start"),
    "begin": Text(zh="开始", en="start"),
    "done": Text(zh="完成", en="done"),
    "outside": Text(zh="警戒区外录入", en="written down outside the cordon"),
    "release": Text(zh="放行:", en="released by: "),
    "only": Text(zh="仅当", en="only if"),
    "zones": Text(zh="区域:", en="Zones: "),
    "metres": Text(zh="米", en=" m"),
    "version": Text(zh="版本", en="version"),
    "legend": Text(
        zh="S:来源所载步骤;P:本项目提出;*:未核实。时限均为建议值,未核实。本系统不是经认证的安全系统。",
        en="S: a step of the source; P: proposed by this project; *: unverified. All minutes are unverified proposals. "
        "This is not a certified safety system.",
    ),
    "phones": Text(zh="电话:", en="Phones: "),
    "no_drill": Text(zh="不得用于演练", en="never played as a drill"),
}
_STYLE = (
    "@page{size:A4 landscape;margin:6mm}body{font:6.4pt/1.12 sans-serif;margin:0}h1{font-size:11pt;margin:0}"
    "p{margin:.6mm 0}.notice{font-size:8pt;font-weight:bold}table{border-collapse:collapse;width:100%}"
    "td,th{border:.5pt solid #000;padding:.2mm .8mm;text-align:left;vertical-align:top}"
)


def sheet_text(plan: Plan, language: Language) -> str:
    """The plan as plain text: a block of lines for each step."""
    head = [*_head(plan, language), ""]
    columns = _word("columns", language).split("|")
    for step in plan.step:
        cells = _cells(plan, step, language)
        head.append(f"[ ] {cells[0]}  {cells[1]}")
        head += [f"      {name}: {cell}" for name, cell in zip(columns[2:], cells[2:], strict=True) if cell]
    return "\n".join([*head, "", *_foot(plan, language), ""])


def sheet_html(plan: Plan, language: Language) -> str:
    """The plan as an HTML page for A4 landscape. Every text of the file is escaped; there is no script in it."""
    title, version, notice = _head(plan, language)
    rows = [_row("th", _word("columns", language).split("|"))]
    rows += [_row("td", _cells(plan, step, language)) for step in plan.step]
    locale = {"zh": "zh-CN", "en": "en"}[language]
    foot = "".join(f"<p>{escape(line)}</p>" for line in _foot(plan, language))
    return (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(version)}</p>"
        f'<p class="notice">{escape(notice)}</p><table>{"".join(rows)}</table>{foot}</body></html>\n'
    )


def _head(plan: Plan, language: Language) -> tuple[str, str, str]:
    head = plan.plan
    version = f"{head.id} · {_word('version', language)} {head.version}"
    if not head.drill_allowed:
        version += f" · {_word('no_drill', language)}"
    return _say(head.title, language), version, _say(head.notice, language)


def _foot(plan: Plan, language: Language) -> list[str]:
    known = {one.phone for one in plan.contact}
    phones = [f"{_say(one.title, language)} {one.phone or BLANK}" for one in plan.contact]
    phones += [one for one in EMERGENCY if one not in known]
    lines = [_word("phones", language) + "  ".join(phones)]
    if plan.zone:
        zones = (f"{_say(one.title, language)} {one.radius_m:g}{_word('metres', language)}{_mark(one.verified)}"
                 for one in plan.zone)  # fmt: skip
        lines.append(_word("zones", language) + _join(zones, language))
    return [*lines, _word("legend", language)]


def _mark(verified: bool) -> str:
    return "" if verified else UNVERIFIED


def _cells(plan: Plan, step: Step, language: Language) -> list[str]:
    return [
        step.id,
        _say(step.title, language),
        _join((_say(plan.actors[name].title, language) for name in step.by), language),
        _after(plan, step, language),
        _within(step, language),
        _evidence(step, language),
        _sensor(plan, step, language),
        _say(step.otherwise.text, language) if step.otherwise else "",
        step.mark + _mark(step.verified),
    ]


def _after(plan: Plan, step: Step, language: Language) -> str:
    text = _join(step.after, language) or _word("start", language)
    branch = step.only_if
    if branch is None:
        return text
    item = next(one for one in plan.steps[branch.step].evidence if one.id == branch.evidence)
    chosen = _join((_say(one.title, language) for one in item.options if one.id in branch.one_of), language)
    return f"{text} ({_word('only', language)} {branch.step} {_say(item.title, language)}: {chosen})"


def _within(step: Step, language: Language) -> str:
    parts = (("begin", step.start_title, step.start_min), ("done", step.done_title, step.done_min))
    return _join(
        (f"{_say(title, language) if title else _word(word, language)} {minutes:g}"
         for word, title, minutes in parts if minutes is not None),
        language,
    )  # fmt: skip


def _evidence(step: Step, language: Language) -> str:
    def one(item: Evidence) -> str:
        text = _say(item.title, language) + (f" ({item.unit})" if item.unit else "")
        options = " ".join(f"□{_say(option.title, language)}" for option in item.options)
        return f"{text}: {options}" if options else text

    texts = _join(map(one, step.evidence), language)
    return f"{texts} ({_word('outside', language)})" if texts and step.evidence_after else texts


def _sensor(plan: Plan, step: Step, language: Language) -> str:
    if step.sensor is None:
        return ""
    text = _say(step.sensor.text, language)
    if step.permissive and not step.sensor.verified:
        text += UNVERIFIED
    if step.sensor.release_by is None:
        return text
    return f"{text} [{_word('release', language)}{_say(plan.actors[step.sensor.release_by].title, language)}]"


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _join(texts: Iterable[str], language: Language) -> str:
    return {"zh": "、", "en": ", "}[language].join(texts)


def _word(name: str, language: Language) -> str:
    return _say(_WORDS[name], language)


def _say(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en
