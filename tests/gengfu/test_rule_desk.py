"""The desk of the rules: asked over HTTP, and by itself once a day; what runs is told to the gateway as a number."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from console.api.shapes_rules import RuleDifferences
from device_registry.in_use import SiteInUse
from gengfu import rule_desk
from gengfu.demo.timing import quick
from gengfu.rule_desk import RuleDesk
from gengfu.rules import shipped
from gengfu.site_rules.book import read_book
from tests.fixtures.rule_site import override, site, write
from tests.fixtures.waiting import wait_for_async

LATER = {"rules/a.toml": override("CK-02", "approved_on = 2026-11-20", "on_delay_s = 20.0", by='"王伟", "Li Na"')}


def desk_of(folder: Path, started: Mapping[str, str]) -> tuple[RuleDesk, list[int]]:
    """One whose gateway was started with these files, and what it told."""
    document = write(folder, started)
    book = read_book(document, site())
    told: list[int] = []
    return RuleDesk(document, SiteInUse(site()), lambda: book, told.append), told


async def test_what_is_shown_is_as_the_api_says(tmp_path: Path) -> None:
    desk, told = desk_of(tmp_path, LATER)
    shown = RuleDifferences.model_validate(await desk.look()).model_dump(mode="json")
    assert (shown["deviations"], told) == ([], [0])
    (row,) = shown["items"]
    assert row == {
        **{"id": "CK-02", "kind": "rule", "title": {"zh": "燃气泄漏 一级", "en": "Gas leak, level 1"}},
        **{"key": "on_delay_s", "shipped": "5", "approved": "20", "running": "20", "is_approved": True},
        **{"approved_by": ["王伟", "Li Na"], "approved_on": "2026-11-20", "why": "as agreed", "file": "rules/a.toml"},
    }


async def test_it_looks_by_itself_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rule_desk, "EVERY_S", 0.0)
    desk, told = desk_of(tmp_path, LATER)
    looking = asyncio.create_task(desk.run())
    await wait_for_async(lambda: told)
    assert set(told) == {0}
    (tmp_path / "rules/a.toml").unlink()
    await wait_for_async(lambda: told[-1] == 1)
    looking.cancel()
    assert "not as approved: CK-02 on_delay_s: 20.0 runs, 5.0 is approved" in caplog.messages


async def test_without_a_document_what_the_process_was_started_with_is_approved() -> None:
    books, told = [quick(shipped())], list[int]()
    desk = RuleDesk(None, SiteInUse(site()), lambda: books[-1], told.append)
    assert (await desk.look())["deviations"] == []
    books.append(shipped())
    assert (await desk.look())["deviations"]
    assert told[0] == 0 < told[-1]
