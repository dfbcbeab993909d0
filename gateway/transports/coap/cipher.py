"""AES-128 of the system's library, for the CCM of `protocols.wire.ccm`. Loaded only where a device has a credential."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from protocols.wire import ccm


class Aes(ccm.BlockCipher):
    """One key."""

    def __init__(self, key: bytes) -> None:
        # CCM is built from single blocks in `protocols.wire.ccm`; no message is encrypted in this mode
        self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the primitive of CCM

    def encrypt(self, data: bytes) -> bytes:
        """See `ccm.BlockCipher`."""
        return self._encryptor.update(data)
