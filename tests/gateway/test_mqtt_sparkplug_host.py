"""A Sparkplug B host without a broker: when it asks for a birth, and what it keeps."""

import asyncio
import itertools
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.counters import Counters
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.slots import Callback, Handle, SlotTimer
from gateway.transports.mqtt.driver import Hello
from gateway.transports.mqtt.link import SHOWN_TOPIC, Link, Message
from gateway.transports.mqtt.sparkplug import SparkplugHost
from gateway.uplink import Done, Uplink
from protocols.moment import SECOND
from protocols.mqtt import Publish
from protocols.reading import Origin, Reading
from protocols.sparkplug.protobuf import put_bytes, put_fixed, put_varint
from tests.fixtures.mqtt_gateway import MqttGateway, document

BOILER = "east:boiler:1"
DEVICE = {"id": BOILER, "profile": "gengfu/gas-alarm", "mqtt": {"sparkplug": "city/edge-7/boiler-1"}}
BIRTH = (("NBIRTH", 0, b""), ("DBIRTH", 1, put_bytes(1, b"methane") + put_varint(2, 10) + put_varint(4, 9)))


class HandTimer(SlotTimer):
    """Goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.at = 100.0
        self.waiting: list[_Waiting] = []
        self.time = lambda: self.at

    def call_at(self, when: float, callback: Callback, /) -> Handle:
        self.waiting.append(_Waiting(when, callback, self.waiting))
        return self.waiting[-1]

    def go(self, seconds: float) -> None:
        until = self.at + seconds
        while due := [one for one in self.waiting if one.when <= until]:
            first = min(due, key=lambda one: one.when)
            self.at = max(self.at, first.when)
            first.cancel()
            first.callback()
        self.at = until


class _Waiting:
    def __init__(self, when: float, callback: Callable[[], None], waiting: "list[_Waiting]") -> None:
        self.when, self.callback, self._waiting = when, callback, waiting

    def cancel(self) -> None:
        if self in self._waiting:
            self._waiting.remove(self)


class Host:
    """``asked``: when rebirths were asked for; ``readings``: what was handed in."""

    def __init__(self, folder: Path) -> None:
        gateway = MqttGateway(folder, document(1883, {}, [DEVICE]))
        self.timer = HandTimer()
        self.asked: list[float] = []
        self.readings: list[Reading] = []
        self.diagnosis = Diagnosis("broker", "mqtt", [BOILER], self._now)
        intake = Intake(
            self._no_pack,
            self._offer,
            lambda _device, _reason: None,
            Counters(CollectorRegistry()),
            Origin.LIVE,
            self._now,
            self.timer,
            lambda _readings: None,
        )
        devices = [gateway.site.devices[BOILER]]
        self.host = SparkplugHost(devices, intake, self.diagnosis, self._asked, None)
        hello = Hello("broker", 5, "c", None, None, 10, (), "mark", False, None)
        self._link = Link(hello, self.host.take, lambda _link: None, self.diagnosis)

    def _now(self) -> int:
        return 1_800_000_000 * SECOND + int(self.timer.at * SECOND)

    def _no_pack(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        raise AssertionError(f"Sparkplug is no SenML: {uplink} {done}")

    def _offer(self, readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
        assert (transport, source) == ("sparkplug", "")
        self.readings += readings
        done(None)

    def _asked(self, topic: str, _payload: bytes, _retained: bool) -> None:
        assert topic == "spBv1.0/city/NCMD/edge-7"
        self.asked.append(self.timer.at)

    def say(self, kind: str, seq: int, *metrics: bytes, device: str = "boiler-1") -> None:
        topic = f"spBv1.0/city/{kind}/edge-7" + (f"/{device}" if kind[0] == "D" else "")
        data = b"".join(put_bytes(2, one) for one in metrics if one) + put_varint(3, seq)
        self.host.take(Message(Publish(topic, data, 0, 0, False, False, ""), self._link, False))

    def be_born(self) -> None:
        for kind, seq, metric in BIRTH:
            self.say(kind, seq, metric)


@pytest.fixture
async def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def methane(value: float, at_ms: int = 5, alias: int = 10) -> bytes:
    return put_varint(2, alias) + put_varint(3, at_ms) + put_fixed(12, struct.pack("<f", value))


async def test_node_that_is_born_and_says_what_its_birth_did_not_name_is_asked_more_and_more_rarely(host: Host) -> None:
    host.host.up()
    host.be_born()
    seq = 2
    for _ in range(300):
        host.say("DDATA", seq % 256, methane(1.0, alias=99))
        asked = len(host.asked)
        host.timer.go(1.0)
        seq += 1
        if len(host.asked) > asked:
            host.be_born()
            seq = 2
    pauses = [round(after - before) for before, after in itertools.pairwise(host.asked)]
    assert pauses == [10, 10, 20, 40, 80]


async def test_birth_ends_the_asking_and_a_gap_begins_it_at_once_again(host: Host) -> None:
    host.host.up()
    host.timer.go(200.0)
    assert [at - 100 for at in host.asked] == [0, 10, 30, 70, 150]
    host.be_born()
    host.timer.go(1000.0)
    assert len(host.asked) == 5
    host.say("DDATA", 77, methane(1.0))
    host.timer.go(1.0)
    assert len(host.asked) == 6


async def test_nothing_is_asked_when_the_connection_is_gone(host: Host) -> None:
    host.host.up()
    host.host.down()
    host.timer.go(1000.0)
    assert len(host.asked) == 1
    assert host.timer.waiting == []


async def test_ten_thousand_samples_of_one_time_are_as_many_readings(host: Host) -> None:
    host.be_born()
    host.say("DDATA", 2, *(methane(float(number)) for number in range(10_000)))
    told = host.readings[-10_000:]
    assert [one.values[0] for one in told] == [float(number) for number in range(10_000)]
    assert len({one.at for one in told}) == len(told)


async def test_name_of_a_stranger_is_not_kept_whole(host: Host) -> None:
    host.say("DDATA", 2, device="x" * 60_000)
    assert [len(one.peer) for one in host.diagnosis.wire] == [SHOWN_TOPIC]
