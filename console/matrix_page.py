"""The cause-and-effect matrices as a page to be read and printed; no script is needed for it."""

from collections.abc import Iterable, Mapping
from functools import partial
from html import escape

from console.matrix_words import LANGUAGES, Language, word
from console.services import AreaView, TextView
from interlocks.matrix import Cause, Effect, Expectation, Matrix, When
from interlocks.sheet import Row, Sheet, sheet

_TAGS = {"zh": "zh-CN", "en": "en"}
_UNITS = {"%{LEL}": "%LEL", "%{vol}": "vol%", "[ppm]": "ppm", "Cel": "°C"}


def matrices_page(matrices: Iterable[Matrix], areas: Mapping[str, AreaView], language: Language) -> str:
    """The whole page; ``areas``: those of the site, by id. Matrices of which the site has no area come last."""
    say = partial(word, language)
    found = sorted(matrices, key=lambda one: not any(area.kind in one.areas for area in areas.values()))
    parts = [_section(sheet(one), areas, language) for one in found] or [f"<p>{say('no-matrix')}</p>"]
    links = "".join(
        f'<a href="/matrices?lang={one}" lang="{_TAGS[one]}">{name}</a> '
        for one, name in zip(LANGUAGES, ("中文", "EN"), strict=True)
    )
    return f"""<!doctype html>
<html lang="{_TAGS[language]}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{say("title")}</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/css/base.css"><link rel="stylesheet" href="/static/css/matrices.css"></head>
<body class="matrices"><header><h1>{say("title")}</h1>
<nav><a href="/">{say("desk")}</a> {links}</nav>
<p class="warning">{say("not-certified")}</p><p class="hint">{say("print-hint")}</p></header>
<main>{"".join(parts)}</main></body></html>
"""


def _section(one: Sheet, areas: Mapping[str, AreaView], language: Language) -> str:
    say = partial(word, language)
    matrix = one.matrix
    names = [_pick(area.title, language) for area in areas.values() if area.kind in matrix.areas]
    whole = divmod(matrix.reset_after_s, 60)
    time = say("seconds", seconds=f"{matrix.reset_after_s:g}") if whole[1] else say("minutes", minutes=f"{whole[0]:g}")
    ends = say("reset" if matrix.mode == "act" else "ends", time=time)
    return f"""<section id="{escape(matrix.id)}" data-mode="{matrix.mode}">
<h2>{escape(_pick(matrix.title, language))} <small>{escape(matrix.id)}</small></h2>
<p><strong>{say(matrix.mode)}</strong> · {say("areas")}: {escape(", ".join(names)) or say("no-areas")}</p>
<table><thead><tr>{_heads(one, language)}</tr></thead>
<tbody>{"".join(_row(row, one, language) for row in one.rows)}</tbody></table>
<p>{ends}</p>
<p>{say("sources")}:</p><ul>{_sources(matrix, language)}</ul></section>
"""


def _heads(one: Sheet, language: Language) -> str:
    say = partial(word, language)
    heads = [say("cause"), say("when"), say("vote")]
    for column in one.columns:
        actions = "<br>".join(say(f"action.{action}") for action in column.actions)
        heads.append(f"{escape(column.id)}<br><small>{actions}</small>")
    heads += [say("expect")] if one.matrix.mode == "observe" else []
    return "".join(f'<th scope="col">{head}</th>' for head in [*heads, say("stage")])


def _row(row: Row, one: Sheet, language: Language) -> str:
    say = partial(word, language)
    cause = row.cause
    title = f"<strong>{escape(cause.id)}</strong> {escape(_pick(cause.title, language))}"
    if cause.delay_s:
        title += f"<br>{say('stands-in-all' if cause.accumulate else 'stands-for', seconds=f'{cause.delay_s:g}')}"
    if cause.unless_closed:
        title += f"<br>{say('unless-closed')}"
    whens = "".join(f"<li>{escape(_when(when, language))}</li>" for when in cause.when)
    cells = [f"<ul>{whens}</ul>", _vote(cause, language)]
    cells += [_cell(effect, len(one.columns[place].actions) > 1, language) for place, effect in enumerate(row.cells)]
    if one.matrix.mode == "observe":
        cells.append("<br>".join(escape(_proof(expect, language)) for expect in cause.expect) or "–")
    cells.append(say(f"stage.{cause.stage}") if cause.stage else "–")
    tail = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr data-cause="{escape(cause.id)}"><th scope="row">{title}</th>{tail}</tr>'


def _when(when: When, language: Language) -> str:
    say = partial(word, language)
    limit = say("set") if when.set is not None else _figure(when.limit, when.unit)
    text = say(f"kind.{when.kind}", role=say(f"role.{when.role}"), limit=limit, slope=_figure(when.slope, when.unit))
    during = f" ({say(f'role.{when.during}')})" if when.during else ""
    if when.over_s is not None:
        text += f" {_figure(when.over_s, 's')}"
    where = "" if when.kind == "lost-near-gas" else say(f"where.{when.where}")  # it names the neighbour itself
    return f"{where}: {text}{during}" if where else f"{text}{during}"


def _figure(value: float | None, unit: str | None) -> str:
    return "" if value is None else f"{value:g} {_UNITS.get(unit or '', unit or '')}".strip()


def _vote(cause: Cause, language: Language) -> str:
    parts: list[str] = [cause.vote]
    if cause.within_s:
        parts.append(word(language, "within", seconds=f"{cause.within_s:g}"))
    if cause.on_lost:
        parts.append(word(language, f"on-lost.{cause.on_lost}"))
    return "<br>".join(parts)


def _cell(effect: Effect | None, has_many: bool, language: Language) -> str:
    """``has_many``: the column does not do the same in each row, so that the cell says what it does."""
    if effect is None:
        return "–"
    say = partial(word, language)
    parts = [say(f"action.{effect.action}")] if has_many else []
    parts.append(say("after", seconds=f"{effect.after_s:g}") if effect.after_s else say("at-once"))
    if effect.if_failed:
        parts[-1] = say("if-failed", effect=escape(effect.if_failed))
    if effect.costly:
        parts.append(f"<small>{say('costly')}</small>")
    return "<br>".join(parts)


def _proof(expect: Expectation, language: Language) -> str:
    say = partial(word, language)
    shown = say("moves") if expect.shows is None else say("is-on" if expect.shows else "is-off")
    within = say("within", seconds=f"{expect.within_s:g}") if expect.within_s else say("at-once")
    return f"{say(f'role.{expect.role}')}: {shown}, {within}"


def _sources(matrix: Matrix, language: Language) -> str:
    checked = {True: word(language, "verified"), False: word(language, "unverified")}
    return "".join(
        f"<li>{escape(one.what)}: {escape(one.source)} ({checked[one.verified]})</li>" for one in matrix.source
    )


def _pick(text: TextView, language: Language) -> str:
    return text.zh if language == "zh" else text.en
