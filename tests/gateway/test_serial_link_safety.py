"""Over a real line, nothing reaches a board but the names of the commands that its profile declares (S2)."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from protocols.wire import link
from tests.fixtures.link_line import LinkBench, Plug
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.random_commands import ASKED, commands, elements, problems
from tests.fixtures.waiting import wait_for_async

ONE = ((5, "a:5"),)


async def heard(folder: Path, declared: frozenset[str], asked: Sequence[str]) -> list[bytes]:
    """What the board at the far end is told to do when people ask for all of ``asked``."""
    plug = Plug(folder / "line", *ONE)
    plug.plug()
    one = LinkBench(plug.path, ONE, commands=declared)
    one.start()
    try:
        await wait_for_async(lambda: one.link.connects)
        for name in asked:
            assert (await one.link.command("a:5", name) == "") == (name in declared)
        return [event.data for event in plug.of(link.COMMAND)]
    finally:
        await one.close()
        plug.unplug()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(points=elements(), given_=commands(), asked=ASKED)
def test_no_word_that_opens_and_none_undeclared_reaches_a_board(
    points: list[dict[str, Any]], given_: list[dict[str, Any]], asked: list[str]
) -> None:
    made = profile(*points, command=given_)
    assume(not problems(made))
    declared = frozenset(one.name for one in made.file.command)
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(heard(Path(folder), declared, [*asked, *sorted(declared)]))
    assert told == [name.encode() for name in [*asked, *sorted(declared)] if name in declared]
    assert not any(b"open" in name for name in told)
