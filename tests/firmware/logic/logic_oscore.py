"""OSCORE's codec: the vectors of RFC 8613, appendix C, and what must be refused."""

import binascii
import hashlib
import json

from aes_reference import AesReference
from oscore_rig import BOARD, GATEWAY, SECRET, aes_ecb, raised

from protocols.wire import ccm, coap, oscore, replay

with open("../vectors/oscore_rfc8613.json") as _file:
    VECTORS = json.loads(_file.read())
_CREDENTIAL = (SECRET, b"salt", None)
_PATH = [(coap.URI_PATH, b"one"), (coap.URI_PATH, b"two"), (coap.URI_PATH, b"three"), (coap.CONTENT_FORMAT, b"\x6e")]


def _bytes(text):
    return binascii.unhexlify(text)


def _credential(vector):
    id_context = vector["id_context"]
    salt = _bytes(vector["master_salt"])
    return _bytes(vector["master_secret"]), salt, None if id_context is None else _bytes(id_context)


def _contexts(name):
    """The client's and the server's context of a derivation vector."""
    vector = next(one for one in VECTORS["derivation"] if one["id"] == "rfc8613-" + name)
    client, server = _bytes(vector["client_sender_id"]), _bytes(vector["server_sender_id"])
    credential = _credential(vector)
    return oscore.Context(aes_ecb, client, server, credential), oscore.Context(aes_ecb, server, client, credential)


def _pair():
    board = oscore.Context(aes_ecb, BOARD, GATEWAY, _CREDENTIAL)
    return board, oscore.Context(aes_ecb, GATEWAY, BOARD, _CREDENTIAL)


def test_reference_cipher_and_the_interpreters_own_agree_with_fips_197():
    key = bytes(range(16))
    plain = _bytes("00112233445566778899aabbccddeeff")
    for cipher in (AesReference, aes_ecb):
        assert cipher(key).encrypt(plain + plain) == _bytes("69c4e0d86a7b0430d8cdb78070b4c55a") * 2


def test_ccm_of_rfc_3610_and_of_a_message_of_many_blocks():
    """Packet vector 1 of its section 8, and 300 bytes whose result was made by OpenSSL."""
    sealed = ccm.seal(
        aes_ecb(bytes(range(0xC0, 0xD0))), _bytes("00000003020100a0a1a2a3a4a5"), bytes(range(8)), bytes(range(8, 31))
    )
    assert sealed == _bytes("588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0")
    plain = bytes([at * 7 & 255 for at in range(300)])
    sealed = ccm.seal(aes_ecb(bytes(range(16))), bytes(range(13)), bytes(range(40)), plain)
    expected = "dbb9baa87587e05742fb4b8dd639728a12f1e56c1af39a844d8998bec3a04388"
    assert hashlib.sha256(sealed).digest() == _bytes(expected)


def test_keys_and_nonces_of_appendix_c_1_to_c_3():
    assert len(VECTORS["derivation"]) == 3
    for vector in VECTORS["derivation"]:
        client, server = _contexts(vector["id"][-3:])
        credential = _credential(vector)
        assert oscore.derive(credential, client.sender, "Key", 16) == _bytes(vector["client_sender_key"])
        assert oscore.derive(credential, server.sender, "Key", 16) == _bytes(vector["client_recipient_key"])
        assert client.common_iv == server.common_iv == _bytes(vector["common_iv"])
        assert client.nonce(client.sender, b"\0") == _bytes(vector["nonce_client_piv0"])
        assert client.nonce(server.sender, b"\0") == _bytes(vector["nonce_server_piv0"])


def _vectors(direction):
    return [one for one in VECTORS["messages"] if one["direction"] == direction]


def test_requests_of_appendix_c_4_to_c_6():
    assert len(_vectors("req")) == 3
    for vector in _vectors("req"):
        client, server = _contexts(vector["context"])
        plain = coap.decode(_bytes(vector["unprotected"]))
        sequence = coap.uint(_bytes(vector["request_piv"]))
        code, options, sealed, binding = oscore.protect_request(client, sequence, plain[1], plain[4], plain[5])
        assert coap.encode(plain[0], code, plain[2], plain[3], options, payload=sealed) == _bytes(vector["protected"])
        assert binding.nonce == _bytes(vector["nonce"])
        protected = coap.decode(_bytes(vector["protected"]))
        found = oscore.unprotect_request(server, protected[4], protected[5], replay.ReplayWindow())
        assert found[:4] == (plain[1], plain[4], plain[5], sequence)


