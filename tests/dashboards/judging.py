"""Runs everything that a dashboard asks, in every way that a person may ask it, and tells what is wrong."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.dashboards.asking import Answer, Asker
from tests.dashboards.choosing import Offered, mentions, resolve, singles, wide
from tests.dashboards.dialect import refused
from tests.dashboards.extraction import Ask, Board
from tests.dashboards.interpolation import REFERENCE, Chosen, NotReplaced, Span, interpolate, on_the_page
from tests.dashboards.naming import unknown
from tests.dashboards.showing import strangers

HOUR_MS = 3_600_000
DATA_MS = 72 * HOUR_MS
"""So old is the data. Each value alone is asked for up to there: beyond, it finds the same."""
LENGTHS_MS = (HOUR_MS, DATA_MS, 720 * HOUR_MS)
"""An hour, three days, thirty days."""


class Run(NamedTuple):
    """A question as it is sent, once for each value where its panel is repeated."""

    ask: Ask
    label: str
    text: str


class Fault(NamedTuple):
    """What is wrong, where, and the first text that shows it. ``label``: what was chosen."""

    where: str
    what: str
    label: str
    text: str


def runs(ask: Ask, offered: Offered, span: Span) -> Iterator[Run]:
    """The texts of a question. Raises `NotReplaced`."""
    span = span._replace(points=ask.points, least_ms=ask.least_ms)
    if ask.back_ms:
        span = span._replace(start_ms=span.end_ms - ask.back_ms[0], end_ms=span.end_ms - ask.back_ms[1])
    turns = [[(name, value) for value in _values(offered.chosen[name])] for name in ask.repeat]
    for values in itertools.product(*turns):
        scoped = {name: Chosen(value, offered.chosen[name].is_multi) for name, value in values}
        yield Run(ask, offered.label, interpolate(ask.query, {**offered.chosen, **scoped}, span))


def _values(chosen: Chosen) -> tuple[str, ...]:
    return (chosen.value,) if isinstance(chosen.value, str) else chosen.value


def faults(board: Board, asker: Asker, now_ms: int, lengths_ms: Sequence[int] = LENGTHS_MS) -> list[str]:
    """Everything that is wrong in ranges of these lengths, each thing once, with the choices that show it."""
    shown: dict[tuple[str, str], list[Fault]] = {}
    for one in (*_words(board, asker), *_answers(board, asker, now_ms, lengths_ms)):
        shown.setdefault((one.where, one.what), []).append(one)
    return [
        f"{where}: {what} {' '.join(dict.fromkeys(one.label for one in found))}: {found[0].text}"
        for (where, what), found in shown.items()
    ]


def _words(board: Board, asker: Asker) -> Iterator[Fault]:
    asked = [(ask.where, ask.query) for ask in board.asks]
    asked += [(f"{board.uid}, variable «{one.name}»", one.query) for one in board.variables if one.type == "query"]
    for where, query in asked:
        yield from (Fault(where, f"holds {word}", "", query) for word in refused(query))
        yield from (Fault(where, what, "", query) for what in unknown(query, asker))


def _answers(board: Board, asker: Asker, now_ms: int, lengths_ms: Sequence[int]) -> Iterator[Fault]:
    try:
        for length in lengths_ms:
            span = Span(now_ms - length, now_ms)
            for rest in ("all", "every"):
                for together in wide(board, asker, span, rest):
                    yield from _wide_faults(board, asker, span, together)
            yield from _errors(board, asker, span, [resolve(board, asker, span, {}, "two")])
            if length <= DATA_MS:
                yield from _single_faults(board, asker, span)
    except NotReplaced as error:
        yield Fault(board.uid, "cannot be asked", "", str(error))


def _wide_faults(board: Board, asker: Asker, span: Span, selections: list[Offered]) -> Iterator[Fault]:
    yield from _errors(board, asker, span, selections)
    first = selections[0]
    for one in board.variables:
        if not any(offered.options[one.name] for offered in selections):
            yield Fault(f"{board.uid}, variable «{one.name}»", "offers nothing", first.label, one.query)
    for ask in board.asks:
        sent = [run for offered in selections for run in runs(ask, offered, span)]
        answers = [asker.answer(run.text) for run in sent]
        if any(answer.error for answer in answers):
            continue
        alias = on_the_page(ask.alias, first.chosen, span, is_query=False)
        text = sent[0].text if sent else ask.query
        yield from (Fault(ask.where, what, first.label, text) for what in _holes(ask, alias, answers))


def _holes(ask: Ask, alias: str, answers: list[Answer]) -> Iterator[str]:
    """What is missing in the answers to one question, taken together."""
    filled: dict[str, bool] = {}
    for answer in answers:
        for column, has_value in answer.filled().items():
            filled[column] = filled.get(column, False) or has_value
    if not filled:
        yield "no row"
        return
    yield from (f"column {column!r} is null everywhere" for column, has_value in filled.items() if not has_value)
    yield from (f"there is no column {column!r}" for column in ask.columns if column not in filled)
    tags = {tag for answer in answers for series in answer.series for tag in series.tags}
    yield from (f"its alias speaks of {word}" for word in _strange(alias, tags))
    yield from strangers(ask.shown, ["time", *filled, *tags])
    if ask.must_be_numbers and (texts := sorted({text for answer in answers for text in answer.texts()})):
        yield f"a rule needs numbers, and {texts} are texts"


def _strange(alias: str, tags: set[str]) -> Iterator[str]:
    known = {"m", "measurement", "col", "__interval", "__interval_ms", *(f"tag_{tag}" for tag in tags)}
    for found in REFERENCE.finditer(alias):
        name = found["plain"] or found["square"] or found["braced"]
        if name not in known and not name.isdigit():
            yield found[0]


def _errors(board: Board, asker: Asker, span: Span, selections: Iterable[Offered]) -> Iterator[Fault]:
    """Also the place where texts are sent together."""
    selections = list(selections)
    sent = [run for offered in selections for ask in board.asks for run in runs(ask, offered, span)]
    asker.learn(run.text for run in sent)
    for offered in selections:
        yield from (Fault(f"{board.uid}, variables", what, offered.label, "") for what in offered.faults)
    for run in sent:
        if error := asker.answer(run.text).error:
            yield Fault(run.ask.where, error, run.label, run.text)


def _single_faults(board: Board, asker: Asker, span: Span) -> Iterator[Fault]:
    """No error for any value, and each value that a variable offers finds something in at least one panel."""
    chosen = list(singles(board, asker, span))
    yield from _errors(board, asker, span, [offered for _, _, offered in chosen])
    seen: dict[tuple[str, str], bool] = {}
    for name, value, offered in chosen:
        spoken_of = [ask for ask in board.asks if mentions(ask.query, name)]
        if spoken_of:
            found = any(asker.answer(run.text).has_values for ask in spoken_of for run in runs(ask, offered, span))
            seen[name, value] = seen.get((name, value), False) or found
    hours = (span.end_ms - span.start_ms) // HOUR_MS
    for (name, value), found in seen.items():
        if not found:
            yield Fault(f"{board.uid}, variable «{name}»", f"{value!r} finds nothing", f"[{hours} h]", "")


def of_another_origin(board: Board, city: Asker, others: Mapping[str, Asker], now_ms: int) -> list[str]:
    """Questions that find something in a database of an origin that they are not about. What they are about says the
    variable «origin»; without it, it is what is live. They are asked as in the city."""
    span = Span(now_ms - LENGTHS_MS[-1], now_ms)
    found = []
    for offered in itertools.chain.from_iterable(wide(board, city, span, "all")):
        about = offered.chosen["origin"].value if "origin" in offered.chosen else "live"
        sent = [run for ask in board.asks for run in runs(ask, offered, span)]
        for origin, asker in others.items():
            if origin != about:
                asker.learn(run.text for run in sent)
                wrong = [run for run in sent if asker.answer(run.text).has_values]
                found += [f"{run.ask.where}: is about {about} and finds {origin}: {run.text}" for run in wrong]
    return found
