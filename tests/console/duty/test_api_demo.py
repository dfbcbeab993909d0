"""The demo's buttons, there and elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from console.errors import DemoRefused
from console.roles import Role
from tests.console.duty.conftest import GAS, OTHER, Open, Rig

BIN = "t:bin:1"


@dataclass
class Boards:
    """Boards that note what is done to them; one that is not running refuses."""

    running: bool = True
    done: list[tuple[str, str | None, bool]] = field(default_factory=list)

    def boards(self) -> Sequence[str]:
        return [GAS, BIN]

    async def act(self, verb: str, device: str | None, slow: bool) -> None:
        if not self.running:
            raise DemoRefused(f"board {device} is not running")
        self.done.append((verb, device, slow))


@pytest.fixture
def boards() -> Boards:
    return Boards()


@pytest.fixture
async def demo(open_rig: Open, boards: Boards) -> Rig:
    return await open_rig(demo=boards)


@pytest.fixture
def officer(demo: Rig) -> httpx.AsyncClient:
    return demo.client(Role.OFFICER)


async def test_the_boards_are_listed_with_what_they_have(officer: httpx.AsyncClient) -> None:
    assert (await officer.get("/api/v1/demo")).json() == {
        "boards": [
            {"device": GAS, "title": {"zh": "报警器", "en": "Alarm"}, "gas": True, "valve": True},
            {"device": BIN, "title": {"zh": "桶", "en": "Bin"}, "gas": False, "valve": False},
        ]
    }


async def test_the_site_says_whether_it_is_a_demo(officer: httpx.AsyncClient, open_rig: Open) -> None:
    assert (await officer.get("/api/v1/site")).json()["demo"] is True
    elsewhere = (await open_rig()).client(None)
    assert (await elsewhere.get("/api/v1/site")).json()["demo"] is False


@pytest.mark.parametrize(
    ("verb", "body", "done"),
    [
        ("leak", None, ("leak", None, False)),
        ("leak", {}, ("leak", None, False)),
        ("leak", {"device": GAS, "slow": True}, ("leak", GAS, True)),
        ("clear", {"device": GAS}, ("clear", GAS, False)),
        ("reopen", None, ("reopen", None, False)),
    ],
)
async def test_a_button_reaches_its_board(
    officer: httpx.AsyncClient,
    boards: Boards,
    verb: str,
    body: dict[str, object] | None,
    done: tuple[str, str | None, bool],
) -> None:
    answer = await officer.post(f"/api/v1/demo/{verb}", json=body)
    assert (answer.status_code, boards.done) == (204, [done])


async def test_a_board_that_is_not_here_is_404(officer: httpx.AsyncClient, boards: Boards) -> None:
    answer = await officer.post("/api/v1/demo/leak", json={"device": OTHER})
    assert (answer.status_code, answer.json()["type"], boards.done) == (404, "urn:gengfu:problem:unknown-device", [])


async def test_a_board_that_is_not_running_is_409(officer: httpx.AsyncClient, boards: Boards) -> None:
    boards.running = False
    answer = await officer.post("/api/v1/demo/leak", json={"device": GAS})
    assert (answer.status_code, answer.json()["detail"]) == (409, f"board {GAS} is not running")


@pytest.mark.parametrize(
    ("verb", "body"), [("leak", {"slow": "yes"}), ("clear", {"slow": True}), ("reopen", {"device": 7})]
)
async def test_a_wrong_wish_is_422(
    officer: httpx.AsyncClient, boards: Boards, verb: str, body: dict[str, object]
) -> None:
    answer = await officer.post(f"/api/v1/demo/{verb}", json=body)
    assert (answer.status_code, boards.done) == (422, [])


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OFFICER, 204), (Role.ADMIN, 204)])
async def test_who_may_let_gas_leak(demo: Rig, role: Role | None, status: int) -> None:
    client = demo.client(role)
    answers = [await client.post(f"/api/v1/demo/{verb}") for verb in ("leak", "clear", "reopen")]
    assert [one.status_code for one in answers] == [status] * 3
    assert (await client.get("/api/v1/demo")).status_code == (401 if role is None else 200)


async def test_elsewhere_nothing_can_be_made_to_leak(open_rig: Open) -> None:
    officer = (await open_rig()).client(Role.OFFICER)
    answers = [await officer.get("/api/v1/demo")]
    answers += [await officer.post(f"/api/v1/demo/{verb}") for verb in ("leak", "clear", "reopen")]
    assert [(one.status_code, one.json()["type"]) for one in answers] == [(404, "urn:gengfu:problem:no-demo")] * 4