def test_responses_of_appendix_c_7_and_c_8():
    assert len(_vectors("resp")) == 2
    for vector in _vectors("resp"):
        client, server = _contexts(vector["context"])
        piv = _bytes(vector["request_piv"])
        binding = oscore.Binding(client.sender, piv, client.nonce(client.sender, piv))
        plain = coap.decode(_bytes(vector["unprotected"]))
        own = 0 if vector["id"].endswith("C.8") else None
        made = oscore.protect_response(server, binding, plain[1], plain[4], plain[5], sequence=own)
        assert coap.encode(plain[0], made[0], plain[2], plain[3], made[1], payload=made[2]) == _bytes(
            vector["protected"]
        )
        protected = coap.decode(_bytes(vector["protected"]))
        found = oscore.unprotect_response(client, binding, protected[4], protected[5])
        assert found == (plain[1], plain[4], plain[5])


def test_options_are_hidden_but_for_host_port_and_scheme_and_keep_their_order():
    board, gateway = _pair()
    hosts = [(coap.URI_HOST, b"h"), (coap.URI_PORT, b"\x16\x33")]
    options = hosts + _PATH + [(oscore.PROXY_SCHEME, b"coap"), (65000, b"unknown")]
    code, outer, sealed, _ = oscore.protect_request(board, 7, coap.PUT, options, b"x" * 300)
    assert code == coap.POST
    assert outer[:2] == hosts
    assert outer[2:] == [(oscore.OSCORE, b"\x09\x07\x01"), (oscore.PROXY_SCHEME, b"coap")]
    found = oscore.unprotect_request(gateway, outer, sealed, replay.ReplayWindow())
    assert found[:4] == (coap.PUT, options, b"x" * 300, 7)


def test_outer_options_that_nobody_authenticated_do_not_count():
    board, gateway = _pair()
    _, outer, sealed, _ = oscore.protect_request(board, 7, coap.PUT, _PATH, b"x")
    forged = outer.copy()
    forged += [(coap.URI_PATH, b"valve"), (coap.MAX_AGE, b"\x05")]
    assert oscore.unprotect_request(gateway, forged, sealed, replay.ReplayWindow())[1] == _PATH


def test_what_is_not_supported_is_refused_on_both_sides():
    board, gateway = _pair()
    for number in (oscore.OBSERVE, oscore.OSCORE, oscore.PROXY_URI):
        raised(ValueError, oscore.protect_request, board, 1, coap.GET, [(number, b"")], b"")
    _, outer, sealed, binding = oscore.protect_request(board, 7, coap.GET, [], b"")
    for number in (oscore.OBSERVE, oscore.BLOCK1, oscore.BLOCK2, oscore.PROXY_URI, oscore.OSCORE):
        more = outer.copy()
        more.append((number, b""))
        more.sort()
        raised(oscore.OscoreError, oscore.unprotect_request, gateway, more, sealed, replay.ReplayWindow())
    made = oscore.protect_response(gateway, binding, coap.CONTENT, [], b"")
    notification = [(oscore.OBSERVE, b"")]
    notification.extend(made[1])
    raised(oscore.OscoreError, oscore.unprotect_response, board, binding, notification, made[2])


def _sealed_by(context, binding, plaintext):
    aad = binascii.unhexlify("8368") + b"Encrypt0\x40"
    external = b"\x85\x01\x81\x0a\x41" + binding.kid + b"\x41" + binding.piv + b"\x40"
    return ccm.seal(context.sends, binding.nonce, aad + bytes((0x40 | len(external),)) + external, plaintext)


def test_an_authentic_inside_that_is_no_request_or_hides_what_must_not_be_there_is_refused():
    board, gateway = _pair()
    _, outer, _, binding = oscore.protect_request(board, 7, coap.GET, [], b"")
    assert oscore.unprotect_request(gateway, outer, _sealed_by(board, binding, b"\x01"), replay.ReplayWindow())[0] == 1
    for inside in (b"", b"\0", b"\x45", b"\x01\xff", b"\x01\x60", b"\x01\x30", b"\x01\x90", b"\x21", b"\xe1"):
        sealed = _sealed_by(board, binding, inside)
        raised(oscore.OscoreError, oscore.unprotect_request, gateway, outer, sealed, replay.ReplayWindow())
    sealed = _sealed_by(gateway, binding, b"\x01")
    plain_response = [(oscore.OSCORE, b"")]
    raised(oscore.OscoreError, oscore.unprotect_response, board, binding, plain_response, sealed)


