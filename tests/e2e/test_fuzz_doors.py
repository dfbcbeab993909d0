"""Malformed frames at every door of the running program: it stays well, lean, and loses nothing of what is valid.

`python -m bench.fuzz` does the same with a hundred thousand frames at each.
"""

from pathlib import Path

import pytest

from tests.e2e.fuzz_run import MOST_GROWTH_MB, Gauntlet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FRAMES = 2000


async def test_malformed_frames_at_every_door_leave_the_gateway_well_and_lean(tmp_path: Path) -> None:
    outcome = await Gauntlet(tmp_path, seed=4).run(FRAMES)
    assert set(outcome.thrown.values()) == {FRAMES}
    assert outcome.acknowledged > 100
    assert outcome.mb_after - outcome.mb_before < MOST_GROWTH_MB
