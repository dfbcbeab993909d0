"""The golden payload of a profile, decoded the way an uplink is."""

from protocols.errors import DecodeError
from protocols.payload.decode import samples_of
from protocols.payload.lorawan import open_envelope
from protocols.payload.stamps import UNREADABLE
from protocols.profile.draft import Decoded
from protocols.profile.model import Profile
from protocols.profile.schema import GoldenPart


def decode_golden_payload(profile: Profile, golden: GoldenPart) -> Decoded:
    """The one sample in ``golden.payload``. Raises `DecodeError` also for another number of samples, and for a time
    that cannot be read: the profile says that the device gives one."""
    payload, port = _content(profile, golden)
    samples = samples_of(profile, payload, port)
    if len(samples) != 1:
        raise DecodeError("golden", f"it holds {len(samples)} samples: give bytes of one")
    at, draft = samples[0]
    if at == UNREADABLE:
        raise DecodeError(
            "time", f"the time at {profile.file.payload.time} cannot be read: name utc_offset, or no time"
        )
    return draft.finish()


def _content(profile: Profile, golden: GoldenPart) -> tuple[bytes, int | None]:
    part = golden.payload
    if part is None or (part.hex is None and part.text is None):
        raise DecodeError("golden", "it has neither hex nor text")
    if part.hex is not None:
        return bytes.fromhex(part.hex), part.port
    message = (part.text or "").encode()
    if profile.file.payload.envelope == "none":
        return message, None
    envelope = open_envelope(profile.file.payload.envelope, message)
    return envelope.payload, envelope.port
