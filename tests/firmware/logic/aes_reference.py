"""AES-128 encryption as FIPS 197 writes it down: slow; for interpreters without `cryptolib`, and to check others."""

from protocols.wire import ccm


def _times_two(byte: int) -> int:
    return byte << 1 ^ (0x11B if byte & 0x80 else 0)


def _substitutions() -> bytes:
    """The S-box (5.1.1), walked along the powers of 3 and those of its inverse."""
    box = bytearray(256)
    box[0] = 0x63
    power = inverse = 1
    for _ in range(255):
        power ^= _times_two(power)
        for shift in (1, 2, 4):
            inverse = inverse ^ inverse << shift & 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse
        for shift in (1, 2, 3, 4):
            turned ^= (inverse << shift | inverse >> 8 - shift) & 0xFF
        box[power] = turned ^ 0x63
    return bytes(box)


BOX = _substitutions()


class AesReference(ccm.BlockCipher):
    """AES-128 under one key."""

    def __init__(self, key: bytes):
        words = [key[at : at + 4] for at in range(0, 16, 4)]
        constant = 1
        while len(words) < 44:
            last = words[-1]
            if len(words) % 4 == 0:
                last = bytes((BOX[last[1]] ^ constant, BOX[last[2]], BOX[last[3]], BOX[last[0]]))
                constant = _times_two(constant)
            words.append(bytes([last[at] ^ words[-4][at] for at in range(4)]))
        self._rounds = [b"".join(words[at : at + 4]) for at in range(0, 44, 4)]

    def encrypt(self, data: bytes) -> bytes:
        """Each block of 16 bytes."""
        return b"".join([self._block(data[at : at + 16]) for at in range(0, len(data), 16)])

    def _block(self, data: bytes) -> bytes:
        state = [data[at] ^ self._rounds[0][at] for at in range(16)]
        for number in range(1, 11):
            moved = [BOX[state[(at + at % 4 * 4) % 16]] for at in range(16)]
            if number < 10:
                moved = [byte for at in range(0, 16, 4) for byte in _mixed(moved[at : at + 4])]
            state = [moved[at] ^ self._rounds[number][at] for at in range(16)]
        return bytes(state)


def _mixed(column: list[int]) -> list[int]:
    """MixColumns (5.1.3)."""
    every = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[at] ^ every ^ _times_two(column[at] ^ column[(at + 1) % 4]) for at in range(4)]
