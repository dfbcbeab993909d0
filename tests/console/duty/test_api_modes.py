"""Bump tests and maintenance over HTTP, with a real gateway behind."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.app import create_app
from console.duty.mode_board import ModeBoard
from console.roles import Role
from console.services import Answer, ConsoleServices
from journal.entry import Entry, Stored
from tests.console.conftest import BASE
from tests.fixtures.tested_kitchens import GAS, METHANE, OTHER, TestedKitchen

WISH = {"device": GAS, "point": "methane", "for_s": 600, "why": "monthly"}
HOUSE = {"scope": "area", "target": "kitchen", "for_s": 600, "why": "new wiring"}


@dataclass
class Site:
    """``seconds``: into the story. ``is_silent``: the gateway takes what it is asked, and nobody hears its answer."""

    kitchen: TestedKitchen
    board: ModeBoard
    seconds: float = 2.0
    is_silent: bool = False

    async def ask(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        more: dict[str, Any] = dict(details)
        answer = await self.kitchen.ask(self.seconds, verb, target, who=who, **{"why": "", **more})
        return None if self.is_silent else Answer(answer.found, answer.refusal)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    kitchen = TestedKitchen(tmp_path / "journal")
    kitchen.hear(0)
    kitchen.hear(0, OTHER)
    board = ModeBoard(kitchen.site)
    kitchen.journal.subscribe(board.listen)
    yield Site(kitchen, board)
    await kitchen.journal.close()


@pytest.fixture
async def officer(
    site: Site, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]]
) -> AsyncIterator[httpx.AsyncClient]:
    wired = replace(services, site=site.kitchen.site, modes=site.board, ask=site.ask)
    transport = httpx.ASGITransport(create_app(wired, root), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer(Role.OFFICER)) as client:
        yield client


async def post(client: httpx.AsyncClient, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
    answer = await client.post(f"/api/v1/{path}", json=body)
    return answer.status_code, answer.json()


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/{path}")).json()["items"]
    return found


async def test_a_bump_test_is_begun_shown_and_ended_with_its_evidence(site: Site, officer: httpx.AsyncClient) -> None:
    status, begun = await post(officer, "bump-tests", WISH)
    assert (status, begun) == (
        200,
        {
            "id": METHANE,
            "device": GAS,
            "device_title": {"zh": "设备", "en": "Device"},
            "point": "methane",
            "state": "running",
            "saw_gas": False,
            "limit": 25.0,
            "highest": None,
            "unit": "%{LEL}",
            "unit_text": "%LEL",
            "readings": 0,
            "who": "officer",
            "why": "monthly",
            "began_at": "2027-01-15T08:00:02.000Z",
            "until": "2027-01-15T08:10:02.000Z",
            "ended_at": None,
            "ended_by": "",
            "ended_why": "",
            "notice": begun["notice"],
        },
    )
    assert "level 2" in begun["notice"]["en"]
    assert "二级" in begun["notice"]["zh"]
    site.kitchen.hear(4, methane=60.0)
    await site.kitchen.durable()
    seen = (await officer.get(f"/api/v1/bump-tests/{METHANE}")).json()
    assert (seen["state"], seen["saw_gas"], seen["highest"]) == ("running", True, 60.0)
    site.seconds = 6
    status, ended = await post(officer, f"bump-tests/{METHANE}/end", {"why": "bottle empty"})
    assert (status, ended["state"], ended["ended_by"], ended["ended_why"]) == (200, "passed", "officer", "bottle empty")
    assert ended["notice"] is None
    assert await items(officer, "bump-tests") == [ended]


async def test_of_several_tests_of_a_device_the_new_one_is_answered_and_those_that_run_stand_first(
    site: Site, officer: httpx.AsyncClient
) -> None:
    await post(officer, "bump-tests", WISH)
    await post(officer, f"bump-tests/{METHANE}/end")
    site.seconds = 4
    site.kitchen.hear(3)
    assert (await post(officer, "bump-tests", {**WISH, "point": "co"}))[1]["id"] == f"{GAS}~co"
    site.seconds = 5
    assert (await post(officer, "bump-tests", WISH))[1]["id"] == METHANE
    await post(officer, f"bump-tests/{METHANE}/end", {})
    shown = [(one["id"], one["state"]) for one in await items(officer, "bump-tests")]
    assert shown == [(f"{GAS}~co", "running"), (METHANE, "failed")]


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ({"device": "gas:9"}, 404, "'gas:9'"),
        ({"point": ""}, 409, "name one detector of gas:1: methane, co"),
        ({"point": "valve"}, 409, "name one detector of gas:1: methane, co"),
        ({"for_s": 1801}, 422, "body.for_s"),
        ({"for_s": None}, 422, "body.for_s"),
        ({"why": ""}, 422, "body.why"),
        ({"until": 3}, 422, "body.until"),
    ],
    ids=str,
)
async def test_a_wish_that_cannot_be_is_refused(
    officer: httpx.AsyncClient, wish: dict[str, object], status: int, said: str
) -> None:
    found, problem = await post(officer, "bump-tests", {**WISH, **wish})
    assert (found, said in problem["detail"]) == (status, True)
    assert await items(officer, "bump-tests") == []


async def test_nobody_knows_yet_what_a_gateway_does_that_does_not_answer(
    site: Site, officer: httpx.AsyncClient
) -> None:
    site.is_silent = True
    assert await post(officer, "bump-tests", WISH) == (202, {"status": "pending"})
    assert await post(officer, f"bump-tests/{METHANE}/end") == (202, {"status": "pending"})
    assert await post(officer, "maintenance", HOUSE) == (202, {"status": "pending"})
    assert await post(officer, "maintenance/kitchen~area/end") == (202, {"status": "pending"})


async def test_what_was_never_tested_or_maintained_is_unknown(officer: httpx.AsyncClient) -> None:
    assert (await officer.get(f"/api/v1/bump-tests/{METHANE}")).json()["type"].endswith("unknown-bump-test")
    assert (await post(officer, f"bump-tests/{METHANE}/end"))[0] == 404
    assert (await post(officer, "maintenance/kitchen~area/end"))[1]["type"].endswith("unknown-maintenance")
    assert (await post(officer, "maintenance", {**HOUSE, "target": "attic"}))[0] == 404


async def test_maintenance_of_an_area_is_begun_shown_and_ended(site: Site, officer: httpx.AsyncClient) -> None:
    status, begun = await post(officer, "maintenance", HOUSE)
    assert (status, begun["id"], begun["state"], begun["title"]) == (
        200,
        "kitchen~area",
        "running",
        {"zh": "厨", "en": "Kitchen"},
    )
    assert f"{GAS}~BL-02" in begun["alarms"]
    assert "interlocks act as ever" in begun["notice"]["en"]
    device = {**HOUSE, "scope": "device", "target": OTHER}
    assert (await post(officer, "maintenance", device))[1]["title"] == {"zh": "设备", "en": "Device"}
    assert (await post(officer, "maintenance", HOUSE))[0] == 409
    status, ended = await post(officer, "maintenance/kitchen~area/end", {"why": "done"})
    assert (status, ended["state"], ended["ended_by"], ended["notice"]) == (200, "ended", "officer", None)
    assert [one["id"] for one in await items(officer, "maintenance")] == [f"{OTHER}~device", "kitchen~area"]


async def test_board_begins_with_what_stood_and_what_it_cannot_read_hides_nothing(site: Site) -> None:
    await site.kitchen.begin(2)
    await site.kitchen.ask(2, "maintenance", "kitchen~area", for_s=60)
    warm = ModeBoard(site.kitchen.site)
    state = site.kitchen.journal.load_state("")
    warm.warm({"bump-test/newer": b"\x93\x09\x09\x09", **state, "alarm/x": b"?"})
    assert (warm.undecoded, warm.bump_tests(), warm.maintenance()) == (
        1,
        site.board.bump_tests(),
        site.board.maintenance(),
    )
    warm.listen([Stored(1, Entry("maintenance", "x", 0, 0, b"\xc0")), Stored(2, Entry("reading", "x", 0, 0, b"?"))])
    assert (warm.undecoded, len(warm.maintenance())) == (2, 1)


async def test_test_of_a_device_that_is_gone_is_still_shown(site: Site) -> None:
    await site.kitchen.begin(2)
    site.kitchen.drop(GAS)
    assert [one["device_title"] for one in site.board.bump_tests()] == [{"zh": GAS, "en": GAS}]
