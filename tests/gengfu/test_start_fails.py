"""A start that fails half-way: what was begun is ended, and the process does not hang."""

import threading
from pathlib import Path

import pytest

from gateway.transports.coap import door as coap
from gengfu import process, sides
from gengfu.rules import shipped
from gengfu.settings import load_settings
from gengfu.sites import empty_site


async def test_a_fault_while_connections_open_leaves_no_store_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(sides, "CoapSide", broken)
    monkeypatch.setattr(coap, "bind", lambda host, _port: BIND(host, 0))
    settings = load_settings(data=tmp_path, http={"port": 0})
    with pytest.raises(RuntimeError, match="planted"):
        async with process.running(settings, empty_site(), tmp_path, shipped()):
            pytest.fail("the fault was planted before this")
    assert [one.name for one in threading.enumerate() if one.name.startswith("duckdb")] == []


BIND = coap.bind
