"""The API's rule differences, over the files of a site."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx

from console.app import create_app
from console.roles import Role
from console.services import ConsoleServices
from device_registry.in_use import SiteInUse
from gengfu.rule_desk import RuleDesk
from gengfu.site_rules.book import read_book
from tests.console.conftest import BASE, Connect
from tests.fixtures.rule_site import override, site, write

DIFFERENCES = "/api/v1/rules/differences"
FULL = override("SB-02", "on_reports = 3")


async def test_they_are_looked_at_anew_for_each_answer(
    services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]], tmp_path: Path
) -> None:
    document = write(tmp_path, {"rules/a.toml": FULL})
    book = read_book(document, site())
    desk = RuleDesk(document, SiteInUse(site()), lambda: book, lambda _found: None)
    transport = httpx.ASGITransport(create_app(replace(services, rules=desk), root))
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer(Role.VIEWER)) as viewer:
        found = (await viewer.get(DIFFERENCES)).json()
        assert [(one["id"], one["running"], one["is_approved"]) for one in found["items"]] == [("SB-02", "3", True)]
        assert (found["deviations"], found["next"]) == ([], None)
        write(tmp_path, {"rules/a.toml": FULL.replace("= 3", "= 4")})
        found = (await viewer.get(DIFFERENCES)).json()
        assert found["deviations"] == ["SB-02 on_reports: 3 runs, 4 is approved"]


async def test_nobody_sees_them_without_signing_in_nor_where_no_gateway_is(
    connect: Connect, bearer: Callable[[Role], dict[str, str]]
) -> None:
    assert (await connect().get(DIFFERENCES)).status_code == 401
    answer = await connect(headers=bearer(Role.VIEWER)).get(DIFFERENCES)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:gengfu:problem:not-connected")
