"""The second session: what it asks the broker for, what it passes on, and who is judged by it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from device_registry.connections import MqttConnection
from gateway.backoff import Backoff
from gateway.counters import Counters
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.slots import SlotTimer
from gateway.transports.mqtt.client import MqttClient
from gateway.transports.mqtt.dial import CONNECT_S, Dialer
from gateway.transports.mqtt.link import Link
from gateway.transports.mqtt.listener import Listener
from gateway.transports.mqtt.uplinks import Uplinks
from gateway.uplink import Done, Uplink
from gengfu import clock
from protocols import mqtt
from protocols.mqtt import Publish
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading
from tests.fixtures.mqtt_gateway import GAS, MqttGateway, document
from tests.fixtures.waiting import wait_for_async

MAKERS = {"id": "east:gas:0002", "profile": "zigbee2mqtt/jt-bz-01aq-a", "mqtt": {"up": "maker/x"}}
PACK = f'[{{"bn":"{GAS}/","n":"methane","v":3}}]'.encode()


class Broker:
    """Takes clients of version 3.1.1 in, after it ``refuses`` so many, but none with an id that is ``barred``; then
    publishes one retained message and one that is not, and ``hangs_up``. Or is silent."""

    def __init__(self, *, silent: bool = False, refuses: int = 0, hangs_up: bool = False) -> None:
        self._silent = silent
        self._hangs_up = hangs_up
        self._refuses = refuses
        self.barred = b"-"
        self.message = b"\x30\x06\0\1tnew"
        self.heard: list[mqtt.Packet] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                packets, rest = mqtt.cut(rest + data, 4096)
                self.heard += packets
                for packet in packets if not self._silent else ():
                    writer.write(self._answer(packet))
                if self._hangs_up and packets[-1].head == 0x82:
                    break
        writer.close()

    def _answer(self, packet: mqtt.Packet) -> bytes:
        if packet.head == 0x10:
            is_barred = self._refuses > 0 or packet.body.endswith(self.barred)
            self._refuses -= 1
            return b"\x20\x02\0\5" if is_barred else b"\x20\x02\0\0"
        if packet.head == 0x82:
            return b"\x90\x03" + packet.body[:2] + b"\0\x31\x06\0\1told" + self.message
        if packet.head == 0x32:
            at = 2 + int.from_bytes(packet.body[:2], "big")
            return b"\x40\x02" + packet.body[at : at + 2]
        return b""

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", port)
        async with server:
            yield


def part(port: int) -> MqttConnection:
    given = {"id": "broker", "transport": "mqtt", "host": "127.0.0.1", "port": port, "version": "3.1.1"}
    return MqttConnection.model_validate(given)


def dialer(port: int) -> Dialer:
    return Dialer(part(port), life_safety=True)


class Rig:
    """A listener that runs. ``heard``: payloads; ``stood``: how often it came to stand; ``is_needless_once``: it is
    needless when it looks next, and not any more when it is gone."""

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        self.stood = 0
        self.is_needless = self.is_needless_once = False
        self.backoff = Backoff(0.01, 0.08)
        self.diagnosis = Diagnosis("broker", "mqtt", (), clock.wall)
        self.listener = Listener(
            dialer(port),
            "me",
            (("t", 1), ("spBv1.0/+", 0)),
            lambda publish: self.heard.append(publish.payload),
            self.diagnosis,
            self.backoff,
            is_needless=self._is_needless,
            on_stands=self._stands,
        )
        self._task = asyncio.create_task(self.listener.run())

    def _stands(self) -> None:
        self.stood += 1

    def _is_needless(self) -> bool:
        is_needless, self.is_needless_once = self.is_needless or self.is_needless_once, False
        return is_needless

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def rig(free_port: int) -> AsyncIterator[Rig]:
    one = Rig(free_port)
    yield one
    await one.close()


async def test_second_session_has_an_id_of_its_own_no_memory_and_no_window_and_ends_when_it_is_needless(
    rig: Rig, free_port: int
) -> None:
    broker = Broker()
    async with broker.running(free_port):
        rig.listener.want()
        await wait_for_async(lambda: rig.stood and rig.heard, what="a message")
        assert (rig.heard, rig.stood, rig.listener.link is not None) == ([b"new"], 1, True)
        rig.is_needless = True
        await wait_for_async(lambda: rig.listener.link is None, what="its end")
        await wait_for_async(lambda: broker.heard[-1].head == 0xE0, what="a goodbye")
    connect, subscribe = (next(one for one in broker.heard if one.head == head) for head in (0x10, 0x82))
    assert connect.body[7] & 2, "a clean session"
    assert connect.body[10:] == b"\0\x0bme-listener"
    assert subscribe.body[2:] == b"\0\1t\0"
    assert len([one for one in broker.heard if one.head == 0x10]) == 1


async def test_broker_that_does_not_let_the_second_session_in_is_told_of_once_and_asked_until_it_does(
    rig: Rig, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with Broker(refuses=3).running(free_port):
        rig.listener.want()
        await wait_for_async(lambda: rig.stood and rig.heard, what="a message")
    assert (rig.diagnosis.errors["deaf"], rig.stood) == (3, 1)
    assert caplog.text.count("is NOT judged") == 1


async def test_second_session_that_is_wanted_again_while_it_leaves_comes_back(rig: Rig, free_port: int) -> None:
    async with Broker().running(free_port):
        rig.listener.want()
        await wait_for_async(lambda: rig.stood == 1, what="the second session")
        rig.is_needless_once = True
        await wait_for_async(lambda: rig.stood == 2, what="the second session, again")
        await wait_for_async(lambda: rig.heard == [b"new"] * 2, what="what comes")
    assert "deaf" not in rig.diagnosis.errors


async def test_broker_that_ends_each_second_session_at_once_is_asked_more_and_more_seldom(
    rig: Rig, free_port: int
) -> None:
    async with Broker(hangs_up=True).running(free_port):
        rig.listener.want()
        await wait_for_async(lambda: rig.stood == 5, what="the fifth try")
    assert rig.backoff.failed() == 0.08


async def test_command_leaves_by_the_second_session_while_the_first_is_made_anew(free_port: int) -> None:
    diagnosis = Diagnosis("broker", "mqtt", (), clock.wall)
    client = MqttClient(
        part(free_port),
        (("t", 1),),
        lambda message: message.refused(),
        diagnosis,
        life_safety=True,
        hear=lambda _publish: None,
    )
    broker = Broker()
    broker.message = b"\x32\x08\0\1t\0\7new"
    task = asyncio.create_task(client.run())
    async with broker.running(free_port):
        await wait_for_async(lambda: client.is_listening, what="the second session")
        broker.barred = b"\0\x0dgengfu-broker"
        await wait_for_async(lambda: client.tries > 2, what="the first to be refused")
        assert not diagnosis.is_up
        await client.publish("down", b"close")
        assert any(one.head == 0x32 and one.body.endswith(b"close") for one in broker.heard)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Jumping(asyncio.SelectorEventLoop):
    """Its clock goes ahead by most of the time that a try has, while a connection is made."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    async def create_connection(self, *given: Any, **more: Any) -> Any:
        made = await super().create_connection(*given, **more)
        self.ahead += 0.8 * CONNECT_S
        return made


