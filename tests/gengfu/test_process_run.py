"""How the program's event loop runs."""

import asyncio
import sys

import pytest
import uvloop

from gengfu import process


@pytest.fixture
def interval():
    """The interpreter's own switch interval, put back afterwards."""
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_it_is_uvloop_and_no_store_thread_keeps_the_interpreter_long(interval):
    seen = []

    async def main():
        seen.append((type(asyncio.get_running_loop()), sys.getswitchinterval()))

    process.run(main)
    ((loop, during),) = seen
    assert issubclass(loop, uvloop.Loop)
    assert during == pytest.approx(process.SWITCH_INTERVAL_S)
    assert during < interval
