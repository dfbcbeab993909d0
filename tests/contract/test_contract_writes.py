"""Every form of a Modbus write over every Modbus transport: libmodbus takes it, and the read-back proves it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceRefused
from gateway.poller import read_point, write_command
from protocols.modbus.writes import WriteRefused
from protocols.quality import Quality
from protocols.wire.modbus_pdu import write_coils_request, write_registers_request
from tests.contract.modbus_rigs import ModbusRig, RtuRig, RtuTcpRig, TcpRig
from tests.fixtures.modbus_profiles import flag, point, profile

pytestmark = pytest.mark.server
UNIT = 5
FORMS: dict[str, dict[str, Any]] = {
    "one coil (5)": {"table": "coil", "address": 4, "value": 1},
    "one register (6)": {"table": "holding", "address": 4, "value": 0x1234},
    "coils (15)": {"table": "coil", "address": 3, "values": [0, 1, 1]},
    "registers (16)": {"table": "holding", "address": 3, "values": [7, 0x1234, 9]},
    "one register as several (16)": {"table": "holding", "address": 4, "value": 0x1234, "multiple": True},
}


@pytest.fixture(params=[RtuRig, RtuTcpRig, TcpRig], ids=lambda one: one.__name__)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ModbusRig]:
    one: ModbusRig = request.param(tmp_path)
    try:
        await one.open()
        yield one
    finally:
        await one.close()


@pytest.mark.parametrize("form", FORMS)
async def test_write_is_taken_and_read_back(rig: ModbusRig, form: str) -> None:
    written = FORMS[form]
    command = {"name": "identify", "effect": "identify", "modbus": written}
    proof = (point if written["table"] == "holding" else flag)("proof", written["table"], 4)
    if written["table"] == "coil":
        proof["modbus"]["type"] = "bool"
    one = profile(proof, command=[command])
    bus = rig.side.bus
    bus._gate = type(bus._gate)()  # the gas alarm's commands have had this unit
    bus.allow(UNIT, one)
    assert await read_point(bus, UNIT, one, "proof", 5) == (0.0, Quality.GOOD)
    await write_command(bus, UNIT, one, one.file.command[0], 5)
    expected = float(0x1234) if written["table"] == "holding" else 1.0
    assert await read_point(bus, UNIT, one, "proof", 5) == (expected, Quality.GOOD)
    assert bus.counters.bad_replies == 0


async def test_write_that_the_slave_has_no_place_for_is_refused_with_its_code(rig: ModbusRig) -> None:
    command = {"name": "identify", "effect": "identify", "modbus": {"table": "holding", "address": 900, "value": 1}}
    one = profile(point("proof", "holding", 4), command=[command])
    bus = rig.side.bus
    bus._gate = type(bus._gate)()
    bus.allow(UNIT, one)
    with pytest.raises(DeviceRefused) as caught:
        await write_command(bus, UNIT, one, one.file.command[0], 5)
    assert caught.value.code == 2


@pytest.mark.parametrize("pdu", [write_coils_request(0, (0,)), write_registers_request(3, (1,))])
async def test_opening_write_never_reaches_the_wire(rig: ModbusRig, pdu: bytes) -> None:
    with pytest.raises(WriteRefused):
        await rig.side.bus.request(UNIT, pdu, 1)
    assert (rig.side.bus.counters.refused_writes, rig.is_closed) == (1, False)
