"""A reload looks at the rules beside the document: wrong ones are refused, changed ones wait for a restart (S11)."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from console.errors import ReloadRefused
from gengfu import behind, process
from gengfu.reload import SiteReload
from gengfu.settings import load_settings
from gengfu.site_rules.book import read_book
from gengfu.sites import read_site
from tests.fixtures.ports import unused_port
from tests.fixtures.rule_site import document, override, write

FILL = 'any = [{ kind = "high", role = "fill", limit = %s }]'


@asynccontextmanager
async def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SiteReload]:
    """A process of the site of the folder, with the rules beside its document."""
    made: list[SiteReload] = []

    class Noted(SiteReload):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            made.append(self)

    monkeypatch.setattr(behind, "SiteReload", Noted)
    (folder / "data").mkdir()
    path = folder / "site.toml"
    site = read_site(path)
    settings = load_settings(data=folder / "data", site=path, http={"port": 0})
    async with process.running(settings, site, folder / "data", read_book(path, site)):
        yield made[0]


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
    async with started(tmp_path, monkeypatch) as reload:
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
