"""OSCORE: CoAP messages protected end to end (RFC 8613, July 2019) with AES-CCM-16-64-128 and HKDF-SHA-256.

The firmware and the gateway run this same file. No I/O and no state: the caller brings sequence numbers, keeps the
replay window (`protocols.wire.replay`) and what `Binding` says of a request until its response is made or read.

    OSCORE option (section 6.1): flags 000hknnn, Partial IV (n bytes), length and kid context (if h), kid (if k)
    payload: ciphertext and tag of inner code, inner options and payload

Options are encrypted (class E, also those unknown here) but for Uri-Host, Uri-Port and Proxy-Scheme (class U). Not
supported, and refused: Observe, outer block-wise transfer (Block1, Block2 outside), Proxy-Uri, class I options.
"""

from protocols.wire import cbor_small, ccm, coap, hkdf, replay

OBSERVE = 6
OSCORE = 9
BLOCK2 = 23
BLOCK1 = 27
PROXY_URI = 35
PROXY_SCHEME = 39
ECHO = 252  # RFC 9175, section 2.2

LONGEST_ID = ccm.NONCE_BYTES - 6
SEQUENCE_END = 1 << 40
_ALGORITHM = 10
_OUTER = (coap.URI_HOST, coap.URI_PORT, PROXY_SCHEME)
_REFUSED_OUTER = (OBSERVE, BLOCK1, BLOCK2, PROXY_URI)
_REFUSED_INNER = (OBSERVE, OSCORE, PROXY_URI, coap.URI_HOST, coap.URI_PORT, PROXY_SCHEME)


