"""What a replay found, as one document for scripts; `gengfu.replaying.words` makes lines of it."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from alarms.rule import AlarmRule
from console.present import finite, iso
from device_registry.devices import Site
from gengfu.replaying.outcome import Occurrence, Run
from gengfu.replaying.run import Found, Job
from protocols.moment import SECOND

Document: TypeAlias = dict[str, Any]
TWO_PEOPLE = "raising or delaying a life-safety limit needs two people (safety rule S11)"


def document(found: Found, job: Job) -> Document:
    """Times are RFC 3339, UTC; spans are in seconds."""
    replay, outcome = found.replay, found.outcome
    return {
        "data": str(job.data),
        "from": iso(job.start),
        "to": iso(job.end),
        "until": iso(found.until),
        "journal_begins": iso(found.begins),
        "warm_up_s": job.warm_up // SECOND,
        "origins": [one.name.lower() for one in job.origins],
        "devices": found.devices,
        "readings": replay.readings,
        "warm_up_readings": replay.warm_up,
        "raised": {
            "before": sum(one.raised for one in outcome.before.tallies.values()),
            "after": sum(one.raised for one in outcome.after.tallies.values()),
            "recorded": sum(outcome.recorded.values()),
        },
        "rules": [_rule(found, one) for one in _told(found)],
        "vanished": _alone(outcome.before, found.rules.before, job.site),
        "new": _alone(outcome.after, found.rules.after, job.site),
        "gateway_off": [{"from": iso(one.since), "until": iso(one.until)} for one in replay.stops],
        "warnings": [*_life_safety(found)],
        "notes": [*_notes(found, job)],
    }


def _told(found: Found) -> list[str]:
    """Rules of the file first, then whatever raised."""
    outcome = found.outcome
    others = outcome.before.tallies.keys() | outcome.after.tallies.keys() | outcome.recorded.keys()
    return [*sorted(found.rules.file), *sorted(others - set(found.rules.file))]


def _rule(found: Found, name: str) -> Document:
    rules, outcome = found.rules, found.outcome
    before, after = rules.before.get(name), rules.after.get(name)
    known = after or before
    return {
        "id": name,
        "title": None if known is None else known.title.model_dump(),
        "life_safety": any(one is not None and one.life_safety for one in (before, after)),
        "in_file": _in_file(rules.file, rules.changed, before, name),
        "before": None
        if before is None
        else _tally(outcome.before, name) | {"vanished": _alone_of(outcome.before, name)},
        "after": None if after is None else _tally(outcome.after, name) | {"new": _alone_of(outcome.after, name)},
        "later_s": round(outcome.later_ns.get(name, 0) / SECOND, 3),
        "recorded": outcome.recorded.get(name, 0),
    }


def _in_file(file: tuple[str, ...], changed: tuple[str, ...], before: AlarmRule | None, name: str) -> str | None:
    if name not in file:
        return None
    if before is None:
        return "added"
    return "changed" if name in changed else "same"


def _tally(run: Run, name: str) -> Document:
    one = run.tally(name)
    return {"raised": one.raised, "standing_s": round(one.active_ns / SECOND, 3), "chattering": one.chattering}


def _alone_of(run: Run, name: str) -> int:
    return run.tally(name).alone


def _alone(run: Run, rules: Mapping[str, AlarmRule], site: Site) -> Document:
    """Those of life safety first, then in order of time."""
    told = sorted(run.alone, key=lambda one: (not rules[one.rule].life_safety, one.raised_at, one.device, one.rule))
    count = sum(one.alone for one in run.tallies.values())
    return {"count": count, "left_out": count - len(told), "alarms": [_occurrence(one, rules, site) for one in told]}


def _occurrence(one: Occurrence, rules: Mapping[str, AlarmRule], site: Site) -> Document:
    device = site.devices[one.device]
    point = device.profile.by_name.get(one.point)
    return {
        "device": one.device,
        "area": device.area.id,
        "rule": one.rule,
        "point": one.point,
        "origin": one.origin.name.lower(),
        "life_safety": rules[one.rule].life_safety,
        "raised_at": iso(one.raised_at),
        "returned_at": None if one.returned_at is None else iso(one.returned_at),
        "value": finite(one.value),
        "unit": "" if point is None else point.unit,
        "late": one.late,
    }


def _life_safety(found: Found) -> Iterator[str]:
    """Where a life-safety rule warns less, or later."""
    outcome, rules = found.outcome, found.rules
    for name, rule in rules.before.items():
        if not rule.life_safety:
            continue
        if not rules.after[name].life_safety:
            yield f"{name} is no life-safety rule in the file; {TWO_PEOPLE}"
        less = [*_less(name, outcome.before, outcome.after)]
        later_ns = outcome.later_ns.get(name, 0)
        if later_ns > 0:
            less.append(f"one is raised {later_ns / SECOND:g} s later")
        if less:
            yield f"{name} protects less: {', '.join(less)}; {TWO_PEOPLE}"
        elif name in rules.changed:
            yield f"{name} is a life-safety rule and is changed; nothing in this time shows less; {TWO_PEOPLE}"


def _less(name: str, before: Run, after: Run) -> Iterator[str]:
    old, new = before.tally(name), after.tally(name)
    if new.raised < old.raised:
        yield f"it raises {new.raised} instead of {old.raised}"
    if old.alone:
        yield f"{old.alone} alarms are not raised at all"
    if new.active_ns < old.active_ns:
        yield f"they stand {(old.active_ns - new.active_ns) / SECOND:g} s less"


def _notes(found: Found, job: Job) -> Iterator[str]:
    replay, tape, rules = found.replay, found.tape, found.rules
    if rules.idle:
        yield f"{', '.join(rules.idle)}: watches no device that is replayed"
    if found.begins > job.start - job.warm_up:
        yield f"the journal begins at {iso(found.begins)}: what was before is not known, and older alarms may stand"
    if tape.next is None and found.until < job.end:
        yield f"the journal ends at {iso(found.until)}"
    if found.slow:
        yield f"{', '.join(found.slow)}: waits longer than the warm-up, and may be raised late at first (--warm-up)"
    if found.thinned:
        yield f"{found.thinned} devices do not store every reading: they are taken for lost later than in service"
    for what, some in (
        ("are not of this site", replay.left.unknown),
        ("had another profile then", replay.left.retyped),
    ):
        if some:
            yield f"left out: {sum(some.values())} readings of devices that {what}: {_first(sorted(some))}"
    if tape.unreadable:
        yield f"left out: {tape.unreadable} entries of another release"
    yield from (f"left out: {path} is damaged" for path in tape.lost)
    yield from _unlike(found)


def _unlike(found: Found) -> Iterator[str]:
    """Whether the replay can be trusted is told by what the gateway itself raised then."""
    outcome = found.outcome
    names = sorted(
        name
        for name in found.rules.before.keys() | outcome.recorded.keys()
        if outcome.recorded.get(name, 0) != outcome.before.tally(name).raised
    )
    if names:
        told = (f"{one} {outcome.before.tally(one).raised} (journal: {outcome.recorded.get(one, 0)})" for one in names)
        yield f"today's rules do not raise what the journal holds: {', '.join(told)}; docs/alarm-replay.md says why"


def _first(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
