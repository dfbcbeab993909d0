"""CoAP datagrams in words (RFC 7252; option and code names of the IANA CoRE registry). What OSCORE (RFC 8613) protects
stays hidden: no key is known here."""

from protocols.explain.raw import text_of
from protocols.wire import coap

KINDS = ("CON", "NON", "ACK", "RST")
METHODS = {1: "GET", 2: "POST", 3: "PUT", 4: "DELETE", 5: "FETCH", 6: "PATCH", 7: "iPATCH"}
OPTIONS = {
    1: "If-Match",
    3: "Uri-Host",
    4: "ETag",
    5: "If-None-Match",
    6: "Observe",
    7: "Uri-Port",
    8: "Location-Path",
    9: "OSCORE",
    11: "Uri-Path",
    12: "Content-Format",
    14: "Max-Age",
    15: "Uri-Query",
    17: "Accept",
    20: "Location-Query",
    23: "Block2",
    27: "Block1",
    28: "Size2",
    60: "Size1",
    252: "Echo",
    292: "Request-Tag",
}
_TEXTS = frozenset((3, 8, 11, 15, 20))
_UINTS = frozenset((6, 7, 12, 14, 17, 28, 60))
_BLOCKS = frozenset((23, 27))
_OSCORE = 9


def explain_coap(data: bytes, _outgoing: bool) -> list[str]:
    """One datagram."""
    try:
        kind, code, mid, token, options, payload = coap.decode(data)
    except coap.CoapError as error:
        return [f"no CoAP: {error}"]
    words = [KINDS[kind], f"mid {mid}"]
    if code:
        words.insert(1, METHODS.get(code) or coap.code_text(code))
        words.append(f"token {token.hex()}" if token else "no token")
    words += [_option(number, value) for number, value in options]
    if payload:
        words.append(_payload(payload, protected=any(number == _OSCORE for number, _ in options)))
    return [" ".join(words)]


def _option(number: int, value: bytes) -> str:
    name = OPTIONS.get(number, f"option-{number}")
    if number in _BLOCKS and len(value) <= 3:
        block = coap.uint(value)
        return f"{name} {block >> 4}{'+' if block & 8 else '.'} of {16 << (block & 7)}"
    if number in _TEXTS:
        return f"{name} {text_of(value) or value.hex() or '-'}"
    return f"{name} {coap.uint(value)}" if number in _UINTS and len(value) <= 4 else f"{name} {value.hex() or '-'}"


def _payload(payload: bytes, *, protected: bool) -> str:
    if protected:
        return f"[{len(payload)} bytes, protected]"
    text = text_of(payload)
    return f"[{len(payload)} bytes]" if text is None else f"[{text}]"
