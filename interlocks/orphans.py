"""What a changed matrix leaves behind (S11): a latch stands until a person resets it, whatever became of its matrix.

A latch whose matrix or area is gone stays as an interlock without causes: what was begun is driven to its end, its
fans stay with a person, and it is reset like any other; then it goes. Under a changed matrix a latch stands too, and
what had tripped before does not keep the new one from tripping.
"""

import json
from collections.abc import Iterable
from hashlib import blake2b

from interlocks.interlock import Interlock
from interlocks.matrix import Matrix
from interlocks.record import InterlockRecord
from interlocks.states import InterlockState
from interlocks.zone import Zone
from protocols.document import Text
from protocols.reading import Origin

_UNTOLD = 0
"""Stored by a release that kept no marks, or nothing tripped yet."""


_MOST_KNOWN = 1024
_known: dict[int, tuple[Matrix, int]] = {}
"""By identity: to hash a matrix and compare it with an equal one is a fifth of what a trip takes. It is kept with its
mark, so that no other one comes to its place in memory."""


def mark_of(matrix: Matrix) -> int:
    """A number made of everything that decides what a matrix does; never 0."""
    known = _known.get(id(matrix))
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[id(matrix)] = matrix, _mark(matrix)
    return known[1]


def _mark(matrix: Matrix) -> int:
    said = matrix.model_dump(
        mode="json", exclude={"title": True, "source": True, "cause": {"__all__": {"title"}}}, exclude_defaults=True
    )
    text = json.dumps(said, sort_keys=True)
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") + 1


def is_latch(record: InterlockRecord) -> bool:
    """Whether a person has to reset it."""
    return record.origin is Origin.LIVE and record.state is InterlockState.TRIPPED


def inherit(record: InterlockRecord, matrix: Matrix) -> None:
    """Its matrix is this one now. What tripped under another one does not count as tripped under this."""
    mark = mark_of(matrix)
    if is_latch(record) and record.mark not in (_UNTOLD, mark):
        record.inherited = len(record.causes)
        record.mark = mark


def orphan(record: InterlockRecord, zones: Iterable[Zone], matrices: Iterable[Matrix], started: int) -> Interlock:
    """The interlock of a record that none of ``matrices`` has in any of ``zones``. ``started``: mono ns."""
    gone = Zone(record.zone, "", staffed=True, members=())
    zone = next((one for one in zones if one.id == record.zone), gone)
    only_watched = any(one.mode == "observe" and zone.kind in one.areas for one in matrices)
    matrix = Matrix.model_construct(
        id=record.matrix,
        title=Text(zh=record.matrix, en=record.matrix),
        areas=(zone.kind,),
        mode="observe" if only_watched else "act",
        cause=(),
        source=(),
    )
    left = Interlock(matrix, zone, record.origin, started)
    left.record = record
    return left


def is_orphan(interlock: Interlock) -> bool:
    """Whether its matrix, or its area, is gone."""
    return not interlock.matrix.cause


def is_over(interlock: Interlock) -> bool:
    """Whether it is an orphan that was reset."""
    return is_orphan(interlock) and not is_latch(interlock.record)


def hand_over(left: Interlock, others: Iterable[Interlock]) -> list[Interlock]:
    """Whose valves are closed is known to those that share them from now on; returns which of them learned it."""
    learned = []
    for other in others:
        closed = [one for one in left.record.closed if one in other.valves and one not in other.record.closed]
        if closed and other is not left:
            other.record.closed += closed
            learned.append(other)
    return learned
