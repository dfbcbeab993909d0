"""Serial lines on the event loop: what happens when they hang up, are missing, or are noisy."""

import asyncio
import contextlib
import errno
import os
import termios
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from gateway.errors import BusDown, LineMissing
from gateway.transports.line import LineRelay, PtyEnd, SerialLine

WaitFor = Callable[..., Awaitable[Any]]


@contextlib.contextmanager
def far_end() -> Iterator[PtyEnd]:
    end = PtyEnd()
    try:
        yield end
    finally:
        with contextlib.suppress(OSError):
            end.close()


class Listener:
    """What a line told."""

    def __init__(self) -> None:
        self.data = b""
        self.lost: list[str] = []

    def received(self, data: bytes) -> None:
        self.data += data


def opened(line: SerialLine) -> Listener:
    listener = Listener()
    line.open(listener.received, listener.lost.append)
    return listener


async def test_bytes_go_both_ways(wait_for_async: WaitFor) -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        listener = opened(line)
        line.write(b"\x00ask\xff\n\r\x03")
        os.write(far.fd, b"\x00reply\xff\n\r\x04\x11")
        await wait_for_async(lambda: len(listener.data) == 11)
        assert (os.read(far.fd, 99), listener.data) == (b"\x00ask\xff\n\r\x03", b"\x00reply\xff\n\r\x04\x11")


async def test_hang_up_is_told_once_and_the_line_is_closed(wait_for_async: WaitFor) -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        listener = opened(line)
        far.close()
        await wait_for_async(lambda: listener.lost)
        await asyncio.sleep(0)
        assert (len(listener.lost), line.is_open) == (1, False)
        assert far.path in listener.lost[0]


def test_hang_up_is_told_under_uvloop_too(wait_for_async: WaitFor) -> None:
    # uvloop calls a reader of a hung-up pty once and never again.
    async def hang_up() -> list[str]:
        with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
            listener = opened(line)
            far.close()
            await wait_for_async(lambda: listener.lost)
            return listener.lost

    assert len(uvloop.run(hang_up())) == 1


async def test_line_can_be_opened_again_after_it_was_closed(wait_for_async: WaitFor) -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        opened(line)
        line.close()
        listener = opened(line)
        os.write(far.fd, b"again")
        await wait_for_async(lambda: listener.data == b"again")


