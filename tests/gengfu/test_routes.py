"""Commands find their device over its connection, and every outcome is reported once."""

import asyncio

import pytest

from gateway.errors import DeviceSilent
from gengfu.routes import Routes
from protocols.profile.loader import shipped_profiles

GAS = shipped_profiles()["gengfu/gas-alarm"]
CLOSE = next(command for command in GAS.file.command if command.effect == "close-valve")


class Line:
    """A route that does what it is told."""

    def __init__(self, outcome=""):
        self.outcome, self.taken = outcome, []

    async def deliver(self, device, command):
        self.taken.append((device, command.name))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            await asyncio.Event().wait()
        return self.outcome


async def deliver(line, connection="line"):
    """What was reported, and how often the watch was asked to look."""
    reported, looks = [], []
    done = asyncio.Event()

    def settled():
        looks.append(1)
        done.set()

    way = Routes({"gas:1": connection}, settled)
    way.add("line", line)
    way.send("gas:1", CLOSE, reported.append)
    await done.wait()
    await way.close()
    return reported, len(looks)


@pytest.mark.parametrize("said", ["", "the device answered 4.04"])
async def test_the_command_goes_over_the_devices_connection_and_the_watch_looks_at_once(said):
    line = Line(said)
    assert await deliver(line) == ([said], 1)
    assert line.taken == [("gas:1", CLOSE.name)]


class Eager:
    """A route that sends at once."""

    def __init__(self):
        self.sent = []

    def deliver(self, device, command):
        self.sent.append((device, command.name))
        return asyncio.sleep(0, "")


async def test_what_a_route_sends_at_once_is_sent_before_anybody_is_told():
    line, reported = Eager(), []
    way = Routes({"gas:1": "line"}, lambda: None)
    way.add("line", line)
    way.send("gas:1", CLOSE, reported.append)
    assert (line.sent, reported) == ([("gas:1", CLOSE.name)], [])
    await way.close()


async def test_a_device_that_cannot_be_asked_is_reported_with_the_reason():
    assert await deliver(Line(DeviceSilent("no answer from gas:1"))) == (["no answer from gas:1"], 1)


async def test_a_connection_that_takes_no_commands_is_reported():
    assert await deliver(Line(), "other") == (["its connection takes no commands"], 1)


async def test_close_gives_up_on_what_is_under_way_and_reports_nothing():
    reported = []
    way = Routes({"gas:1": "line"}, lambda: None)
    line = Line(None)
    way.add("line", line)
    way.send("gas:1", CLOSE, reported.append)
    await asyncio.sleep(0)
    await way.close()
    assert (line.taken, reported) == ([("gas:1", CLOSE.name)], [])
