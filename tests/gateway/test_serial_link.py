"""The gateway's end of the serial link over a pty: words, strangers, silence, commands, plugs, clocks."""

import asyncio
import os
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceSilent, TransportError
from gateway.transports.serial_link.line import COMMAND_S, LONGEST_PAUSE_S
from gateway.transports.serial_link.talk import TIME_EVERY_S, Pace
from protocols.wire import link
from protocols.wire.link_node import EMPTY, Node
from tests.fixtures.link_line import WALL, LinkBench, Plug
from tests.fixtures.waiting import wait_for_async

ONE = ((5, "a:5"),)
THREE = ((5, "a:5"), (6, "a:6"), (7, "a:7"))


@asynccontextmanager
async def bench(
    folder: Path, boards: Any = ONE, there: Any = None, **how: Any
) -> AsyncIterator[tuple[LinkBench, Plug]]:
    """A gateway that knows ``boards``, on a line where those of ``there`` (the same, if not said) listen."""
    plug = Plug(folder / "usb-line", *(boards if there is None else there))
    plug.plug()
    one = LinkBench(plug.path, boards, **how)
    one.start()
    try:
        await wait_for_async(lambda: one.link.connects)
        yield one, plug
    finally:
        await one.close()
        plug.unplug()


async def test_messages_of_all_boards_come_under_their_names_in_order_and_are_acknowledged(tmp_path: Path) -> None:
    async with bench(tmp_path, THREE) as (one, plug):
        for turn in range(3):
            for address, node in plug.nodes.items():
                node.load(b"%d.%d" % (address, turn))
            await wait_for_async(lambda: all(node.state == EMPTY for node in plug.nodes.values()))
    for address, device in THREE:
        assert [payload for name, payload in one.told if name == device] == [
            b"%d.%d" % (address, at) for at in range(3)
        ]
    assert one.lost == []
    assert len({message.source for message in one.messages}) == 9