def test_every_flipped_bit_of_a_request_is_refused():
    board, gateway = _pair()
    _, outer, sealed, _ = oscore.protect_request(board, 300, coap.PUT, _PATH, b"close")
    value = outer[0][1]
    whole = value + sealed
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit >> 3] ^= 1 << (bit & 7)
        options = [(oscore.OSCORE, bytes(damaged[: len(value)]))]
        window = replay.ReplayWindow()
        raised(oscore.OscoreError, oscore.unprotect_request, gateway, options, bytes(damaged[len(value) :]), window)


def test_every_flipped_bit_of_a_response_and_every_other_request_is_refused():
    board, gateway = _pair()
    binding = oscore.protect_request(board, 300, coap.PUT, _PATH, b"close")[3]
    other = oscore.protect_request(board, 301, coap.PUT, _PATH, b"close")[3]
    for own in (None, 5):
        _, options, sealed = oscore.protect_response(gateway, binding, coap.CHANGED, [], b"", sequence=own)
        assert oscore.unprotect_response(board, binding, options, sealed)[0] == coap.CHANGED
        raised(oscore.OscoreError, oscore.unprotect_response, board, other, options, sealed)
        whole = options[0][1] + sealed
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit >> 3] ^= 1 << (bit & 7)
            cut = len(whole) - len(sealed)
            forged = [(oscore.OSCORE, bytes(damaged[:cut]))]
            raised(oscore.OscoreError, oscore.unprotect_response, board, binding, forged, bytes(damaged[cut:]))


def test_a_message_does_not_pass_in_the_other_direction():
    board, _gateway = _pair()
    _, outer, sealed, _ = oscore.protect_request(board, 7, coap.PUT, _PATH, b"close")
    refused = raised(oscore.OscoreError, oscore.unprotect_request, board, outer, sealed, replay.ReplayWindow())
    assert (refused.code, refused.text) == (coap.UNAUTHORIZED, "Security context not found")
    mirrored = [(oscore.OSCORE, b"\x09\x07\x02")]
    refused = raised(oscore.OscoreError, oscore.unprotect_request, board, mirrored, sealed, replay.ReplayWindow())
    assert (refused.code, refused.text) == (coap.BAD_REQUEST, "Decryption failed")


def test_malformed_option_values_are_refused():
    for value in (b"\0", b"\x06" + bytes(6), b"\x07" + bytes(7), b"\x20", b"\x80", b"\x01", b"\x10", b"\x10\x02a"):
        assert raised(oscore.OscoreError, oscore.parse_option, value).code == coap.BAD_OPTION
    for value in (b"\x02\x00\x01", b"\x01\x05x"):
        raised(oscore.OscoreError, oscore.parse_option, value)
    assert oscore.parse_option(b"\x19\x05\x02abk") == (b"\x05", b"k", b"ab")
    assert oscore.parse_option(b"\x09\x05") == (b"\x05", b"", None)


def test_request_needs_sequence_and_key_id():
    _, gateway = _pair()
    for value in (b"", b"\x08\x01", b"\x01\x05"):
        options = [(oscore.OSCORE, value)]
        refused = raised(
            oscore.OscoreError, oscore.unprotect_request, gateway, options, bytes(9), replay.ReplayWindow()
        )
        assert refused.code == coap.BAD_OPTION


def test_partial_iv_is_shortest_and_ends_at_40_bits():
    assert [oscore.partial_iv(one) for one in (0, 1, 256, (1 << 40) - 1)] == [b"\0", b"\x01", b"\x01\0", b"\xff" * 5]
    raised(ValueError, oscore.partial_iv, 1 << 40)


def test_ids_that_no_nonce_can_hold_or_that_are_the_same_are_refused():
    for sender, recipient in ((b"12345678", b"1"), (b"1", b"12345678"), (b"1", b"1")):
        raised(ValueError, oscore.Context, aes_ecb, sender, recipient, _CREDENTIAL)


def test_window_takes_each_number_once_and_none_that_is_32_back():
    window = replay.ReplayWindow()
    assert not window.replayed(5)
    window.start(100)
    assert [window.replayed(one) for one in (0, 68, 69, 99, 100, 101)] == [True] * 5 + [False]
    window.accept(103)
    assert [window.replayed(one) for one in (100, 101, 102, 103, 104)] == [True, False, False, True, False]
    window.accept(101)
    assert [window.replayed(one) for one in (101, 102)] == [True, False]
    window.accept(1 << 39)
    back = [(1 << 39) - one for one in (0, 1, 31, 32)]
    assert [window.replayed(one) for one in back] == [True, False, False, True]
    assert window.replayed(102)
