"""The board's OSCORE credential, and the sender sequence numbers that no power cut may repeat (RFC 8613, 7.2, 7.5.1).

A credential is a JSON file, installed once per board and never shared by two:

    {"sender_id": "01", "recipient_id": "00", "master_secret": "32 or more hex digits",
     "master_salt": "hex, may be left out", "id_context": "hex, may be left out"}

The sender is the board, the recipient its gateway. Nothing here prints or returns the secret.

Sequence numbers are reserved in flash before they are used, `BLOCK` at a time: one write for 64 messages, and a restart
goes on behind what was reserved. The end of the reservation stands in two records, written in turn:

    both readable                 go on at the higher
    one readable                  go on at it + MARGIN: the other may have been one reservation ahead
    none, at most one damaged     a new credential (or an erased flash): start at a random number below 2^38
    both damaged                  `SequenceLost`: nothing is sent under this credential any more

After damage the first reservation is written to both records before a number of it is used, so that they are never
further apart than `MARGIN` allows. A credential that is used again on an erased flash thus repeats a number with a
chance of (numbers used) / 2^38; its gateway refuses it as a replay if it starts lower: install a new one.
"""

import binascii
import json
import struct

from kv import Corrupt

from protocols.wire import hkdf, oscore
from protocols.wire.replay import ReplayWindow

BLOCK = 64
MARGIN = 2 * BLOCK
SHORTEST_SECRET = 16
ECHO_BYTES = 8
_DAMAGED = -1
_KEYS = ("sender_id", "recipient_id", "master_secret", "master_salt", "id_context")


class CredentialError(Exception):
    """The credential file cannot be used; the text names the file and the key of it, never a value."""


class SequenceLost(Exception):
    """No sequence number can be given that is certainly unused. Install a new credential."""


def _hex(path: str, found: dict, key: str) -> bytes:
    try:
        return binascii.unhexlify(found[key])
    except (TypeError, ValueError):
        raise CredentialError(f"{path}: {key} must be an even number of hex digits") from None


def load(path: str) -> dict:
    """The credential as bytes by name; ``id_context`` may be ``None``. Raises `CredentialError`."""
    try:
        with open(path) as file:
            found = json.loads(file.read())
    except OSError:
        raise CredentialError(f"{path}: cannot be read; copy the board's credential there") from None
    except ValueError:
        raise CredentialError(f"{path}: is no JSON; copy the board's credential again") from None
    if not isinstance(found, dict) or [key for key in found if key not in _KEYS]:
        raise CredentialError(f"{path}: must be an object with the keys " + ", ".join(_KEYS))
    if [key for key in _KEYS[:3] if key not in found]:
        raise CredentialError(f"{path}: needs " + ", ".join(_KEYS[:3]))
    read = {key: _hex(path, found, key) for key in found if found[key] is not None}
    credential = {"master_salt": b"", "id_context": None}
    credential.update(read)
    if [key for key in _KEYS[:3] if key not in read] or len(read["master_secret"]) < SHORTEST_SECRET:
        raise CredentialError(f"{path}: master_secret must have at least {SHORTEST_SECRET} bytes, and no id be null")
    if credential["id_context"] is not None and len(credential["id_context"]) > 255:
        raise CredentialError(f"{path}: id_context must have at most 255 bytes")
    return credential


class Sequence:
    """Sender sequence numbers of one credential. ``entropy()``: 31 random bits. Raises `SequenceLost`."""

    def __init__(self, store, name: str, entropy):
        self._store = store
        self._names = (name + "-0", name + "-1")
        ends = [self._read(one) for one in self._names]
        good = [end for end in ends if end is not None and end != _DAMAGED]
        self._both = len(good) < 2
        if not good and ends.count(_DAMAGED) == 2:
            raise SequenceLost("both records of the OSCORE sequence number are damaged: install a new credential")
        if not good:
            self._end = entropy() << 7 | entropy() & 0x7F
        else:
            self._end = max(good) + (MARGIN if self._both else 0)
        self._next = self._end
        # The record to write first is the one that is damaged, missing or lower.
        self._slot = 0 if ends[0] in (None, _DAMAGED) or (len(good) == 2 and good[0] < good[1]) else 1

    def next(self) -> int:
        """A number that was never given before. Raises `OSError` if the flash refuses, `SequenceLost` at the end."""
        if self._next >= oscore.SEQUENCE_END - BLOCK:
            raise SequenceLost("the OSCORE sequence numbers are used up: install a new credential")
        if self._next >= self._end:
            self._reserve(self._next + BLOCK)
        self._next += 1
        return self._next - 1

    def _reserve(self, end: int) -> None:
        record = struct.pack("<Q", end)
        self._store.put(self._names[self._slot], record)
        self._slot ^= 1
        if self._both:
            self._store.put(self._names[self._slot], record)
            self._both = False
        self._end = end

    def _read(self, name: str) -> int | None:
        try:
            record = self._store.get(name)
        except Corrupt:
            return _DAMAGED
        if record is None:
            return None
        return struct.unpack("<Q", record)[0] if len(record) == 8 else _DAMAGED


class Endpoint:
    """What both links of a board share: context, sequence numbers, replay window, the Echo value of this start.

    ``credential``: from `load`; ``cipher``: as `protocols.wire.ccm.BlockCipher`. Raises `SequenceLost`, and
    `CredentialError` for ids that do not fit.
    """

    def __init__(self, credential: dict, store, cipher, entropy):
        secret = (credential["master_secret"], credential["master_salt"], credential["id_context"])
        try:
            self.context = oscore.Context(cipher, credential["sender_id"], credential["recipient_id"], secret)
        except ValueError as error:
            raise CredentialError("credential: " + str(error)) from None
        self.sequence = Sequence(store, "oscore-" + _fingerprint(credential), entropy)
        self.window = ReplayWindow()
        self.echo = struct.pack(">III", entropy(), entropy(), entropy())[-ECHO_BYTES:]


def _fingerprint(credential: dict) -> str:
    """Name of the credential's records. It tells nothing of the secret: a key derived for this use alone."""
    id_context = credential["id_context"]
    info = b"gengfu sequence" + credential["sender_id"] + b"/" + credential["recipient_id"] + b"/" + (id_context or b"")
    made = hkdf.hkdf_sha256(credential["master_secret"], credential["master_salt"], info, 4)
    return binascii.hexlify(made).decode()
