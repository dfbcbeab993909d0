"""Reading: one sample of one device, the unit of the hot path.

Values stand in the point order of the device's profile, so that no object exists per value. A point the
device did not send is ``None`` (absent, not bad). Times are UTC nanoseconds since 1970.
"""

from enum import IntEnum
from typing import TypeAlias

import msgspec

from protocols.quality import Quality

Value: TypeAlias = float | str | None
"""A number (flags are 0.0 or 1.0, enumerations their code), a text, or absent."""


class Origin(IntEnum):
    """Where a reading, alarm or command comes from. Given by the gateway, never read from a payload (S4)."""

    LIVE = 0
    DRILL = 1
    SIMULATED = 2

    __hash__ = int.__hash__
    """That of its number: an enumeration's own is a function in Python, and each reading looks up several tables."""


_MARKS = tuple(f"~{origin:d}" for origin in Origin)
"""What follows the device in keys and identities, by origin."""


class Reading(msgspec.Struct, array_like=True, frozen=True, gc=False, tag=1):
    """One sample. Encoded as a msgpack array whose first item is the schema number (the tag, 1).

    ``device``: id of `[A-Za-z0-9._:-]{1,64}`. ``profile``: ``vendor/model``. ``at``: source clock, ns;
    ``received_at``: gateway clock, ns. ``values`` and ``quality`` have equal length, at most the number of
    points of the profile (points are only ever appended to a profile, so an older reading is a prefix).
    ``boot`` and ``sequence`` are the device's own counters where it has them, else ``None``. ``claimed_at`` is the
    device's original time stamp where ``at`` had to be another.
    """

    device: str
    profile: str
    at: int
    received_at: int
    origin: Origin
    values: tuple[Value, ...]
    quality: tuple[int, ...]
    boot: int | None = None
    sequence: int | None = None
    claimed_at: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the device numbers its samples: a sequence without a boot count starts again with each restart."""
        return self.boot is not None and self.sequence is not None

    @property
    def identity(self) -> str:
        """What makes this sample the same one when it is sent again (S4).

        (device, origin, boot, sequence) where the device counts, else (device, origin, at).
        """
        if self.boot is not None and self.sequence is not None:
            return counted_identity(self.key, self.boot, self.sequence)
        return timed_identity(self.key, self.claimed_at or self.at)

    @property
    def key(self) -> str:
        """The device and the origin: whose samples this one is told apart from."""
        return key_of(self.device, self.origin)

    def quality_of(self, index: int) -> Quality:
        """The quality of the point at ``index`` in profile order."""
        return Quality(self.quality[index])


def key_of(device: str, origin: Origin) -> str:
    """`Reading.key` of a device's readings."""
    return device + _MARKS[origin]


def counted_identity(key: str, boot: int, sequence: int) -> str:
    """`Reading.identity` where the device counts. ``key``: `Reading.key`."""
    return f"{key}#{boot}.{sequence}"


def timed_identity(key: str, stamp: int) -> str:
    """`Reading.identity` where the device does not count. ``key``: `Reading.key`; ``stamp``: its time of the sample."""
    return f"{key}@{stamp}"


def stamp_in(identity: str, key: str) -> int | None:
    """Reverse of `timed_identity`; ``None`` for an identity of another kind."""
    name, _, stamp = identity.rpartition("@")
    return int(stamp) if name == key else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Reading)


def encode_reading(reading: Reading) -> bytes:
    """The body of a journal entry of kind ``reading``."""
    return _encoder.encode(reading)


def decode_reading(body: bytes) -> Reading:
    """Reverse of `encode_reading`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
