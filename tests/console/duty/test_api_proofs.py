"""Bypasses and proof tests over HTTP, with a real gateway behind."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.app import create_app
from console.duty.bypass_board import BypassBoard
from console.duty.proof_board import ProofBoard
from console.roles import Role
from console.services import Answer, ConsoleServices
from gengfu.rules import shipped
from journal.entry import Entry, Stored
from tests.console.conftest import BASE
from tests.fixtures.tested_kitchens import GAS, OTHER, TestedKitchen

KITCHEN = "kitchen~restaurant-kitchen"
BYPASS = {
    "interlock": KITCHEN, "cause": "RK-1", "devices": [GAS], "for_s": 600, "why": "new sensor",
    "measure": "wang, no. 7",
}  # fmt: skip
PROOF = {"device": GAS, "appliances_off": True, "on_site": "wang, 138", "why": "half-yearly"}
SAME = {"cause": "RK-1", "for_s": 600}
DAY = 86_400


@dataclass
class Site:
    """``seconds``: into the story. ``is_silent``: the gateway takes what it is asked, and nobody hears its answer."""

    kitchen: TestedKitchen
    bypasses: BypassBoard
    proofs: ProofBoard
    seconds: float = 2.0
    is_silent: bool = False

    async def ask(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        more: dict[str, Any] = dict(details)
        answer = await self.kitchen.ask(self.seconds, verb, target, who=who, **{"why": "", **more})
        return None if self.is_silent else Answer(answer.found, answer.refusal)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    kitchen = TestedKitchen(tmp_path / "journal")
    await kitchen.durable()
    made: list[Site] = []
    bypasses = BypassBoard(kitchen.site, shipped().matrices)
    proofs = ProofBoard(kitchen.site, lambda: kitchen.moment(made[0].seconds).wall)
    made.append(Site(kitchen, bypasses, proofs))
    proofs.warm(kitchen.journal.load_state(""))
    for board in (bypasses, proofs):
        kitchen.journal.subscribe(board.listen)
    kitchen.hear(0)
    kitchen.hear(0, OTHER)
    yield made[0]
    await kitchen.journal.close()


Connect = Callable[[Role], httpx.AsyncClient]


@pytest.fixture
async def connect(
    site: Site, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]]
) -> AsyncIterator[Connect]:
    wired = replace(services, site=site.kitchen.site, bypasses=site.bypasses, proof_tests=site.proofs, ask=site.ask)
    transport = httpx.ASGITransport(create_app(wired, root), raise_app_exceptions=False)
    clients: list[httpx.AsyncClient] = []

    def made(role: Role) -> httpx.AsyncClient:
        clients.append(httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer(role)))
        return clients[-1]

    yield made
    for client in clients:
        await client.aclose()


async def post(client: httpx.AsyncClient, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
    answer = await client.post(f"/api/v1/{path}", json=body)
    return answer.status_code, answer.json()


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/{path}")).json()["items"]
    return found


async def test_one_officer_asks_for_a_bypass_another_confirms_it_and_it_is_shown_until_its_end(
    site: Site, connect: Connect
) -> None:
    officer, admin = connect(Role.OFFICER), connect(Role.ADMIN)
    status, asked = await post(officer, "bypasses", BYPASS)
    assert (status, asked["id"], asked["state"], asked["who"], asked["until"]) == (
        200,
        "kitchen",
        "requested",
        "officer",
        None,
    )
    assert "nothing is bypassed yet" in asked["notice"]["en"]
    assert [*site.bypasses.bypassed()] == []
    status, refused = await post(officer, "bypasses/kitchen/confirm", SAME)
    assert (status, "another person" in refused["detail"]) == (409, True)
    status, active = await post(admin, "bypasses/kitchen/confirm", SAME)
    assert (status, active["state"], active["confirmed_by"], active["until"]) == (
        200,
        "active",
        "admin",
        "2027-01-15T08:10:02.000Z",
    )
    assert (active["cause"]["title"]["en"], active["devices"][0]["id"]) == ("Level 1 or the device's own alarm", GAS)
    assert set(site.bypasses.bypassed()) == {(GAS, "methane"), (GAS, "alarm")}
    site.seconds = 20
    assert (await post(officer, "bypasses/kitchen/end", {"why": "done"}))[1]["state"] == "ended"
    (ended,) = await items(officer, "bypasses")
    assert (ended["ended_by"], ended["ended_why"], ended["notice"]) == ("officer", "done", None)
    assert [*site.bypasses.bypassed()] == []


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ({"interlock": "attic~restaurant-kitchen"}, 404, "attic"),
        ({"cause": "RK-9"}, 409, "has no cause"),
        ({"for_s": 28_801}, 422, "body.for_s"),
        ({"devices": []}, 422, "body.devices"),
        ({"devices": ["a,b"]}, 422, "body.devices"),
        ({"measure": ""}, 422, "body.measure"),
    ],
    ids=str,
)
async def test_bypass_that_cannot_be_is_refused(
    connect: Connect, wish: dict[str, object], status: int, said: str
) -> None:
    officer = connect(Role.OFFICER)
    found, problem = await post(officer, "bypasses", {**BYPASS, **wish})
    assert (found, said in problem["detail"]) == (status, True)
    assert (await post(officer, "bypasses/kitchen/end"))[0] == 404


async def test_valves_are_listed_by_when_they_are_due_and_a_test_is_begun_and_shown(
    site: Site, connect: Connect
) -> None:
    officer = connect(Role.OFFICER)
    first, second = await items(officer, "proof-tests")
    assert (first["id"], second["id"]) == (f"{GAS}~valve", f"{OTHER}~valve")
    assert (first["due_in_days"], first["overdue"], first["every_days"], first["last"]) == (179, False, 180.0, None)
    assert await items(officer, "proof-tests?due_within_days=30") == []
    status, begun = await post(officer, "proof-tests", PROOF)
    assert (status, begun["last"]["state"], begun["last"]["on_site"]) == (200, "begun", "wang, 138")
    site.kitchen.until(2)
    await site.kitchen.durable()
    site.kitchen.until(2)
    site.kitchen.hear(8, valve=2.0)
    await site.kitchen.durable()
    shown = (await officer.get(f"/api/v1/proof-tests/{GAS}~valve")).json()
    last = shown["last"]
    assert (last["state"], last["took_s"], last["within_s"], last["who"]) == ("passed", 6.0, 15.0, "officer")
    assert shown["passed_at"] == "2027-01-15T08:00:08.000Z"
    assert [one["id"] for one in await items(officer, "proof-tests")] == [f"{OTHER}~valve", f"{GAS}~valve"]
    site.seconds = 181 * DAY
    overdue = [one["overdue"] for one in await items(officer, "proof-tests?due_within_days=0")]
    assert overdue == [True, True]


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ({"device": "gas:9"}, 404, "'gas:9'"),
        ({"appliances_off": False}, 422, "body.appliances_off"),
        ({"on_site": ""}, 422, "body.on_site"),
        ({"device": "h2:1"}, 409, "is only observed"),
    ],
    ids=str,
)
async def test_proof_test_that_cannot_be_is_refused(
    connect: Connect, wish: dict[str, object], status: int, said: str
) -> None:
    found, problem = await post(connect(Role.OFFICER), "proof-tests", {**PROOF, **wish})
    assert (found, said in problem["detail"]) == (status, True)


async def test_nobody_knows_yet_what_a_gateway_does_that_does_not_answer(site: Site, connect: Connect) -> None:
    officer = connect(Role.OFFICER)
    site.is_silent = True
    assert await post(officer, "bypasses", BYPASS) == (202, {"status": "pending"})
    assert await post(officer, "bypasses/kitchen/confirm", SAME) == (202, {"status": "pending"})
    assert await post(officer, "bypasses/kitchen/end") == (202, {"status": "pending"})
    assert await post(officer, "proof-tests", PROOF) == (202, {"status": "pending"})
    assert (await officer.get("/api/v1/proof-tests/x~valve")).status_code == 404


async def test_boards_begin_with_what_stood_and_what_they_cannot_read_hides_nothing(
    site: Site, connect: Connect
) -> None:
    officer = connect(Role.OFFICER)
    await post(officer, "bypasses", BYPASS)
    await post(officer, "proof-tests", PROOF)
    state = {"bypass/newer": b"\xc0", "proof-test/newer": b"\xc0", **site.kitchen.journal.load_state("")}
    bypasses, proofs = BypassBoard(site.kitchen.site, ()), ProofBoard(site.kitchen.site, lambda: 0)
    for board in (bypasses, proofs):
        board.warm(state)
        board.listen([Stored(1, Entry("reading", "x", 0, 0, b"?"))])
        assert board.undecoded == 1
    site.kitchen.drop(GAS)
    (one,) = bypasses.items()
    assert (one["cause"]["title"], one["devices"][0]["title"]["en"]) == ({"zh": "RK-1", "en": "RK-1"}, GAS)
    named = {one["device"]: (one["point_title"]["en"], one["last"] is None) for one in proofs.items()}
    assert (named[GAS], named[OTHER][1]) == (("valve", False), True)
