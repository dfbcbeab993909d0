"""CoAP messages: bytes <-> (type, code, message id, token, options, payload); RFC 7252, June 2014, section 3.

The firmware and the gateway run this same file, so it keeps to MicroPython. It does no I/O, keeps no state
and knows no exchanges; block-wise transfer and OSCORE are not here.

    offset  size  field
    0       1     version (bits 7-6, always 1), type (5-4), token length (3-0, at most 8)
    1       1     code: class (7-5), detail (4-0)
    2       2     message id, big-endian
    4       0-8   token
    ...           options: delta and length nibbles, their extensions (13: 1 byte, 14: 2 bytes), the value
    ...     1     0xFF, only if a payload of at least one byte follows
"""

import struct

CON = 0
NON = 1
ACK = 2
RST = 3

EMPTY = 0x00
GET = 0x01
POST = 0x02
PUT = 0x03
DELETE = 0x04
CREATED = 0x41
DELETED = 0x42
CHANGED = 0x44
CONTENT = 0x45
BAD_REQUEST = 0x80
UNAUTHORIZED = 0x81
BAD_OPTION = 0x82
FORBIDDEN = 0x83
NOT_FOUND = 0x84
METHOD_NOT_ALLOWED = 0x85
TOO_LARGE = 0x8D
UNSUPPORTED_FORMAT = 0x8F
TOO_MANY_REQUESTS = 0x9D  # RFC 8516
INTERNAL_ERROR = 0xA0
SERVICE_UNAVAILABLE = 0xA3

URI_HOST = 3
URI_PORT = 7
URI_PATH = 11
CONTENT_FORMAT = 12
MAX_AGE = 14
URI_QUERY = 15
ACCEPT = 17

TEXT = 0
LINK_FORMAT = 40
SENML_JSON = 110  # RFC 8428, section 12.3
SENML_CBOR = 112

# Section 4.8.2, from the default parameters of section 4.8.
ACK_TIMEOUT_MS = 2000
ACK_RANDOM_FACTOR = 1.5
MAX_RETRANSMIT = 4
EXCHANGE_LIFETIME_S = 247
DEFAULT_MAX_AGE_S = 60

# By type * 8 + code class: whether a message that is not empty may be so (4.2, 4.3; 1, 6, 7 are reserved).
# Requests and responses travel as CON and NON, responses alone as ACK, nothing as RST.
_SENSIBLE = b"\1\0\1\1\1\1\0\0" + b"\1\0\1\1\1\1\0\0" + b"\0\0\1\1\1\1\0\0" + b"\0\0\0\0\0\0\0\0"


class CoapError(Exception):
    """Bytes from a peer are no CoAP message: ignore them, or answer with `reject`."""


def _extended(data: bytes, pos: int, nibble: int) -> tuple[int, int]:
    """Value of an option nibble above 12 and the position behind its extension (section 3.1)."""
    if nibble == 13 and pos < len(data):
        return data[pos] + 13, pos + 1
    if nibble == 14 and pos + 1 < len(data):
        return (data[pos] << 8) + data[pos + 1] + 269, pos + 2
    raise CoapError("option nibble 15 is reserved" if nibble == 15 else "option header is cut off")


def _options(data: bytes, pos: int) -> tuple[list[tuple[int, bytes]], int]:
    """Options from ``pos``, and the position of the payload (the end of ``data`` if there is none)."""
    options: list[tuple[int, bytes]] = []
    number = 0
    size = len(data)
    while pos < size:
        head = data[pos]
        pos += 1
        if head == 0xFF:
            if pos == size:
                raise CoapError("payload marker with nothing after it")
            return options, pos
        delta = head >> 4
        if delta > 12:
            delta, pos = _extended(data, pos, delta)
        length = head & 15
        if length > 12:
            length, pos = _extended(data, pos, length)
        number += delta
        end = pos + length
        if end > size:
            raise CoapError("option value is cut off")
        options.append((number, data[pos:end]))
        pos = end
    return options, pos


