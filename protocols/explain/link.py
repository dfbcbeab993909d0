"""Frames of the serial link in words; the layout is told in `protocols.wire.link`."""

from protocols.explain.raw import text_of
from protocols.wire import link

NAMES = {
    link.POLL: ("poll", ("flags",)),
    link.ACK: ("ack", ("boot", "number")),
    link.NAK: ("nak", ("boot", "number", "reason")),
    link.BUSY: ("busy", ("boot", "number", "retry ms")),
    link.COMMAND: ("command", ("id",)),
    link.TIME: ("time", ("ms",)),
    link.IDLE: ("idle", ("flags",)),
    link.DATA: ("data", ("boot", "number", "flags")),
    link.HELLO: ("hello", ("boot", "firmware")),
    link.RESULT: ("result", ("id", "status")),
}


def explain_link(data: bytes, _outgoing: bool) -> list[str]:
    """Every frame between the 00s of a piece of a line."""
    return [_frame(piece) for piece in data.split(b"\0") if piece]


def _frame(piece: bytes) -> str:
    try:
        kind, address, turn, fields, tail = link.decode(piece)
    except link.LinkError as error:
        return f"no frame: {error}"
    name, names = NAMES[kind]
    words = [
        f"board {address} turn {turn}: {name}",
        *(f"{one} {value}" for one, value in zip(names, fields, strict=True)),
    ]
    if tail:
        words.append(f"[{text_of(tail) or tail.hex()}]")
    return " ".join(words)
