"""Errors of the package.

ProtocolError
├── ProfileError    our data is wrong: a profile file that must not be used
├── UnitError       a value in one unit cannot be told in another
└── DecodeError     the peer's bytes are wrong: refuse them and count them
    └── UnknownDevice   the bytes are right, but nobody registered their sender
"""


class ProtocolError(Exception):
    """Anything this package refuses."""


class ProfileError(ProtocolError):
    """A profile is wrong. ``problems`` names every wrong key as ``file: path: what``; the caller stops."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnitError(ProtocolError):
    """A unit is unknown, or a conversion has no meaning. The message names both units and what is missing."""


class DecodeError(ProtocolError):
    """Bytes from a peer cannot be a reading. The message names the record and what is wrong with it.

    ``kind`` is a short fixed word for counting (``syntax``, ``type``, ``name``, ``unit``, ``time``, ...).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class UnknownDevice(DecodeError):
    """No device of this id is registered. It is counted and listed for adoption, never created."""

    def __init__(self, device: str) -> None:
        super().__init__("unknown-device", f"device {device!r} is not registered")
        self.device = device
