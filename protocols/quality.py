"""Quality of one value: how far it may be trusted, and why not.

The severities are those of OPC UA (Part 8, 5.3: good, uncertain, bad), kept in the top two bits of a byte;
the reason is in the lower six. Quality describes trust and never silences (safety rule S3): a value that
is not good can raise an alarm, and can never clear, reset, verify or feed a permissive.
"""

from enum import IntEnum


class Quality(IntEnum):
    """One byte: severity (bits 7-6: 00 good, 01 uncertain, 10 bad) and reason (bits 5-0)."""

    GOOD = 0x00
    UNCERTAIN_CLOCK = 0x41
    """The device's clock is off, or two samples claimed the same instant."""
    UNCERTAIN_WARM_UP = 0x42
    """The sensor is warming up: a high value still alarms."""
    UNCERTAIN_UNDER_TEST = 0x43
    """A bump test is running at this detector."""
    UNCERTAIN_STALE = 0x44
    """The last usable value; no fresh one came in time."""
    UNCERTAIN_EXPIRED = 0x45
    """The sensor is past its service life."""
    BAD_OVER_RANGE = 0x81
    """Above the measuring range: for gas this is the highest alarm level, not an error."""
    BAD_UNDER_RANGE = 0x82
    """Below the measuring range."""
    BAD_SENSOR_FAULT = 0x83
    """The device says that the sensor is broken."""
    BAD_COMM_LOSS = 0x84
    """Nothing was heard from the device."""
    BAD_MISSING = 0x85
    """The device sent its «no value» mark."""
    BAD_TYPE = 0x86
    """The device sent a value of another type than the profile says."""

    @property
    def is_good(self) -> bool:
        """Whether the value may clear, reset or verify something."""
        return self < 0x40

    @property
    def is_bad(self) -> bool:
        """Whether the value must not be used as a measurement."""
        return self >= 0x80

    @property
    def severity(self) -> str:
        """``good``, ``uncertain`` or ``bad``."""
        return ("good", "uncertain", "bad")[self >> 6]

    @property
    def reason(self) -> str:
        """The reason in kebab case (``warm-up``), or an empty string for a good value."""
        _, _, reason = self.name.partition("_")
        return reason.lower().replace("_", "-")


def worse(one: Quality, other: Quality) -> Quality:
    """The one to report where two reasons meet: the higher severity; between equals the first."""
    return other if (other >> 6) > (one >> 6) else one
