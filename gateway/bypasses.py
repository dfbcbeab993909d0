"""Bypasses: a cause of an interlock does not trip at named detectors for at most 8 hours (safety rules, «Rules for
every matrix»).

One person asks, another confirms within 15 minutes; there is one per area. Alarms go on, over-range trips all the same,
and it ends by itself, early rather than late (S10).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from alarms.engine import AlarmEngine
from gateway.errors import ModeRefused, NoSuchMode
from gateway.mode_request import admit
from gateway.pipeline import Verdict
from gateway.settled import standing_alarm
from interlocks.bypass import Bypassed
from interlocks.engine import InterlockEngine
from journal.entry import Entry, partition_of
from protocols.bypass import CONFIRM_WITHIN_S, KIND, LONGEST_S, STATE, Bypass, decode_bypass, encode_bypass, wish_of
from protocols.moment import Moment
from protocols.reading import Origin
from protocols.request import OperatorRequest
from protocols.term import term_of


class Ways(NamedTuple):
    """``devices_of``: the devices of an area. ``origin``: what the gateway's devices are. ``boot``: as in
    `protocols.term.Term`. ``settle``: the interlocks were asked something, and may have decided something. ``store``
    takes what no request caused."""

    alarms: AlarmEngine
    interlocks: InterlockEngine
    devices_of: Callable[[str], frozenset[str]]
    origin: Origin
    boot: str
    settle: Callable[[Moment], None]
    store: Callable[[Verdict], None]


class Bypasses:
    """All bypasses of a gateway. ``running``: by area, those that wait to be confirmed and those that are active."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.running: dict[str, Bypass] = {}

    # -- what people ask -------------------------------------------------------------------------------------

    def begin(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Ask for one: nothing changes until another person confirms it. The caller stores the verdict.
        ``request.target``: `protocols.bypass.bypass_target`; ``measure``: what watches there meanwhile.
        Raises `ModeRefused`, `NoSuchMode`."""
        admit(request, LONGEST_S, "a bypass")
        if not request.measure.strip():
            raise ModeRefused("a bypass needs a compensating measure: who or what watches there meanwhile")
        wish = wish_of(request.target)
        if wish is None:
            raise NoSuchMode("name what is bypassed as area~matrix~cause~device,device")
        assert request.for_s is not None
        one = Bypass(
            wish.area, wish.interlock, wish.cause, wish.devices, request.who, request.why.strip(),
            request.measure.strip(), request.for_s, term_of(CONFIRM_WITHIN_S, self._ways.boot, now),
        )  # fmt: skip
        self._end_what_is_over(now)
        if one.id in self.running:
            raise ModeRefused(f"{one.id} has a bypass already ({self.running[one.id].state}): one per area")
        self._refuse_unsafe(one, now)
        self.running[one.id] = one
        return _told(one, now)

    def confirm(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Make one active; the caller stores the verdict. It says again what it is of, and for how long, so that nobody
        confirms another one. Raises `ModeRefused`, `NoSuchMode`."""
        self._end_what_is_over(now)
        wish = wish_of(request.target)
        one = None if wish is None else self.running.get(wish.area)
        if one is None:
            raise NoSuchMode("no bypass waits there to be confirmed; see GET /api/v1/bypasses")
        if one.is_active:
            raise ModeRefused(f"the bypass of {one.id} is active already")
        if not request.who or request.who.casefold() == one.who.casefold():
            raise ModeRefused(f"{one.who} asked for it: another person confirms it")
        if wish != (one.id, one.interlock, one.cause, one.devices) or request.for_s != one.for_s:
            raise ModeRefused(f"another bypass was asked for in {one.id}: look again at what is confirmed")
        self._refuse_unsafe(one, now)
        active = msgspec.structs.replace(
            one, confirmed_by=request.who, term=term_of(one.for_s, self._ways.boot, now)
        )  # fmt: skip
        self._apply(active)
        self.running[one.id] = active
        return _told(active, now)

    def end(self, request: OperatorRequest, now: Moment) -> Verdict:
        """End one before its time, or take the request back; one person may. The caller stores the verdict.
        ``request.target``: the area. Raises `ModeRefused`, `NoSuchMode`."""
        if not request.who:
            raise ModeRefused("ending a bypass needs the name of the person who does it")
        one = self.running.get(request.target)
        if one is None:
            raise NoSuchMode(f"no bypass of {request.target!r} goes on; see GET /api/v1/bypasses")
        return self._end(one, now, request.who, request.why.strip())

    # -- what refuses it -------------------------------------------------------------------------------------

    def _refuse_unsafe(self, one: Bypass, now: Moment) -> None:
        ways = self._ways
        if ways.origin is not Origin.LIVE:
            raise ModeRefused("nothing that this gateway hears is live: there is nothing to bypass")
        if not any(record.id == one.interlock and record.origin is Origin.LIVE for record in ways.interlocks.records()):
            raise NoSuchMode(f"no interlock {one.interlock!r}; see GET /api/v1/interlocks")
        refusal = ways.interlocks.bypass_refusal(one.interlock, one.cause, one.devices, now)
        ways.settle(now)
        if refusal:
            raise ModeRefused(refusal)
        standing = standing_alarm(ways.alarms, ways.devices_of(one.id) | frozenset(one.devices))
        if standing is not None:
            raise ModeRefused(f"{standing.alarm} is {standing.state.word}: settle it before a bypass")

    # -- how it ends -----------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return min((one.running.until_mono for one in self.running.values()), default=None)

    def tick(self, now: Moment) -> None:
        """End what is over."""
        self._end_what_is_over(now)

    def _end_what_is_over(self, now: Moment) -> None:
        for one in tuple(self.running.values()):
            if one.running.is_over(now):
                self._ways.store(self._end(one, now, "", "time"))

    def follow_site(self, now: Moment) -> None:
        """The site was changed, and the interlocks follow it already: one ends whose area is another now."""
        self._end_what_is_over(now)
        for one in tuple(self.running.values()):
            is_kept = not one.is_active or one.interlock in self._ways.interlocks.bypasses
            if not is_kept or self._is_unfit(one):
                self._ways.store(self._end(one, now, "", "site-changed"))

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """After a restart: go on where it is certain how long it has lasted; else it is over."""
        for key, body in state.items():
            if not key.startswith(STATE):
                continue
            one = decode_bypass(body)
            if one.is_over:
                continue
            self.running[one.id] = one
            if not one.running.survives(self._ways.boot, now):
                self._ways.store(self._end(one, now, "", "time" if one.running.is_over(now) else "restart"))
            elif self._is_unfit(one):
                self._ways.store(self._end(one, now, "", "site-changed"))
            else:
                self._apply(one)

    def _is_unfit(self, one: Bypass) -> bool:
        return bool(self._ways.interlocks.bypass_refusal(one.interlock, one.cause, one.devices, None))

    def _apply(self, one: Bypass) -> None:
        if one.term is not None:
            self._ways.interlocks.bypass(one.interlock, Bypassed(one.cause, frozenset(one.devices), one.term))

    def _end(self, one: Bypass, now: Moment, by: str, why: str) -> Verdict:
        del self.running[one.id]
        self._ways.interlocks.end_bypass(one.interlock, now)
        self._ways.settle(now)
        return _told(msgspec.structs.replace(one, ended_at=now.wall, ended_by=by, ended_why=why), now)


def _told(one: Bypass, now: Moment) -> Verdict:
    """That one was asked for, began or ended, to be stored."""
    entry_id = f"{one.id}~bypass~{one.asked.began_at}~{one.state}"
    entry = Entry(KIND, entry_id, partition_of(one.id), now.wall, encode_bypass(one))
    return Verdict([entry], {STATE + one.id: encode_bypass(one)})
