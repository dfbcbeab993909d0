"""The MQTT link against a broker that says anything, in any pieces."""

import asyncio
import copy
import random
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from gateway.counters import Counters
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.slots import SlotTimer
from gateway.transports.mqtt import link
from gateway.transports.mqtt.driver import Hello
from gateway.transports.mqtt.link import Link, Message
from gateway.transports.mqtt.numbers import Numbers
from gateway.transports.mqtt.uplinks import Uplinks
from gateway.uplink import Done, Uplink
from gengfu import clock
from protocols import mqtt
from protocols.moment import SECOND
from protocols.reading import Origin, Reading
from tests.fixtures.waiting import wait_for_async

CONNACK = {4: b"\x20\x02\0\0", 5: b"\x20\x03\0\0\0"}
SUBACK = {4: b"\x90\x03\0\1\1", 5: b"\x90\x04\0\1\0\1"}


class Line(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.gone = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.gone = True

    def abort(self) -> None:
        self.gone = True


def publish(number: int, version: int, payload: bytes = b"[]") -> bytes:
    body = b"\0\1t" + number.to_bytes(2, "big") + (b"\0" if version == 5 else b"") + payload
    return bytes([0x32, len(body)]) + body


class Fault(Exception):
    """Of whoever takes the messages."""


class Rig:
    def __init__(self, version: int) -> None:
        self.taken: list[Message] = []
        self.asked = 0
        hello = Hello("c", version, "me", None, None, 10, (("t", 1),), "mark", False, None)
        self.diagnosis = Diagnosis("c", "mqtt", (), clock.wall)
        self.numbers = Numbers()
        self.stalled = 0
        self.link = Link(hello, self.take, self._ask, self.diagnosis, self.numbers, self._stall)
        self.line = Line()
        self.link.connection_made(self.line)

    def take(self, message: Message) -> None:
        self.taken.append(message)
        if message.publish.payload == b"raise":
            raise Fault

    def _ask(self, _link: Link) -> None:
        self.asked += 1

    def is_caught_up(self) -> bool:
        return self.link.is_caught_up

    def _stall(self, _link: Link) -> None:
        self.stalled += 1

    async def close(self) -> str:
        self.link.connection_lost(None)
        return await self.link.ended


@pytest.mark.parametrize("version", [4, 5])
async def test_messages_are_taken_in_order_in_whatever_pieces_they_come(version: int) -> None:
    stream = CONNACK[version] + publish(7, version) + SUBACK[version] + publish(8, version) + publish(9, version)
    for size in (1, 3, len(stream)):
        rig = Rig(version)
        for at in range(0, len(stream), size):
            rig.link.data_received(stream[at : at + size])
        assert [one.publish.packet_id for one in rig.taken] == [7, 8, 9]
        assert rig.link.ready.done()
        await rig.close()


async def test_acknowledgements_of_one_turn_leave_together_and_not_before_they_are_given() -> None:
    rig = Rig(4)
    rig.link.data_received(CONNACK[4] + publish(7, 4) + publish(8, 4))
    await asyncio.sleep(0)
    before = rig.line.written
    rig.taken[1].taken()
    rig.taken[0].taken()
    await asyncio.sleep(0)
    assert rig.line.written == before + mqtt.encode_puback(8) + mqtt.encode_puback(7)
    await rig.close()
    rig.taken[0].taken()
    rig.taken[1].refused()
    await asyncio.sleep(0)
    assert rig.asked == 0


async def test_message_that_raises_does_not_hold_up_the_next() -> None:
    rig = Rig(4)
    with pytest.raises(Fault):
        rig.link.data_received(CONNACK[4] + publish(7, 4, b"raise") + publish(8, 4))
    await asyncio.sleep(0)
    assert [one.publish.packet_id for one in rig.taken] == [7, 8]
    await rig.close()


def test_password_does_not_show() -> None:
    hello = Hello("broker", 5, "c", "user", "hunter2", 10, (), "", False, None)
    assert "hunter2" not in f"{hello} {hello!r}"


async def test_number_of_a_message_means_the_last_that_had_it() -> None:
    rig = Rig(4)
    sources: list[str] = []
    now = [1_000 * SECOND]

    def ingest(uplink: Uplink, done: Done) -> tuple[str, ...]:
        sources.append(uplink.source)
        return ()

    def offer(readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
        sources.append(source)

    timer = SlotTimer(asyncio.get_running_loop())
    counters = Counters(CollectorRegistry())
    intake = Intake(
        ingest, offer, lambda *_: None, counters, Origin.LIVE, lambda: now[0], timer, lambda _readings: None
    )
    uplinks = Uplinks("c", (), intake, rig.diagnosis)

    def say(payload: bytes, *, qos: int = 1, again: bool = False) -> str:
        message = mqtt.Publish("gengfu/x/up", payload, qos, 7 if qos else 0, again, False, "")
        uplinks.take(Message(message, rig.link, is_old=False))
        return sources[-1]

    first, second = say(b"[1]"), say(b"[1]")
    assert first != second  # not repeated: a new message with a number that was free again
    assert say(b"[1]", again=True) == second
    assert say(b"[2]") not in (first, second)
    now[0] += 248 * SECOND
    assert say(b"[1]", again=True) == first  # as after a restart: what was before is forgotten by the pipeline too
    assert say(b"[1]", qos=0) == ""
    await rig.close()


@pytest.mark.parametrize(
    "wrong",
    [
        publish(7, 4),
        b"\x20\x02\0\5",
        CONNACK[4] + b"\x34\x05\0\1t\0\1",
        CONNACK[4] + b"\x36\x05\0\1t\0\1",
        CONNACK[4] + b"\x30\xff\xff\xff\x7f",
        CONNACK[4] + b"\xf0\0",
        CONNACK[4] + b"\x90\x03\0\1\x80",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["before CONNACK", "refused", "QoS 2", "QoS 3", "too long", "no packet", "no subscription", "not MQTT"],
)
async def test_what_a_broker_must_not_say_ends_the_connection_with_a_reason(wrong: bytes) -> None:
    rig = Rig(4)
    rig.link.data_received(wrong)
    await asyncio.sleep(0)
    assert rig.line.gone
    assert "broker" in await rig.close()
    assert rig.taken == []


@pytest.mark.parametrize("version", [4, 5])
async def test_nothing_that_a_broker_says_raises(version: int) -> None:
    dice = random.Random(5)
    parts = [CONNACK[version], SUBACK[version], publish(7, version), b"\xd0\0", b"\x40\x02\0\1", b"\xe0\0"]
    for _ in range(2000):
        rig = Rig(version)
        story = CONNACK[version] + b"".join(dice.choices(parts, k=4))
        for _ in range(dice.randrange(4)):
            at = dice.randrange(len(story))
            story = story[:at] + dice.randbytes(dice.randrange(3)) + story[at + dice.randrange(3) :]
        rig.link.data_received(story)
        await asyncio.sleep(0)
        await rig.close()


async def test_acknowledgement_is_known_to_be_seen_when_the_ping_behind_it_is_answered() -> None:
    rig = Rig(4)
    numbers = rig.numbers
    rig.link.data_received(CONNACK[4] + SUBACK[4] + publish(7, 4))
    message = rig.taken[0].publish

    def is_known_later() -> bool:
        repeated = message._replace(is_repeated=True)
        later = (clock.wall() + 3600 * SECOND, clock.wall() + 7200 * SECOND)
        return all(copy.deepcopy(numbers).arrived("c", repeated, now, is_old=False).is_known for now in later)

    numbers.arrived("c", message, clock.wall(), is_old=False)
    assert is_known_later()
    rig.link.write(b"\xc0\0")
    rig.taken[0].taken()
    rig.link.data_received(b"\xd0\0")
    assert is_known_later()
    rig.link.write(b"\xc0\0")
    rig.link.data_received(b"\xd0\0")
    assert not is_known_later()
    await rig.close()


async def test_acknowledgement_that_cannot_leave_any_more_is_not_counted() -> None:
    rig = Rig(4)
    rig.link.data_received(CONNACK[4] + SUBACK[4] + publish(7, 4))
    rig.link.fail("gone")
    rig.taken[0].taken()
    assert not rig.link.window.is_empty
    await rig.close()


async def test_window_that_does_not_move_is_told_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LOOK_S", 0.0)
    rig = Rig(4)
    rig.link.data_received(CONNACK[4] + SUBACK[4] + publish(7, 4) + publish(8, 4))
    await wait_for_async(lambda: rig.stalled >= 2, what="the stall")
    assert not rig.is_caught_up()
    for message in rig.taken:
        message.taken()
    assert rig.is_caught_up()
    await rig.close()


async def test_link_that_fell_behind_has_caught_up_when_the_mark_it_sends_then_comes_back() -> None:
    rig = Rig(4)
    rig.link.data_received(CONNACK[4] + SUBACK[4] + publish(7, 4))
    rig.link.fall_behind()
    await asyncio.sleep(0)
    before = len(rig.line.written)
    rig.link.data_received(publish(8, 4))
    rig.taken[0].taken()
    await asyncio.sleep(0)
    sent = rig.line.written[before:]
    mark = sent[sent.index(b"\0\4mark") + 8 :]
    assert len(mark) == 16
    rig.link.data_received(b"\x32\x18\0\4mark\0\x09" + mark)
    rig.link.data_received(publish(10, 4))
    assert [one.is_old for one in rig.taken] == [False, True, False]
    assert not rig.is_caught_up()  # what was taken before the mark is not acknowledged
    rig.taken[1].taken()
    assert rig.is_caught_up()
    await rig.close()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("version", [4, 5])
async def test_what_is_given_after_our_goodbye_does_not_hold_up_the_loop(version: int) -> None:
    rig = Rig(version)
    rig.link.data_received(CONNACK[version] + SUBACK[version] + publish(7, version))
    rig.link.fall_behind()
    await asyncio.sleep(0)
    rig.link.leave()
    rig.taken[0].taken()  # a commit ended: the mark that is owed follows
    await asyncio.sleep(0)
    assert rig.line.gone
    goodbye = bytes([0xE0, 0x00])
    assert goodbye in rig.line.written
    assert b"\0\4mark" not in rig.line.written.partition(goodbye)[2]
    await rig.close()
