"""Errors of the package.

    GatewayError
    ├── AddressInUse        a door of ours cannot be opened: a setting is wrong
    ├── CommandRefused      a person's command is not carried out; the message says why
    │   └── NoSuchCommand   the device or the command is not there
    ├── ModeRefused         a bump test or maintenance is not begun or ended; the message says why
    │   └── NoSuchMode      the detector, device or area is not there, or nothing goes on
    ├── ReportRefused       a person's report is not entered or withdrawn; the message says why
    │   └── NoSuchReport    the area or the report is not there
    ├── OverRate            a peer sends more than is stored: judged all the same, to be sent again
    └── TransportError      a device could not be asked; try again later
        ├── BusDown         nobody on this bus can be asked; ``retry_after_s`` says when it is tried again
        │   └── LineMissing the serial line is not there or not ours
        ├── DeviceSilent    the device said nothing in time
        ├── BadReply        the device said something that is no answer
        └── DeviceRefused   the device understood and refuses; ``code``

A write that no profile declares is `protocols.modbus.writes.WriteRefused`: our fault, never retried.
"""


class GatewayError(Exception):
    """Anything that goes wrong in the gateway."""


class AddressInUse(GatewayError):
    """An address that devices shall reach us at cannot be had. The message says which and what to do."""


class CommandRefused(GatewayError):
    """What a person wants a device told is not sent, or not taken back. The message is for that person."""


class NoSuchCommand(CommandRefused):
    """No device of this id, or no command of this id that is still kept."""


class ModeRefused(GatewayError):
    """What a person wants put under test or maintenance is not, or is not taken out. The message is for that person."""


class NoSuchMode(ModeRefused):
    """No such device or area, or nothing that goes on under this id."""


class ReportRefused(GatewayError):
    """What a person reports is not entered, or not withdrawn. The message is for that person."""


class NoSuchReport(ReportRefused):
    """No such area, nothing that can be reported, or no report of this id that stands."""


class OverRate(GatewayError):
    """A peer sends faster than its connection allows: what came was judged, and is not stored (S9)."""


class TransportError(GatewayError):
    """A device could not be asked. Retried by the type below, never by message. ``kind``: its word in counters."""

    kind = "transport"


class BusDown(TransportError):
    """The connection or line does not stand. The bus itself tries again; asking earlier fails at once."""

    kind = "down"

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LineMissing(BusDown):
    """The serial line cannot be opened. The message names the line, the reason and what to do."""

    kind = "line-missing"


class DeviceSilent(TransportError):
    """No answer in time. Other devices on the same bus may be well."""

    kind = "timeout"


class BadReply(TransportError):
    """Bytes came that are no answer to what was asked; they were thrown away and counted."""

    kind = "bad-reply"


class DeviceRefused(TransportError):
    """The device understood and refused. ``code``: the Modbus exception code (1-255), 0 where there is none."""

    kind = "refused"

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code
