"""What the Modbus transports tell of themselves, against libmodbus over a wire that the test disturbs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.modbus_rigs import ModbusRig, RtuRig, RtuTcpRig, TcpRig
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server


@pytest.fixture(params=[TcpRig, RtuRig, RtuTcpRig], ids=lambda rig: rig.transport)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ModbusRig]:
    made: ModbusRig = request.param(tmp_path)
    await made.open()
    yield made
    await made.close()


async def test_a_line_that_works_is_told_with_its_figures_and_bytes(rig: ModbusRig) -> None:
    await rig.sees(12.0)
    told = rig.side.diagnosis
    one = told.devices[rig.device]
    assert (told.state, told.transport, one.lost_since) == ("up", rig.transport, 0)
    assert 0 < one.answers <= one.requests == told.requests
    assert all(0 < seconds < 5 for seconds in one.rtt_s)
    assert told.rates().utilisation > 0
    pieces = list(told.wire)
    assert {piece.outgoing for piece in pieces} == {True, False}
    assert told.all_errors() == {}


async def test_a_dead_peer_is_told_with_the_reason_and_when_it_is_tried_again(rig: ModbusRig) -> None:
    await rig.sees(12.0)
    rig.kill()
    await rig.noticed()
    told = rig.side.diagnosis
    one = told.devices[rig.device]
    errors = told.all_errors()
    assert errors["lost"] == 1
    assert set(errors) & {"timeout", "down", "hang-up", "connect"}
    assert one.next_try_at > one.heard_at
    await rig.start()
    await rig.sees(13.0)
    assert told.state == "up"
    assert one.next_try_at == 0


async def test_noise_is_counted_by_kind(rig: ModbusRig) -> None:
    await rig.sees(12.0)
    rig.wire.mode = "garbage"
    await rig.disturbed(5)
    rig.wire.clear()
    await rig.sees(13.0)
    wrong = {"crc", "noise", "bad-reply", "bad-frame", "wrong-unit", "wrong-transaction", "timeout", "down", "late"}
    await wait_for_async(lambda: set(rig.side.diagnosis.all_errors()) & wrong, what="an error by its kind")
