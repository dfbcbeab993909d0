"""Signing in over HTTP: cookie, bearer, requests of other sites, back-off, links, tokens."""

import httpx
import pytest

from console.accounts import Accounts
from console.roles import Role
from tests.console.conftest import BASE, PASSWORDS, Clock, Connect

LOGIN = "/api/v1/auth/login"
VIEWER = {"username": "viewer", "password": PASSWORDS[Role.VIEWER]}
SAME_SITE = [{"Sec-Fetch-Site": "same-origin"}, {"Origin": BASE}]
OTHER_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://evil.test"},
    {"Origin": "http://console.test:81"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE},
]


async def test_signing_in_gives_a_token_and_a_cookie_for_scripts_out_of_reach(client: httpx.AsyncClient) -> None:
    answer = await client.post(LOGIN, json=VIEWER)
    token = answer.json()["token"]
    assert answer.headers["set-cookie"] == f"gengfu_session={token}; HttpOnly; Path=/; SameSite=strict"
    assert (await client.get("/api/v1/me")).json() == {"username": "viewer", "role": "viewer"}


async def test_the_cookie_is_secure_over_https(client: httpx.AsyncClient) -> None:
    answer = await client.post("https://console.test" + LOGIN, json=VIEWER)
    assert answer.headers["set-cookie"].endswith("; Secure")


async def test_signing_out_ends_the_session_everywhere(client: httpx.AsyncClient, connect: Connect) -> None:
    token = (await client.post(LOGIN, json=VIEWER)).json()["token"]
    answer = await client.post("/api/v1/auth/logout", headers=SAME_SITE[0])
    assert (answer.status_code, "gengfu_session" in client.cookies) == (204, False)
    other = connect(headers={"Authorization": f"Bearer {token}"})
    assert (await other.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("given", [{**VIEWER, "password": "wrong-password"}, {**VIEWER, "username": "nobody"}])
async def test_a_wrong_sign_in_does_not_say_what_was_wrong(client: httpx.AsyncClient, given: dict[str, str]) -> None:
    answer = await client.post(LOGIN, json=given)
    assert answer.json() == {
        "type": "urn:gengfu:problem:login-refused",
        "title": "Wrong name or password",
        "status": 401,
        "detail": "Wrong name or password.",
        "detail_zh": "用户名或密码错误。",
    }


async def test_guessing_is_slowed_down_per_peer(connect: Connect, clock: Clock) -> None:
    guesser, other = connect("192.0.2.7"), connect("192.0.2.8")
    for _ in range(5):
        assert (await guesser.post(LOGIN, json={**VIEWER, "password": "wrong"})).status_code == 401
    blocked = await guesser.post(LOGIN, json=VIEWER)
    assert (blocked.status_code, blocked.headers["retry-after"]) == (429, "30")
    assert (await other.post(LOGIN, json=VIEWER)).status_code == 200
    clock.advance(30)
    assert (await guesser.post(LOGIN, json=VIEWER)).status_code == 200


async def test_the_peer_cannot_be_forged_by_a_header(connect: Connect) -> None:
    guesser = connect("192.0.2.7")
    for n in range(5):
        forged = {"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"}
        await guesser.post(LOGIN, json={**VIEWER, "password": "wrong"}, headers=forged)
    assert (await guesser.post(LOGIN, json=VIEWER, headers={"X-Forwarded-For": "192.0.2.99"})).status_code == 429


async def test_a_session_expires_when_idle(client: httpx.AsyncClient, clock: Clock) -> None:
    await client.post(LOGIN, json=VIEWER)
    clock.advance(12 * 3600 + 1)
    assert (await client.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("headers", SAME_SITE)
async def test_our_own_pages_may_write_with_the_cookie(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await client.post(LOGIN, json=VIEWER)
    assert (await client.post("/api/v1/tokens", json={"name": "x"}, headers=headers)).status_code == 201


@pytest.mark.parametrize("headers", [*OTHER_SITE, {}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/tokens"), ("DELETE", "/api/v1/tokens/x")])
async def test_other_sites_cannot_write_with_the_cookie(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    await client.post(LOGIN, json=VIEWER)
    answer = await client.request(method, path, json={"name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gengfu:problem:cross-origin")


@pytest.mark.parametrize("headers", OTHER_SITE)
async def test_other_sites_cannot_sign_a_browser_in(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(LOGIN, json=VIEWER, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_other_sites_do_not_matter_to_bearers(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post("/api/v1/tokens", json={"name": "x"}, headers=OTHER_SITE[0])
    assert answer.status_code == 201


async def test_a_wrong_bearer_does_not_fall_back_to_the_cookie(client: httpx.AsyncClient) -> None:
    await client.post(LOGIN, json=VIEWER)
    answer = await client.get("/api/v1/me", headers={"Authorization": "Bearer gft_wrong"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="gengfu"')


async def test_an_api_token_lives_from_its_making_to_its_taking_back(
    viewer: httpx.AsyncClient, connect: Connect
) -> None:
    made = (await viewer.post("/api/v1/tokens", json={"name": "meter"})).json()
    device = connect(headers={"Authorization": f"Bearer {made.pop('token')}"})
    assert (await device.get("/api/v1/me")).json() == {"username": "viewer", "role": "viewer"}
    used = (await viewer.get("/api/v1/tokens")).json()
    assert used == {"items": [{**made, "last_used": "2026-11-18T11:06:40.000Z"}], "next": None}
    assert made["last_used"] is None
    assert (await viewer.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await device.get("/api/v1/me")).status_code == 401


async def test_a_token_above_ones_role_is_refused(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post("/api/v1/tokens", json={"name": "crown", "role": "admin"})
    assert (answer.status_code, answer.json()["detail"]) == (403, "A token has at most your own role, viewer.")


async def test_a_link_signs_in_and_leads_to_the_desk(client: httpx.AsyncClient, accounts: Accounts) -> None:
    key = accounts.issue_link(Role.OFFICER, "demo")
    answer = await client.get("/enter", params={"key": key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly; Path=/; SameSite=strict" in answer.headers["set-cookie"]
    assert (await client.get("/api/v1/me")).json() == {"username": "demo", "role": "officer"}


async def test_a_used_link_works_again_on_this_machine_only(connect: Connect, accounts: Accounts) -> None:
    key = accounts.issue_link(Role.OFFICER, "demo")
    peers = ["192.0.2.7", "192.0.2.7", "127.0.0.1", "127.0.0.1"]
    answers = [await connect(peer).get("/enter", params={"key": key}) for peer in peers]
    assert [one.headers["location"] for one in answers] == ["/", "/login?reason=link", "/", "/"]


@pytest.mark.parametrize("query", ["", "?key=", "?key=wrong"])
async def test_a_wrong_link_leads_to_the_sign_in_page(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/enter{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?reason=link")
    assert "set-cookie" not in answer.headers
