"""Observe (RFC 7641) under OSCORE: registrations and notifications (RFC 8613, sections 4.1.3.5, 4.2 and 7.4.1).

The Observe option stands inside, where it is protected, and outside for whoever forwards the message. It counts only
where both are there. All notifications are bound to the kid and the Partial IV of their registration; each but the
first has a Partial IV of its own, and these give their order.

Beside `protocols.wire.oscore`, which boards share and which refuses Observe: a board pushes. Not supported, and
refused: outer block-wise transfer and proxy options. Uri-Host and Uri-Port outside mean nothing here.
"""

from typing import NamedTuple

from protocols.wire import cbor_small, ccm, coap, oscore
from protocols.wire.oscore import OscoreError
from protocols.wire.replay import ReplayWindow

FETCH = 0x05
"""The outer code of a registration (RFC 8132); it is answered with the outer code 2.05 (section 4.2)."""

Options = list[tuple[int, bytes]]

_AES_CCM_16_64_128 = 10
_REFUSED = (oscore.BLOCK1, oscore.BLOCK2, oscore.PROXY_URI, oscore.PROXY_SCHEME)
_REFUSED_INSIDE = (oscore.OSCORE, oscore.PROXY_URI, oscore.PROXY_SCHEME, coap.URI_HOST, coap.URI_PORT)


class Sealed(NamedTuple):
    """What goes over the wire."""

    code: int
    options: Options
    payload: bytes


class Opened(NamedTuple):
    """What was inside a response. ``number``: its Partial IV, -1 where it has none. ``is_notification``: the Observe
    option was inside and outside; it is not among ``options``."""

    code: int
    options: Options
    payload: bytes
    number: int
    is_notification: bool


def is_registration(options: Options) -> bool:
    """Whether a protected request is one of those that `protocols.wire.oscore` does not open."""
    return coap.option(options, oscore.OBSERVE) is not None


def protect_registration(
    context: oscore.Context, sequence: int, code: int, options: Options
) -> tuple[Sealed, oscore.Binding]:
    """A request whose ``options`` (ascending, all to go inside) have Observe. A sequence number may be used once, ever.

    Raises `ValueError` at the end of the sequence numbers.
    """
    piv = oscore.partial_iv(sequence)
    binding = oscore.Binding(context.sender, piv, context.nonce(context.sender, piv))
    said = bytes((len(piv) | 0x08 | (0 if context.id_context is None else 0x10),)) + piv
    if context.id_context is not None:
        said += bytes((len(context.id_context),)) + context.id_context
    sealed = _seal(context, binding.nonce, binding, (code, options, b""))
    wish = coap.option(options, oscore.OBSERVE) or b""
    return Sealed(FETCH, [(oscore.OBSERVE, wish), (oscore.OSCORE, said + context.sender)], sealed), binding


def unprotect_registration(
    context: oscore.Context, options: Options, payload: bytes, window: ReplayWindow
) -> tuple[int, Options, bytes, int, oscore.Binding]:
    """As `protocols.wire.oscore.unprotect_request`, for a request with Observe outside.

    The Observe option is among the options it returns where the one inside says the same as the one outside.
    Raises `OscoreError` and nothing else, whatever the bytes.
    """
    piv, kid, kid_context = _header(options)
    if not piv or kid is None:
        raise OscoreError(coap.BAD_OPTION, "Failed to decode COSE")
    if kid != context.recipient or (kid_context is not None and kid_context != context.id_context):
        raise OscoreError(coap.UNAUTHORIZED, "Security context not found")
    sequence = int.from_bytes(piv, "big")
    if window.replayed(sequence):
        raise OscoreError(coap.UNAUTHORIZED, "Replay detected")
    binding = oscore.Binding(kid, piv, context.nonce(kid, piv))
    code, inside, text = _open(context, binding.nonce, binding, payload)
    if not 0 < code < 0x20:
        raise OscoreError(coap.BAD_OPTION, "no request inside")
    if _wish(inside) != _wish(options):
        inside = _without_observe(inside)
    return code, inside, text, sequence, binding


