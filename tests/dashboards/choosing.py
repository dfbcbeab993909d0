"""What a person may choose of the variables of a dashboard, and what the variables offer then, one after the other."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tests.dashboards.asking import Asker
from tests.dashboards.extraction import Board, Variable
from tests.dashboards.interpolation import REFERENCE, Chosen, Span, interpolate

Pick = Literal["all", "every", "two"] | tuple[str]
"""All, every value by itself, the first two, or one value."""

Selection = Mapping[str, Chosen]


class Offered(NamedTuple):
    """A selection, what each variable offered on the way to it, and what went wrong there."""

    label: str
    chosen: dict[str, Chosen]
    options: dict[str, list[str]]
    faults: list[str]


def mentions(text: str, name: str) -> bool:
    """Whether a text holds the variable."""
    return any(name in (found["plain"], found["square"], found["braced"]) for found in REFERENCE.finditer(text))


def resolve(board: Board, asker: Asker, span: Span, picks: Mapping[str, Pick], rest: Pick = "all") -> Offered:
    """Go through the variables in order: each is asked with what was chosen of those before it."""
    label = ", ".join(f"{name}={pick if isinstance(pick, str) else pick[0]}" for name, pick in picks.items())
    offered = Offered(f"[{label or rest}, {(span.end_ms - span.start_ms) // 3_600_000} h]", {}, {}, [])
    for one in board.variables:
        options = list(one.options)
        if one.type == "query":
            text = interpolate(one.query, offered.chosen, span)
            answer = asker.answer(text)
            if answer.error:
                offered.faults.append(f"{board.uid}, variable «{one.name}» {offered.label}: {answer.error}: {text}")
            options = through_regex(answer.options(), one.regex)
        offered.options[one.name] = options
        offered.chosen[one.name] = choose(one, options, picks.get(one.name, rest))
    return offered


def choose(one: Variable, options: list[str], pick: Pick) -> Chosen:
    """A variable of one value has the first where several, or all, are asked of it and it has no «All»."""
    if isinstance(pick, tuple):
        return Chosen(pick if one.is_multi else pick[0], one.is_multi)
    if pick == "all" and one.has_all:
        return Chosen(tuple(options), one.is_multi, one.all_value, is_all=True)
    if one.is_multi:
        return Chosen(tuple(options[:2] if pick == "two" else options), is_multi=True)
    if pick == "every" and one.has_all:
        return Chosen(tuple(options), is_all=True)
    return Chosen(options[0] if options else "")


def through_regex(options: list[str], regex: str) -> list[str]:
    """The filter of a variable: what matches stays, by its group «value», its first group, or as a whole."""
    if not regex:
        return options
    pattern, flags = regex, 0
    if whole := re.fullmatch(r"/(.*)/([gimsu]*)", regex, re.S):
        pattern, flags = whole[1], re.I if "i" in whole[2] else 0
    compiled = re.compile(pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"), flags)
    found: dict[str, None] = {}
    for match in filter(None, map(compiled.search, options)):
        groups = match.groupdict()
        value = groups.get("value") or groups.get("text") or (match[1] if compiled.groups else match[0])
        found[value] = None
    return list(found)


def wide(board: Board, asker: Asker, span: Span, rest: Pick) -> list[list[Offered]]:
    """As much as can be chosen at once: «All» or every value. A variable that has but one value takes each in turn; the
    selections that differ in one that the database fills stand together, because each shows a part of the city."""
    first = resolve(board, asker, span, {}, rest)
    parts: list[list[tuple[str, Pick]]] = []
    ways: list[list[tuple[str, Pick]]] = []
    for one in board.variables:
        if not one.is_multi and not one.has_all:
            turns: list[tuple[str, Pick]] = [(one.name, (value,)) for value in first.options[one.name]]
            (parts if one.type == "query" else ways).append(turns)
    return [
        [resolve(board, asker, span, dict((*way, *part)), rest) for part in itertools.product(*parts)]
        for way in itertools.product(*ways)
    ]


def singles(board: Board, asker: Asker, span: Span) -> Iterator[tuple[str, str, Offered]]:
    """Each value of each variable alone, with «All» of the others: name, value, selection."""
    for all_of in itertools.chain.from_iterable(wide(board, asker, span, "all")):
        fixed: dict[str, Pick] = {
            one.name: (str(all_of.chosen[one.name].value),)
            for one in board.variables
            if not one.is_multi and not one.has_all
        }
        for one in board.variables:
            for value in all_of.options[one.name]:
                yield one.name, value, resolve(board, asker, span, {**fixed, one.name: (value,)})
