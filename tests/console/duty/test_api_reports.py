"""Reports of people over HTTP, with a real gateway behind."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.app import create_app
from console.duty.report_board import ReportBoard
from console.roles import Role
from console.services import Answer, ConsoleServices
from journal.entry import Entry, Stored
from tests.console.conftest import BASE
from tests.fixtures.tested_kitchens import TestedKitchen

ODOUR = {"what": "odour", "area": "kitchen", "text": "back door", "phone": "138", "ago_s": 60}


@dataclass
class Site:
    """``is_silent``: the gateway takes what it is asked, and nobody hears its answer."""

    kitchen: TestedKitchen
    board: ReportBoard
    seconds: float = 0.0
    is_silent: bool = False

    async def ask(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        more: dict[str, Any] = dict(details)
        self.seconds += 1
        answer = await self.kitchen.ask(self.seconds, verb, target, who=who, **more)
        return None if self.is_silent else Answer(answer.found, answer.refusal)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    kitchen = TestedKitchen(tmp_path / "journal")
    made = Site(kitchen, ReportBoard(kitchen.site))
    kitchen.journal.subscribe(made.board.listen)
    yield made
    await kitchen.journal.close()


Connect = Callable[[Role], httpx.AsyncClient]


@pytest.fixture
async def connect(
    site: Site, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]]
) -> AsyncIterator[Connect]:
    wired = replace(services, site=site.kitchen.site, reports=site.board, ask=site.ask)
    transport = httpx.ASGITransport(create_app(wired, root), raise_app_exceptions=False)
    clients: list[httpx.AsyncClient] = []

    def made(role: Role) -> httpx.AsyncClient:
        clients.append(httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer(role)))
        return clients[-1]

    yield made
    for client in clients:
        await client.aclose()


def path(report: str) -> str:
    return f"/api/v1/reports/{report}/withdraw"


async def test_a_report_is_entered_listed_and_withdrawn(site: Site, connect: Connect) -> None:
    officer, viewer = connect(Role.OFFICER), connect(Role.VIEWER)
    answer = await officer.post("/api/v1/reports", json=ODOUR)
    assert answer.status_code == 200, answer.text
    item = answer.json()
    assert (item["what"], item["area"]["id"], item["text"], item["phone"], item["state"], item["origin"]) == (
        "odour", "kitchen", "back door", "138", "standing", "live",
    )  # fmt: skip
    entered, noticed = (datetime.fromisoformat(item[key]) for key in ("at", "noticed_at"))
    assert (item["who"], entered - noticed) == ("officer", timedelta(minutes=1))
    listed = (await viewer.get("/api/v1/reports")).json()
    assert listed == {"items": [{**item, "phone": None}], "next": None}, "the caller's phone is for who calls back"
    gone = (await officer.post(path(item["id"]), json={"why": "paint"})).json()
    assert (gone["state"], gone["withdrawn_by"], gone["withdrawn_why"]) == ("withdrawn", item["who"], "paint")
    assert (await viewer.get("/api/v1/reports?state=standing")).json()["items"] == []
    assert (await viewer.get("/api/v1/reports?state=withdrawn")).json()["items"] == [{**gone, "phone": None}]


async def test_pages_are_cut_and_a_wrong_cursor_is_said(connect: Connect) -> None:
    officer = connect(Role.OFFICER)
    made = [(await officer.post("/api/v1/reports", json=ODOUR)).json()["id"] for _ in range(3)]
    first = (await officer.get("/api/v1/reports?limit=2")).json()
    rest = (await officer.get("/api/v1/reports", params={"limit": 2, "after": first["next"]})).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == made[::-1]
    assert rest["next"] is None
    assert (await officer.get("/api/v1/reports?after=x")).status_code == 422


async def test_who_may_not_what_is_wrong_and_what_is_not_there(site: Site, connect: Connect) -> None:
    officer, viewer = connect(Role.OFFICER), connect(Role.VIEWER)
    assert (await viewer.post("/api/v1/reports", json=ODOUR)).status_code == 403
    for wrong in ({"what": "drum"}, {"text": ""}, {"ago_s": -1}, {"colour": "red"}):
        assert (await officer.post("/api/v1/reports", json={**ODOUR, **wrong})).status_code == 422, wrong
    answer = await officer.post("/api/v1/reports", json={**ODOUR, "area": "nowhere"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:gengfu:problem:unknown-area")
    assert (await officer.post("/api/v1/reports", json={**ODOUR, "text": " "})).status_code == 409
    assert (await officer.post(path("kitchen~none"), json={"why": "x"})).status_code == 404
    made = (await officer.post("/api/v1/reports", json=ODOUR)).json()["id"]
    assert (await viewer.post(path(made), json={"why": "x"})).status_code == 403
    assert (await officer.post(path(made), json={"why": ""})).status_code == 422
    await officer.post(path(made), json={"why": "x"})
    assert (await officer.post(path(made), json={"why": "x"})).status_code == 404, "withdrawn already"


async def test_every_area_can_be_chosen(site: Site, connect: Connect) -> None:
    found = (await connect(Role.VIEWER).get("/api/v1/areas")).json()
    assert [one["id"] for one in found["items"]] == list(site.kitchen.site.areas)


async def test_an_answer_that_does_not_come_in_time_is_a_202(site: Site, connect: Connect) -> None:
    site.is_silent = True
    answer = await connect(Role.OFFICER).post("/api/v1/reports", json=ODOUR)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")


async def test_board_is_warm_after_a_restart_and_counts_what_it_cannot_read(site: Site, connect: Connect) -> None:
    await connect(Role.OFFICER).post("/api/v1/reports", json=ODOUR)
    await site.kitchen.durable()
    board = ReportBoard(site.kitchen.site)
    board.warm(site.kitchen.journal.load_state(""))
    assert board.items() == site.board.items() != []
    board.listen([Stored(1, Entry("report", "x", 0, 0, b"\xc1")), Stored(2, Entry("reading", "x", 0, 0, b"\xc1"))])
    assert (board.undecoded, len(board.items())) == (1, 1)
