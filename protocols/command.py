"""Command: one thing a device is told, with the one cause that allows it (safety rule S5)."""

import msgspec

from protocols.reading import Origin


class Command(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """``name``: a command of the device's profile. ``cause``: what it serves, ``trip/ID``, ``person/NAME`` or
    ``proof-test/ID``. Times are UTC ns; after ``expires_at`` it is not sent any more. Only LIVE commands ever leave the
    gateway; those of other origins are recorded as what would have been done."""

    id: str
    device: str
    name: str
    origin: Origin
    cause: str
    issued_at: int
    expires_at: int


class CommandEvent(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """What became of a command.

    ``status``: ``waiting`` (a person's, in the queue of its device), ``issued``, ``sent``, ``unsent`` (``detail`` says
    why), ``confirmed`` (read back), ``failed`` (not read back in time; it is tried again), ``given-up``, ``cancelled``
    (nobody wants it any more), ``expired`` (its time was over before it left), ``refused`` (``detail`` says why).
    ``why`` and ``priority`` (0 is the most urgent) are what the person said; they come with ``waiting``.
    """

    command: Command
    status: str
    at: int
    attempt: int = 0
    detail: str = ""
    why: str = ""
    priority: int = 1


_encoder = msgspec.msgpack.Encoder()
_event_decoder = msgspec.msgpack.Decoder(CommandEvent)


def encode_command_event(event: CommandEvent) -> bytes:
    """Body of a journal entry of kind ``command``."""
    return _encoder.encode(event)


def decode_command_event(body: bytes) -> CommandEvent:
    """Reverse of `encode_command_event`; raises `msgspec.DecodeError` for any other bytes."""
    return _event_decoder.decode(body)
