"""Commands and what became of them, as the journal keeps them."""

import msgspec
import pytest

from protocols.command import Command, CommandEvent, decode_command_event, encode_command_event
from protocols.reading import Origin

COMMAND = Command("c/1", "gas:1", "close-valve", Origin.LIVE, "trip/kitchen~restaurant-kitchen", 5, 305)


def test_event_comes_back_as_it_was_stored() -> None:
    event = CommandEvent(COMMAND, "failed", 20, 2, "no read-back in time")
    assert decode_command_event(encode_command_event(event)) == event


def test_body_begins_with_its_schema_number() -> None:
    assert msgspec.msgpack.decode(encode_command_event(CommandEvent(COMMAND, "issued", 5)))[0] == 1


def test_recorded_body_is_still_read() -> None:
    body = bytes.fromhex(
        "96019801a3632f31a56761733a31ab636c6f73652d76616c766500a6747269702f6105cd0131a66973737565640500a0"
    )
    event = decode_command_event(body)
    assert (event.command.name, event.command.origin, event.status, event.at) == (
        "close-valve",
        Origin.LIVE,
        "issued",
        5,
    )


@pytest.mark.parametrize("body", [b"", b"\x90", b"\x96\x02\x90\xa0\x00\x00\xa0", b"garbage"])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_command_event(body)