async def test_board_is_acknowledged_only_after_the_word_and_told_once_meanwhile(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        one.judge = lambda _message: None
        plug.nodes[5].load(b"[1]")
        await wait_for_async(lambda: plug.nodes[5].attempts > 2)
        assert (len(one.messages), [event for event in plug.of(link.ACK) if event.number]) == (1, [])
        one.messages[0].accept()
        await wait_for_async(lambda: plug.nodes[5].state == EMPTY)


async def test_refused_message_is_dropped_with_its_reason_and_a_busy_one_comes_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        one.judge = lambda message: message.busy(0.02) if len(one.messages) == 1 else message.refuse(4)
        plug.nodes[5].load(b"[1]")
        await wait_for_async(lambda: plug.of(link.NAK))
        assert [event.value for event in plug.of(link.BUSY)] == [20]
        assert [event.value for event in plug.of(link.NAK)] == [4]
        assert plug.nodes[5].state == EMPTY


async def test_messages_count_from_the_first_byte_of_the_answer(tmp_path: Path) -> None:
    node = Node(5, b"a:5", 7)
    node.load(b"[1]")
    async with bench(tmp_path, ONE, (), pace=Pace(5.0, 0.005)) as (one, plug):
        talk = one.link._talk
        assert talk is not None
        while not node.attempts:
            await wait_for_async(lambda: plug.arrived)
            question, plug.arrived = plug.arrived, b""
            node.feed(0, question)
            if answer := node.poll(0):
                one.wall += 10**10
                plug.say(answer[:9])
                await wait_for_async(lambda: talk.began_at == one.wall)
                one.wall += 10**9
                plug.say(answer[9:])
        await wait_for_async(lambda: one.messages)
        assert one.messages[0].began_at == one.wall - 10**9


async def test_stranger_is_told_as_the_loss_of_who_belongs_there_and_gets_neither_word_nor_command(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, ONE, ((5, "other:\u2028x"),), factor=20) as (one, plug):
        plug.nodes[5].load(b"[1]")
        await wait_for_async(lambda: one.lost)
        with pytest.raises(DeviceSilent):
            await one.link.command("a:5", "start-fan")
        assert (one.messages, plug.of(link.COMMAND), plug.nodes[5].attempts) == ([], [], 0)
    ((device, reason),) = one.lost
    assert device == "a:5"
    assert "unit 5" in reason
    assert "calls itself 'other:\\u2028x'" in reason
    assert one.diagnosis.devices["a:5"].errors["stranger"] == 1


async def test_other_board_behind_the_plug_that_came_back_is_a_stranger_though_it_started_as_often(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as (one, plug):
        plug.nodes[5].load(b"[1]")
        await wait_for_async(lambda: plug.nodes[5].state == EMPTY)
        plug.unplug()
        await wait_for_async(lambda: one.lost)
        plug.nodes[5] = Node(5, b"a:6", 7)
        plug.nodes[5].feed(
            0, link.encode(link.ACK, 5, 0, (7, 0))
        )  # another gateway has met it: it says no hello unasked
        plug.nodes[5].load(b"[2]")
        plug.plug()
        await wait_for_async(lambda: one.diagnosis.devices["a:5"].errors.get("stranger"))
    assert one.told == [("a:5", b"[1]")]


async def test_dead_boards_are_told_lost_once_and_hold_up_nobody(tmp_path: Path) -> None:
    async with bench(tmp_path, THREE, factor=10, pace=Pace(1.0, 0.2)) as (one, plug):
        plug.mute |= {6, 7}
        for turn in range(8):
            plug.nodes[5].load(b"%d" % turn)
            await wait_for_async(lambda: plug.nodes[5].state == EMPTY)
        await wait_for_async(lambda: len(one.lost) == 2)
        assert sorted(device for device, _ in one.lost) == ["a:6", "a:7"]
        plug.mute.clear()
        plug.nodes[6].load(b"back")
        await wait_for_async(lambda: ("a:6", b"back") in one.told)
        plug.mute.add(6)
        await wait_for_async(lambda: len(one.lost) == 3)
    assert len([payload for name, payload in one.told if name == "a:5"]) == 8


async def test_command_is_done_or_refused_by_the_board(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        assert await one.link.command("a:5", "close-valve") == ""
        plug.do = lambda name: name != b"start-fan"
        assert await one.link.command("a:5", "start-fan") == "the device refused it"
        assert [event.data for event in plug.of(link.COMMAND)] == [b"close-valve", b"start-fan"]


@pytest.mark.parametrize("name", ["open-valve", "", "stop-fan", "close-valve\0", "x" * 40])
async def test_command_that_no_profile_declares_never_leaves(tmp_path: Path, name: str) -> None:
    async with bench(tmp_path) as (one, plug):
        assert await one.link.command("a:5", name) == f"its profile declares no command {name!r}"
        assert await one.link.command("a:5", "close-valve") == ""
        assert [event.data for event in plug.of(link.COMMAND)] == [b"close-valve"]
        assert one.diagnosis.devices["a:5"].errors == {"undeclared-command": 1}


async def test_command_without_a_word_is_unconfirmed_and_too_many_are_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, factor=20) as (one, plug):
        await wait_for_async(lambda: one.diagnosis.devices["a:5"].answers > 2)
        plug.mute.add(5)
        asked = [asyncio.ensure_future(one.link.command("a:5", "close-valve")) for _ in range(9)]
        done = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in done] == [DeviceSilent] * 8 + [TransportError]
    assert f"within {COMMAND_S:g} s" in str(done[0])
    assert "8 commands wait" in str(done[8])


async def test_line_that_was_pulled_out_fails_what_waits_and_is_opened_again_under_its_name(tmp_path: Path) -> None:
    async with bench(tmp_path, THREE[:2], factor=5) as (one, plug):
        await wait_for_async(lambda: one.diagnosis.devices["a:5"].answers > 2)
        plug.mute.add(5)
        waiting = asyncio.ensure_future(one.link.command("a:5", "close-valve"))
        await wait_for_async(lambda: plug.of(link.COMMAND))
        was = os.readlink(plug.path)
        plug.unplug()
        with pytest.raises(BusDown, match="was lost"):
            await waiting
        with pytest.raises(BusDown, match="is not open"):
            await one.link.command("a:5", "close-valve")
        assert (one.diagnosis.is_up, [device for device, _ in one.lost]) == (False, ["a:5", "a:6"])
        await wait_for_async(lambda: one.diagnosis.errors.get("open", 0) >= 2)
        assert len(one.lost) == 2
        taken = Plug(tmp_path / "another")
        taken.plug()  # takes the number that the line had
        plug.mute.clear()
        plug.plug()
        assert os.readlink(plug.path) != was
        plug.nodes[6].load(b"[6]")
        await wait_for_async(lambda: one.told == [("a:6", b"[6]")])
        assert (one.link.connects, one.diagnosis.is_up) == (2, True)
        taken.unplug()


async def test_other_line_is_not_disturbed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with bench(tmp_path) as (one, plug), bench(tmp_path / "other", ((5, "b:5"),)) as (two, other):
        await wait_for_async(lambda: two.diagnosis.devices["b:5"].answers)
        plug.unplug()
        await wait_for_async(lambda: one.lost)
        for turn in range(5):
            other.nodes[5].load(b"%d" % turn)
            await wait_for_async(lambda: other.nodes[5].state == EMPTY)
    assert (len(two.messages), two.lost, two.diagnosis.errors, two.link.connects) == (5, [], {}, 1)


class Pauses(Diagnosis):
    """Keeps what it was told of the next try."""

    told: list[float]

    def down(self, reason: str, retry_s: float = 0.0) -> None:
        self.told = [*getattr(self, "told", []), retry_s]
        super().down(reason, retry_s)


async def test_missing_line_is_tried_again_in_growing_pauses_of_at_most_ten_seconds(tmp_path: Path) -> None:
    diagnosis = Pauses("line-1", "serial-link", ("a:5",), lambda: WALL)
    one = LinkBench(tmp_path / "missing", ONE, factor=500, diagnosis=diagnosis)
    one.start()
    await wait_for_async(lambda: diagnosis.errors.get("open", 0) >= 8)
    assert diagnosis.told[:8] == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert LONGEST_PAUSE_S <= 10
    ((device, reason),) = one.lost
    assert (device, "cannot be opened" in reason) == ("a:5", True)
    await one.close()


async def test_command_does_not_wait_for_the_next_try_to_open_the_line(tmp_path: Path) -> None:
    plug = Plug(tmp_path / "usb-line", *ONE)
    one = LinkBench(plug.path, ONE, factor=1e-3)  # its pauses last for minutes
    one.start()
    await wait_for_async(lambda: one.diagnosis.errors.get("open"))
    plug.plug()
    with pytest.raises(BusDown):
        await one.link.command("a:5", "close-valve")
    await wait_for_async(lambda: one.link.connects)
    await one.close()
    plug.unplug()


async def test_judge_that_raises_keeps_only_its_own_board_waiting(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    async with bench(tmp_path, THREE[:2]) as (one, plug):

        def judge(message: Any) -> None:
            if message.device == "a:5":
                raise ValueError("a fault of ours")
            message.accept()

        one.judge = judge
        plug.nodes[5].load(b"[5]")
        await wait_for_async(lambda: faults)
        plug.nodes[6].load(b"[6]")
        await wait_for_async(lambda: plug.nodes[6].state == EMPTY)
        assert plug.nodes[5].state != EMPTY
    assert [str(one["exception"]) for one in faults] == ["a fault of ours"]


async def test_time_is_told_when_a_board_says_hello_and_every_hour(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with bench(tmp_path) as (one, plug):
        await wait_for_async(lambda: len(plug.of(link.TIME)) == 2)  # at the start, and to who said hello
        passed_ms = (loop.time() - began) * 1000
        # The hour that was asked for, and what the word itself waited for its turn.
        assert all(0 <= event.value - WALL // 10**6 <= passed_ms for event in plug.of(link.TIME))
        plug.nodes[5] = Node(5, b"a:5", 8)
        await wait_for_async(lambda: len(plug.of(link.TIME)) == 3)
        assert one.link._talk is not None
        one.link._talk._tell_at -= TIME_EVERY_S
        one.wall += 3600 * 10**9
        await wait_for_async(lambda: len(plug.of(link.TIME)) == 4)
        assert plug.of(link.TIME)[-1].value - plug.of(link.TIME)[0].value >= 3600_000


async def test_what_happens_on_the_line_is_in_the_diagnosis(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        mine = one.diagnosis.devices["a:5"]
        await wait_for_async(lambda: mine.answers > 2)
        assert (one.diagnosis.is_up, mine.requests - mine.answers in (0, 1)) == (True, True)
        assert all(0 < seconds < 10 for seconds in mine.rtt_s)
        plug.say(b"\0babble\0")
        await wait_for_async(
            lambda: any(not piece.outgoing and b"babble" in piece.data for piece in one.diagnosis.wire)
        )
        assert one.diagnosis.errors == {"noise": 1}
        plug.say(link.encode(link.IDLE, 6, 0, (0,)))
        await wait_for_async(lambda: one.diagnosis.errors == {"noise": 1, "stray": 1})
        plug.mute.add(5)
        await wait_for_async(lambda: mine.errors.get("lost"))
        assert mine.errors["unanswered"] >= 3


async def test_after_closing_nothing_is_handed_over_and_commands_fail(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        plug.mute.add(5)
        waiting = asyncio.ensure_future(one.link.command("a:5", "close-valve"))
        await wait_for_async(lambda: one.link._waiting)
        plug.mute.clear()
        one.link.close()
        with pytest.raises(BusDown, match="is closed"):
            await waiting
        with pytest.raises(BusDown, match="is not open"):
            await one.link.command("a:5", "close-valve")
        assert (one.link._line.is_open, one.lost, one.diagnosis.is_up) == (False, [], False)


async def test_message_that_came_right_before_closing_is_not_handed_over(tmp_path: Path) -> None:
    async with bench(tmp_path) as (one, plug):
        plug.nodes[5].load(b"[1]")
        await wait_for_async(lambda: one.messages)
        one.link.close()
        one.link._hand_over(one.messages[0])
        assert len(one.messages) == 1


SPEEDS = [9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600]


@pytest.mark.parametrize("baud", SPEEDS)
async def test_line_runs_at_its_speed_and_an_answer_has_the_time_that_the_question_takes_there(
    tmp_path: Path, baud: int
) -> None:
    question = link.encode(link.POLL, 5, 0, (link.SAY_HELLO,))
    async with bench(tmp_path, ONE, (), baud=baud, pace=Pace(2.0, 0.005)) as (one, plug):
        talk = one.link._talk
        assert talk is not None
        await wait_for_async(lambda: talk._question)
        assert termios.tcgetattr(plug.fd)[4] == getattr(termios, f"B{baud}")
        assert talk._question is not None
        wait_s = talk.due() - talk._question.asked_at
        assert wait_s == pytest.approx(2.0 + len(question) * 10 / baud, abs=0.002)
        longest_ms = talk.master._hard_deadline - talk.master._deadline
        assert longest_ms == pytest.approx((link.MAX_ENCODED + 2) * 10_000 / baud, abs=1)