@pytest.mark.parametrize("calls", [1, 2])
async def test_line_that_goes_away_while_it_is_opened_is_missing_and_let_go(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = LineRelay()
    relay.open()
    before = set(os.listdir("/proc/self/fd"))
    left = [calls - 1]

    def goes_away(fd: int, when: int, attributes: list[Any]) -> None:
        if not left[0]:
            raise termios.error(errno.EIO, "Input/output error")
        left[0] -= 1
        real(fd, when, attributes)

    real = termios.tcsetattr
    monkeypatch.setattr(termios, "tcsetattr", goes_away)
    with pytest.raises(LineMissing, match=r"plug it in|check the port name"):
        SerialLine(relay.left).open(lambda _: None, lambda _: None)
    monkeypatch.undo()
    assert set(os.listdir("/proc/self/fd")) == before
    relay.close()


async def test_missing_line_says_which_and_what_to_do() -> None:
    with pytest.raises(LineMissing, match=r"/dev/nothing-there at 9600 baud cannot be opened: .*check the port name"):
        opened(SerialLine("/dev/nothing-there"))


async def test_line_of_another_program_is_refused() -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        opened(line)
        with pytest.raises(LineMissing, match="no other program holds it"):
            opened(SerialLine(far.path))


async def test_writing_to_a_closed_line_is_an_error() -> None:
    with pytest.raises(BusDown, match="is not open"):
        SerialLine("/dev/none").write(b"x")


def flood(line: SerialLine) -> None:
    for _ in range(4096):
        line.write(bytes(256))


async def test_line_whose_other_end_takes_nothing_is_given_up() -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        listener = opened(line)
        with pytest.raises(BusDown, match=f"{far.path} (takes no bytes|took)"):
            flood(line)
        assert (len(listener.lost), line.is_open) == (1, False)


async def test_received_bytes_can_be_thrown_away() -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        listener = opened(line)
        os.write(far.fd, b"stale")
        assert (line.discard(), line.discard()) == (5, 0)
        await asyncio.sleep(0)
        assert (listener.data, listener.lost) == (b"", [])


async def test_bytes_thrown_away_under_a_waiting_reader_are_no_hang_up() -> None:
    with far_end() as far, contextlib.closing(SerialLine(far.path)) as line:
        listener = opened(line)
        os.write(far.fd, b"stale")
        # The loop sees the line readable in the same round in which this runs first.
        asyncio.get_running_loop().call_soon(line.discard)
        for _ in range(5):
            await asyncio.sleep(0)
        assert (listener.data, listener.lost, line.is_open) == (b"", [], True)


@pytest.mark.parametrize(
    ("baud", "parity", "stop_bits", "silence_ms"),
    [(9600, "N", 1, 3.646), (9600, "E", 1, 4.010), (1200, "N", 2, 32.083), (115200, "N", 1, 1.75)],
)
def test_silence_is_three_and_a_half_characters_but_never_below_1750_us(
    baud: int, parity: str, stop_bits: int, silence_ms: float
) -> None:
    line = SerialLine("/dev/none", baud=baud, parity=parity, stop_bits=stop_bits)
    assert line.silence_s * 1000 == pytest.approx(silence_ms, abs=0.001)


@contextlib.contextmanager
def relay(flip: float = 0.0, drop: float = 0.0) -> Iterator[LineRelay]:
    one = LineRelay(flip=flip, drop=drop, seed=7)
    one.open()
    try:
        yield one
    finally:
        one.close()


async def through(one: LineRelay, data: bytes, wait_for_async: WaitFor) -> bytes:
    """What arrives at the right end of what is sent at the left one."""
    with contextlib.closing(SerialLine(one.left)) as left, contextlib.closing(SerialLine(one.right)) as right:
        opened(left)
        listener = opened(right)
        before = one.carried
        for at in range(0, len(data), 500):
            left.write(data[at : at + 500])
            sent = before + min(at + 500, len(data))
            await wait_for_async(lambda sent=sent: one.carried == sent)
        one.flip = one.drop = 0.0
        one.cut = False
        left.write(b"END")
        await wait_for_async(lambda: listener.data.endswith(b"END"))
        return listener.data[:-3]


async def test_relay_carries_every_byte_unchanged(wait_for_async: WaitFor) -> None:
    data = bytes(range(256)) * 8
    with relay() as one:
        assert await through(one, data, wait_for_async) == data


async def test_relay_flips_single_bits(wait_for_async: WaitFor) -> None:
    data = bytes(4000)
    with relay(flip=0.05) as one:
        arrived = await through(one, data, wait_for_async)
    wrong = [byte for byte in arrived if byte]
    assert len(arrived) == 4000
    assert 150 < len(wrong) < 250
    assert all(byte.bit_count() == 1 for byte in wrong)


async def test_relay_drops_bytes(wait_for_async: WaitFor) -> None:
    with relay(drop=0.05) as one:
        assert 3750 < len(await through(one, bytes(4000), wait_for_async)) < 3850


async def test_cut_relay_carries_nothing(wait_for_async: WaitFor) -> None:
    with relay() as one:
        one.cut = True
        assert await through(one, bytes(100), wait_for_async) == b""


async def test_relay_outlives_the_programs_at_its_ends(wait_for_async: WaitFor) -> None:
    with relay() as one:
        for text in (b"first", b"second"):
            assert await through(one, text, wait_for_async) == text


async def test_relay_puts_a_disturbance_on_the_line(wait_for_async: WaitFor) -> None:
    with relay() as one, contextlib.closing(SerialLine(one.left)) as left:
        listener = opened(left)
        one.inject(b"\xff\x00")
        await wait_for_async(lambda: listener.data == b"\xff\x00")
