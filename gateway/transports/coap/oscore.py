"""OSCORE at the gateway: the contexts of its devices over `protocols.wire.oscore` (RFC 8613).

The sender sequence numbers survive everything: a block of them is reserved in the journal before one is used
(7.5.1, B.1.1), and a restart goes on behind the block. Without a record (a new credential, or a journal that was lost)
they begin at a random number below 2^38: nobody can tell the two apart, and a start at 0 would repeat every nonce.

The replay window lives in memory. After a restart a device must first prove that its request was made since, with the
Echo value of this start (B.1.2; RFC 9175, 2.3); until then nothing it says counts. The Echo value also carries the
Partial IV of the message that was challenged, so that what comes with it is known as that message again: it may have
been stored by the start before, and its acknowledgement lost with it.

    Echo value: 8 bytes of this start, 5 bytes Partial IV (big-endian)
"""

import asyncio
import secrets
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from gateway.errors import TransportError
from protocols import oscore_observe
from protocols.wire import ccm, coap, hkdf, oscore
from protocols.wire.replay import ReplayWindow

BLOCK = 256
ECHO_BYTES = 8
_NUMBER_BYTES = 5
CHALLENGE_EVERY_S = 0.01
"""Least time between two challenges to one device: each takes a sequence number, and a replayer costs no more."""
STATE = "oscore/"
"""Prefix of the journal's state keys."""

Keep = Callable[[Mapping[str, bytes]], Awaitable[object]]
"""Makes state durable before it returns; raises what the journal raises."""


class Credential(NamedTuple):
    """What a device and we share. ``sender``: our id, ``recipient``: the device's, 0 to 7 bytes each."""

    device: str
    sender: bytes
    recipient: bytes
    secret: bytes
    salt: bytes
    id_context: bytes | None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credential({self.device})"


def state_key(credential: Credential) -> str:
    """Where its sequence numbers stand. It tells nothing of the secret: a key derived for this use alone."""
    context = credential.id_context or b""
    info = b"gengfu sequence" + credential.sender + b"/" + credential.recipient + b"/" + context
    return STATE + hkdf.hkdf_sha256(credential.secret, credential.salt, info, 8).hex()


class Numbers:
    """Sender sequence numbers of one context. ``kept``: their record of an earlier start."""

    def __init__(self, key: str, kept: bytes | None, keep: Keep) -> None:
        self._key = key
        self._keep = keep
        self._reserving = asyncio.Lock()
        self._closed = False
        self._next = self._end = secrets.randbelow(1 << 38) if kept is None else struct.unpack("<Q", kept)[0]

    async def take(self) -> int:
        """A number that was never given before. Raises `TransportError` at the end of the numbers and after
        `close`, else as `Keep`."""
        async with self._reserving:
            if self._next >= self._end and not self._closed:
                await self._reserve()
            if self._closed:
                raise TransportError("the connection was closed")
            self._next += 1
            return self._next - 1

    def close(self) -> None:
        """Give no more: whoever opens the connection again goes on behind what was reserved."""
        self._closed = True

    async def _reserve(self) -> None:
        end = self._next + BLOCK
        if end > oscore.SEQUENCE_END:
            raise TransportError("the OSCORE sequence numbers are used up: install a new credential")
        await self._keep({self._key: struct.pack("<Q", end)})
        self._end = end


class Secured:
    """One device's context. ``echo``: how an Echo value begins that proves a request of this start. ``key``: of its
    record; two with one key have one credential."""

    def __init__(self, credential: Credential, cipher: type[ccm.BlockCipher], kept: bytes | None, keep: Keep) -> None:
        secret = credential.secret, credential.salt, credential.id_context
        self.device = credential.device
        self.key = state_key(credential)
        self.context = oscore.Context(cipher, credential.sender, credential.recipient, secret)
        self.window = ReplayWindow()
        self.echo = secrets.token_bytes(ECHO_BYTES)
        self.numbers = Numbers(self.key, kept, keep)
        self._challenged_at = -CHALLENGE_EVERY_S

    def prove(self, options: list[tuple[int, bytes]], sequence: int) -> str | None:
        """Note the number of an authentic request; its identity, ``None`` where it is not known to be fresh.

        No other message of the device has the identity, but for one that says the same again after a challenge.
        """
        if self.window.started:
            self.window.accept(sequence)
            return f"{self.key}/{sequence}"
        if not (coap.option(options, oscore.ECHO) or b"").startswith(self.echo):
            return None
        self.window.start(sequence)
        return f"{self.key}/{_first_number(options, sequence)}"

    def may_challenge(self, now_s: float) -> bool:
        """Whether a challenge may leave at ``now_s``, and note that it does."""
        if now_s - self._challenged_at < CHALLENGE_EVERY_S:
            return False
        self._challenged_at = now_s
        return True

    async def challenge(
        self, binding: oscore.Binding, options: list[tuple[int, bytes]]
    ) -> tuple[int, list[tuple[int, bytes]], bytes]:
        """The protected 4.01 with the Echo option, under a number of our own: the request's nonce may be used up.

        ``options``: of the request, which may itself have been the answer to a challenge of an earlier start.
        """
        number = await self.numbers.take()
        first = _first_number(options, int.from_bytes(binding.piv, "big"))
        echo = [(oscore.ECHO, self.echo + first.to_bytes(_NUMBER_BYTES, "big"))]
        return oscore.protect_response(self.context, binding, coap.UNAUTHORIZED, echo, b"", sequence=number)


def _first_number(options: list[tuple[int, bytes]], sequence: int) -> int:
    """Of the message that a request repeats, as its Echo value says; its own where it has none of ours."""
    echo = coap.option(options, oscore.ECHO) or b""
    return int.from_bytes(echo[ECHO_BYTES:], "big") if len(echo) == ECHO_BYTES + _NUMBER_BYTES else sequence


class Bound(NamedTuple):
    """A registration that was proved, and what its notifications are bound to."""

    secured: Secured
    binding: oscore.Binding

    async def seal(self, code: int, options: list[tuple[int, bytes]], payload: bytes) -> oscore_observe.Sealed:
        """An answer or a notification, under a number of our own. Raises as `Numbers.take`."""
        number = await self.secured.numbers.take()
        content = code, options, payload
        return oscore_observe.protect_answer(self.secured.context, self.binding, content, sequence=number)


class Contexts:
    """The contexts of one door, by device and by what a message says of them. ``state``: the records of the numbers.

    Raises `ValueError` for ids that no nonce can hold.
    """

    def __init__(
        self, credentials: Iterable[Credential], cipher: type[ccm.BlockCipher], state: Mapping[str, bytes], keep: Keep
    ) -> None:
        self.of: dict[str, Secured] = {}
        self._by_id: dict[bytes, list[Secured]] = {}
        for one in credentials:
            secured = Secured(one, cipher, state.get(state_key(one)), keep)
            self.of[one.device] = secured
            self._by_id.setdefault(one.recipient, []).append(secured)

    def close(self) -> None:
        """Nothing is sent under them any more."""
        for one in self.of.values():
            one.numbers.close()

    def find(self, options: list[tuple[int, bytes]]) -> Secured:
        """The context that a request names. Raises `oscore.OscoreError`.

        Without a kid context the id must be that of one device alone: no trying of keys.
        """
        _, kid, kid_context = oscore.parse_option(coap.option(options, oscore.OSCORE) or b"")
        found = self._by_id.get(kid, []) if kid is not None else []
        if kid_context is not None:
            found = [one for one in found if one.context.id_context == kid_context]
        if len(found) != 1:
            raise oscore.OscoreError(coap.UNAUTHORIZED, "Security context not found")
        return found[0]
