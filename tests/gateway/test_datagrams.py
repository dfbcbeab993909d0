"""Many datagrams a system call, over real sockets: all come, in order, from whom they came; an error costs one."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from gateway.transports.datagrams import AT_ONCE, HANDED_OVER, MOST_WAITING, Address, Datagrams
from tests.fixtures.waiting import wait_for_async


class End(asyncio.DatagramProtocol):
    """Keeps what it is told. ``refuses``: a datagram at which it raises; ``then``: called after each."""

    def __init__(self, refuses: bytes = b"", then: Callable[[], object] = lambda: None) -> None:
        self.arrived: list[tuple[bytes, Address]] = []
        self._then = then
        self.errors: list[int | None] = []
        self.ended = False
        self._refuses = refuses

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.arrived.append((data, addr))
        if data == self._refuses:
            raise ValueError("this one is refused")
        self._then()

    def error_received(self, exc: Exception) -> None:
        assert isinstance(exc, OSError)
        self.errors.append(exc.errno)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True

    @property
    def data(self) -> list[bytes]:
        return [data for data, _ in self.arrived]


def bound(host: str = "127.0.0.1") -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    return one


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with bound() as one:
        one.settimeout(5)
        yield one


@asynccontextmanager
async def open_end(end: End, host: str = "127.0.0.1") -> AsyncIterator[Datagrams]:
    transport = Datagrams(bound(host), end)
    try:
        yield transport
    finally:
        transport.close()
        await wait_for_async(lambda: end.ended, 5, "the end")


def address_of(transport: Datagrams) -> Address:
    name: Address = transport.get_extra_info("sockname")
    return name


async def test_more_than_one_call_takes_arrive_whole_and_in_order(peer: socket.socket) -> None:
    end = End()
    async with open_end(end) as transport:
        sent = [bytes([number]) * (1 + 37 * number) for number in range(2 * AT_ONCE + 5)]
        for data in sent:
            peer.sendto(data, address_of(transport))
        await wait_for_async(lambda: len(end.arrived) == len(sent), 5, "all of them")
    assert end.arrived == [(data, peer.getsockname()) for data in sent]


@pytest.mark.parametrize("size", [0, 65_507])
async def test_the_shortest_and_the_longest_come_and_go_whole(peer: socket.socket, size: int) -> None:
    end = End()
    async with open_end(end) as transport:
        peer.sendto(b"x" * size, address_of(transport))
        await wait_for_async(lambda: end.arrived, 5, "the datagram")
        transport.sendto(end.data[0], peer.getsockname())
        assert peer.recv(70_000) == b"x" * size


async def test_ipv6_peers_are_answered() -> None:
    end = End()
    async with open_end(end, "::1") as transport:
        with bound("::1") as peer:
            peer.settimeout(5)
            peer.sendto(b"ask", address_of(transport))
            await wait_for_async(lambda: end.arrived, 5, "the question")
            assert end.arrived == [(b"ask", peer.getsockname())]
            transport.sendto(b"answer", end.arrived[0][1])
            assert peer.recv(100) == b"answer"


async def test_what_is_posted_goes_before_the_loop_waits_and_before_what_is_sent_after_it(peer: socket.socket) -> None:
    async with open_end(End()) as transport:
        peer.setblocking(False)
        transport.post(b"0", peer.getsockname())
        with pytest.raises(BlockingIOError):
            peer.recv(10)
        await asyncio.sleep(0)
        assert peer.recv(10) == b"0"
        transport.post(b"1", peer.getsockname())
        transport.sendto(b"2", peer.getsockname())
        assert [peer.recv(10), peer.recv(10)] == [b"1", b"2"]
        for number in range(AT_ONCE):
            transport.post(bytes([number]), peer.getsockname())
        assert [peer.recv(10) for _ in range(AT_ONCE)] == [bytes([number]) for number in range(AT_ONCE)]


async def test_to_many_peers_each_gets_its_own() -> None:
    async with open_end(End()) as transport:
        peers = [bound() for _ in range(AT_ONCE + 3)]
        for number, one in enumerate(peers):
            one.settimeout(5)
            transport.post(bytes([number]), one.getsockname())
        await asyncio.sleep(0)
        assert [one.recv(10) for one in peers] == [bytes([number]) for number in range(len(peers))]
        for one in peers:
            one.close()


async def test_a_datagram_that_cannot_be_sent_costs_the_others_nothing(peer: socket.socket) -> None:
    end = End()
    async with open_end(end) as transport:
        here = peer.getsockname()
        transport.post(b"before", here)
        transport.post(b"x" * 65_508, here)
        transport.post(b"between", here)
        transport.post(b"nowhere", ("not an address", 1))
        transport.post(b"after", here)
        await asyncio.sleep(0)
        assert [peer.recv(100) for _ in range(3)] == [b"before", b"between", b"after"]
    assert sorted(end.errors, key=str) == [errno.EMSGSIZE, None]


async def test_one_that_raises_does_not_lose_those_that_came_with_it(peer: socket.socket) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(str(context.get("exception"))))
    end = End(refuses=b"1")
    async with open_end(end) as transport:
        for data in (b"0", b"1", b"2", b"3"):
            peer.sendto(data, address_of(transport))
        await wait_for_async(lambda: len(end.arrived) == 4, 5, "all of them")
    assert (end.data, told) == ([b"0", b"1", b"2", b"3"], ["this one is refused"])


async def test_what_one_brings_about_is_done_before_many_others_are_looked_at(peer: socket.socket) -> None:
    done_after: list[int] = []
    loop = asyncio.get_running_loop()
    end = End(then=lambda: loop.call_soon(lambda: done_after.append(len(end.arrived))))
    async with open_end(end) as transport:
        for number in range(AT_ONCE):
            peer.sendto(bytes([number]), address_of(transport))
        await wait_for_async(lambda: len(done_after) == AT_ONCE, 5, "all of them")
    assert end.data == [bytes([number]) for number in range(AT_ONCE)]
    assert done_after == [HANDED_OVER * (1 + number // HANDED_OVER) for number in range(AT_ONCE)]


async def test_closing_while_some_are_not_looked_at_yet_ends_it(peer: socket.socket) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    end = End(then=lambda: transport.close())  # noqa: PLW0108 - there is no transport yet
    async with open_end(end) as transport:
        for number in range(AT_ONCE):
            peer.sendto(bytes([number]), address_of(transport))
        await wait_for_async(lambda: end.ended, 5, "the end")
    assert (end.data, told) == ([b"\0"], [])


async def test_a_full_socket_makes_what_is_sent_wait_and_gives_up_the_oldest() -> None:
    """A pair of local sockets stands for a network that takes nothing for a while: UDP over loopback never fills up."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    end = End()
    transport = Datagrams(ours, end)
    outbox = transport._outbox
    theirs.setblocking(False)

    def send(fd: int, datagrams: object) -> int:
        data, _ = next(iter(datagrams))  # type: ignore[call-overload]  # a deque of pairs
        return ours.send(data) and 1

    outbox.send = send  # type: ignore[method-assign]  # a local socket takes no sockaddr_in
    got: list[bytes] = []

    def drain() -> bool:
        try:
            while True:
                got.append(theirs.recv(10))
        except BlockingIOError:
            return bool(got) and got[-1] == b"last"

    for number in range(2 * MOST_WAITING):
        transport.sendto(str(number).encode(), ("127.0.0.1", 1))
    transport.post(b"last", ("127.0.0.1", 1))
    await wait_for_async(drain, 5, "the rest")
    transport.close()
    theirs.close()
    taken = [int(one) for one in got[:-1]]
    first = next(number for number, (one, after) in enumerate(pairwise(taken)) if after != one + 1)
    assert taken[: first + 1] == list(range(first + 1))
    assert taken[first + 1 :] == list(range(MOST_WAITING + 1, 2 * MOST_WAITING))
    assert not end.errors


async def test_closing_sends_what_was_posted_and_then_nothing_more(peer: socket.socket) -> None:
    end = End()
    async with open_end(end) as transport:
        transport.post(b"last", peer.getsockname())
        transport.close()
        transport.close()
        assert transport.is_closing()
        assert peer.recv(10) == b"last"
        transport.sendto(b"too late", peer.getsockname())
        transport.post(b"too late", peer.getsockname())
        peer.sendto(b"nobody", address_of(transport))
        await asyncio.sleep(0)
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(10)
    assert not end.arrived
