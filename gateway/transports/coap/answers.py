"""What a posted pack is answered: the code for each way it can end, and who sends more than is stored."""

from typing import Any, NamedTuple

from gateway.errors import OverRate
from journal.errors import JournalError, JournalFull
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND
from protocols.wire import coap

RETRY_AFTER_S = 30
SLOWER_AFTER_S = 1
LONGEST_DIAGNOSTIC = 400

_DECODE_CODES = {
    "connection": coap.FORBIDDEN,
    "credential": coap.UNAUTHORIZED,
    "content-format": coap.UNSUPPORTED_FORMAT,
    "size": coap.TOO_LARGE,
}


class Answer(NamedTuple):
    """``kind``: the word under which a refusal is counted, empty for none."""

    code: int
    payload: bytes = b""
    options: tuple[tuple[int, bytes], ...] = ()
    kind: str = ""


def text_of(words: str) -> bytes:
    """A diagnostic payload, cut between two letters."""
    return words.encode()[:LONGEST_DIAGNOSTIC].decode(errors="ignore").encode()


def refusal_of(error: DecodeError) -> Answer:
    """For a pack that cannot be read; the pipeline has counted it."""
    code = coap.NOT_FOUND if isinstance(error, UnknownDevice) else _DECODE_CODES.get(error.kind, coap.BAD_REQUEST)
    return Answer(code, text_of(str(error)))


def failure_of(error: Exception) -> Answer:
    """For a pack that was judged and is not stored; the device sends it again after Max-Age."""
    if isinstance(error, OverRate):
        return Answer(coap.TOO_MANY_REQUESTS, b"", _max_age(SLOWER_AFTER_S), "rate")
    kind = "full" if isinstance(error, JournalFull) else "journal"
    code = coap.SERVICE_UNAVAILABLE if isinstance(error, JournalError) else coap.INTERNAL_ERROR
    return Answer(code, b"", _max_age(RETRY_AFTER_S), kind)


def _max_age(seconds: int) -> tuple[tuple[int, bytes], ...]:
    return ((coap.MAX_AGE, coap.uint_bytes(seconds)),)


class Rates:
    """Messages of each peer in the present second. Bounded by the messages of one second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._counts: dict[tuple[Any, ...], int] = {}

    def over(self, peer: tuple[Any, ...], now: int) -> bool:
        """Count one message at ``now`` (ns); whether it is beyond what is stored."""
        second = now // SECOND
        if second != self._second:
            self._second = second
            self._counts = {}
        count = self._counts.get(peer, 0) + 1
        self._counts[peer] = count
        return count > self._most
