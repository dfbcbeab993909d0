"""What asyncua makes of the answers of a server, as the gateway means it.

Every answer is hostile until it was read: whatever asyncua's decoders run into becomes one `TransportError`.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.common.utils import ServiceError  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.crypto import uacrypto  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from cryptography.exceptions import InvalidSignature

from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent
from protocols.opcua.status import name_of
from protocols.opcua.values import Sample

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FAULTS = (
    ua.UaError,
    ServiceError,
    OSError,
    InvalidSignature,
    uacrypto.InvalidSignature,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What asyncua 1.1.8 is seen to raise from the bytes of a peer: it decodes without checking first."""


@contextmanager
def translated(url: str, what: str) -> Iterator[None]:
    """Turn what asyncua raises into `TransportError`."""
    try:
        yield
    except ua.UaStatusCodeError as error:
        raise DeviceRefused(f"{url} answered {what} with {_name(error)}", int(error.code)) from None
    except FAULTS as error:
        causes = (error, error.__cause__)
        if any(isinstance(one, TimeoutError) for one in causes):
            raise DeviceSilent(f"{url} gave no answer to {what} in time") from None
        broken = next((one for one in causes if isinstance(one, OSError)), None)
        if broken is not None:
            raise BusDown(f"{url}: {what}: {broken.strerror or broken or 'no connection'}") from None
        raise BadReply(f"{url} answered {what} with something else: {type(error).__name__}") from None


def _name(error: ua.UaStatusCodeError) -> str:
    known = name_of(int(error.code))
    return type(error).__name__ if known.startswith("status") and type(error) is not ua.UaStatusCodeError else known


def sample_of(value: Any) -> Sample:
    """What a data value says, in types that `protocols.opcua.values` knows; others stay what they are."""
    status = 0 if value.StatusCode_ is None else int(value.StatusCode_.value)
    held = None if value.Value is None else value.Value.Value
    if isinstance(held, ua.LocalizedText):
        held = held.Text
    return Sample(held, status, _nanoseconds(value.SourceTimestamp), _nanoseconds(value.ServerTimestamp))


def _nanoseconds(at: datetime | None) -> int | None:
    """UTC ns; ``None`` also for the ends of what OPC UA can tell: the first means null (Part 6, 5.2.2.5), the last is
    what node-opcua sends for it."""
    if at is None or not 1601 < at.year < 9999:
        return None
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def told_in(url: str, message: Any) -> list[tuple[int, Sample]]:
    """The changes of one notification message: handle and sample, in the server's order.

    Raises `BusDown` where it ends the subscription, and what asyncua raises.
    """
    samples: list[tuple[int, Sample]] = []
    for one in message.NotificationData or []:
        if isinstance(one, ua.StatusChangeNotification):
            raise BusDown(f"{url} ended the subscription: {one.Status.name}")
        if isinstance(one, ua.DataChangeNotification):
            samples += [(int(item.ClientHandle), sample_of(item.Value)) for item in one.MonitoredItems or []]
    return samples
