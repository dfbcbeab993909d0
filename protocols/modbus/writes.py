"""The only writes there are: what a profile's commands say (safety rule S2).

A final element (valve, fan) is only ever told to go to its safe side. There is no command that opens a valve,
so there is no write that does; whoever holds a `WriteGate` cannot send anything else.

One value is function 5 (coil) or 6 (register); several, or a device that knows nothing else, is function 15 or 16. The
rules look at every address that a write covers.
"""

from collections.abc import Mapping
from functools import lru_cache

from protocols.errors import ProfileError, ProtocolError
from protocols.profile.model import Profile
from protocols.profile.rules_commands import check_commands
from protocols.profile.schema import CommandPart, ModbusWritePart
from protocols.wire.modbus_pdu import (
    READS,
    write_coil_request,
    write_coils_request,
    write_register_request,
    write_registers_request,
)


class WriteRefused(ProtocolError):
    """Our own side tried to send what no profile declares. Never retried; the fault is here."""


@lru_cache(maxsize=256)
def declared_writes(profile: Profile) -> Mapping[str, bytes]:
    """The write PDU of each command that has a Modbus part, by command name.

    Raises `ProfileError` when any of them could move a final element to its unsafe side.
    """
    file = profile.file
    problems = check_commands(file, {point.name: point for point in file.point})
    told = [f"{profile.id}: {path}: {what}" for path, what in problems]
    if told:
        raise ProfileError(told)
    return {one.name: _request(one.modbus) for one in file.command if one.modbus is not None}


def encode_command(profile: Profile, command: CommandPart) -> bytes:
    """The PDU of one of the profile's own commands; raises `ProfileError` or `WriteRefused`."""
    if command not in profile.file.command or command.modbus is None:
        raise WriteRefused(
            f"{profile.id} has no Modbus command {command.name!r} as given; add [[command]] with modbus to its file"
        )
    return declared_writes(profile)[command.name]


class WriteGate:
    """The last look at every PDU before it leaves. Reads pass; a write passes if the unit's profile declares it."""

    def __init__(self) -> None:
        self._allowed: dict[int, frozenset[bytes]] = {}

    def allow(self, unit: int, profile: Profile) -> None:
        """Let the declared writes of ``profile`` pass to ``unit`` (1-247). Raises `ProfileError`."""
        writes = frozenset(declared_writes(profile).values())
        if not 1 <= unit <= 247:
            raise ProfileError([f"{profile.id}: unit {unit}; a device has a unit id of 1 to 247"])
        if self._allowed.setdefault(unit, writes) != writes:
            raise ProfileError([f"{profile.id}: unit {unit} already belongs to a device with other commands"])

    def check(self, unit: int, pdu: bytes) -> None:
        """Raises `WriteRefused` unless ``pdu`` is a read or a declared write of ``unit``. Nothing is broadcast."""
        if unit and len(pdu) == 5 and pdu[0] in READS:
            return
        if pdu not in self._allowed.get(unit, frozenset()):
            raise WriteRefused(
                f"refused to send {pdu[:16].hex(' ')} to unit {unit}: no command of its profile says so; "
                "nothing was sent"
            )


def _request(write: ModbusWritePart) -> bytes:
    values = write.written
    if len(values) > 1 or write.multiple:
        several = write_coils_request if write.table == "coil" else write_registers_request
        return several(write.address, values)
    if write.table == "coil":
        return write_coil_request(write.address, bool(values[0]))
    return write_register_request(write.address, values[0])
