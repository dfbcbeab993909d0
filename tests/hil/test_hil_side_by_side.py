"""What only waits for a board for most of a minute, on boards side by side: so a quick run has it on the unix port."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.hil.board import Board
from tests.hil.story import ALARMS
from tests.hil.test_hil_alarms import (
    test_alarm_ends_after_a_clean_minute_and_only_then_does_an_opened_valve_stay_open as clean_minute,
)
from tests.hil.test_hil_alarms import test_board_tells_what_happened as told
from tests.hil.test_hil_modbus import test_jammed_valve_is_never_told_to_be_closed as jammed
from tests.hil.test_hil_power_cuts import test_trip_latch_stands_after_every_one_of_many_cuts as latched
from tests.hil.unix_board import UnixBoard

pytestmark = pytest.mark.board

STORIES: tuple[Callable[[Board], None], ...] = (
    clean_minute,
    jammed,
    latched,
    *(partial(told, row=row) for row in ALARMS if row.slow),
)


@pytest.mark.timeout(300)
def test_long_stories_of_the_unix_port_come_true_at_the_same_time(micropython: Path, tmp_path: Path) -> None:
    def run(number: int) -> None:
        with UnixBoard([str(micropython)], tmp_path / str(number)) as board:
            STORIES[number](board)

    with ThreadPoolExecutor(len(STORIES)) as pool:
        failures = [one.exception() for one in [pool.submit(run, number) for number in range(len(STORIES))]]
    assert failures == [None] * len(STORIES)