def decode(data: bytes) -> tuple[int, int, int, bytes, list[tuple[int, bytes]], bytes]:
    """A datagram as ``(type, code, message id, token, options, payload)``.

    Options are ``(number, value)`` in the order of the message; no payload is ``b""``. Raises `CoapError` and
    nothing else, whatever the bytes: besides what cannot be parsed also what a receiver must reject (version
    other than 1, reserved code class, an empty message with content, a code that its type cannot carry).
    """
    size = len(data)
    if size < 4:
        raise CoapError("shorter than the 4-byte header")
    first = data[0]
    if first >> 6 != 1:
        raise CoapError("version is not 1")
    code = data[1]
    mid = data[2] << 8 | data[3]
    kind = first >> 4 & 3
    if code == 0:
        if size > 4 or first & 15 or kind == NON:
            raise CoapError("empty message with content, or sent as NON")
        return kind, 0, mid, b"", [], b""
    if not _SENSIBLE[kind << 3 | code >> 5]:
        raise CoapError("code of a reserved class, or one that this type cannot carry")
    start = 4 + (first & 15)
    if start > 12 or start > size:
        raise CoapError("token longer than 8 bytes, or cut off")
    options, pos = _options(data, start)
    if options and options[-1][0] > 65535:
        raise CoapError("option number above 65535")
    return kind, code, mid, data[4:start], options, data[pos:]


def _nibble(value: int) -> tuple[int, bytes]:
    """An option delta or length as its nibble and the extension behind the option's first byte."""
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes((value - 13,))
    return 14, struct.pack(">H", value - 269)


def encode(
    kind: int,
    code: int,
    mid: int,
    token: bytes = b"",
    options: list[tuple[int, bytes]] | tuple[tuple[int, bytes], ...] = (),
    *,
    payload: bytes = b"",
) -> bytes:
    """Reverse of `decode`. Options must stand in ascending order of number.

    Raises `ValueError` for what no message can hold (a fault of the caller, never of a peer).
    """
    if len(token) > 8 or kind >> 2 or code >> 8 or mid >> 16:
        raise ValueError("type, code or message id out of range, or token longer than 8 bytes")
    head = struct.pack(">BBH", 0x40 | kind << 4 | len(token), code, mid)
    if not options and not payload:
        return head + token
    parts = [head, token]
    last = 0
    for number, value in options:
        if not last <= number <= 65535 or len(value) > 65804:
            raise ValueError("options out of order, or option too large")
        delta, more_delta = _nibble(number - last)
        length, more_length = _nibble(len(value))
        parts += (bytes((delta << 4 | length,)), more_delta, more_length, value)
        last = number
    if payload:
        parts += (b"\xff", payload)
    return b"".join(parts)


def reject(data: bytes) -> bytes | None:
    """The Reset for a datagram that `decode` refused, or ``None`` where RFC 7252 says to be silent.

    A confirmable message is rejected by a Reset (4.2); other versions (3), other types, scraps are ignored.
    """
    if len(data) < 4 or data[0] >> 4 != 0x4:
        return None
    return b"\x70\x00" + data[2:4]


def option(options: list[tuple[int, bytes]], number: int) -> bytes | None:
    """The first value of the option, or ``None``."""
    for one, value in options:
        if one == number:
            return value
    return None


def path_of(options: list[tuple[int, bytes]]) -> list[bytes]:
    """The segments of Uri-Path. They stay bytes: a peer may send what is not UTF-8."""
    return [value for number, value in options if number == URI_PATH]


def unknown_critical(options: list[tuple[int, bytes]], known: tuple[int, ...]) -> int:
    """The number of the first critical (odd, 5.4.1) option outside ``known``, or 0."""
    for number, _ in options:
        if number & 1 and number not in known:
            return number
    return 0


def uint(value: bytes) -> int:
    """An option value of format uint (3.2): big-endian, empty is 0, leading zeros allowed."""
    total = 0
    for byte in value:
        total = total << 8 | byte
    return total


def uint_bytes(value: int) -> bytes:
    """The shortest option value of format uint (3.2). Raises `ValueError` outside 0 to 2^32 - 1."""
    if not 0 <= value <= 0xFFFFFFFF:
        raise ValueError("uint option outside 0 to 4294967295")
    return struct.pack(">I", value).lstrip(b"\0")


def code_text(code: int) -> str:
    """``2.04`` for 0x44."""
    return f"{code >> 5}.{code & 31:02d}"
