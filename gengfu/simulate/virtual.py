"""One virtual device: its quiet signal, what the script does to it, and the commands that it has obeyed.

No I/O and no clock: ``seconds`` is the time of the simulation since its start.
"""

from collections.abc import Iterable
from typing import NamedTuple

from device_registry.devices import Device
from gengfu.simulate.script import EventPart
from gengfu.simulate.signal import Signal
from protocols.profile.schema import CommandPart, ReadBackPart
from protocols.reading import Value

VALVE_S = 1.0
"""How long a final element is on its way."""
LEVEL_1 = 25.0
"""%LEL at which a virtual gas alarm sets its own alarm bit [P]."""


class _Move(NamedTuple):
    """A point on its way from ``at_s`` on."""

    at_s: float
    to: float
    over_s: float


class VirtualDevice:
    """``script``: the events of this device, in the order of time."""

    def __init__(self, device: Device, seed: int, script: Iterable[EventPart] = ()) -> None:
        self.id = device.id
        self.part = device.part
        self.profile = device.profile
        self.period_s = device.period_s
        self.commands = 0
        self._signal = Signal(device.profile, device.id, seed)
        self._script = tuple(script)
        self._obeyed: dict[int, _Move] = {}

    def is_dead(self, seconds: float) -> bool:
        """Whether it says nothing now."""
        return any(one.what == "dead" for one in self._standing(seconds))

    def step(self, seconds: float) -> int:
        """The number of its period: all values of one step are the same."""
        return int(seconds / self.period_s)

    def values(self, seconds: float) -> tuple[Value, ...]:
        """What it says, in point order: the same for the same seed, script, step and commands."""
        step = self.step(seconds)
        at = step * self.period_s
        values = self._signal.values(step, at)
        standing = self._standing(at)
        for place, moves in self._moves(standing).items():
            values[place] = self._moved(place, values[place], moves, step, at)
        self._follow(values, faulty=any(one.what == "fault" for one in standing))
        for place, move in self._obeyed.items():
            if at >= move.at_s + move.over_s and not self._is_later(standing, place, move.at_s):
                values[place] = move.to
        return tuple(values)

    def obey(self, command: CommandPart, seconds: float) -> None:
        """A command came: what proves it comes true after `VALVE_S`."""
        self.commands += 1
        back: ReadBackPart | None = command.read_back
        if back is None:
            return
        place = self.profile.by_name[back.point].index
        known = self._obeyed.get(place)
        under_way = known is not None and seconds < known.at_s + known.over_s + self.period_s
        if not under_way and self.values(seconds)[place] != back.equals:
            self._obeyed[place] = _Move(seconds, float(back.equals), VALVE_S)

    def command(self, name: str) -> CommandPart | None:
        """A command of its profile."""
        return next((one for one in self.profile.file.command if one.name == name), None)

    def _standing(self, seconds: float) -> list[EventPart]:
        """The events that count now: those since the last «back», and what moved a final element before it."""
        past = [one for one in self._script if one.at_s <= seconds]
        last = max((number for number, one in enumerate(past) if one.what == "back"), default=-1)
        return [one for number, one in enumerate(past) if number > last or self._is_final(one)]

    def _is_final(self, event: EventPart) -> bool:
        return event.point is not None and self.profile.by_name[event.point].final_element

    def _moves(self, standing: Iterable[EventPart]) -> dict[int, list[_Move]]:
        moves: dict[int, list[_Move]] = {}
        for event in standing:
            if event.point is not None and event.to is not None:
                place = self.profile.by_name[event.point].index
                moves.setdefault(place, []).append(_Move(event.at_s, event.to, event.over_s or 0.0))
        return moves

    def _moved(self, place: int, quiet: Value, moves: list[_Move], step: int, at: float) -> Value:
        """Each move begins where the one before it has come to."""
        value = quiet if isinstance(quiet, float) else 0.0
        for number, move in enumerate(moves):
            until = moves[number + 1].at_s if number + 1 < len(moves) else at
            share = min((until - move.at_s) / move.over_s, 1.0) if move.over_s else 1.0
            value += (move.to - value) * share
        return self._signal.vary(place, value, step, at)

    def _follow(self, values: list[Value], *, faulty: bool) -> None:
        """The bits that a device sets by itself: alarm, over-range, fault (with no value of what it measures)."""
        concentrations = [
            (place, value)
            for place, part in enumerate(self.profile.file.point)
            if part.unit == "%{LEL}" and isinstance(value := values[place], float)
        ]
        for point in self.profile.points:
            if point.role == "alarm-bit":
                values[point.index] = float(
                    values[point.index] == 1.0 or any(one >= LEVEL_1 for _, one in concentrations)
                )
            elif point.role == "over-range-bit":
                over = any(one > self.profile.points[place].high for place, one in concentrations)
                values[point.index] = float(values[point.index] == 1.0 or over)
            elif point.role == "fault-bit" and faulty:
                values[point.index] = 1.0
        if faulty:
            for place, _ in concentrations:
                values[place] = None

    def _is_later(self, standing: Iterable[EventPart], place: int, at_s: float) -> bool:
        """Whether the script moved the point after the command: a person at the valve."""
        return any(
            one.at_s > at_s and one.point is not None and self.profile.by_name[one.point].index == place
            for one in standing
        )