class OscoreError(Exception):
    """A peer's message cannot be accepted. ``code``: the plain response that section 8.2 asks for; never a secret."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.code = code
        self.text = text


class Binding:
    """What ties a response to its request: kid, Partial IV and nonce of the request."""

    __slots__ = ("kid", "nonce", "piv")

    def __init__(self, kid: bytes, piv: bytes, nonce: bytes):
        self.kid = kid
        self.piv = piv
        self.nonce = nonce


def derive(credential: tuple[bytes, bytes, bytes | None], owner: bytes, kind: str, size: int) -> bytes:
    """Sender or recipient key (``kind`` Key) or common IV (kind IV, owner empty), section 3.2.1.

    ``credential``: master secret, master salt, ID context or ``None``.
    """
    secret, salt, id_context = credential
    info = cbor_small.encode([owner, id_context, _ALGORITHM, kind, size])
    return hkdf.hkdf_sha256(secret, salt, info, size)


class Context:
    """A security context (section 3): who speaks to whom, under which keys.

    ``cipher(key)`` gives a `ccm.BlockCipher`. Ids: 0 to 7 bytes, different from each other.
    Raises `ValueError` for ids that no nonce can hold.
    """

    def __init__(
        self,
        cipher: type[ccm.BlockCipher],
        sender: bytes,
        recipient: bytes,
        credential: tuple[bytes, bytes, bytes | None],
    ):
        if len(sender) > LONGEST_ID or len(recipient) > LONGEST_ID or sender == recipient:
            raise ValueError("sender and recipient id: 0 to 7 bytes each, and not the same")
        self.sender = sender
        self.recipient = recipient
        self.id_context = credential[2]
        self.sends = cipher(derive(credential, sender, "Key", 16))
        self.receives = cipher(derive(credential, recipient, "Key", 16))
        self.common_iv = derive(credential, b"", "IV", ccm.NONCE_BYTES)

    def nonce(self, owner: bytes, piv: bytes) -> bytes:
        """Nonce of a Partial IV made by ``owner`` (section 5.2)."""
        padded = bytes((len(owner),)) + bytes(LONGEST_ID - len(owner)) + owner + bytes(5 - len(piv)) + piv
        return bytes([one ^ other for one, other in zip(padded, self.common_iv)])  # noqa: B905 - as in ccm


def partial_iv(sequence: int) -> bytes:
    """The shortest big-endian form, one byte for 0 (section 6.1). Raises `ValueError` outside 0 to 2^40 - 1."""
    if not 0 <= sequence < SEQUENCE_END:
        raise ValueError("sender sequence number outside 0 to 2^40 - 1: the context is used up")
    return sequence.to_bytes(5, "big").lstrip(b"\0") or b"\0"


def _aad(binding: Binding) -> bytes:
    """Encrypt0 structure around the external AAD (section 5.4); no class I options are defined."""
    external = cbor_small.encode([1, [_ALGORITHM], binding.kid, binding.piv, b""])
    return cbor_small.encode(["Encrypt0", b"", external])


def _option(piv: bytes, kid: bytes | None, id_context: bytes | None) -> bytes:
    """Value of the OSCORE option; empty if nothing is in it."""
    if not piv and kid is None and id_context is None:
        return b""
    flags = len(piv) | (0 if kid is None else 0x08) | (0 if id_context is None else 0x10)
    middle = b"" if id_context is None else bytes((len(id_context),)) + id_context
    return bytes((flags,)) + piv + middle + (kid or b"")


def _malformed() -> OscoreError:
    return OscoreError(coap.BAD_OPTION, "Failed to decode COSE")


def parse_option(value: bytes) -> tuple[bytes, bytes | None, bytes | None]:
    """``(Partial IV, kid, kid context)``: empty, ``None``, ``None`` where absent. Raises `OscoreError`."""
    if not value:
        return b"", None, None
    flags = value[0]
    size = flags & 7
    if not flags or flags & 0xE0 or size > 5 or len(value) < 1 + size:
        raise _malformed()
    piv = value[1 : 1 + size]
    if size > 1 and not piv[0]:
        raise _malformed()
    rest = value[1 + size :]
    kid_context = None
    if flags & 0x10:
        if not rest or len(rest) < 1 + rest[0]:
            raise _malformed()
        kid_context = rest[1 : 1 + rest[0]]
        rest = rest[1 + rest[0] :]
    if not flags & 0x08 and rest:
        raise _malformed()
    return piv, rest if flags & 0x08 else None, kid_context


def _split(options: list[tuple[int, bytes]]) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """Inner and outer options of a message to protect."""
    inner: list[tuple[int, bytes]] = []
    outer: list[tuple[int, bytes]] = []
    for number, value in options:
        if number in (OBSERVE, OSCORE, PROXY_URI):
            raise ValueError(f"option {number} cannot be protected here")
        (outer if number in _OUTER else inner).append((number, value))
    return inner, outer


def _seal(
    context: Context, nonce: bytes, binding: Binding, content: tuple[int, list[tuple[int, bytes]], bytes]
) -> tuple[list[tuple[int, bytes]], bytes]:
    """Outer options and ciphertext of ``content``: code, options, payload."""
    code, options, payload = content
    inner, outer = _split(options)
    # A message without its header of 4 bytes is, behind the code, exactly what section 5.3 wants.
    plaintext = bytes((code,)) + coap.encode(coap.CON, code, 0, b"", inner, payload=payload)[4:]
    return outer, ccm.seal(context.sends, nonce, _aad(binding), plaintext)


def _merge(one: list[tuple[int, bytes]], other: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Both ascending, equal numbers as they came: MicroPython's sort is not stable, and paths have segments."""
    merged: list[tuple[int, bytes]] = []
    at = 0
    for option in other:
        while at < len(one) and one[at][0] <= option[0]:
            merged.append(one[at])
            at += 1
        merged.append(option)
    return merged + one[at:]


def protect_request(
    context: Context, sequence: int, code: int, options: list[tuple[int, bytes]], payload: bytes
) -> tuple[int, list[tuple[int, bytes]], bytes, Binding]:
    """``(outer code, outer options, ciphertext, binding)``. A sequence number may be used once, ever.

    Raises `ValueError` for what cannot be protected (the caller's fault).
    """
    piv = partial_iv(sequence)
    binding = Binding(context.sender, piv, context.nonce(context.sender, piv))
    outer, sealed = _seal(context, binding.nonce, binding, (code, options, payload))
    value = _option(piv, context.sender, context.id_context)
    return coap.POST, _merge(outer, [(OSCORE, value)]), sealed, binding


