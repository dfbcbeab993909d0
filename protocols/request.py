"""What a person asks of a gateway, and what the gateway answers.

Requests travel down as journal entries of kind ``request`` in the partition of their device or zone; the answer
comes back up as an entry of kind ``answer``, in the commit of what the request changed.
"""

import msgspec


class OperatorRequest(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """``verb``: what to do to an alarm (``acknowledge``, ``reset``, ``shelve``, ``unshelve``, ``suppress``,
    ``unsuppress``, ``out-of-service``, ``in-service``), ``reset-interlock``, ``command``, ``cancel-command``, or one of
    `gateway.modes.Modes.verbs`.
    ``target``: the alarm, the interlock, the device that is told ``command`` (its name in the profile), or
    ``device~id`` of the command that is taken back. A command has the id of its request.

    ``for_s``: how long a silence lasts, seconds. ``priority`` of a command: 0 is the most urgent. Times are UTC ns;
    after ``expires_at`` it is answered, not done, and a command is not sent any more.
    """

    id: str
    verb: str
    target: str
    who: str
    asked_at: int
    expires_at: int
    why: str = ""
    for_s: float | None = None
    measure: str = ""
    on_site: bool = False
    command: str = ""
    priority: int = 1


class OperatorAnswer(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """``refusal``: why it was not done, for the person who asked; empty when it was done. ``found``: whether the
    target exists."""

    request: str
    at: int
    refusal: str = ""
    found: bool = True


_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(OperatorRequest)
_answers = msgspec.msgpack.Decoder(OperatorAnswer)


def encode(item: OperatorRequest | OperatorAnswer) -> bytes:
    """Body of a journal entry: a msgpack array, schema number first."""
    return _encoder.encode(item)


def decode_request(body: bytes) -> OperatorRequest:
    """Reverse of `encode` for a request."""
    return _requests.decode(body)


def decode_answer(body: bytes) -> OperatorAnswer:
    """Reverse of `encode` for an answer."""
    return _answers.decode(body)
