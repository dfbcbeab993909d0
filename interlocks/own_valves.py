"""Whether the zone's own valves are closed beyond doubt: then a cause that only backs a device up has nothing to do."""

from interlocks.zone import Zone
from protocols.picture import Picture


class OwnValves:
    """The valves of a zone, kept up device by device; those up the line are not its own."""

    def __init__(self, zone: Zone) -> None:
        every = ((member.device, member.valve()) for member in zone.members if not member.upstream)
        self._closed = {device: (valve[0], valve[1]) for device, valve in every if valve is not None}
        self._missing = set(self._closed)

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        if device not in self._closed:
            return
        index, closed = self._closed[device]
        known = picture.known(index)
        if known is not None and known.value == closed and known.quality.is_good and not picture.is_lost(index):
            self._missing.discard(device)
        else:
            self._missing.add(device)

    @property
    def are_closed(self) -> bool:
        """Whether each is; never where there is none. Not told, in doubt or lost is not closed (S3)."""
        return bool(self._closed) and not self._missing
