"""The link to an OPC UA server that is not ours: what changes is told once, whatever happens to server and session."""

import itertools
import time
from collections.abc import Iterator

import pytest

from gateway.errors import BusDown, DeviceRefused, DeviceSilent
from gateway.transports.opcua.parts import Access, Session
from protocols.modbus.writes import WriteRefused
from protocols.quality import Quality
from protocols.reading import Value
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_links import TIMEOUT_S, TestedLink
from tests.fixtures.opcua_peers import OpcUaPeer
from tests.fixtures.opcua_profiles import VALVE, closing, point
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
CABINET = profile(
    point("gas", range=[0.0, 100.0], life_safety=True),
    point("level"),
    VALVE,
    command=[
        closing(),
        {
            "name": "mute",
            "effect": "mute",
            "opcua": {"node": "nsu=urn:test:station;s={station}.gas", "type": "Double", "value": 1},
        },
    ],
)
CLOSE, MUTE = CABINET.file.command
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaPeer]:
    """One server without security for all tests of this file; each has a station of its own."""
    one = OpcUaPeer(tmp_path_factory.mktemp("peer"))
    one.start()
    yield one
    one.kill()


@pytest.fixture
def station(peer: OpcUaPeer, request: pytest.FixtureRequest) -> str:
    """A cabinet at the server."""
    name: str = request.node.name
    for node, kind, value in ((".gas", "Double", 0.0), (".level", "Float", 0.0), (".valve", "Int32", 1)):
        peer.add(f"{name}{node}", kind, value)
    return name


def to(peer: OpcUaPeer) -> Access:
    return Access(peer.url, TIMEOUT_S)


async def test_everything_is_read_at_once_and_once_per_period(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=0.1) as link:
        await wait_for_async(lambda: len(link.readings) >= 4, what="four looks")
    assert {one.values for one in link.readings} == {(0.0, 0.0, 1.0)}
    assert all(one.at == one.received_at for one in link.readings)
    assert link.lost == []


