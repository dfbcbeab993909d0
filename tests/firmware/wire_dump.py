"""Prints what `protocols.wire.coap` makes of each datagram (hex, one a line) of the file in the first argument."""

import binascii
import sys

from protocols.wire import coap


def describe(datagram: bytes) -> str:
    """The message and its encoding, or the error with its text."""
    try:
        kind, code, mid, token, options, payload = coap.decode(datagram)
    except coap.CoapError as error:
        return f"{error}; {coap.reject(datagram)!r}"
    again = coap.encode(kind, code, mid, token, options, payload=payload)
    paths = [binascii.hexlify(part) for part in coap.path_of(options)]
    numbers = [coap.uint(value[:4]) for _, value in options]
    return f"{kind} {coap.code_text(code)} {mid} {token!r} {options!r} {payload!r} {again!r} {paths!r} {numbers!r}"


with open(sys.argv[1]) as lines:
    for line in lines:
        print(describe(binascii.unhexlify(line.strip())))
