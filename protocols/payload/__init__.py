"""Payloads of devices that are not polled: SenML, their maker's JSON by paths, or bytes by a table or a decoder."""

from protocols.payload.decode import decode_payload
from protocols.payload.lorawan import Envelope, open_envelope

__all__ = ["Envelope", "decode_payload", "open_envelope"]
