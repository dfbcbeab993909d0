"""Hot reload: a changed site document takes effect without a restart.

The document is read and checked whole first, as `gengfu check` does; a wrong one is refused and the old one goes on.
Only connections that differ are closed and opened again. Latches, alarms and what is known of every device stand on;
a change that would let one of them vanish is refused, and one that leaves something less watched needs a named person
who accepts it (docs/decisions/0014).
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from console.errors import ReloadRefused
from device_registry.connections import SerialPart
from device_registry.devices import Device, Site
from device_registry.in_use import SiteInUse
from gateway.errors import GatewayError
from gengfu import clock, rules
from gengfu.console_side import ConsoleSide
from gengfu.errors import GengfuError, InputError, MissingError
from gengfu.gateway_side import GatewaySide
from gengfu.operations_side import OperationsSide
from gengfu.rules import Rulebook
from gengfu.settings import Settings
from gengfu.side import Side
from gengfu.site_changes import Changes, compare, refusals, settle
from gengfu.site_rules.book import check_site
from gengfu.site_rules.differences import differences
from gengfu.sites import read_profiles, read_site
from gengfu.stores import Stores
from journal.entry import Entry, partition_of
from journal.errors import JournalError
from journal.sqlite import SqliteJournal
from protocols.reading import Origin

log = logging.getLogger("gengfu.reload")

SITE = "site"
"""Kind of the journal entry that says who changed the site, when, and what."""
SIGNAL = "SIGHUP"
DRAIN_S = 15.0
LOOK_EVERY_S = 0.1


class Followers(NamedTuple):
    """Who is told of a changed site."""

    gateway: GatewaySide
    console: ConsoleSide
    operations: OperationsSide
    stores: Stores


class SiteReload:
    """The console's `console.services.Reload`. The document and the profiles are where ``settings`` say."""

    def __init__(
        self, settings: Settings, in_use: SiteInUse, book: Rulebook, journal: SqliteJournal, followers: Followers
    ) -> None:
        self._settings = settings
        self._in_use = in_use
        self._book = book
        self._journal = journal
        self._gateway = followers.gateway
        self._followers = followers
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, who: str, *, dry_run: bool = False, accept_losses: bool = False) -> dict[str, Any]:
        """See `console.services.Reload`."""
        async with self._one_at_a_time:
            before = _copy(self._in_use.site)
            read, changed_rules = await self._read()
            after = settle(before, read)
            changes = compare(before, after, self._book)
            problems = [*changed_rules, *self._refusals(after), *_missing_lines(before, after)]
            if changes.losses and not (accept_losses or dry_run):
                problems += [f"{loss}: accept_losses is needed" for loss in changes.losses]
            if problems:
                raise ReloadRefused(problems)
            if changes.any and not dry_run:
                await self._apply(before, after, changes)
                await self._record(who, changes)
            return {**_shown(changes), "applied": changes.any and not dry_run}

    async def _read(self) -> tuple[Site, list[str]]:
        """The site, and which of its rules are not those that run."""
        if self._settings.site is None:
            raise ReloadRefused(["this process was started without a site document: start it with one"])
        return await asyncio.to_thread(self._read_files, self._settings.site)

    def _read_files(self, document: Path) -> tuple[Site, list[str]]:
        try:
            profiles = read_profiles(self._settings.profiles)
        except InputError as error:
            raise ReloadRefused(str(error).strip().splitlines()) from None
        try:
            site = read_site(document, self._settings.profiles)
        except InputError as error:
            of_rules = check_site(document, None, profiles).errors
            raise ReloadRefused([*str(error).strip().splitlines(), *of_rules]) from None
        checked = check_site(document, site, profiles)
        if checked.errors:  # before anything is bound to a point that it does not fit
            raise ReloadRefused(checked.errors)
        return site, _changed_rules(self._book, checked.book)

    async def on_signal(self) -> None:
        """A process was told to read its site again: what came of it is in the log. A signal names no person, so it
        accepts no losses."""
        try:
            done = await self(SIGNAL)
        except ReloadRefused as error:
            log.error("the site's document is not taken; what ran goes on:\n%s", "\n".join(error.problems))
        else:
            log.warning("the site's document is taken: %s", {key: value for key, value in done.items() if value})

    def _refusals(self, after: Site) -> list[str]:
        watch = self._gateway.watch
        alarming: dict[str, list[str]] = {}
        for record in watch.alarms.records():
            if record.life_safety and record.state.stands and record.origin is Origin.LIVE:
                alarming.setdefault(record.device, []).append(record.rule)
        tripped = watch.interlocks.tripped_by_change(rules.zones(after))
        return list(refusals(self._in_use.site, after, tripped, alarming))

    async def _apply(self, before: Site, after: Site, changes: Changes) -> None:
        """All of it or nothing: whatever goes wrong before the site is another puts back what was."""
        closing = (*changes.connections.removed, *changes.reopened)
        await self._gateway.end(closing)
        built: Mapping[str, Side] = {}
        try:
            await self._drain(before, after)
            built = await self._gateway.build(after, (*changes.connections.added, *changes.reopened))
            await asyncio.to_thread(self._followers.operations.follow_site, after)
            problems = self._refusals(after)  # something may have tripped meanwhile
            if problems:
                raise ReloadRefused(problems)
        except BaseException as error:
            # whatever it was, the old connections watch again; what nobody foresaw, or a cancellation, goes on its way
            for side in built.values():
                await side.close()
            refusal = await self._put_back(before, closing, error)
            if isinstance(error, GengfuError | GatewayError | JournalError | ReloadRefused):
                raise refusal from None
            raise
        self._in_use.become(after)
        self._gateway.rearrange()
        self._followers.stores.follow_site(after)
        self._followers.console.follow_site()
        self._gateway.begin(built)

    async def _put_back(self, before: Site, closed: Iterable[str], error: BaseException) -> ReloadRefused:
        problems = list(error.problems) if isinstance(error, ReloadRefused) else str(error).strip().splitlines()
        await asyncio.to_thread(self._followers.operations.follow_site, before)
        for name in closed:
            try:
                self._gateway.begin(await self._gateway.build(before, [name]))
            except (GengfuError, GatewayError) as failure:
                problems.append(f"connection[{name}]: could not be opened again: {failure}; mend it, and start again")
                log.critical("%s", problems[-1])
        return ReloadRefused(problems)

    async def _drain(self, before: Site, after: Site) -> None:
        """A store sets aside readings of another profile than the device has now: let it take them before."""
        retyped = [one for one in after.devices.values() if _is_retyped(before.devices.get(one.id), one)]
        if not retyped:
            return
        now = clock.wall()
        marks = {partition_of(one.id): one.id for one in retyped}
        mark = msgspec.msgpack.encode([1])
        entries = [Entry(SITE, f"{one}~{now}", partition, now, mark) for partition, one in marks.items()]
        last = await self._journal.append(entries)
        first = last - len(entries) + 1
        until = asyncio.get_running_loop().time() + DRAIN_S
        for feed in self._followers.stores.feeds:
            while any(feed.cursor().get(partition, 0) < first for partition in marks):
                if asyncio.get_running_loop().time() > until:
                    raise MissingError(
                        f"store {feed.name} lags behind, and would lose what {', '.join(marks.values())} sent under "
                        "another profile; try again when it has caught up"
                    )
                await asyncio.sleep(LOOK_EVERY_S)

    async def _record(self, who: str, changes: Changes) -> None:
        now = clock.wall()
        body = msgspec.msgpack.encode([1, who, now, _shown(changes)])
        try:
            await self._journal.append([Entry(SITE, f"{who}~{now}", 0, now, body)])
        except JournalError as error:
            log.error("%s changed the site (%s), which could not be recorded: %s", who, _shown(changes), error)


