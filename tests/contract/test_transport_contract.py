"""What every transport must do, whatever it speaks. A new one brings a rig and stands in `RIGS`.

The peers are not ours (libmodbus, socat, aiocoap); only the wire between is, which disturbs what they say. A part of
the contract that a transport has no place for is not in the ``lines`` of its rig.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.coap_rig import CoapProtectedRig, CoapRig
from tests.contract.http_rig import HttpRig
from tests.contract.link_rig import LinkRig
from tests.contract.modbus_rigs import RtuRig, RtuTcpRig, TcpRig
from tests.contract.mqtt_rig import MqttRig
from tests.contract.opcua_rig import OpcUaRig
from tests.contract.rig import CLOSED, Rig
from tests.fixtures.waiting import wait_for_async
from tests.fixtures.wires import Mode

pytestmark = pytest.mark.server
RIGS: tuple[type[Rig], ...] = (
    RtuRig,
    RtuTcpRig,
    TcpRig,
    CoapRig,
    CoapProtectedRig,
    MqttRig,
    HttpRig,
    LinkRig,
    OpcUaRig,
)


def having(line: str) -> pytest.MarkDecorator:
    """Run with each transport that has this part of the contract."""
    rigs = [one for one in RIGS if line in one.lines]
    assert rigs
    return pytest.mark.parametrize("make", rigs, ids=lambda one: one.__name__)


@pytest.fixture
async def rig(make: type[Rig], tmp_path: Path) -> AsyncIterator[Rig]:
    one = make(tmp_path)
    try:
        await one.open()
        yield one
    finally:
        await one.close()


@having("read")
async def test_values_of_the_peer_are_read(rig: Rig) -> None:
    await rig.sees(3.0)
    await rig.sees(7.5)
    assert (set(rig.seen) - {0.0}, rig.lost) == ({3.0, 7.5}, [])


@having("push")
async def test_values_that_the_peer_pushes_are_taken_once_each_and_in_order(rig: Rig) -> None:
    await rig.sees(3.0)
    await rig.sees(7.5)
    assert rig.seen == sorted(rig.seen)


@having("command")
async def test_command_closes_the_valve_and_the_peer_itself_proves_it(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.close_valve()
    await wait_for_async(lambda: "confirmed" in rig.statuses(), what="the read-back")
    assert (rig.statuses(), rig.is_closed, rig.valve[-1]) == (["issued", "sent", "confirmed"], True, CLOSED)


@having("command")
async def test_command_whose_confirmation_is_lost_is_not_taken_for_done(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.wire.mode = "silent"
    rig.close_valve()
    await wait_for_async(lambda: rig.is_closed, what="the peer to act")
    await rig.disturbed()
    assert set(rig.statuses()) <= {"issued", "unsent"}
    rig.wire.clear()
    await wait_for_async(lambda: "confirmed" in rig.statuses(), what="the read-back")


@having("silence")
async def test_silent_peer_is_noticed_and_heard_again_by_itself(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.wire.mode = "silent"
    await rig.noticed()
    rig.wire.clear()
    await rig.sees(4.0)


@pytest.mark.parametrize("mode", ["garbage", "half"])
@having("garbage")
async def test_nothing_that_was_not_said_is_taken_from_a_disturbed_line(rig: Rig, mode: Mode) -> None:
    await rig.sees(3.0)
    rig.wire.mode = mode
    rig.measure(4.0)
    await rig.disturbed(2)
    assert set(rig.seen) <= {0.0, 3.0}
    rig.wire.clear()
    await rig.sees(5.0)
    assert set(rig.seen) <= {0.0, 3.0, 4.0, 5.0}
    assert sum(rig.counted().values()) > 0


@having("flipped")
async def test_no_frame_with_a_wrong_bit_is_taken(rig: Rig) -> None:
    await rig.sees(3.0)
    taken = len(rig.seen)
    rig.wire.mode = "flipped"
    await rig.disturbed(4)
    assert len(rig.seen) <= taken + 1  # one may have been on its way
    assert set(rig.seen) <= {0.0, 3.0}
    rig.wire.clear()
    await rig.sees(4.0)


@having("slow")
async def test_peer_that_speaks_byte_by_byte_is_understood(rig: Rig) -> None:
    rig.wire.mode = "slow"
    await rig.sees(3.0)
    await rig.sees(4.0)
    assert rig.lost == []


@having("late")
async def test_late_answers_are_never_taken_for_later_ones(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.wire.mode = "late"
    await wait_for_async(lambda: rig.lost, what="the loss")
    taken = len(rig.seen)
    await rig.disturbed()
    assert len(rig.seen) == taken
    rig.measure(4.0)
    await rig.disturbed(2)  # the answer to what was asked before that is let through by now, late
    rig.wire.clear()
    await wait_for_async(lambda: 4.0 in rig.seen[taken:], what="the present value")
    assert set(rig.seen[taken:]) == {4.0}


@having("restart")
async def test_peer_that_was_restarted_is_heard_again_by_itself(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.kill()
    if "read" in rig.lines:
        await rig.noticed()
    await rig.start()
    await rig.sees(4.0)


@having("hang-up")
async def test_connection_that_broke_is_made_anew(rig: Rig) -> None:
    await rig.sees(3.0)
    await rig.wire.hang_up()
    await rig.sees(4.0)
    # MQTT counts it when the broker has confirmed the subscription, which may be after the first message
    await wait_for_async(lambda: rig.counted()["connects"] >= 2, what="the connection to be counted")
    assert rig.counted()["connects"] == 2


@having("shutdown")
async def test_shutdown_with_a_request_under_way_leaves_nothing_behind(rig: Rig) -> None:
    await rig.sees(3.0)
    rig.wire.mode = "silent"
    await rig.disturbed(1)
    await rig.shut()
    await wait_for_async(lambda: rig.wire.taken == 0, what="the connection to be let go")
    carried, seen = rig.wire.carried, len(rig.seen)
    rig.wire.clear()
    await asyncio.sleep(0)
    assert (rig.wire.carried, len(rig.seen)) == (carried, seen)
