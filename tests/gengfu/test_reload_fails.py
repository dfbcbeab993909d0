"""A reload that fails in a way nobody foresaw, or is cancelled: the connections that were closed watch again."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from gengfu import behind, process, sides
from gengfu.coap_side import CoapSide
from gengfu.reload import SiteReload
from gengfu.rules import shipped
from gengfu.settings import load_settings
from gengfu.sites import read_site
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async

SITE = """
[site]
id = "east"
title = {{ zh = "东区", en = "East" }}

[[area]]
id = "street"
title = {{ zh = "街", en = "Street" }}
kind = "street"

[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:{port}"
peer_rate = {rate}
"""


class Planted(Exception):
    """What nobody foresaw."""


@pytest.mark.parametrize("fault", [Planted, asyncio.CancelledError])
async def test_connections_that_were_closed_are_opened_again_whatever_goes_wrong(
    fault: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SiteReload] = []

    class Noted(SiteReload):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            made.append(self)

    monkeypatch.setattr(behind, "SiteReload", Noted)
    document, port = tmp_path / "site.toml", unused_port(socket.SOCK_DGRAM)
    document.write_text(SITE.format(port=port, rate=100), encoding="utf-8")
    settings = load_settings(data=tmp_path / "data", site=document, http={"port": 0})
    (tmp_path / "data").mkdir()
    async with process.running(settings, read_site(document), tmp_path / "data", shipped()) as running:
        before = running.gateway.sides["coap"]
        document.write_text(SITE.format(port=port, rate=200), encoding="utf-8")

        def broken(*_: object) -> None:
            monkeypatch.setattr(sides, "CoapSide", CoapSide)
            raise fault

        monkeypatch.setattr(sides, "CoapSide", broken)
        with pytest.raises(fault):
            await made[0]("admin")
        again = running.gateway.sides["coap"]
        assert again is not before
        await wait_for_async(lambda: again.diagnosis.is_up, what="the door")
        assert running.gateway.site.connections["coap"].model_dump()["peer_rate"] == 100
