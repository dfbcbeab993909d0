"""Answers that a Modbus RTU bus may still be owed, and how to make sure that one of them is not taken for another.

RTU has no transaction id: the late answer to a request that was given up looks like the answer to the next one of the
same unit, function and length. A unit answers in the order in which it was asked, so one good answer of a length that
nothing before it can have proves that everything asked before is answered or lost. Such a request is a marker: the
first registers of the read that is wanted, only fewer. Pure: knows neither line nor time.
"""

from protocols.wire.modbus_pdu import BIT_FUNCTIONS, read_request, response_size

Shape = tuple[int, int]
"""Function and size of the good answer's PDU: all by which two answers of one unit can be told apart."""

MOST_MARKERS = 2
"""After so many lost markers in a row the unit may be one that answers no shorter read."""


def _shape(pdu: bytes) -> Shape:
    return pdu[0], response_size(pdu)


class Owed:
    """What each unit of one bus was asked, gave no answer to, and might answer still; in the order of asking."""

    def __init__(self) -> None:
        self._shapes: dict[int, list[Shape]] = {}
        self._markers: dict[int, int] = {}

    def add(self, unit: int, pdu: bytes, *, marker: bool = False) -> None:
        """A request was given up."""
        shapes = self._shapes.setdefault(unit, [])
        if _shape(pdu) not in shapes[-1:]:
            shapes.append(_shape(pdu))
        self._markers[unit] = self._markers.get(unit, 0) + marker

    def all(self) -> tuple[tuple[int, int, int], ...]:
        """Everything owed, as `protocols.wire.modbus_reply.RtuReply` takes it."""
        if not self._shapes:
            return ()
        return tuple((unit, *shape) for unit, shapes in self._shapes.items() for shape in dict.fromkeys(shapes))

    def holds(self, unit: int, pdu: bytes) -> bool:
        """Whether an owed answer would look like the answer to ``pdu``."""
        return _shape(pdu) in self._shapes.get(unit, ())

    def refusal_is_open(self, unit: int, pdu: bytes) -> bool:
        """Whether a refusal may answer an owed request as well as ``pdu``: it has one length for all of a function."""
        return any(function == pdu[0] for function, _ in self._shapes.get(unit, ()))

    def marker(self, unit: int, pdu: bytes) -> bytes | None:
        """What to ask ``unit`` before the read ``pdu``; ``None`` when there is no such request."""
        shapes = self._shapes[unit]
        if self._markers[unit] >= MOST_MARKERS:
            return None
        last = len(shapes) - 1 - shapes[::-1].index(_shape(pdu))
        address, count = pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
        step = 8 if pdu[0] in BIT_FUNCTIONS else 1
        for fewer in range((count - 1) // step * step, 0, -step):
            marker = read_request(pdu[0], address, fewer)
            if _shape(marker) not in shapes[: last + 1]:
                return marker
        return None

    def settle(self, unit: int, pdu: bytes) -> None:
        """A good answer of the shape of ``pdu``, the last request, came: what was asked before its like is settled."""
        shapes = self._shapes.pop(unit, [])
        self._markers.pop(unit, None)
        if _shape(pdu) in shapes:
            self._shapes[unit] = shapes[shapes.index(_shape(pdu)) :]
            self._markers[unit] = 0

    def forget(self, unit: int) -> None:
        """Nothing asked of ``unit`` so far can be answered any more."""
        self._shapes.pop(unit, None)
        self._markers.pop(unit, None)

    def clear(self) -> None:
        """Nothing asked so far can be answered any more."""
        self._shapes.clear()
        self._markers.clear()
