"""The two sets of rules of a replay: those that run, and those with a file laid over them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from alarms.engine import LOST_PERIODS, Watched
from alarms.errors import RuleError
from alarms.rule import AlarmRule, load_rules
from device_registry.devices import Device, Site
from gateway.report import THINNED, Reporter
from gengfu.errors import InputError
from gengfu.rules import Watchers
from protocols.errors import UnitError
from protocols.moment import SECOND

Rules = Mapping[str, AlarmRule]


class Overlay(NamedTuple):
    """``file``: ids of the rules that stand in the files; ``idle``: those that watch no device of the site."""

    before: Rules
    after: Rules
    file: tuple[str, ...]
    idle: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of the rules that run and are another in the file."""
        return tuple(one for one in self.file if one in self.before and self.before[one] != self.after[one])


def overlay(running: Rules, files: Sequence[Path], watched: Sequence[Watched]) -> Overlay:
    """Rules of the same id are replaced, new ones added. Raises `InputError` naming everything that is wrong with the
    files, and with their rules at the devices ``watched``."""
    try:
        laid = load_rules(*files)
    except OSError as error:
        raise InputError(f"--rules {error.filename}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"--rules: not UTF-8: {error}") from None
    except RuleError as error:
        raise InputError("\n" + "\n".join(error.problems)) from None
    if not laid:
        raise InputError(f"--rules {', '.join(map(str, files))}: holds no [[rule]]; there is nothing to compare")
    watching, problems = _bound(laid, watched)
    if problems:
        raise InputError("\n" + "\n".join(problems))
    return Overlay(running, {**running, **laid}, tuple(laid), tuple(one for one in laid if one not in watching))


def _bound(laid: Rules, watched: Sequence[Watched]) -> tuple[set[str], list[str]]:
    """Which of the rules watch any of the devices, and what is wrong with them there."""
    kinds = {(one.profile.id, one.area_kind): one for one in watched}
    watching: set[str] = set()
    problems: list[str] = []
    for name, rule in laid.items():
        for (profile, area), device in kinds.items():
            try:
                if device.bound_to({name: rule}):
                    watching.add(name)
            except UnitError as error:
                where = f"at {profile} in an area of kind {area}"
                problems.append(f"rule {name}: {where}: {error}; correct its unit")
    return watching, problems


def slower_than(span_ns: int, rules: Rules, watched: Sequence[Watched]) -> list[str]:
    """Rules that watch any of the devices and wait longer than this before they raise."""
    slow = {name: rule for name, rule in rules.items() if rule.on_delay_s * SECOND > span_ns}
    return sorted(_bound(slow, watched)[0])


def watched_of(site: Site, devices: Sequence[str]) -> list[Watched]:
    """``devices``: only these, if any. A device of which not every reading is stored is lost so much later as it may go
    without one in the journal. Raises `InputError` naming every device that the site does not have."""
    unknown = sorted(set(devices) - site.devices.keys())
    if unknown:
        raise InputError(f"no device {', '.join(unknown)} at this site; correct --device")
    chosen = [site.devices[one] for one in dict.fromkeys(devices)] or list(site.devices.values())
    found, watchers = [], Watchers(site)
    for device in chosen:
        unstored_s = unstored_for_s(site, device)
        found.append(watchers.of(device, device.period_s + unstored_s / LOST_PERIODS))
    return found


def unstored_for_s(site: Site, device: Device) -> float:
    """So long a device may report without anything of it being stored, seconds; 0.0 where all is."""
    plan = Reporter(site.devices.get).plan(device.id)
    thins = plan.thins_pushed or site.connections[device.connection].transport in THINNED
    longest = [one.max_ns for one in plan.strategies if one is not None]
    return max(longest) / SECOND if thins and not plan.is_plain and longest else 0.0
