"""How the program's event loop runs, and ends."""

import asyncio
import os
import signal
import sys

import pytest
import uvloop

from gengfu import main_loop


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

    main_loop.run(main)
    ((loop, during),) = seen
    assert issubclass(loop, uvloop.Loop)
    assert during == pytest.approx(main_loop.SWITCH_INTERVAL_S)
    assert during < interval


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_ends_it_in_order_once(interval, number):
    said = []

    async def main():
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
            said.append("started")
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            said.append("stopped")

    main_loop.run(main)
    assert said == ["stopped"]


def test_a_signal_after_the_start_is_waited_for(interval):
    said = []

    async def main():
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
        await main_loop.until_signal(asyncio.Event())
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        said.append("stopped")

    main_loop.run(main)
    assert said == ["stopped"]


def test_what_is_cancelled_without_a_signal_is_told(interval):
    async def main():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        main_loop.run(main)
