"""A Sparkplug B edge node at a real broker: what the gateway stores, asks, tells and commands."""

import asyncio
import json
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.errors import DeviceRefused
from gengfu import clock
from protocols.moment import SECOND
from protocols.profile.schema import CommandPart
from protocols.quality import Quality
from protocols.sparkplug.protobuf import put_bytes, put_fixed, put_varint
from tests.fixtures.mosquitto import Mosquitto, publish, running
from tests.fixtures.mqtt_gateway import MqttGateway, document
from tests.fixtures.programs import program
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
BOILER, NODE = "east:boiler:1", "east:node:7"
DEVICES = [
    {"id": BOILER, "profile": "gengfu/gas-alarm", "mqtt": {"sparkplug": "city/edge-7/boiler-1"}},
    {"id": NODE, "profile": "gengfu/gas-alarm", "mqtt": {"sparkplug": "city/edge-7"}},
]
FLOAT, UINT8, BOOLEAN, UINT64 = 9, 5, 11, 8
METHANE, VALVE = 10, 11
GOOD, BAD, STALE = 192, 0, 500


def quality(code: int) -> bytes:
    return put_bytes(9, put_bytes(1, b"Quality") + put_bytes(2, put_varint(1, 3) + put_varint(3, code)))


def metric(*fields: bytes, name: str = "", alias: int = 0, at_ms: int = 0, datatype: int = 0) -> bytes:
    head = put_bytes(1, name.encode()) if name else b""
    for number, value in ((2, alias), (3, at_ms), (4, datatype)):
        head += put_varint(number, value) if value else b""
    return put_bytes(2, head + b"".join(fields))


def value(number: float) -> bytes:
    return put_fixed(12, struct.pack("<f", number))


def payload(seq: int | None, *metrics: bytes) -> bytes:
    return put_varint(1, now_ms()) + b"".join(metrics) + (b"" if seq is None else put_varint(3, seq))