def _copy(site: Site) -> Site:
    """The site as it is now, whatever becomes of it."""
    parts = {name: dict(getattr(site, name)) for name in ("areas", "connections", "devices")}
    return msgspec.structs.replace(site, **parts)


def _changed_rules(running: Rulebook, read: Rulebook) -> list[str]:
    """A standing alarm or latch must not meet another rule than the one that raised it (S11)."""
    return [f"{one}: rules and matrices change with a restart only" for one in differences(running, read)]


def _is_retyped(before: Device | None, after: Device) -> bool:
    return before is not None and before.profile.id != after.profile.id


def _missing_lines(before: Site, after: Site) -> list[str]:
    """A serial line that is new, and not there: a wrong name or a missing plug."""
    return [
        f"connection[{part.id}].port: serial line {part.port} is not there; plug it in, or correct its name"
        for part in after.connections.values()
        if isinstance(part, SerialPart) and before.connections.get(part.id) != part and not Path(part.port).exists()
    ]


def _shown(changes: Changes) -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: {key: list(ids) for key, ids in getattr(changes, name)._asdict().items()}
        for name in ("connections", "devices", "areas")
    }
    return {
        **shown,
        "profiles": list(changes.profiles),
        "reopened": list(changes.reopened),
        "losses": list(changes.losses),
    }
