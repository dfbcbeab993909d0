"""The shift hand-over: who leaves signs, who comes signs the same, and nobody changes it afterwards."""

from typing import Any

from tests.console.duty.conftest import GAS, KITCHEN, LEAK, OTHER
from tests.console.duty.room.conftest import OpenRoom, Room


async def offer(room: Room, who: str = "li", why: str = "") -> dict[str, Any]:
    status, offered = await room.post("duty/hand-overs", {"why": why}, who)
    assert status == 201, offered
    found: dict[str, Any] = offered
    return found


async def test_a_shift_is_handed_over_in_the_middle_of_a_leak(open_room: OpenRoom) -> None:
    room = await open_room()
    await room.quiet()
    await room.rig.leak()
    room.rig.clock.advance(40)
    offered = await offer(room, why="the gas company is on its way")
    says = offered["says"]
    assert (offered["state"], offered["left_by"]["who"], offered["taken_by"]) == ("offered", "li", None)
    assert (says["alarms"][0]["id"], says["alarms"][0]["state"]) == (LEAK, "unacknowledged")
    assert [(one["id"], one["state"], one["closed"]) for one in says["interlocks"]] == [
        (KITCHEN, "tripped", [GAS, OTHER])
    ]
    assert {one["device"]: one["reasons"] for one in says["blind"] if one["point"] == "methane"} == {
        GAS: ["lost"],
        OTHER: ["lost"],
    }
    bin_ = room.rig.services.site.devices["t:bin:1"].profile
    for _ in range(2):
        room.rig.clock.advance(1)
        await room.rig.hear_of(bin_, "t:bin:1", {"fill": 95.0})
    path = f"duty/hand-overs/{offered['number']}"
    sign = {"digest": offered["digest"], "why": "read and asked about the leak"}
    assert await room.refused(f"{path}/accept", sign) == (409, "refused"), "nobody relieves himself"
    assert await room.refused(f"{path}/accept", {**sign, "digest": "0" * 64}, "wang") == (409, "refused")
    assert await room.refused(f"{path}/accept", sign, "guest") == (403, "forbidden")
    status, taken = await room.post(f"{path}/accept", sign, "wang")
    assert (status, taken["state"], taken["taken_by"]["who"], taken["intact"]) == (200, "accepted", "wang", True)
    assert set(taken["since"]) == {"t:bin:1~SB-01", "t:bin:1~SB-02"}, "what the paper did not say yet"
    assert await room.refused(f"{path}/accept", sign, "boss") == (409, "refused")
    again = await open_room()
    assert (await again.get("duty"))["on_duty"] == {
        "who": "wang",
        "since": taken["taken_by"]["at"],
        "hand_over": offered["number"],
    }
    assert await again.get(path, "guest") == taken
    assert [one["number"] for one in (await again.get("duty/hand-overs"))["items"]] == [offered["number"]]


async def test_what_is_silenced_is_handed_over_with_who_and_why(room: Room) -> None:
    await room.rig.leak()
    out = {"why": "sensor is drifting", "for_s": 3600, "measure": "a man with an instrument"}
    assert (await room.post(f"alarms/{LEAK}/out-of-service", out))[0] == 200
    (silenced,) = (await offer(room))["says"]["silenced"]
    assert silenced == {
        "id": LEAK,
        "state": "out-of-service",
        "silenced_by": "li",
        "silenced_why": "sensor is drifting; a man with an instrument",
        "silence_until": "2026-11-18T12:06:44.000Z",
    }


async def test_an_old_offer_or_one_that_was_made_anew_is_not_signed(room: Room) -> None:
    first = await offer(room)
    second = await offer(room, "wang")
    for number, expected in ((first["number"], "lapsed"), (second["number"], "offered")):
        assert (await room.get(f"duty/hand-overs/{number}"))["state"] == expected
    accept = f"duty/hand-overs/{first['number']}/accept"
    assert await room.refused(accept, {"digest": first["digest"]}, "wang") == (409, "refused")
    for later_s in (-1, 1802):
        room.rig.clock.advance(later_s)
        late = f"duty/hand-overs/{second['number']}/accept"
        assert await room.refused(late, {"digest": second["digest"]}) == (409, "refused")
    assert (await room.get("duty"))["on_duty"] is None


async def test_a_hand_over_that_somebody_changed_shows_it(room: Room) -> None:
    offered = await offer(room, why="all is well")
    path = f"duty/hand-overs/{offered['number']}"
    await room.post(f"{path}/accept", {"digest": offered["digest"]}, "wang")
    assert (await room.get(path))["intact"]
    room.spoil(f"UPDATE desk_logbook SET why = 'nobody told' WHERE number = {offered['number']}")
    assert not (await room.get(path))["intact"]
    (head,) = (await room.get("duty/hand-overs"))["items"]
    assert not head["intact"]


async def test_nobody_signs_what_was_changed_after_it_was_offered(room: Room) -> None:
    offered = await offer(room)
    room.spoil(f"UPDATE desk_logbook SET why = 'nothing open' WHERE number = {offered['number']}")
    accept = f"duty/hand-overs/{offered['number']}/accept"
    assert await room.refused(accept, {"digest": offered["digest"]}, "wang") == (409, "refused")


async def test_only_what_is_a_hand_over_is_shown_as_one(room: Room) -> None:
    await room.post("duty/presence", {"sound_heard": True})
    assert (await offer(room))["number"] == 2
    for number in (1, 3, 9):
        answer = await room.people["li"].get(f"/api/v1/duty/hand-overs/{number}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:gengfu:problem:unknown-hand-over")
    assert await room.refused("duty/hand-overs/9/accept", {"digest": "0" * 64}) == (404, "unknown-hand-over")


async def test_a_program_signs_nothing(room: Room) -> None:
    _, token = await room.post("tokens", {"name": "script"})
    headers = {"Authorization": f"Bearer {token['token']}"}
    answer = await room.people["li"].post("/api/v1/duty/hand-overs", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gengfu:problem:not-a-person")


async def test_figures_of_the_desk_say_that_nobody_checked_them(room: Room) -> None:
    items = {one["name"]: one for one in (await room.get("duty/figures"))["items"]}
    assert items["attendance.ask_after_s"]["value"] == 1800.0
    assert {source["verified"] for one in items.values() for source in one["source"]} == {False}
