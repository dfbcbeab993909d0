"""The commands of the devices as people see them: a projection of the journal's command events."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from console.duty.places import device_title, plain, text
from console.present import iso
from console.services import SiteView
from protocols.command import CommandEvent
from protocols.command_log import BEGUN, STATE, CommandLog, CommandRecord
from protocols.profile.schema import CommandPart

PRIORITIES = ("urgent", "normal", "low")
PERSON = "person/"
TRIP = "trip/"


class CommandBoard:
    """The last commands of each device, people's and trips'. One thread: the event loop's."""

    def __init__(self, site: SiteView) -> None:
        self._site = site
        self._log = CommandLog(self._has_proof)

    def _part(self, device: str, name: str) -> CommandPart | None:
        known = self._site.devices.get(device)
        commands = known.profile.file.command if known is not None else ()
        return next((part for part in commands if part.name == name), None)

    def _has_proof(self, device: str, name: str) -> bool:
        part = self._part(device, name)
        return part is not None and part.read_back is not None

    def warm(self, state: Mapping[str, bytes]) -> int:
        """Start from the journal's state keys (others than ``commands/...`` are skipped). Returns how many could not be
        read."""
        unread = 0
        for key, body in state.items():
            if key.startswith(STATE):
                try:
                    self._log.load(key.removeprefix(STATE), body)
                except msgspec.DecodeError:
                    unread += 1
        return unread

    def observe(self, event: CommandEvent) -> str:
        """Follow one event; returns the id of its command."""
        return self._log.follow(event).command.id

    def find(self, command: str) -> dict[str, Any] | None:
        """The item of one command; ``None`` for an id that names none, or none that is still kept."""
        record = self._log.find(command)
        return self._item(record) if record is not None else None

    def items(self, device: str) -> list[dict[str, Any]]:
        """The commands of a device, the newest first."""
        return [self._item(record) for record in reversed(self._log.of(device))]

    def some(self, commands: Iterable[str]) -> list[dict[str, Any]]:
        """The items of those that are still kept."""
        return [item for command in commands if (item := self.find(command)) is not None]

    def _item(self, record: CommandRecord) -> dict[str, Any]:
        command = record.command
        part = self._part(command.device, command.name)
        is_persons = command.cause.startswith(PERSON)
        status = "waiting" if record.status == BEGUN else record.status
        return {
            "id": command.id,
            "device": command.device,
            "device_title": device_title(self._site, command.device),
            "name": command.name,
            "title": text(part.title) if part is not None else plain(command.name),
            "final_element": part is not None and part.final_element,
            "status": status,
            "at": iso(record.at),
            "is_over": record.is_over,
            "detail": record.detail,
            "attempts": record.attempts,
            "origin": command.origin.name.lower(),
            "cause": command.cause,
            "who": command.cause.removeprefix(PERSON) if is_persons else "",
            "why": record.why,
            "priority": "trip"
            if command.cause.startswith(TRIP)
            else PRIORITIES[min(record.priority, len(PRIORITIES) - 1)],
            "issued_at": iso(command.issued_at),
            "expires_at": iso(command.expires_at),
            "may_cancel": is_persons and record.status == "waiting",
        }
