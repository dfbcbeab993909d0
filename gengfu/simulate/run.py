"""Keeps a fleet running until its time is over or somebody stops it, and shows how it goes."""

import asyncio
from typing import TextIO

from gengfu import main_loop
from gengfu.simulate.fleet import Fleet

SHOW_EVERY_S = 1.0


async def keep_running(fleet: Fleet, seconds: float | None, out: TextIO | None) -> None:
    """Return at Ctrl-C, SIGTERM, or after ``seconds``. ``out``: where a terminal shows the counts."""
    stop = asyncio.Event()
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, stop.set)
    working = [asyncio.create_task(fleet.run())]
    if out is not None and out.isatty():
        working.append(asyncio.create_task(_show(fleet, out)))
    stopping = asyncio.create_task(main_loop.until_signal(stop))
    try:
        # a device that fails ends the run: a fleet that is not whole proves nothing
        done, _ = await asyncio.wait({stopping, *working}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in (stopping, *working):
            task.cancel()
        await asyncio.gather(stopping, *working, return_exceptions=True)
        if out is not None and out.isatty():
            print(file=out)


async def _show(fleet: Fleet, out: TextIO) -> None:
    while True:
        await asyncio.sleep(SHOW_EVERY_S)
        print(f"\r{fleet.tally}   ", end="", file=out, flush=True)