def now_ms() -> int:
    return clock.wall() // 1_000_000


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with running(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def gateway(tmp_path: Path, mosquitto: Mosquitto) -> AsyncIterator[MqttGateway]:
    one = MqttGateway(tmp_path / "journal", document(mosquitto.port, {"sparkplug_host": "gengfu-1"}, DEVICES))
    await one.open()
    await wait_for_async(lambda: one.is_up, what="the connection")
    yield one
    await one.close()


async def say(broker: Mosquitto, kind: str, data: bytes, device: str = "") -> None:
    topic = f"spBv1.0/city/{kind}/edge-7" + (f"/{device}" if device else "")
    await asyncio.to_thread(publish, broker.port, topic, data, "-q", "0")


async def be_born(broker: Mosquitto) -> int:
    """Node and device are born; when, in ms."""
    at_ms = now_ms()
    bd_seq = metric(put_varint(11, 3), name="bdSeq", datatype=UINT64)
    await say(broker, "NBIRTH", payload(0, bd_seq))
    methane = metric(value(1.5), quality(GOOD), name="methane", alias=METHANE, at_ms=at_ms, datatype=FLOAT)
    valve = metric(put_varint(10, 1), name="valve", alias=VALVE, at_ms=at_ms, datatype=UINT8)
    other = metric(put_varint(14, 0), name="Valve/Close", at_ms=at_ms, datatype=BOOLEAN)
    await say(broker, "DBIRTH", payload(1, methane, valve, other), "boiler-1")
    return at_ms


def listen(broker: Mosquitto, topic: str, count: int = 1) -> subprocess.Popen[bytes]:
    found = program("mosquitto_sub")
    options = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-C", str(count), "-F", "%t %r %x", "-W", "20"]
    return subprocess.Popen([str(found.path), *options], env=dict(found.env), stdout=subprocess.PIPE)


async def heard(listener: subprocess.Popen[bytes]) -> list[list[str]]:
    output, _ = await asyncio.to_thread(listener.communicate, timeout=25)
    return [line.split(" ") for line in output.decode().splitlines()]


async def stored(gateway: MqttGateway, count: int) -> None:
    await wait_for_async(lambda: len(gateway.readings()) >= count, what=f"{count} readings")


async def test_birth_and_data_by_alias_are_stored_at_their_own_time(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    born_ms = await be_born(mosquitto)
    later_ms = born_ms + 1
    data = (
        metric(value(26.0), alias=METHANE, at_ms=later_ms),
        metric(put_varint(10, 2), quality(STALE), alias=VALVE, at_ms=later_ms),
        metric(value(9.0), put_varint(5, 1), alias=METHANE, at_ms=born_ms - 5_000),
    )
    await say(mosquitto, "DDATA", payload(2, *data), "boiler-1")
    await stored(gateway, 3)
    readings = sorted(gateway.readings(), key=lambda one: one.at)
    index = [point.name for point in gateway.site.devices[BOILER].points].index("valve")
    assert [(one.device, one.values[0], one.values[index]) for one in readings] == [
        (BOILER, 9.0, None),
        (BOILER, 1.5, 1.0),
        (BOILER, 26.0, 2.0),
    ]
    assert [one.at for one in readings[1:]] == [born_ms * 1_000_000, later_ms * 1_000_000]
    assert readings[0].received_at - readings[0].at > 60 * SECOND  # historical: late
    assert readings[0].quality_of(0) is Quality.UNCERTAIN_CLOCK
    assert [readings[2].quality_of(at) for at in (0, index)] == [Quality.GOOD, Quality.UNCERTAIN_STALE]


async def test_null_bad_and_wrongly_typed_metrics_say_so(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    at_ms = await be_born(mosquitto) + 1
    data = (
        metric(put_varint(7, 1), alias=METHANE, at_ms=at_ms),
        metric(put_bytes(15, b"open"), alias=VALVE, at_ms=at_ms),
        metric(value(8.0), quality(BAD), alias=METHANE, at_ms=at_ms + 1),
    )
    await say(mosquitto, "DDATA", payload(2, *data), "boiler-1")
    await stored(gateway, 3)
    index = [point.name for point in gateway.site.devices[BOILER].points].index("valve")
    _, null, bad = sorted(gateway.readings(), key=lambda one: one.at)
    assert (null.values[0], null.quality_of(0), null.quality_of(index)) == (
        None,
        Quality.BAD_MISSING,
        Quality.BAD_TYPE,
    )
    assert (bad.values[0], bad.quality_of(0)) == (8.0, Quality.BAD_SENSOR_FAULT)


async def test_gap_asks_for_a_birth_and_nothing_is_guessed(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    await be_born(mosquitto)
    await stored(gateway, 1)
    asked = listen(mosquitto, "spBv1.0/city/NCMD/edge-7")
    for sequence in (3, 4):
        await say(mosquitto, "DDATA", payload(sequence, metric(value(50.0), alias=METHANE)), "boiler-1")
    ((topic, retained, data),) = await heard(asked)
    assert (topic, retained) == ("spBv1.0/city/NCMD/edge-7", "0")
    assert b"Node Control/Rebirth" in bytes.fromhex(data)
    assert gateway.methane() == [1.5]
    assert gateway.refused()["unborn"] > 0


async def test_deaths_are_told_of_their_birth_and_their_devices(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    await be_born(mosquitto)
    await say(mosquitto, "NDEATH", payload(None, metric(put_varint(11, 2), name="bdSeq", datatype=UINT64)))
    await say(mosquitto, "DDEATH", payload(2), "boiler-1")
    await wait_for_async(lambda: gateway.lost, what="the loss")
    assert [device for device, _ in gateway.lost] == [BOILER]
    await say(mosquitto, "NDEATH", payload(None, metric(put_varint(11, 3), name="bdSeq", datatype=UINT64)))
    await wait_for_async(lambda: len(gateway.lost) == 3, what="the loss of the node")
    assert {device for device, _ in gateway.lost[1:]} == {BOILER, NODE}


async def test_host_tells_its_state_and_the_broker_tells_its_end(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    topic = "spBv1.0/STATE/gengfu-1"
    ((_, retained, online),) = await heard(listen(mosquitto, topic))
    await gateway.side.close()
    ((_, kept, offline),) = await heard(listen(mosquitto, topic))
    first, last = (json.loads(bytes.fromhex(one)) for one in (online, offline))
    assert (retained, kept) == ("1", "1")
    assert (first["online"], last["online"]) == (True, False)
    assert first["timestamp"] == last["timestamp"]


def command(**form: str) -> CommandPart:
    title = {"zh": "识别", "en": "Identify"}
    return CommandPart.model_validate({"name": "identify", "title": title, "effect": "identify", "mqtt": form})


async def test_command_is_a_metric_of_the_birth(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    close = command(topic="Valve/Close", payload="true")
    assert "no birth" in await gateway.side.deliver(BOILER, close)
    await be_born(mosquitto)
    await stored(gateway, 1)
    assert "no birth" in await gateway.side.deliver(BOILER, command(payload="true"))
    assert "not of the metric's data type" in await gateway.side.deliver(
        BOILER, command(topic="Valve/Close", payload="1")
    )
    with pytest.raises(DeviceRefused, match="nobody listens"):
        await gateway.side.deliver(BOILER, close)
    told = listen(mosquitto, "spBv1.0/city/DCMD/edge-7/boiler-1")
    while told.poll() is None:
        with suppress(DeviceRefused):  # until it listens
            assert await gateway.side.deliver(BOILER, close) == ""
    ((_, retained, data),) = await heard(told)
    assert retained == "0"
    assert b"Valve/Close" in bytes.fromhex(data)


async def test_garbage_is_refused_and_changes_nothing(gateway: MqttGateway, mosquitto: Mosquitto) -> None:
    await be_born(mosquitto)
    await say(mosquitto, "DDATA", b"\xff\xff\xff", "boiler-1")
    await say(mosquitto, "DDATA", payload(2, metric(value(3.0), alias=METHANE, at_ms=now_ms())), "boiler-1")
    await stored(gateway, 2)
    assert sorted(gateway.methane()) == [1.5, 3.0]
    assert gateway.refused() == {"syntax": 1.0}


async def test_retained_birth_is_none(tmp_path: Path, mosquitto: Mosquitto) -> None:
    topic, birth = "spBv1.0/city/NBIRTH/edge-7", payload(0, metric(value(50.0), name="methane", datatype=FLOAT))
    await asyncio.to_thread(publish, mosquitto.port, topic, birth, "-r")
    gateway = MqttGateway(tmp_path / "journal", document(mosquitto.port, {}, DEVICES))
    await gateway.open()
    await wait_for_async(lambda: gateway.refused().get("retained"), what="the refusal")
    assert gateway.readings() == []
    await gateway.close()


async def test_closed_side_asks_nobody_any_more(gateway: MqttGateway) -> None:
    (watched,) = gateway.side._host._nodes.values()  # what it still would do shows nowhere else
    await wait_for_async(lambda: watched.asking is not None, what="the question for a birth")
    await gateway.side.close()
    assert watched.asking is None
