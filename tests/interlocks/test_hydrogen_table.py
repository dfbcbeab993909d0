"""Every row of the hydrogen station x what becomes of its proof x origin: what is told, and what is raised (S3, S4)."""

from itertools import product

import pytest

from interlocks.outbox import Failure
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.stations import ROWS, ready, told

PROOFS: dict[str, tuple[bool, Quality | None, bool]] = {
    "good": (True, None, True),
    "not shown": (False, None, False),
    "stale": (True, Quality.UNCERTAIN_STALE, False),
    "broken": (True, Quality.BAD_SENSOR_FAULT, False),
    "lost": (True, Quality.BAD_COMM_LOSS, False),
    "under test": (True, Quality.UNCERTAIN_UNDER_TEST, False),
    "clock in doubt": (True, Quality.UNCERTAIN_CLOCK, False),
}
"""Whether its points say that the station acted, their quality, and whether that proves it."""


@pytest.mark.parametrize(("row", "proof", "origin"), [*product(ROWS, PROOFS, Origin)])
def test_every_row_with_every_proof_at_every_origin(row: str, proof: str, origin: Origin) -> None:
    known, (is_shown, mark, counts) = ROWS[row], PROOFS[proof]
    station = ready()
    station.hear(told(10, origin, **{"filling": 1.0, **known.cause} if row == "HS-8" else known.cause))
    began = 10 + known.delay
    station.until(began)
    values = {**known.cause, **known.proof} if is_shown else dict(known.cause)
    marks = {} if mark is None else dict.fromkeys(known.proof, mark)
    station.hear(*(told(began + seconds, origin, marks, **values) for seconds in (1.0, known.within - 0.2)))
    station.until(began + known.within)
    statuses = {one.effect: one.status for _, one in station.events if one.cause == row and one.effect}
    assert statuses == dict.fromkeys(known.roles, "done" if counts else "failed")
    assert {one.origin for _, one in station.events if one.cause} == {origin}
    missing = [Failure("plc:1", role, True, row) for role in known.roles]
    raised = [one for _, one in station.failures if one.rule == row]
    assert raised == (missing if origin is Origin.LIVE and not counts else [])
    assert origin is Origin.LIVE or station.failures == []
