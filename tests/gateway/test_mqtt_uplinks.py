"""What comes over MQTT: who may speak where, what is acknowledged, what is old, what is stored once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import cbor2
import pytest

from gengfu import clock
from journal.errors import JournalFull
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from tests.fixtures.mosquitto import Mosquitto, publish, running
from tests.fixtures.mqtt_gateway import GAS, MqttGateway, document
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
OTHER = {"id": "east:gas:0002", "profile": "gengfu/gas-alarm", "mqtt": {"up": "tele/kitchen/SENSOR"}}
UP = f"gengfu/{GAS}/up"
Make = Callable[[], MqttGateway]


def pack(methane: float, device: str = GAS, more: str = "") -> str:
    return f'[{{"bn":"{device}/","n":"methane","v":{methane}}}{more}]'


def dated(methane: float) -> tuple[str, int]:
    """A pack with the present time, and the time."""
    now = clock.wall() // SECOND
    return f'[{{"bn":"{GAS}/","bt":{now},"n":"methane","v":{methane}}}]', now * SECOND


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with running(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture(params=["5", "3.1.1"])
async def make(request: pytest.FixtureRequest, tmp_path: Path, mosquitto: Mosquitto) -> AsyncIterator[Make]:
    """Makes a gateway; the next one is the same, started again."""
    made: list[MqttGateway] = []

    def one() -> MqttGateway:
        made.append(MqttGateway(tmp_path / "journal", document(mosquitto.port, {"version": request.param}, [OTHER])))
        return made[-1]

    yield one
    await made[-1].close()


async def opened(gateway: MqttGateway) -> MqttGateway:
    await gateway.open()
    await wait_for_async(lambda: gateway.is_up, what="the broker to take the subscriptions")
    return gateway


async def said(broker: Mosquitto, topic: str, text: str | bytes, *options: str) -> None:
    await asyncio.to_thread(publish, broker.port, topic, text, *options)


async def stored(gateway: MqttGateway, count: int) -> list[float]:
    await wait_for_async(lambda: len(gateway.readings()) >= count, what=f"{count} readings")
    return gateway.methane()


async def test_device_speaks_at_the_shared_and_at_its_own_topic(make: Make, mosquitto: Mosquitto) -> None:
    gateway = await opened(make())
    await said(mosquitto, UP, pack(3.0))
    await said(mosquitto, "tele/kitchen/SENSOR", pack(4.0, "east:gas:0002"))
    assert set(await stored(gateway, 2)) == {3.0, 4.0}
    assert gateway.side.diagnosis.devices[GAS].heard_at > 0


async def test_device_speaks_for_itself_alone(make: Make, mosquitto: Mosquitto) -> None:
    gateway = await opened(make())
    await said(mosquitto, UP, pack(50.0, "east:gas:0002"))
    await said(mosquitto, "gengfu/nobody/up", pack(50.0))
    await said(mosquitto, "gengfu/east:gas:0002/up", pack(50.0))
    await said(mosquitto, "gengfu/x:1/up", pack(50.0, "x:1"))
    await said(mosquitto, UP, pack(3.0))
    assert await stored(gateway, 1) == [3.0]
    assert gateway.refused() == {"credential": 3.0, "unknown-device": 1.0}
    assert [one.device for one in gateway.pipeline.unknown.items()] == ["x:1"]


async def test_device_with_an_address_of_its_own_does_not_speak_at_the_shared_topic(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    boiler = {"id": "east:boiler:1", "profile": "gengfu/gas-alarm", "mqtt": {"sparkplug": "city/edge-7/boiler-1"}}
    gateway = MqttGateway(tmp_path / "journal", document(mosquitto.port, {}, [OTHER, boiler]))
    await said(mosquitto, "gengfu/east:gas:0002/up", pack(1.0, "east:gas:0002"), "-r")
    await opened(gateway)
    await said(mosquitto, "gengfu/east:boiler:1/up", pack(2.0, "east:boiler:1"))
    await said(mosquitto, UP, pack(3.0))
    assert await stored(gateway, 1) == [3.0]
    assert gateway.refused() == {"credential": 2.0}
    await gateway.close()


async def test_topic_without_a_name_lets_nobody_speak_for_others(make: Make, mosquitto: Mosquitto) -> None:
    gateway = await opened(make())
    await said(mosquitto, "gengfu//up", pack(50.0))
    await said(mosquitto, UP, pack(3.0))
    assert await stored(gateway, 1) == [3.0]
    assert gateway.refused() == {"credential": 1.0}


async def test_cbor_is_known_by_its_first_byte(make: Make, mosquitto: Mosquitto) -> None:
    gateway = await opened(make())
    await said(mosquitto, UP, cbor2.dumps([{0: f"{GAS}/methane", 2: 7.5}]))
    assert await stored(gateway, 1) == [7.5]


async def test_poison_is_counted_blocks_nothing_and_never_comes_again(make: Make, mosquitto: Mosquitto) -> None:
    gateway = await opened(make())
    for poison in (b"\xff\xfe", b"[{]", b'[{"n":"nothing"}]'):
        await said(mosquitto, UP, poison)
    await said(mosquitto, UP, pack(3.0))
    await stored(gateway, 1)
    assert sum(gateway.refused().values()) == 3
    await gateway.close()
    again = await opened(make())
    await said(mosquitto, UP, pack(4.0))
    assert await stored(again, 2) == [3.0, 4.0]
    assert (again.judged, again.refused()) == (1, {})


async def test_what_waited_for_the_gateway_is_late_until_the_queue_is_empty(make: Make, mosquitto: Mosquitto) -> None:
    await (await opened(make())).close()
    own_time, at = dated(5.0)
    for text in (pack(3.0), pack(4.0, more=',{"n":"co","v":1,"t":-3}'), own_time):
        await said(mosquitto, UP, text)
    gateway = await opened(make())
    await wait_for_async(lambda: not gateway.side.client.is_behind, what="the mark")
    await said(mosquitto, UP, pack(6.0))
    await stored(gateway, 5)
    by_value = {one.values[0]: one for one in gateway.readings()}
    assert [by_value[value].quality_of(0) for value in (3.0, 4.0, 5.0, 6.0)] == [
        *(Quality.UNCERTAIN_CLOCK, Quality.UNCERTAIN_CLOCK),
        *(Quality.GOOD, Quality.GOOD),
    ]
    assert by_value[5.0].at == at
    fresh = by_value[6.0].at
    assert all(fresh - by_value[value].at > 60 * SECOND for value in (3.0, 4.0, None))


async def test_retained_message_is_late_unless_it_has_its_own_time(make: Make, mosquitto: Mosquitto) -> None:
    own_time, at = dated(5.0)
    await said(mosquitto, UP, pack(3.0), "-r")
    await said(mosquitto, "tele/kitchen/SENSOR", own_time.replace(GAS, "east:gas:0002"), "-r")
    gateway = await opened(make())
    await stored(gateway, 2)
    by_value = {one.values[0]: one for one in gateway.readings()}
    assert [by_value[value].quality_of(0) for value in (3.0, 5.0)] == [Quality.UNCERTAIN_CLOCK, Quality.GOOD]
    assert by_value[5.0].at == at
    assert clock.wall() - by_value[3.0].at > 60 * SECOND


async def test_message_that_the_journal_refused_is_judged_and_asked_for_again(make: Make, mosquitto: Mosquitto) -> None:
    gateway = make()
    gateway.fault = JournalFull("no space")
    await opened(gateway)
    await said(mosquitto, UP, pack(3.0))
    await wait_for_async(lambda: gateway.refused() == {"full": 2.0}, what="the second refusal")
    await wait_for_async(lambda: gateway.side.client.connects == 2, what="the second connection")
    gateway.fault = None
    await wait_for_async(lambda: gateway.side.client.connects == 3, what="the connection made anew")
    await said(mosquitto, UP, pack(4.0))
    assert await stored(gateway, 2) == [3.0, 4.0]
    assert gateway.refused() == {"full": 2.0}
    await gateway.close()
    again = await opened(make())
    await said(mosquitto, UP, pack(5.0))
    assert await stored(again, 3) == [3.0, 4.0, 5.0]
    assert again.judged == 1


async def test_message_whose_acknowledgement_was_lost_is_stored_once(make: Make, mosquitto: Mosquitto) -> None:
    gateway = make()
    gateway.hold = True
    await opened(gateway)
    await said(mosquitto, UP, pack(3.0))
    await said(mosquitto, UP, pack(3.0))
    assert await stored(gateway, 2) == [3.0, 3.0]  # equal, but two: each is new
    await gateway.close()
    again = await opened(make())
    await wait_for_async(lambda: again.judged == 2, what="both to be repeated")
    await said(mosquitto, UP, pack(4.0))
    assert sorted(await stored(again, 3)) == [3.0, 3.0, 4.0]


@pytest.mark.parametrize("profile", ["zigbee2mqtt/jt-bz-01aq-a", "milesight/em400-nb"])
async def test_payload_of_the_maker_is_read_as_the_profile_says(
    tmp_path: Path, mosquitto: Mosquitto, profile: str
) -> None:
    golden = next(one for one in shipped_profiles()[profile].file.golden if one.payload is not None)
    assert golden.payload is not None
    payload = golden.payload.text or bytes.fromhex(golden.payload.hex or "")
    device = {"id": "east:x:1", "profile": profile, "mqtt": {"up": "maker/x"}}
    gateway = await opened(MqttGateway(tmp_path / "journal", document(mosquitto.port, {}, [device])))
    await said(mosquitto, "maker/x", b"{")
    await said(mosquitto, "maker/x", payload)
    await stored(gateway, 1)
    (reading,) = gateway.readings()
    names = [point.name for point in gateway.site.devices["east:x:1"].points]
    values = {name: value for name, value in zip(names, reading.values, strict=True) if value is not None}
    assert values == golden.values
    assert sum(gateway.refused().values()) == 1.0
    await gateway.close()


async def test_message_whose_acknowledgement_was_lost_is_stored_once_however_late_it_comes_again(
    make: Make, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = 0
    present = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: present() + later)
    gateway = make()
    gateway.hold = True
    await opened(gateway)
    await said(mosquitto, UP, pack(3.0))
    (first,) = [await stored(gateway, 1)]
    mosquitto.stop()
    await wait_for_async(lambda: not gateway.is_up, what="the broker to be missed")
    later = 3600 * SECOND
    gateway.hold = False
    mosquitto.start()
    await wait_for_async(lambda: gateway.judged == 2, what="it to be repeated")
    await said(mosquitto, UP, pack(4.0))
    assert await stored(gateway, 2) == [*first, 4.0]
