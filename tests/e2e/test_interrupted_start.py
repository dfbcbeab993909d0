"""Ctrl-C while `gengfu up` is still starting: no traceback, and the next start finds everything in order."""

import signal
import time
from pathlib import Path

import pytest

from gengfu.cli import INTERRUPTED
from tests.e2e.coap_program import CoapProgram
from tests.firmware.bench import DEVICE

pytestmark = pytest.mark.e2e

MOMENTS = 8
MOST_S = 2.0
"""A start takes about as long; on a loaded machine all moments lie within it, on a fast one the last after it."""
KILLED_BY_IT = -signal.SIGINT
"""130 to a shell too: so Python itself ends where the interrupt came while a C extension evaluated a string."""


@pytest.mark.timeout(120)
def test_ctrl_c_at_any_moment_of_the_start_ends_it_in_order(tmp_path: Path) -> None:
    site = CoapProgram(tmp_path, DEVICE)
    for moment in range(MOMENTS):
        with site.start() as program:
            program.says("data in", 30)
            time.sleep(MOST_S * moment / MOMENTS)  # a moment of its choosing, not a condition waited for
            code = program.interrupt(15)
            assert code in (0, INTERRUPTED, KILLED_BY_IT), program.text
            assert "Traceback" not in program.text, program.text
    with site.start() as program:
        program.says("Ctrl-C stops", 30)
        assert program.interrupt(15) == 0
        assert "set aside" not in program.text
