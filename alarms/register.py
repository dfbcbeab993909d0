"""The register of alarms: which devices are watched, the alarms of each, and what is kept and told of them."""

from collections.abc import Collection, Iterable, Mapping

from alarms.alarm import AlarmRecord, AlarmTransition, alarm_id, decode_record, encode
from alarms.conditions import Bound
from alarms.group import Group, introduce
from alarms.orphans import has_seen
from alarms.rule import AlarmRule
from alarms.set_values import Sets
from alarms.shape import Shape
from alarms.standing import Standing, Watched
from alarms.states import TABLE, AlarmState, Event
from protocols.agenda import Agenda
from protocols.moment import Moment
from protocols.picture import Picture
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from protocols.telling import tells_of


class AlarmRegister:
    """All alarms of a gateway, and the agenda of what waits. It decides nothing."""

    def __init__(self, rules: Mapping[str, AlarmRule], devices: Iterable[Watched], now: Moment) -> None:
        self.rules = rules
        self._devices: dict[str, Watched] = {}
        self._bound: dict[str, tuple[list[Bound], Shape]] = {}
        self._bound_alike: dict[tuple[Profile, str, Sets], tuple[list[Bound], Shape]] = {}
        self._alarms: dict[str, Standing] = {}
        self._groups: dict[tuple[str, Origin], Group] = {}
        self._live: dict[str, Group] = {}
        self._loose: dict[str, Standing] = {}
        self._agenda = Agenda()
        self._changed: dict[str, AlarmRecord] = {}
        self._out: list[AlarmTransition] = []
        self._outlived_at: dict[str, int] = {}
        self._started = now
        for watched in devices:
            self._begin(watched, now)

    # -- which devices ---------------------------------------------------------------------------------------

    def _begin(self, watched: Watched, now: Moment) -> None:
        self._devices[watched.device] = watched
        self._bind(watched)
        self._group(watched, Origin.LIVE, now)
        self._agenda.at(watched.device, now.mono + watched.patience.first)

    def _bind(self, watched: Watched) -> None:
        """Devices of a type in areas of a kind share what their rules were bound to."""
        kind = watched.kind
        if kind not in self._bound_alike:
            bounds = watched.bound_to(self.rules)
            self._bound_alike[kind] = bounds, Shape(bounds)
        self._bound[watched.device] = self._bound_alike[kind]

    def _leave(self, device: str) -> None:
        del self._devices[device], self._bound[device], self._live[device]
        for origin in Origin:
            group = self._groups.pop((device, origin), None)
            if group is not None:
                introduce(group.standings, ())
                self._let_go(group.standings)

    def _let_go(self, standings: Iterable[Standing]) -> None:
        """Nothing judges these any more."""
        for standing in standings:
            standing.leave()
            if standing.record.state is AlarmState.NORMAL:
                del self._alarms[standing.record.alarm]
            else:
                self._loose[standing.record.alarm] = standing

    def group_of(self, device: str, origin: Origin) -> Group:
        """The alarms of a device that was heard at this origin. Valid until `rewatch`."""
        return self._groups[device, origin]

    def _group(self, watched: Watched, origin: Origin, now: Moment | None = None) -> Group:
        """``now``: from when silence counts, where the group is new; else from the start."""
        group = self._groups.get((watched.device, origin))
        if group is None:
            return self._new_group(watched, origin, Picture(watched.profile, (now or self._started).mono))
        return group

    def _new_group(self, watched: Watched, origin: Origin, picture: Picture) -> Group:
        bounds, shape = self._bound[watched.device]
        standings = [self._new(watched, origin, bound) for bound in bounds]
        group = self._groups[watched.device, origin] = Group(picture, standings, watched.patience, shape)
        if origin is Origin.LIVE:
            self._live[watched.device] = group
        introduce(group.standings, [self._groups.get((one, origin)) for one in watched.neighbours])
        return group

    def _new(self, watched: Watched, origin: Origin, bound: Bound) -> Standing:
        rule = bound.rule
        name = alarm_id(watched.device, rule.id, origin, bound.point.name if bound.several else None)
        known = self._alarms.get(name)
        if known is not None:
            self._loose.pop(name, None)
            known.rebind(bound)
            return known
        record = AlarmRecord(name, watched.device, bound.point.name, rule.id, origin, rule.priority, rule.life_safety)
        standing = self._alarms[name] = Standing(record, bound)
        return standing

    def recall(self, reading: Reading) -> None:
        """After a start: the newest stored reading of a device says what stood before, if none comes (S10)."""
        watched = self._devices.get(reading.device)
        if watched is not None and reading.origin is Origin.LIVE:
            self._group(watched, Origin.LIVE).picture.recall(reading)

    def tells_of_life_safety(self, reading: Reading) -> bool:
        """Whether the reading says anything of a life-safety point, and not only of the board itself."""
        watched = self._devices.get(reading.device)
        return watched is not None and tells_of(reading, watched.life_safety)

    # -- what goes out ---------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether `drain` would give anything."""
        return bool(self._out or self._changed)

    def drain(self) -> tuple[list[AlarmTransition], dict[str, bytes]]:
        """Transitions since the last call and the state to store with them (key ``alarm/ID`` -> body)."""
        out, self._out = self._out, []
        changed, self._changed = self._changed, {}
        return out, {f"alarm/{name}": encode(record) for name, record in changed.items()}

    def load(self, state: Mapping[str, bytes]) -> None:
        """Take back what stood before the restart. A rule that is gone or was changed leaves an orphan (S11)."""
        for body in state.values():
            record = decode_record(body)
            if record.origin is not Origin.LIVE and record.device in self._devices:
                self._group(self._devices[record.device], record.origin)
            standing = self._alarms.get(record.alarm)
            if standing is None:
                if record.state is AlarmState.NORMAL:
                    continue
                standing = self._alarms[record.alarm] = self._loose[record.alarm] = Standing(record, None)
            standing.take_back(record, self._started)
            self._note_outlived(standing, self._started)
            if standing.silence_end is not None:
                self._agenda.at(record.alarm, standing.silence_end)

    def records(self) -> list[AlarmRecord]:
        """Every alarm, whatever its state."""
        for group in self._groups.values():
            group.write_down()
        return [standing.record for standing in self._alarms.values()]

    def records_of(self, devices: Collection[str]) -> list[AlarmRecord]:
        """Every alarm of these devices, whatever its state or origin; orphans last. Takes as long as these and
        the orphans are many, not as all alarms are. Of a device that is not watched: its orphans."""
        groups = [self._groups.get((device, origin)) for device in sorted(devices) for origin in Origin]
        found: list[AlarmRecord] = []
        for group in groups:
            if group is not None:
                group.write_down()
                found += [standing.record for standing in group.standings]
        return found + [one.record for one in self._loose.values() if one.record.device in devices]

    def is_orphan(self, alarm: str) -> bool:
        """Whether the rule that raised the alarm is gone, or is another one now."""
        standing = self._alarms[alarm]
        return standing.bound is None or standing.is_outlived

    def _note_outlived(self, standing: Standing, now: Moment) -> None:
        """The rule behind it may be another one from now on: keep whether it is, also for those who only read that."""
        record, outlived = standing.record, standing.is_outlived
        if outlived:
            self._outlived_at[record.alarm] = now.mono
        if record.outlived is not outlived:
            record.outlived = outlived
            self._changed[record.alarm] = record

    def has_seen(self, standing: Standing) -> bool:
        """Whether the rule behind the alarm has seen a fresh value of each input since it came in the place of another.
        Until then the alarm is as that one left it (S11)."""
        record, bound = standing.record, standing.bound
        picture = self._groups[record.device, record.origin].picture
        return bound is not None and has_seen(bound, picture, self._outlived_at[record.alarm])

    # -- the one place that changes a state ------------------------------------------------------------------

    def _apply(
        self, standing: Standing, event: Event, now: Moment, *, late: bool = False, who: str = "", why: str = ""
    ) -> AlarmTransition:
        standing.touch()
        record = standing.record
        before = record.state
        after = TABLE[before, event]
        assert after is not None
        record.state = after
        standing.follow(event, before, now, who)
        record.outlived = standing.is_outlived
        transition = AlarmTransition(
            record.alarm, record.device, record.point, record.rule, record.origin, record.priority,
            record.life_safety, event, before, after, now.wall, record.sampled_at, record.value, record.quality,
            record.raised_at, late, who, why, record.silence_until, record.mark,
            record.outlived,
        )  # fmt: skip
        self._changed[record.alarm] = record
        if before is not after:
            self._out.append(transition)
        return transition
