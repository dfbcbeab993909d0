"""Bump test: test gas at one detector, and whether it saw the gas (safety rule S8).

The last test of each detector is kept beside the journal (`STATE` + its id). Its begin, the first sight of the gas and
its end stand in the journal as entries of kind `KIND`: the evidence of the detector.
"""

import msgspec

from protocols.term import Term

KIND = "bump-test"
STATE = "bump-test/"
LONGEST_S = 30 * 60.0
"""S8; the figure is proposed by this project."""


class BumpTest(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One test. ``id``: ``device~point``. ``limit``: what the point must reach, in its ``unit`` (a flag: 1).
    ``highest``: the highest good value that came, ``None`` before the first. ``ended_at``: UTC ns, 0 while it runs.
    ``ended_by``: the person who ended it, empty where it ended by itself; ``ended_why``: ``time``, ``restart``,
    ``site-changed``, or what the person said.
    """

    id: str
    device: str
    point: str
    unit: str
    limit: float
    term: Term
    who: str
    why: str
    readings: int = 0
    highest: float | None = None
    ended_at: int = 0
    ended_by: str = ""
    ended_why: str = ""

    @property
    def is_running(self) -> bool:
        """Whether readings are marked."""
        return not self.ended_at

    @property
    def saw_gas(self) -> bool:
        """Whether a good value reached the limit; nothing else proves a detector (S3)."""
        return self.highest is not None and self.highest >= self.limit

    @property
    def state(self) -> str:
        """``running``, ``passed`` or ``failed``."""
        if self.is_running:
            return "running"
        return "passed" if self.saw_gas else "failed"


def bump_test_id(device: str, point: str) -> str:
    """The id the API addresses."""
    return f"{device}~{point}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(BumpTest)


def encode_bump_test(test: BumpTest) -> bytes:
    """Body of a journal entry or of a state key: a msgpack array, schema number first."""
    return _encoder.encode(test)


def decode_bump_test(body: bytes) -> BumpTest:
    """Reverse of `encode_bump_test`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
