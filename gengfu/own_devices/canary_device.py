"""The canary as the alarm engine sees it. Apart from `gengfu.own_devices.canary`, which a gateway does not wait for."""

from alarms.engine import Watched
from protocols import canary
from protocols.profile.loader import shipped_profiles


def watched() -> Watched:
    """A device that is not there: nothing LIVE ever comes of it."""
    profile = shipped_profiles()[canary.PROFILE]
    return Watched(canary.DEVICE, profile, "other", profile.file.profile.period_s)
