"""Where the commands of each device stand: the last of them, followed from their events.

The gateway keeps it beside the journal (`STATE` + device), so that the last states survive a restart; the console
follows the same events. Both bound it alike.
"""

from collections.abc import Callable, Iterable

import msgspec

from protocols.command import Command, CommandEvent

STATE = "commands/"
"""State keys of the journal begin so; the device's id follows."""
KEPT = 20
"""Commands that are over, per device; the oldest is forgotten first."""
BEGUN = "begun"
"""A status of the gateway's own record: written before the command is handed to the actuator."""
_OVER = frozenset({"confirmed", "given-up", "cancelled", "expired", "refused"})


class CommandRecord(msgspec.Struct, array_like=True, tag=1):
    """The last that is known of one command. ``status``: as in `CommandEvent`, or `BEGUN`; ``at``: since when, UTC ns.
    ``is_over``: nothing more will come of it."""

    command: Command
    status: str
    at: int
    is_over: bool = False
    attempts: int = 0
    detail: str = ""
    why: str = ""
    priority: int = 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[CommandRecord])


class CommandLog:
    """Records by device, the oldest first. ``has_proof(device, name)``: whether the command is read back; one that is
    not is over when the device took it."""

    def __init__(self, has_proof: Callable[[str, str], bool]) -> None:
        self._has_proof = has_proof
        self._by_device: dict[str, list[CommandRecord]] = {}
        self._by_id: dict[str, CommandRecord] = {}

    def find(self, command: str) -> CommandRecord | None:
        """The record of a command; ``None`` for an id that names none, or none that is still kept."""
        return self._by_id.get(command)

    def of(self, device: str) -> list[CommandRecord]:
        """What is kept of a device, the oldest first."""
        return self._by_device.get(device, [])

    def devices(self) -> Iterable[str]:
        """Devices of which something is kept."""
        return tuple(self._by_device)

    def follow(self, event: CommandEvent) -> CommandRecord:
        """Keep what an event says; one of a command that was not known begins its record."""
        command = event.command
        record = self._by_id.get(command.id)
        if record is None:
            record = CommandRecord(command, event.status, event.at, why=event.why, priority=event.priority)
            self._by_id[command.id] = record
            self._by_device.setdefault(command.device, []).append(record)
        record.status, record.at, record.detail = event.status, event.at, event.detail
        record.attempts = max(record.attempts, event.attempt)
        is_proof = event.status == "sent" and not self._has_proof(command.device, command.name)
        record.is_over = record.is_over or is_proof or event.status in _OVER
        self._forget(command.device)
        return record

    def _forget(self, device: str) -> None:
        records = self._by_device[device]
        over = [record for record in records if record.is_over]
        for record in over[: max(0, len(over) - KEPT)]:
            records.remove(record)
            del self._by_id[record.command.id]

    def dump(self, device: str) -> bytes:
        """The body of the device's state key."""
        return _encoder.encode(self.of(device))

    def load(self, device: str, body: bytes) -> None:
        """Reverse of `dump`, in place of what was kept. Raises `msgspec.DecodeError`."""
        records = _decoder.decode(body)
        self._by_device[device] = records
        self._by_id |= {record.command.id: record for record in records}