def protect_answer(
    context: oscore.Context,
    binding: oscore.Binding,
    content: tuple[int, Options, bytes],
    *,
    sequence: int | None = None,
) -> Sealed:
    """An answer to a request with Observe outside, or a notification: ``content`` is its code, options (ascending) and
    payload. Its Observe option stands outside as it is given, and empty inside.

    Without ``sequence`` the nonce of the request is used: once, and only for a request known to be fresh (section 8.3).
    Raises `ValueError` at the end of the sequence numbers.
    """
    code, options, payload = content
    piv = b"" if sequence is None else oscore.partial_iv(sequence)
    nonce = context.nonce(context.sender, piv) if piv else binding.nonce
    inside = [(number, b"" if number == oscore.OBSERVE else value) for number, value in options]
    outside = [one for one in options if one[0] == oscore.OBSERVE]
    said = bytes((len(piv),)) + piv if piv else b""
    sealed = _seal(context, nonce, binding, (code, inside, payload))
    return Sealed(coap.CONTENT, [*outside, (oscore.OSCORE, said)], sealed)


def unprotect_notification(
    context: oscore.Context, binding: oscore.Binding, options: Options, payload: bytes
) -> Opened:
    """The answer to the registration of ``binding``, or one of its notifications.

    Raises `OscoreError` and nothing else, whatever the bytes.
    """
    piv, kid, _ = _header(options)
    if kid is not None and kid != context.recipient:
        raise OscoreError(coap.UNAUTHORIZED, "Security context not found")
    nonce = context.nonce(context.recipient, piv) if piv else binding.nonce
    code, inside, text = _open(context, nonce, binding, payload)
    if code < 0x40:
        raise OscoreError(coap.BAD_OPTION, "no response inside")
    both = is_registration(inside) and is_registration(options)
    return Opened(code, _without_observe(inside), text, int.from_bytes(piv, "big") if piv else -1, both)


def _wish(options: Options) -> int:
    """0: observe, 1: no more; -1 without the option."""
    value = coap.option(options, oscore.OBSERVE)
    return -1 if value is None else coap.uint(value)


def _without_observe(options: Options) -> Options:
    return [one for one in options if one[0] != oscore.OBSERVE]


def _header(options: Options) -> tuple[bytes, bytes | None, bytes | None]:
    values = [value for number, value in options if number == oscore.OSCORE]
    if len(values) != 1 or any(number in _REFUSED for number, _ in options):
        raise OscoreError(coap.BAD_OPTION, "no OSCORE option, or outer block or proxy option")
    return oscore.parse_option(values[0])


def _aad(binding: oscore.Binding) -> bytes:
    """Section 5.4; the outer Observe is not part of it."""
    external = cbor_small.encode([1, [_AES_CCM_16_64_128], binding.kid, binding.piv, b""])
    return cbor_small.encode(["Encrypt0", b"", external])


def _seal(context: oscore.Context, nonce: bytes, binding: oscore.Binding, text: tuple[int, Options, bytes]) -> bytes:
    code, options, payload = text
    message = coap.encode(coap.CON, code, 0, b"", options, payload=payload)
    return ccm.seal(context.sends, nonce, _aad(binding), bytes((code,)) + message[4:])


def _open(context: oscore.Context, nonce: bytes, binding: oscore.Binding, sealed: bytes) -> tuple[int, Options, bytes]:
    plaintext = ccm.unseal(context.receives, nonce, _aad(binding), sealed)
    if plaintext is None:
        raise OscoreError(coap.BAD_REQUEST, "Decryption failed")
    try:
        _, code, _, _, options, payload = coap.decode(b"\x40" + plaintext[:1] + b"\0\0" + plaintext[1:])
    except coap.CoapError:
        raise OscoreError(coap.BAD_OPTION, "no CoAP message inside") from None
    if any(number in _REFUSED_INSIDE for number, _ in options):
        raise OscoreError(coap.BAD_OPTION, "an option that must not be inside")
    return code, options, payload
