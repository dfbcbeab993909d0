"""Frames in words for people who look at a wire: ``explain(transport, data, outgoing)`` for any bytes, never an error.

One line a frame. Nothing here decides anything; the transports have decoders of their own.
"""

from collections.abc import Callable, Iterable

from protocols.explain.coap import explain_coap
from protocols.explain.link import explain_link
from protocols.explain.modbus import explain_rtu, explain_tcp
from protocols.explain.raw import explain_raw
from protocols.wire import modbus_rtu

__all__ = ["explain", "explain_all"]

_BY_TRANSPORT: dict[str, Callable[[bytes, bool], list[str]]] = {
    "modbus-tcp": explain_tcp,
    "modbus-rtu": explain_rtu,
    "modbus-rtu-tcp": explain_rtu,
    "coap": explain_coap,
    "serial-link": explain_link,
}


def explain(transport: str, data: bytes, outgoing: bool) -> list[str]:
    """A line for each frame in ``data``. ``outgoing``: the gateway sent it. Transports without a decoder here (MQTT,
    OPC UA, HTTP) are shown as text where they are text, else not at all."""
    return _BY_TRANSPORT.get(transport, explain_raw)(data, outgoing)


Said = tuple[bool, bytes]
"""Whether the gateway sent it, and the bytes."""

_IS_WHOLE: dict[str, Callable[[bytes], bool]] = {
    "modbus-rtu": modbus_rtu.checked,
    "modbus-rtu-tcp": modbus_rtu.checked,
    "serial-link": lambda data: data[:1] == data[-1:] == b"\0" and len(data) > 1,
}
"""Of transports whose frames come in pieces: whether this is one."""
LONGEST_JOINED = 2048


def explain_all(transport: str, pieces: Iterable[Said]) -> list[list[str]]:
    """The lines of each of several pieces that followed each other.

    A serial line hands a frame over in several pieces: it is told of at the last of them, and nothing at those before.
    """
    is_whole = _IS_WHOLE.get(transport)
    if is_whole is None:
        return [explain(transport, data, outgoing) for outgoing, data in pieces]
    lines: list[list[str]] = []
    direction, begun = False, b""
    for outgoing, data in pieces:
        joins = bool(begun) and outgoing == direction and not is_whole(data)
        whole = begun + data if joins else data
        if joins:
            lines[-1] = []
        lines.append(explain(transport, whole, outgoing))
        direction, begun = outgoing, b"" if is_whole(whole) or len(whole) > LONGEST_JOINED else whole
    return lines
