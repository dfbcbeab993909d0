"""The console's watch over its gateway: whoever gives no sign of life is told of by the console itself (GH-01).

What the console decides stands on its desk at once, and goes into the journal when that takes it: a gateway that cannot
store gives no sign either. In one process both stop together; the watch is then over a journal that takes nothing, and
over a gateway that does not come round to it any more. Only the LIVE signs count (S4).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import msgspec

from alarms.actions import Action, Verb
from alarms.alarm import AlarmTransition, encode
from alarms.engine import AlarmEngine
from alarms.errors import ActionRefused, NoSuchAlarm
from alarms.rule import AlarmRule
from console.services import Answer, Ask
from device_registry.devices import Site
from gateway.decisions import Decisions, nobody_waits
from gateway.watch import ALARM
from gengfu import clock
from gengfu.own_devices.devices import GatewayDevices, sign_id, watched_of
from gengfu.wakeup import Wakeup
from journal.entry import Entry, Journal, Stored, partition_of
from protocols.gateway_sign import KIND, decode_sign
from protocols.moment import Moment
from protocols.reading import Origin, Reading

STATE = "console-alarm/"
"""Before the ids of the alarms that the console keeps: the gateway keeps those beginning with ``alarm/``."""
_VERBS = frozenset(get_args(Verb))


class GatewayWatch:
    """On the event loop. ``show``: puts a transition on the desk; ``now``: the present instant."""

    def __init__(
        self,
        site: Site,
        rules: Mapping[str, AlarmRule],
        journal: Journal,
        show: Callable[[AlarmTransition], None],
        now: Callable[[], Moment] = clock.now,
    ) -> None:
        self._site = site
        self._show = show
        self._now = now
        self._device = GatewayDevices(site)[sign_id(site.id)]
        self._alarms = AlarmEngine(rules, [watched_of(self._device)], now())
        self._decisions = Decisions(journal, ())
        self._serial = 0
        self._wakeup = Wakeup(self._alarms.due, self.tick)

    def warm(self, state: Mapping[str, bytes]) -> dict[str, bytes]:
        """Take back what stood before the restart, of all state keys of the journal; returns it under the keys by which
        alarms are known. From now on a sign is waited for, but of a simulation."""
        kept = {f"alarm/{key.removeprefix(STATE)}": body for key, body in state.items() if key.startswith(STATE)}
        self._alarms.load(kept)
        if not self._site.simulated:
            self._hear(None)
        return kept

    def close(self) -> None:
        """Wait for nothing any more."""
        self._wakeup.close()

    def listen(self, batch: Sequence[Stored]) -> None:
        """Listener of the journal."""
        self._decisions.again()
        for stored in batch:
            if stored.entry.kind == KIND and _is_live(stored.entry.body):
                self._hear(1.0)

    def _hear(self, alive: float | None) -> None:
        points = sum(point.life_safety for device in self._site.devices.values() for point in device.points)
        facts = {"alive": alive, "life_safety_points": float(points)}
        profile, now = self._device.profile, self._now()
        values = tuple(facts[point.name] for point in profile.points)
        made = Reading(
            self._device.id, profile.id, now.wall, now.wall, Origin.LIVE, values, profile.qualify(values)
        )  # fmt: skip
        self._alarms.observe(made, now)
        self._tell(now)

    def tick(self) -> None:
        """Let time act."""
        now = self._now()
        self._alarms.tick(now)
        self._tell(now)

    def has(self, alarm: str) -> bool:
        """Whether the console decides over this alarm."""
        return any(record.alarm == alarm for record in self._alarms.records())

    def act(self, action: Action) -> None:
        """What a person does to it. Raises the errors of `alarms.errors`."""
        now = self._now()
        self._alarms.act(action, now)
        self._tell(now)

    def _tell(self, now: Moment) -> None:
        """Show what came of it, and have it stored."""
        transitions, state = self._alarms.drain()
        entries = []
        for one in transitions:
            self._show(one)
            self._serial += 1
            name = f"{one.device}~{now.wall}.console.{self._serial}"
            entries.append(Entry(ALARM, name, partition_of(one.device), now.wall, encode(one)))
        if entries or state:
            keys = {f"{STATE}{key.removeprefix('alarm/')}": body for key, body in state.items()}
            self._decisions.submit(entries, keys, nobody_waits)
        self._wakeup.again()


def _is_live(body: bytes) -> bool:
    try:
        return decode_sign(body).origin is Origin.LIVE
    except msgspec.DecodeError:  # of a newer gateway: it is there all the same
        return True


class WatchAsk:
    """`console.services.Ask`: what the console decides itself is not asked of the gateway."""

    def __init__(self, watch: GatewayWatch, gateway: Ask) -> None:
        self._watch = watch
        self._gateway = gateway

    async def __call__(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        """See `console.services.Ask`."""
        if verb not in _VERBS or not self._watch.has(target):
            return await self._gateway(verb, target, who, details)
        more = (details.get(name, default) for name, default in Action._field_defaults.items())
        try:
            self._watch.act(msgspec.convert((verb, target, who, *more), Action))
        except NoSuchAlarm as error:
            return Answer(False, str(error))
        except ActionRefused as error:
            return Answer(True, str(error))
        return Answer(True, "")