def protect_response(
    context: Context,
    binding: Binding,
    code: int,
    options: list[tuple[int, bytes]],
    payload: bytes,
    *,
    sequence: int | None = None,
) -> tuple[int, list[tuple[int, bytes]], bytes]:
    """``(outer code, outer options, ciphertext)``.

    Without ``sequence`` the nonce of the request is used: allowed once, and only for a request known to be fresh (8.3).
    """
    if sequence is None:
        piv = b""
        nonce = binding.nonce
    else:
        piv = partial_iv(sequence)
        nonce = context.nonce(context.sender, piv)
    outer, sealed = _seal(context, nonce, binding, (code, options, payload))
    return coap.CHANGED, _merge(outer, [(OSCORE, _option(piv, None, None))]), sealed


def _header(options: list[tuple[int, bytes]]) -> tuple[bytes, bytes | None, bytes | None]:
    """The parsed OSCORE option; refuses what this file does not support."""
    values = [value for number, value in options if number == OSCORE]
    if len(values) != 1 or any(number in _REFUSED_OUTER for number, _ in options):
        raise OscoreError(coap.BAD_OPTION, "no OSCORE option, or Observe, outer block or proxy option")
    return parse_option(values[0])


def _unseal(
    context: Context, nonce: bytes, binding: Binding, sealed: bytes
) -> tuple[int, list[tuple[int, bytes]], bytes]:
    """Code, options and payload from the inside."""
    if len(sealed) > 0xFFFF:
        raise _malformed()
    plaintext = ccm.unseal(context.receives, nonce, _aad(binding), sealed)
    if plaintext is None:
        raise OscoreError(coap.BAD_REQUEST, "Decryption failed")
    try:
        _, code, _, _, options, payload = coap.decode(b"\x40" + plaintext[:1] + b"\0\0" + plaintext[1:])
    except coap.CoapError:
        raise OscoreError(coap.BAD_OPTION, "no CoAP message inside") from None
    if any(number in _REFUSED_INNER for number, _ in options):
        raise OscoreError(coap.BAD_OPTION, "an option that must not be inside")
    return code, options, payload


def _merged(inner: list[tuple[int, bytes]], options: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Inner options and the outer ones of class U; other outer ones were never meant to count (8.2, step 1)."""
    return _merge([one for one in options if one[0] in _OUTER], inner)


def unprotect_request(
    context: Context, options: list[tuple[int, bytes]], payload: bytes, window: replay.ReplayWindow
) -> tuple[int, list[tuple[int, bytes]], bytes, int, Binding]:
    """``(code, options, payload, sequence, binding)`` of a request by the context's peer.

    ``window`` is asked before decrypting. It is left as it is: the caller notes ``sequence`` once the request counts.
    Raises `OscoreError` and nothing else, whatever the bytes.
    """
    piv, kid, kid_context = _header(options)
    if not piv or kid is None:
        raise _malformed()
    if kid != context.recipient or (kid_context is not None and kid_context != context.id_context):
        raise OscoreError(coap.UNAUTHORIZED, "Security context not found")
    sequence = int.from_bytes(piv, "big")
    if window.replayed(sequence):
        raise OscoreError(coap.UNAUTHORIZED, "Replay detected")
    binding = Binding(kid, piv, context.nonce(kid, piv))
    code, inner, text = _unseal(context, binding.nonce, binding, payload)
    if not 0 < code < 32:
        raise OscoreError(coap.BAD_OPTION, "no request inside")
    return code, _merged(inner, options), text, sequence, binding


def unprotect_response(
    context: Context, binding: Binding, options: list[tuple[int, bytes]], payload: bytes
) -> tuple[int, list[tuple[int, bytes]], bytes]:
    """``(code, options, payload)`` of the response to the request of ``binding``.

    Raises `OscoreError` and nothing else, whatever the bytes.
    """
    piv, kid, _ = _header(options)
    if kid is not None and kid != context.recipient:
        raise OscoreError(coap.UNAUTHORIZED, "Security context not found")
    nonce = context.nonce(context.recipient, piv) if piv else binding.nonce
    code, inner, text = _unseal(context, nonce, binding, payload)
    if code < 0x40:
        raise OscoreError(coap.BAD_OPTION, "no response inside")
    return code, _merged(inner, options), text
