"""OPC UA status codes (Part 4, 7.39; codes of Part 6, A.2) as the quality of a value.

    bits 31-30   00 good, 01 uncertain, 10 bad; 11 is reserved and taken as bad
    bits 27-16   the code of the reason
    bit 14       the meaning of the value was changed at the server
    bits 11-10   01: bits 9-0 speak of a data value
    bits 9-8     the limit the value stands at: 00 none, 01 low, 10 high, 11 constant
    bit 7        the queue at the server overflowed

A limit tells the direction where the code alone does not: a value at its upper limit is at least that high, and
over-range is the highest alarm level (S3). «Outside of the range» without a direction counts as over it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from protocols.quality import Quality

_SEVERITY = 0xC0000000
_CODE = 0xFFFF0000
_UNCERTAIN = 0x40000000
_INFO = 0x0C00
_DATA_VALUE = 0x0400
_LIMIT = 0x0300
_LOW, _HIGH = 0x0100, 0x0200
_OVERFLOW = 0x0080
_SEMANTICS_CHANGED = 0x4000


class _Code(NamedTuple):
    """``is_range``: a limit bit says which end of the range was passed."""

    name: str
    quality: Quality
    is_range: bool = False


_CODES: Mapping[int, _Code] = MappingProxyType(
    {
        # entered by hand, the input itself is disconnected
        0x00960000: _Code("GoodLocalOverride", Quality.UNCERTAIN_STALE),
        0x408F0000: _Code("UncertainNoCommunicationLastUsableValue", Quality.UNCERTAIN_STALE),
        0x40900000: _Code("UncertainLastUsableValue", Quality.UNCERTAIN_STALE),
        0x40910000: _Code("UncertainSubstituteValue", Quality.UNCERTAIN_STALE),
        0x40920000: _Code("UncertainInitialValue", Quality.UNCERTAIN_STALE),
        # at no limit it is out of calibration
        0x40930000: _Code("UncertainSensorNotAccurate", Quality.UNCERTAIN_EXPIRED, is_range=True),
        0x40940000: _Code("UncertainEngineeringUnitsExceeded", Quality.BAD_OVER_RANGE, is_range=True),
        0x80050000: _Code("BadCommunicationError", Quality.BAD_COMM_LOSS),
        0x800A0000: _Code("BadTimeout", Quality.BAD_COMM_LOSS),
        0x801F0000: _Code("BadUserAccessDenied", Quality.BAD_MISSING),
        0x80310000: _Code("BadNoCommunication", Quality.BAD_COMM_LOSS),
        0x80320000: _Code("BadWaitingForInitialData", Quality.BAD_COMM_LOSS),
        0x80330000: _Code("BadNodeIdInvalid", Quality.BAD_MISSING),
        0x80340000: _Code("BadNodeIdUnknown", Quality.BAD_MISSING),
        0x80350000: _Code("BadAttributeIdInvalid", Quality.BAD_MISSING),
        0x803A0000: _Code("BadNotReadable", Quality.BAD_MISSING),
        0x803B0000: _Code("BadNotWritable", Quality.BAD_MISSING),
        0x803C0000: _Code("BadOutOfRange", Quality.BAD_OVER_RANGE, is_range=True),
        0x80740000: _Code("BadTypeMismatch", Quality.BAD_TYPE),
        0x80890000: _Code("BadConfigurationError", Quality.BAD_SENSOR_FAULT),
        0x808A0000: _Code("BadNotConnected", Quality.BAD_COMM_LOSS),
        0x808B0000: _Code("BadDeviceFailure", Quality.BAD_SENSOR_FAULT),
        0x808C0000: _Code("BadSensorFailure", Quality.BAD_SENSOR_FAULT),
        0x808D0000: _Code("BadOutOfService", Quality.BAD_SENSOR_FAULT),
    }
)


def quality_of(status: int) -> Quality:
    """The quality that a status code gives to a value, whatever the value is. Takes any 32 bits."""
    severity = status & _SEVERITY
    known = _CODES.get(status & _CODE)
    limit = status & _LIMIT if status & _INFO == _DATA_VALUE else 0
    if limit == _HIGH and (not severity or (known is not None and known.is_range)):
        return Quality.BAD_OVER_RANGE
    if limit == _LOW and known is not None and known.is_range:
        return Quality.BAD_UNDER_RANGE
    if known is not None:
        return known.quality
    if not severity:
        return Quality.GOOD
    return Quality.UNCERTAIN_STALE if severity == _UNCERTAIN else Quality.BAD_MISSING


def name_of(status: int) -> str:
    """The code's name where it is one of those above, else its number."""
    known = _CODES.get(status & _CODE)
    return known.name if known is not None else f"status 0x{status:08X}"


def is_good(status: int) -> bool:
    """Whether the top two bits say good: of a write, that it was done."""
    return not status & _SEVERITY


def lost_changes(status: int) -> bool:
    """Whether the server threw changes away before this one, because its queue was full."""
    return status & _INFO == _DATA_VALUE and bool(status & _OVERFLOW)


def changed_meaning(status: int) -> bool:
    """Whether the value's unit or range were changed at the server (SemanticsChanged): the profile may be wrong now."""
    return bool(status & _SEMANTICS_CHANGED)
