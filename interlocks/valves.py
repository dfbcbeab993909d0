"""What the boards report of their valves: found closed, closed late, opened by hand (S2, S10)."""

from interlocks.driver import Driver
from interlocks.interlock import Interlock
from interlocks.outbox import Outbox, element_of
from interlocks.record import FOUND_CLOSED
from interlocks.states import Event, InterlockState
from protocols.moment import Moment
from protocols.picture import Known


def follow_valves(interlock: Interlock, out: Outbox, driver: Driver, now: Moment) -> None:
    """After the causes were judged: what the boards say of their valves."""
    if not interlock.is_live:
        return
    for device, (index, closed, opened) in interlock.valves.items():
        known = interlock.pictures[device].known(index)
        if known is not None and known.value == closed:
            _closed(interlock, device, known, out, driver, now)
        elif known is not None and known.value == opened:
            _open(interlock, device, out, driver, now)


def _closed(interlock: Interlock, device: str, known: Known, out: Outbox, driver: Driver, now: Moment) -> None:
    record = interlock.record
    if known.quality.is_good:
        for effect in record.effects:
            if effect.device == device and element_of(effect) == "valve" and effect.status == "failed":
                driver.done(interlock, effect, now)
    if device in record.closed:
        return
    record.closed.append(device)
    if record.causes:
        out.keep(interlock)
        out.works(interlock, device, "valve")
    else:
        record.causes.append((FOUND_CLOSED, now.wall))
        record.tripped_at = now.wall
        interlock.step(Event.TRIP)
        out.tell(interlock, "tripped", now, cause=FOUND_CLOSED, device=device)


def _open(interlock: Interlock, device: str, out: Outbox, driver: Driver, now: Moment) -> None:
    """A person opened the valve. While the latch stands that is a critical alarm, and a standing cause closes it
    again, whether it stood then or came back later (S2)."""
    record = interlock.record
    latched = record.state is InterlockState.TRIPPED
    if device in record.closed:
        record.closed.remove(device)
        out.tell(interlock, "opened", now, device=device, status="latched" if latched else "")
        if latched:
            out.failed(interlock, device, "valve")
    if latched and any(interlock.has_tripped(cause) for cause in interlock.since):
        driver.again(interlock, device, now)
