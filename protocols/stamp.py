"""A sample under its time stamp: what a device claims, held against the gateway's clock.

The cases are in the table of `protocols.uplink`.
"""

from collections.abc import Sequence

from protocols.moment import SECOND
from protocols.profile.draft import Decoded
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading, Value

TEN_YEARS_NS = 10 * 31_557_600 * SECOND
"""Julian years. A claim further off than this is no clock that drifts but one that was never set."""


def doubt_clock(values: Sequence[Value], quality: Sequence[int]) -> tuple[int, ...]:
    """Mark what was sent; an absent point says nothing, of the clock neither."""
    return tuple(
        one if value is None else int(worse(Quality(one), Quality.UNCERTAIN_CLOCK))
        for value, one in zip(values, quality, strict=True)
    )


def stamped(
    device: str,
    profile: Profile,
    decoded: Decoded,
    claim: int,
    received_at: int,
    origin: Origin,
    boot: int | None,
    sequence: int | None,
    *,
    doubtful: bool = False,
) -> Reading:
    """The reading of a sample made at ``claim`` by its device's clock, UTC ns. ``doubtful``: mark it in any case."""
    clock = profile.file.clock
    ahead = claim - received_at
    absurd = abs(ahead) > TEN_YEARS_NS
    values, quality = decoded
    if doubtful or absurd or not -clock.max_behind_s * SECOND <= ahead <= clock.max_ahead_s * SECOND:
        quality = doubt_clock(values, quality)
    at = received_at if absurd else claim
    claimed_at = claim if absurd else None
    return Reading(device, profile.id, at, received_at, origin, values, quality, boot, sequence, claimed_at)


def unstamped(
    device: str,
    profile: Profile,
    decoded: Decoded,
    received_at: int,
    origin: Origin,
    boot: int | None,
    sequence: int | None,
) -> Reading:
    """The reading of a sample whose device gives no time: that of its arrival, so that there is no clock to doubt."""
    values, quality = decoded
    return Reading(device, profile.id, received_at, received_at, origin, values, quality, boot, sequence)
