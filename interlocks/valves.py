"""What the boards report of their valves: found closed, closed late, opened by hand, no longer closed (S2, S10)."""

from collections.abc import Iterable

from interlocks.driver import Driver
from interlocks.interlock import Interlock
from interlocks.outbox import Outbox, element_of
from interlocks.record import FOUND_CLOSED
from interlocks.sharing import Sharing, is_answered_for
from interlocks.states import Event, InterlockState
from protocols.known import Known
from protocols.moment import Moment


def follow_valves(
    interlock: Interlock, devices: Iterable[str], out: Outbox, driver: Driver, sharing: Sharing, now: Moment
) -> None:
    """After the causes were judged: what the boards of these devices say of their valves."""
    if not interlock.is_live:
        return
    for device in devices:
        index, closed, opened = interlock.valves[device]
        known = interlock.pictures[device].known(index)
        if known is not None and known.value == closed:
            if interlock.record.causes or not is_answered_for(interlock, device, sharing(interlock, device)):
                _closed(interlock, device, known, out, driver, now)
        elif known is not None and known.value == opened:
            _open(interlock, device, out, now)
        if device not in interlock.proved and interlock.has_standing_trip:
            contradicted = known is not None and known.value != closed
            _close_again(interlock, device, contradicted, out, driver, now)


def _closed(interlock: Interlock, device: str, known: Known, out: Outbox, driver: Driver, now: Moment) -> None:
    """A good value proves it (S3); one in doubt proves nothing, and is enough to latch."""
    record = interlock.record
    is_proved = known.quality.is_good
    if is_proved:
        for effect in record.effects:
            if effect.device == device and element_of(effect) == "valve" and effect.status == "failed":
                driver.done(interlock, effect, now)
    if device in record.closed:
        return
    if not record.causes:
        record.closed += [device] if is_proved else []
        record.causes.append((FOUND_CLOSED, now.wall))
        record.tripped_at = now.wall
        interlock.step(Event.TRIP)
        out.tell(interlock, "tripped", now, cause=FOUND_CLOSED, device=device)
    elif is_proved:
        record.closed.append(device)
        out.tell(interlock, "closed", now, device=device)
        out.works(interlock, device, "valve")


def _open(interlock: Interlock, device: str, out: Outbox, now: Moment) -> None:
    """A person opened the valve. While the latch stands that is a critical alarm (S2)."""
    record = interlock.record
    if device not in record.closed:
        return
    record.closed.remove(device)
    latched = record.state is InterlockState.TRIPPED
    out.tell(interlock, "opened", now, device=device, status="latched" if latched else "")
    if latched:
        out.failed(interlock, device, "valve")


def _close_again(
    interlock: Interlock, device: str, contradicted: bool, out: Outbox, driver: Driver, now: Moment
) -> None:
    """A cause stands, or came back, and the valve is not closed beyond doubt: what was done is done no longer (S2).

    ``contradicted``: the board says that it is open, moving, faulty or unknown, which is a failure to act; a valve
    that was not read yet since a start is only closed again, and fails when its read-back does.
    """
    record = interlock.record
    if contradicted and device in record.closed:
        record.closed.remove(device)
        out.tell(interlock, "not-closed", now, device=device)
    if driver.again(interlock, device, now) and contradicted and not out.has_failed(interlock, device, "valve"):
        out.failed(interlock, device, "valve")
