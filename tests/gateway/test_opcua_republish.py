"""A publish that never came, at a server that is not ours: it is asked for again, and what cannot be had is told."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from gateway.transports.opcua.parts import Access, Session
from gateway.transports.opcua.session import open_session
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_links import TIMEOUT_S, TestedLink
from tests.fixtures.opcua_peers import OpcUaPeer
from tests.fixtures.opcua_profiles import point
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
CABINET = profile(point("gas", range=[0.0, 100.0], life_safety=True), point("level"))
RARELY_S = 3600.0


@pytest.fixture
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaPeer]:
    one = OpcUaPeer(tmp_path_factory.mktemp("peer"))
    one.start()
    for node in ("S.gas", "S.level"):
        one.add(node, "Double", 0.0)
    yield one
    one.kill()


class Losing:
    """A link whose next ``left`` publishes with data are lost on their way. ``forgets``: the server is told that they
    came, so that it cannot tell them again."""

    def __init__(self, peer: OpcUaPeer, *, forgets: bool = False) -> None:
        self._access = Access(peer.url, TIMEOUT_S)
        self._forgets = forgets
        self.left = 0
        self.link = TestedLink(self._access, CABINET, {"d": "S"}, period_s=RARELY_S, opened=self._opened)

    async def _opened(self) -> Session:
        session = await open_session(self._access, self.link.diagnosis, time.time_ns())
        client = session._client.uaclient  # between the wire and the session there is no other place
        answered = client.publish

        async def publish(acknowledged: list[Any]) -> Any:
            found = await answered(acknowledged)
            message = found.Parameters.NotificationMessage
            if not self.left or not message.NotificationData:
                return found
            self.left -= 1
            done = ua.SubscriptionAcknowledgement()
            done.SubscriptionId, done.SequenceNumber = found.Parameters.SubscriptionId, message.SequenceNumber
            return await publish([done] if self._forgets else [])

        client.publish = publish
        return session

    async def up(self, peer: OpcUaPeer) -> None:
        """It stands, and what the server tells at first has come."""
        await self.link.up()
        peer.set("S.level", 1.0)
        await self.link.tells("level", 1.0)

    async def lose(self, peer: OpcUaPeer, node: str, value: float) -> None:
        """The server tells a value, and it does not come."""
        self.left += 1
        peer.set(node, value)
        await wait_for_async(lambda: not self.left, what="the loss")


async def test_publish_that_never_came_is_told_again_in_its_place(peer: OpcUaPeer) -> None:
    losing = Losing(peer)
    async with losing.link as link:
        await losing.up(peer)
        for value in (30.0, 60.0):
            await losing.lose(peer, "S.gas", value)
        peer.set("S.gas", 5.0)
        await link.tells("gas", 5.0)
        assert link.values("gas") == [0.0, 30.0, 60.0, 5.0]
        assert (link.diagnosis.errors, link.diagnosis.devices["d"].errors) == ({"republished": 2}, {})
        await losing.lose(peer, "S.gas", 40.0)
        peer.set("S.gas", 1.0)
        await link.tells("gas", 1.0)
        assert link.values("gas")[-2:] == [40.0, 1.0]


async def test_what_the_server_cannot_tell_again_is_a_gap_of_each_device_and_all_is_read_at_once(
    peer: OpcUaPeer,
) -> None:
    losing = Losing(peer, forgets=True)
    async with losing.link as link:
        await losing.up(peer)
        await losing.lose(peer, "S.gas", 30.0)
        peer.set("S.level", 2.0)
        await link.tells("gas", 30.0)
        assert (link.diagnosis.errors, link.diagnosis.devices["d"].errors) == ({"gap": 1}, {"gap": 1})
        await link.tells("level", 2.0)
        assert (link.lost, link.link.connects) == ([], 1)
