"""UDP on the event loop, up to 32 datagrams a system call: recvmmsg(2) and sendmmsg(2).

Both are called with the interpreter lock kept: they never wait. A call that gives the lock away wakes the thread that
waits for it, which comes too late and begins its wait anew: under load that was a quarter of the CPU of the CoAP door,
and the journal's thread hardly got its turn (docs/decisions/0015).
"""

import asyncio
import ctypes
import errno
import mmap
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

AT_ONCE = 32
"""Datagrams a call."""
HANDED_OVER = 8
"""Datagrams a turn of the loop: a command that one of them brings about goes out before the next ones are looked at."""
LARGEST = 1 << 16
MOST_WAITING = 4_096
"""Datagrams that wait because the socket's buffer is full; then the oldest are given up, as a full buffer would."""

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
"""(host, port), of IPv6 with flow and scope."""
Datagram: TypeAlias = tuple[bytes, Address]
"""And who sent it."""


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Head(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("name_length", ctypes.c_uint32),
        ("pieces", ctypes.POINTER(_Piece)),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("head", _Head), ("length", ctypes.c_uint))


_libc = ctypes.PyDLL(None, use_errno=True)
_receive = _libc.recvmmsg
_receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_send = _libc.sendmmsg
_send.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_NAME_SIZE = 28
"""Of sockaddr_in6, the longer of the two."""


def _messages(pieces: "ctypes.Array[_Piece]") -> "ctypes.Array[_Message]":
    """One for each piece."""
    messages = (_Message * AT_ONCE)()
    for message, piece in zip(messages, pieces, strict=True):
        message.head.pieces = ctypes.pointer(piece)
        message.head.piece_count = 1
    return messages


