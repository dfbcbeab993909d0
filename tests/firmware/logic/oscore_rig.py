"""What the OSCORE suites share: a cipher under either interpreter, two ends of a context, and their endpoints."""

import rig
from aes_reference import AesReference
from security import Endpoint

try:
    from aes_block import aes_ecb
except ImportError:  # CPython has no AES of its own
    aes_ecb = AesReference

SECRET = bytes(range(1, 17))
BOARD = b"\x01"
GATEWAY = b"\x02"


def credential(**changes):
    """Of the board, as `security.load` gives it."""
    found = {"sender_id": BOARD, "recipient_id": GATEWAY, "master_secret": SECRET, "master_salt": b"salt"}
    found["id_context"] = None
    found.update(changes)
    return found


class Entropy:
    """Numbers that differ, and are the same in each run."""

    def __init__(self, seed=1):
        self._last = seed * 1234577 % 0x7FFFFFFF

    def __call__(self):
        self._last = (self._last * 48271 + 11) % 0x7FFFFFFF
        return self._last


def ends(board_store=None, seed=1):
    """The board's endpoint and the gateway's."""
    board = Endpoint(credential(), board_store or rig.store(), aes_ecb, Entropy(seed))
    mirrored = credential(sender_id=GATEWAY, recipient_id=BOARD)
    return board, Endpoint(mirrored, rig.store(), aes_ecb, Entropy(seed + 1))


def raised(error, function, *arguments, **named):
    """The error that the call raises; fails if it does not."""
    try:
        function(*arguments, **named)
    except error as found:
        return found
    raise AssertionError("nothing was raised")
