"""Proof test: a final element is moved to its safe side on purpose, and whether it got there in time (safety rule S5).

The last test of each element is kept beside the journal (`STATE` + its id), and which elements there are and how often
each has to be proved (`PLAN_STATE`). Begin and end of a test are entries of kind `KIND`, a new plan is one of kind
`PLAN_KIND`.
"""

from typing import Literal

import msgspec

KIND = "proof-test"
STATE = "proof-test/"
PLAN_KIND = "proof-plan"
PLAN_STATE = "proof-plan/all"
CAUSE = "proof-test/"
"""The cause of its command begins so; its id follows."""

State = Literal["begun", "moving", "passed", "failed", "interrupted"]


class ProofTest(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One test. ``id``: ``device~point`` of the element. ``command``: of the device's profile; ``within_s``: how long
    the element may take. ``on_site``: who stands there. Times are UTC ns.

    ``state``: ``begun`` (nothing was sent), ``moving``, ``passed`` (read back in time), ``failed``, ``interrupted``
    (nobody knows: ``detail`` says why; it counts as no test). ``took_s``: until it was read back, ``None`` where it was
    not. ``passed_at``: when the element last passed, this test included; 0: never.
    """

    id: str
    device: str
    point: str
    command: str
    within_s: float
    began_at: int
    who: str
    why: str
    on_site: str
    state: State = "begun"
    took_s: float | None = None
    ended_at: int = 0
    detail: str = ""
    passed_at: int = 0

    @property
    def is_running(self) -> bool:
        """Whether its end is waited for."""
        return self.state in ("begun", "moving")


class Element(msgspec.Struct, array_like=True, frozen=True):
    """A final element that has to be proved. ``since``: when it was first seen here, UTC ns; ``every_s``: how long a
    proof holds."""

    device: str
    point: str
    since: int
    every_s: float


class ProofPlan(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """The final elements of the site, by id."""

    elements: dict[str, Element]


def proof_test_id(device: str, point: str) -> str:
    """The id the API addresses."""
    return f"{device}~{point}"


def due_at(element: Element, passed_at: int) -> int:
    """By when the element has to be proved again, UTC ns. ``passed_at``: when it last was, 0: never."""
    return max(element.since, passed_at) + int(element.every_s * 1_000_000_000)


_encoder = msgspec.msgpack.Encoder()
_tests = msgspec.msgpack.Decoder(ProofTest)
_plans = msgspec.msgpack.Decoder(ProofPlan)


def encode(item: ProofTest | ProofPlan) -> bytes:
    """Body of a journal entry or of a state key: a msgpack array, schema number first."""
    return _encoder.encode(item)


def decode_proof_test(body: bytes) -> ProofTest:
    """Reverse of `encode` for a test; raises `msgspec.DecodeError` for any other bytes."""
    return _tests.decode(body)


def decode_proof_plan(body: bytes) -> ProofPlan:
    """Reverse of `encode` for a plan; raises `msgspec.DecodeError` for any other bytes."""
    return _plans.decode(body)