class _Inbox:
    """Where datagrams arrive. The memory is the system's: a page that no datagram ever reached costs nothing."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, AT_ONCE * LARGEST)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        names = ctypes.create_string_buffer(AT_ONCE * _NAME_SIZE)
        self._pieces = (_Piece * AT_ONCE)(*(_Piece(start + at * LARGEST, LARGEST) for at in range(AT_ONCE)))
        self._messages = _messages(self._pieces)
        for at, message in enumerate(self._messages):
            message.head.name = ctypes.addressof(names) + at * _NAME_SIZE
            message.head.name_length = _NAME_SIZE
        self._names = memoryview(names).cast("B")
        self._at = ctypes.addressof(self._messages)
        words = memoryview(self._messages).cast("B").cast("I")
        self._lengths = words[_Message.length.offset // 4 :: ctypes.sizeof(_Message) // 4]

    def take(self, fd: int) -> list[Datagram]:
        """What has arrived, with its sender; at most `AT_ONCE`. Raises `OSError`."""
        count = _receive(fd, self._at, AT_ONCE, socket.MSG_DONTWAIT, None)
        if count < 0:
            if (number := ctypes.get_errno()) in (errno.EAGAIN, errno.EINTR):
                return []
            raise OSError(number, os.strerror(number))
        data, names = self._memory, bytes(self._names[: count * _NAME_SIZE])
        return [
            (
                data[at * LARGEST : at * LARGEST + length],
                _address_of(names[at * _NAME_SIZE : (at + 1) * _NAME_SIZE]),
            )
            for at, length in enumerate(self._lengths[:count].tolist())
        ]


class _Outbox:
    """What is sent next: datagrams, each with its sockaddr."""

    def __init__(self) -> None:
        pieces = (_Piece * AT_ONCE)()
        messages = _messages(pieces)
        self._at = ctypes.addressof(messages)
        # Views: to index the arrays would make new ones each time.
        self._places = [(piece, message.head) for piece, message in zip(pieces, messages, strict=True)]

    def send(self, fd: int, datagrams: Iterable[tuple[bytes, bytes]]) -> int:
        """How many of the first `AT_ONCE` went out, at least one; raises `OSError` for the first of them."""
        count = 0
        for (piece, head), (data, name) in zip(self._places, datagrams, strict=False):
            piece.base, piece.length = data, len(data)
            head.name, head.name_length = name, len(name)
            count += 1
        sent: int = _send(fd, self._at, count, socket.MSG_DONTWAIT)
        if sent < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return sent


def _nobody_looks(_arrived: Sequence[Datagram]) -> None:
    """Nobody wants to see what arrives as it arrives."""


class Datagrams(asyncio.DatagramTransport):
    """A bound UDP socket, for ``protocol`` as a loop's own datagram transport; `close` closes it.

    An error of one datagram is told to ``protocol.error_received`` and costs the others nothing. ``arrived`` is given
    what one system call brought, before any of it is handed to ``protocol``.
    """

    def __init__(
        self,
        bound: socket.socket,
        protocol: asyncio.DatagramProtocol,
        arrived: Callable[[Sequence[Datagram]], None] = _nobody_looks,
    ) -> None:
        super().__init__({"socket": bound, "sockname": bound.getsockname()})
        self._loop = asyncio.get_running_loop()
        self._socket = bound
        self._fd = bound.fileno()
        self._protocol = protocol
        self._look_at = arrived
        self._inbox = _Inbox()
        self._outbox = _Outbox()
        self._arrived: deque[Datagram] = deque()
        self._waiting: deque[tuple[bytes, bytes]] = deque(maxlen=MOST_WAITING)
        self._is_posted = False
        self._is_waiting = False
        self._is_closed = False
        bound.setblocking(False)
        protocol.connection_made(self)
        self._loop.add_reader(self._fd, self._on_readable)

    def sendto(self, data: bytes, addr: Address) -> None:  # type: ignore[override]  # the base allows a connected socket and other buffers
        """Send at once, and before it what `post` was given."""
        self._queue(data, addr)
        if not self._is_waiting:
            self._flush()

    def post(self, data: bytes, addr: Address) -> None:
        """Send before the loop waits again, with what else there is to send by then."""
        self._queue(data, addr)
        if self._is_waiting:
            return
        if len(self._waiting) >= AT_ONCE:
            self._flush()
        elif not self._is_posted:
            self._is_posted = True
            self._loop.call_soon(self._flush)

    def _queue(self, data: bytes, addr: Address) -> None:
        if self._is_closed:
            return
        try:
            self._waiting.append((data, _name_of(addr)))
        except OSError as error:
            self._protocol.error_received(error)

    def is_closing(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    def close(self) -> None:
        """Send what waits as far as the socket takes it, and let go of the socket."""
        if self._is_closed:
            return
        if not self._is_waiting:
            self._flush()
        self._is_closed = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._socket.close()
        self._arrived.clear()
        self._waiting.clear()
        self._loop.call_soon(self._protocol.connection_lost, None)

    def _on_readable(self) -> None:
        if self._arrived:
            return  # those before have not all been handed over
        try:
            arrived = self._inbox.take(self._fd)
        except OSError as error:
            self._protocol.error_received(error)
            return
        if arrived:
            self._arrived += arrived
            self._look_at(arrived)
            self._hand_over()

    def _hand_over(self) -> None:
        take, arrived = self._protocol.datagram_received, self._arrived
        try:
            for _ in range(HANDED_OVER):
                if not arrived:
                    break
                take(*arrived.popleft())
        finally:
            # Also when one raised, which the loop reports: those that came with it must not be lost for it.
            if arrived:
                self._loop.call_soon(self._hand_over)

    def _flush(self) -> None:
        self._is_posted = False
        waiting = self._waiting
        while waiting and not self._is_closed:
            try:
                sent = self._outbox.send(self._fd, waiting)
            except BlockingIOError:
                self._wait()
                return
            except InterruptedError:
                continue
            except OSError as error:
                waiting.popleft()
                self._protocol.error_received(error)
                continue
            for _ in range(sent):
                waiting.popleft()

    def _wait(self) -> None:
        """The socket's buffer is full."""
        if not self._is_waiting:
            self._is_waiting = True
            self._loop.add_writer(self._fd, self._on_writable)

    def _on_writable(self) -> None:
        self._is_waiting = False
        self._loop.remove_writer(self._fd)
        self._flush()


@lru_cache(4096)
def _address_of(name: bytes) -> Address:
    """Of a sockaddr_in or sockaddr_in6."""
    family = int.from_bytes(name[:2], sys.byteorder)
    port = int.from_bytes(name[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    host = socket.inet_ntop(socket.AF_INET6, name[8:24])
    return host, port, int.from_bytes(name[4:8], "big"), int.from_bytes(name[24:28], sys.byteorder)


@lru_cache(4096)
def _name_of(address: Address) -> bytes:
    """Reverse of `_address_of`. Raises `OSError` for a host that is no address."""
    host, port, *rest = address
    number = port.to_bytes(2, "big")
    if ":" not in host:
        return socket.AF_INET.to_bytes(2, sys.byteorder) + number + socket.inet_pton(socket.AF_INET, host) + bytes(8)
    flow, scope = rest or (0, 0)
    head = socket.AF_INET6.to_bytes(2, sys.byteorder) + number + flow.to_bytes(4, "big")
    return head + socket.inet_pton(socket.AF_INET6, host) + scope.to_bytes(4, sys.byteorder)
