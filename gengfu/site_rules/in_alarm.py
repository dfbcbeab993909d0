"""A life-safety limit is not raised or delayed while it is in alarm (S11): the shipped one stays until that is over.

A start is not refused for it: a gateway that does not start watches nothing. What is left out is not as approved, and
told so until a start at which nothing of it stands.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from alarms.alarm import AlarmRecord
from alarms.alarm import decode_record as decode_alarm
from alarms.orphans import stands
from device_registry.devices import Site
from gengfu import rules
from gengfu.rules import Rulebook, shipped
from gengfu.site_rules import scope as scopes
from gengfu.site_rules.approval import weaker_matrix, weaker_rule
from gengfu.site_rules.files import FOLDERS
from interlocks.orphans import is_latch, mark_of
from interlocks.record import decode_record as decode_interlock
from protocols.reading import Origin

State = Callable[[str], Mapping[str, bytes]]
"""What was stored under keys that begin so."""


def withhold(document: Path | None, site: Site, book: Rulebook, state: State) -> tuple[Rulebook, list[str]]:
    """``book``, read beside the site's ``document``, without what weakens an alarm or interlock that stands and was
    raised by another rule; and what was left out, as sentences. Nothing is read where nothing is weakened."""
    if document is None or not any((document.parent / name).is_dir() for name in FOLDERS):
        return book, []
    base, scope = shipped(), scopes.of_site(site)
    weak_rules = {
        name
        for name, rule in base.alarms.items()
        if book.alarms[name] != rule and any(weaker_rule(rule, book.alarms[name], (), scope))
    }
    laid = {one.id: one for one in book.matrices}
    weak_matrices = {
        one.id for one in base.matrices if laid[one.id] != one and any(weaker_matrix(one, laid[one.id], (), scope))
    }
    alarms = dict(_alarms(book, site, state, weak_rules)) if weak_rules else {}
    latches = dict(_latches(book, state, weak_matrices)) if weak_matrices else {}
    told = [
        f"{name} is not changed: {what} stands; settle it, and start again" for name, what in (alarms | latches).items()
    ]
    matrices = {one.id: one for one in base.matrices}
    return Rulebook(
        {name: base.alarms[name] if name in alarms else rule for name, rule in book.alarms.items()},
        book.responses,
        tuple(matrices[one.id] if one.id in latches else one for one in book.matrices),
    ), told


def _alarms(book: Rulebook, site: Site, state: State, weak: set[str]) -> Iterator[tuple[str, str]]:
    """Rule and alarm."""
    watched = {one.device: one for one in rules.watched(site)}
    for body in state("alarm/").values():
        record = decode_alarm(body)
        if record.rule in weak and record.device in watched and _is_vital(record):
            bounds = watched[record.device].bound_to({record.rule: book.alarms[record.rule]})
            if record.mark not in {one.mark for one in bounds}:
                yield record.rule, record.alarm


def _is_vital(record: AlarmRecord) -> bool:
    return record.life_safety and record.origin is Origin.LIVE and stands(record, record.state)


def _latches(book: Rulebook, state: State, weak: set[str]) -> Iterator[tuple[str, str]]:
    """Matrix and interlock."""
    marks = {one.id: mark_of(one) for one in book.matrices}
    for body in state("interlock/").values():
        record = decode_interlock(body)
        if record.matrix in weak and is_latch(record) and record.mark != marks[record.matrix]:
            yield record.matrix, record.id