async def test_every_change_between_two_publishes_is_told_once_with_its_source_s_time(
    peer: OpcUaPeer, station: str
) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=60, publishing_s=0.4) as link:
        await link.up()
        began = time.time_ns() // 10**6 - 1000
        sent = {began + 10 * number: float(number) for number in range(1, 60)}
        for at, value in sent.items():
            peer.set(f"{station}.gas", value, source=at)
        await link.tells("gas", 59.0)
    told = [(one.at // 10**6, one.values[0]) for one in link.readings if one.values[0]]
    assert told == list(sent.items())
    assert link.diagnosis.all_errors() == {}


async def test_changes_of_one_time_are_one_reading(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=60, publishing_s=0.5) as link:
        await link.up()
        pairs: set[tuple[int, tuple[Value, ...]]] = set()
        told: set[tuple[int, tuple[Value, ...]]] = set()
        while not pairs & told:  # a publish of the server may fall between the two
            at, value = time.time_ns() // 10**6, float(len(pairs) + 1)
            pairs.add((at * 10**6, (value, value, None)))
            peer.set(f"{station}.gas", value, source=at)
            peer.set(f"{station}.level", value, source=at)
            await link.tells("level", value)
            assert len(pairs) < 10
            told = {(one.at, one.values) for one in link.readings}


async def test_value_whose_source_has_an_old_time_is_told_now(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=60) as link:
        await link.up()
        peer.set(f"{station}.gas", 55.0, source=1_000_000)
        await link.tells("gas", 55.0)
    assert all(abs(one.received_at - one.at) < MINUTE_NS for one in link.readings)
    assert link.diagnosis.devices["d"].errors == {"old-stamp": 1}


async def test_status_of_the_server_becomes_quality_and_a_bad_value_is_kept(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}) as link:
        await link.up()
        peer.set(f"{station}.gas", 55.0, status=0x808C0000)
        await link.marks("gas", "d", Quality.BAD_SENSOR_FAULT)
        assert link.values("gas")[-1] == 55.0
        peer.set(f"{station}.gas", None, status=0x80310000)
        await link.marks("gas", "d", Quality.BAD_COMM_LOSS)
        peer.set(f"{station}.gas", 5.0)
        await link.marks("gas", "d", Quality.GOOD)
    assert link.lost == []


async def test_device_of_which_the_server_hears_nothing_is_lost_and_its_neighbour_is_not(
    peer: OpcUaPeer, station: str
) -> None:
    peer.add(f"{station}2.gas", "Double", 0.0)
    async with TestedLink(to(peer), profile(point("gas")), {"d": station, "e": f"{station}2"}) as link:
        await link.up()
        peer.set(f"{station}.gas", 3.0, status=0x80310000)
        await wait_for_async(lambda: link.lost, what="the loss")
        peer.set(f"{station}2.gas", 4.0)
        await link.tells("gas", 4.0, "e")
        assert [device for device, _ in link.lost] == ["d"]
        assert "BadNoCommunication of all 1 points" in link.lost[0][1]
        peer.set(f"{station}.gas", 6.0)
        await link.tells("gas", 6.0, "d")
    assert len(link.lost) == 1


async def test_node_that_the_server_gets_later_is_watched_then(peer: OpcUaPeer, station: str) -> None:
    peer.forget(f"{station}.level")
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=0.2) as link:
        await link.marks("level", "d", Quality.BAD_MISSING)
        await wait_for_async(lambda: link.diagnosis.devices["d"].errors == {"node": 1}, what="the node to be missed")
        peer.add(f"{station}.level", "Float", 2.0)
        await link.tells("level", 2.0)
        await link.up()
        peer.set(f"{station}.level", 3.0, source=time.time_ns() // 10**6 - 1000)
        await wait_for_async(
            lambda: [one for one in link.readings if one.values == (None, 3.0, None)], what="the change"
        )


async def test_namespace_that_the_server_does_not_have_costs_its_device_alone(peer: OpcUaPeer, station: str) -> None:
    moved = profile(point("gas", node="nsu={station};s=x"))
    async with TestedLink(to(peer), moved, {"d": "urn:none", "e": "urn:test:station"}) as link:
        peer.add("x", "Double", 9.0)
        await link.tells("gas", 9.0, "e")
    assert [device for device, _ in link.lost] == ["d"]
    assert "has no namespace 'urn:none'" in link.lost[0][1]


async def test_session_that_the_server_ends_is_made_anew_and_told_as_a_loss(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=60) as link:
        await link.up()
        peer.set(f"{station}.gas", 3.0)
        await link.tells("gas", 3.0)
        peer.end_sessions()
        await link.up(2)
        peer.set(f"{station}.gas", 4.0)
        await link.tells("gas", 4.0)
    assert len(link.lost) == 1
    assert link.values("gas") == [0.0, 3.0, 3.0, 4.0]  # the second 3.0 is the look that ends the loss


async def test_write_is_proved_by_what_the_server_reads_back(peer: OpcUaPeer, station: str) -> None:
    peer.add(f"{station}.close", "Boolean", False, writable=True)
    async with TestedLink(to(peer), CABINET, {"d": station}, period_s=60) as link:
        await link.up()
        await link.tells("valve", 1.0)
        await link.link.write("d", CLOSE)
        assert peer.held(f"{station}.close") is True
        assert link.values("valve") == [1.0]
        peer.set(f"{station}.valve", 2)
        await link.link.prove("d", CLOSE)
    assert link.values("valve")[-1] == 2.0


async def test_write_that_the_server_refuses_is_told(peer: OpcUaPeer, station: str) -> None:
    async with TestedLink(to(peer), CABINET, {"d": station}) as link:
        with pytest.raises(BusDown, match="does not stand: not connected yet"):
            await link.link.write("d", MUTE)
        await link.up()
        with pytest.raises(DeviceRefused, match=r"write of Double 1\.0 with BadNotWritable"):
            await link.link.write("d", MUTE)
        with pytest.raises(WriteRefused):
            await link.link.write("d", CLOSE.model_copy(update={"name": "open"}))


async def test_nobody_there_is_tried_again_within_ten_seconds_for_life_safety(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: dict[bool, list[float]] = {True: [], False: []}
    for life_safety, wanted in pauses.items():
        made = profile(point("gas", life_safety=life_safety, range=[0.0, 1.0]))
        link = TestedLink(Access("opc.tcp://127.0.0.1:1", TIMEOUT_S), made, {"d": "x"}, clock=lambda: 0.0)

        async def slept(seconds: float, kept: list[float] = wanted) -> None:
            kept.append(seconds)
            if len(kept) == 10:
                raise StopAsyncIteration

        monkeypatch.setattr("gateway.transports.opcua.link.asyncio.sleep", slept)
        with pytest.raises(StopAsyncIteration):
            await link.link.run()
        assert len(link.lost) == 1
    assert (max(pauses[True]), max(pauses[False])) == (10.0, 60.0)


async def test_server_that_lets_us_wait_is_tried_every_ten_seconds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = profile(point("gas", life_safety=True, range=[0.0, 1.0]))
    at = [0.0]
    tries: list[float] = []

    async def opened() -> Session:
        tries.append(at[0])
        if len(tries) == 10:
            raise StopAsyncIteration
        at[0] += TIMEOUT_S
        raise DeviceSilent("no answer")

    async def slept(seconds: float) -> None:
        at[0] += seconds

    link = TestedLink(Access("opc.tcp://x", TIMEOUT_S), made, {"d": "x"}, opened=opened, clock=lambda: at[0])
    monkeypatch.setattr("gateway.transports.opcua.link.asyncio.sleep", slept)
    with pytest.raises(StopAsyncIteration):
        await link.link.run()
    assert max(after - before for before, after in itertools.pairwise(tries)) == 10.0
