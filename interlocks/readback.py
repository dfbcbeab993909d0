"""Whether a zone was read back after a start, kept up device by device (S10)."""

from interlocks.zone import Member, Zone
from protocols.picture import Picture


class ReadBack:
    """Whether every device was heard, its final element and its inputs included, or given up. Of devices ``beside`` the
    zone, only their inputs.

    Not all of them: without a detector that is heard and a valve that was read nothing is armed.
    """

    def __init__(self, zone: Zone, beside: tuple[Member, ...] = ()) -> None:
        self._members = {member.device: member for member in zone.members}
        self._valves = {member.device: valve for member in zone.members if (valve := member.valve())}
        self._inputs = {member.device: member.inputs for member in (*zone.members, *beside)}
        self._missing = set(self._inputs)
        self._heard_valves: set[str] = set()
        self._detectors: set[str] = set()

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        _keep(self._missing, device, is_in=not picture.lost and not self._is_heard(device, picture))
        _keep(self._heard_valves, device, is_in=device in self._valves and not picture.lost)
        _keep(self._detectors, device, is_in=self._detects(device, picture))

    @property
    def stands(self) -> bool:
        """Whether it was."""
        return not self._missing and bool(self._detectors) and (not self._valves or bool(self._heard_valves))

    def _detects(self, device: str, picture: Picture) -> bool:
        """Whether a life-safety value of the zone's own devices is heard."""
        member = self._members.get(device)
        return (
            member is not None
            and member.is_looked_at
            and any(picture.known(index) is not None and not picture.is_lost(index) for index in self._inputs[device])
        )

    def _is_heard(self, device: str, picture: Picture) -> bool:
        """Whether the device told each of its inputs, or gave it up, and where its valve is, beyond doubt."""
        if any(picture.known(one) is None and not picture.is_lost(one) for one in self._inputs[device]):
            return False
        if device not in self._valves:
            return picture.heard is not None
        index, *places = self._valves[device]
        known = picture.known(index)
        return known is not None and known.quality.is_good and known.value in places


def _keep(devices: set[str], device: str, *, is_in: bool) -> None:
    if is_in:
        devices.add(device)
    else:
        devices.discard(device)