def test_try_ends_in_time_however_its_time_is_divided(free_port: int) -> None:
    loop = Jumping()
    taken: list[Link] = []

    def take_over(link: Link) -> None:
        taken.append(link)
        loop.ahead += 0.4 * CONNECT_S

    async def story() -> str:
        one = dialer(free_port)
        hello = one.hello("me", (("t", 1),))
        diagnosis = Diagnosis("broker", "mqtt", (), clock.wall)
        async with Broker(silent=True).running(free_port):
            await one.dial(lambda: Link(hello, lambda _: None, lambda _: None, diagnosis), take_over)
            return await taken[0].ended

    began = loop.time()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert "did not let us in" in runner.run(story())
        assert loop.time() - began < 1.7 * CONNECT_S


class Heard:
    """The devices of a connection, and what the pipeline would get."""

    def __init__(self, folder: Path) -> None:
        site = MqttGateway(folder, document(1, {}, [MAKERS])).site
        self.devices = list(site.devices.values())
        self.uplinks: list[Uplink] = []
        self.judged: list[Reading] = []
        self.counters = Counters(CollectorRegistry())
        self.diagnosis = Diagnosis("broker", "mqtt", site.devices, clock.wall)
        self.intake = Intake(
            self._ingest,
            self._offer,
            lambda *_: None,
            self.counters,
            Origin.LIVE,
            clock.wall,
            SlotTimer(asyncio.get_running_loop()),
            self.judged.extend,
        )

    def _ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        self.uplinks.append(uplink)
        return (uplink.device,)

    def _offer(self, readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
        raise AssertionError(f"nothing is stored: {readings}")

    def hear(self, topic: str, payload: bytes) -> None:
        uplinks = Uplinks("broker", self.devices, self.intake, self.diagnosis)
        uplinks.hear(Publish(topic, payload, 0, 0, False, False, ""))

    def errors(self, device: str) -> dict[str, int]:
        return self.diagnosis.devices[device].errors


async def test_pack_that_is_heard_is_judged_and_not_stored(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    heard.hear(f"gengfu/{GAS}/up", PACK)
    (one,) = heard.uplinks
    assert (one.payload, one.source, one.connection, one.device, one.over_rate) == (PACK, "", "broker", GAS, True)
    assert heard.diagnosis.devices[GAS].heard_at > 0


async def test_payload_of_the_maker_that_is_heard_is_judged_and_not_stored(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    golden = next(one for one in shipped_profiles()[MAKERS["profile"]].file.golden if one.payload is not None)  # type: ignore[index]  # a text
    assert golden.payload is not None
    payload = (golden.payload.text or "").encode()
    heard.hear("maker/x", payload)
    assert [one.device for one in heard.judged] == ["east:gas:0002"]
    assert heard.errors("east:gas:0002") == {}


async def test_what_is_heard_of_strangers_or_cannot_be_read_is_left_to_the_first_session(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    heard.hear("gengfu/nobody/up", PACK)
    heard.hear("maker/x", b"{")
    assert (heard.uplinks, heard.judged) == ([], [])
    assert heard.errors("east:gas:0002") == {"syntax": 1}
