"""A reload looks at the rules beside the document: wrong ones are refused, changed ones wait for a restart (S11)."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from console.errors import ReloadRefused
from gengfu import behind, clock, process
from gengfu.reload import SiteReload
from gengfu.rule_desk import RuleDesk
from gengfu.settings import load_settings
from gengfu.site_rules.book import read_book
from gengfu.sites import read_site
from journal.sqlite import SqliteJournal
from tests.fixtures.ports import unused_port
from tests.fixtures.rule_site import BOOK, document, override, write
from tests.gengfu.test_rule_in_alarm import left_by

FILL = 'any = [{ kind = "high", role = "fill", limit = %s }]'


class Started(NamedTuple):
    """``standing``: rules of the alarms that stand."""

    reload: SiteReload
    desk: RuleDesk
    running: process.Process

    @property
    def standing(self) -> list[str]:
        return [one.rule for one in self.running.gateway.watch.alarms.records() if one.state.stands]


@asynccontextmanager
async def started(
    folder: Path, monkeypatch: pytest.MonkeyPatch, state: Mapping[str, bytes] | None = None
) -> AsyncIterator[Started]:
    """A process of the site of the folder, with the rules beside its document, on what another one left behind."""
    made: dict[str, Any] = {}

    def noted(kind: type) -> None:
        def make(*parts: Any) -> Any:
            made[kind.__name__] = kind(*parts)
            return made[kind.__name__]

        monkeypatch.setattr(behind, kind.__name__, make)

    noted(SiteReload)
    noted(RuleDesk)
    (folder / "data").mkdir()
    journal = SqliteJournal.open(folder / "data" / "journal", now=clock.wall())
    await journal.append((), dict(state or {}))
    await journal.close()
    path = folder / "site.toml"
    site = read_site(path)
    settings = load_settings(data=folder / "data", site=path, http={"port": 0})
    async with process.running(settings, site, folder / "data", read_book(path, site)) as running:
        yield Started(made["SiteReload"], made["RuleDesk"], running)


def put(folder: Path, rules: str, text: str) -> None:
    write(folder, {"rules/own.toml": rules})
    (folder / "site.toml").write_text(text, encoding="utf-8")


async def refused(reload: SiteReload) -> list[str]:
    with pytest.raises(ReloadRefused) as caught:
        await reload("admin", accept_losses=True)
    return list(caught.value.problems)


async def test_rules_beside_the_document_are_looked_at_when_it_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document().replace("5683", str(unused_port(socket.SOCK_DGRAM)))
    other = text.replace('en = "x"', 'en = "y"')
    at_85, raised = override("SB-02", FILL % 85), override("CK-04", FILL.replace("fill", "gas") % 60)
    put(tmp_path, at_85, text)
    async with started(tmp_path, monkeypatch) as (reload, *_):
        put(tmp_path, at_85, other)
        assert (await reload("admin"))["applied"]

        put(tmp_path, override("SB-02", FILL % 80), text)
        assert await refused(reload) == [
            "SB-02 any[high fill].limit: 85.0 -> 80.0: rules and matrices change with a restart only"
        ]

        put(tmp_path, raised, text)
        where = f"{tmp_path}/rules/own.toml: override[CK-04].any[high gas].limit"
        problems = await refused(reload)
        assert problems != []
        assert [line for line in problems if not line.startswith(where)] == []

        put(tmp_path, raised, text.replace('transport = "coap"', 'transport = "pigeon"'))
        problems = await refused(reload)
        assert [line for line in problems if line.startswith(where)] != []
        assert [line for line in problems if line.startswith(f"{tmp_path}/site.toml: connection[")] != []

        put(tmp_path, at_85, text)
        assert (await reload("admin"))["applied"]


async def test_a_start_changes_no_limit_that_is_in_alarm_and_keeps_the_alarm_of_one_that_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slower = override("CK-02", "on_delay_s = 20.0", by='"王伟", "Li Na"')
    kept = override("CK-04", "off_delay_s = 200.0")
    put(tmp_path, slower + kept, document().replace("5683", str(unused_port(socket.SOCK_DGRAM))))
    async with started(tmp_path, monkeypatch, left_by(BOOK, 60.0)) as one:
        engine, board = one.running.gateway.watch.alarms, one.running.console._desk.alarms
        assert engine.rules["CK-02"].on_delay_s == BOOK.alarms["CK-02"].on_delay_s
        assert (engine.is_orphan("gas:1~CK-02"), engine.is_orphan("gas:1~CK-04")) == (False, True)
        assert [board.item(f"gas:1~{rule}")["orphan"] for rule in ("CK-02", "CK-04")] == [False, True]
        assert (await one.desk.look())["deviations"] == ["CK-02 on_delay_s: 5.0 runs, 20.0 is approved"]
        assert "GH-05a" in one.standing
        write(tmp_path, {"rules/own.toml": kept})
        assert (await one.desk.look())["deviations"] == []
