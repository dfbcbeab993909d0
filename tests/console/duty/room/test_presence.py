"""Whether somebody sits at the desk: the table, the clocks, and an operator's night."""

from itertools import product

import pytest

from console.duty.attendance import TABLE, Attendance, AttendanceEvent, AttendanceState, Presence
from console.duty.figures import duty_figures
from protocols.moment import SECOND, Moment
from tests.console.duty.conftest import published
from tests.console.duty.room.conftest import OpenRoom, Room

FIGURES = duty_figures().attendance
SOUND = {"sound_heard": True}


def test_table_tells_every_state_what_each_event_does() -> None:
    assert set(TABLE) == set(product(AttendanceState, AttendanceEvent))
    told = {(state.word, event.name): after.word for (state, event), after in TABLE.items() if after is not state}
    assert told == {
        ("stood-down", "CONFIRM"): "attended",
        ("attended", "ASK"): "asked",
        ("asked", "CONFIRM"): "attended",
        ("asked", "SILENCE"): "unattended",
        ("unattended", "CONFIRM"): "attended",
        ("attended", "STAND_DOWN"): "stood-down",
        ("asked", "STAND_DOWN"): "stood-down",
        ("unattended", "STAND_DOWN"): "stood-down",
    }


@pytest.mark.parametrize(
    ("later_s", "state", "unanswered_s"),
    [
        (0, "attended", 0),
        (1799, "attended", 0),
        (1800, "asked", 0),
        (1900, "asked", 100),
        (1920, "unattended", 120),
        (90_000, "unattended", 88_200),
        (-1, "asked", 0),
    ],
)
def test_after_a_restart_nobody_sits_longer_than_before(later_s: int, state: str, unanswered_s: int) -> None:
    """``-1``: the clock was set back."""
    one = Attendance(FIGURES)
    now = Moment((10_000 + later_s) * SECOND, 5 * SECOND)
    one.load(Presence("li", 10_000 * SECOND, 1), is_closed=False, now=now)
    assert (one.state.word, one.unanswered_s(now)) == (state, unanswered_s)


async def test_a_night_at_the_desk(room: Room) -> None:
    unattended = room.asked["desk_unattended"]
    room.pass_time(4000)
    state = await room.get("duty", "guest")
    assert (state["attendance"]["state"], unattended()) == ("stood-down", 0)
    assert await room.refused("duty/presence") == (409, "refused")
    status, state = await room.post("duty/presence", SOUND)
    assert (status, state["attendance"]) == (
        200,
        {
            "state": "attended",
            "who": "li",
            "at": "2026-11-18T12:13:20.000Z",
            "sound_at": "2026-11-18T12:13:20.000Z",
            "left_s": 1800.0,
        },
    )
    room.pass_time(1799)
    assert (await room.post("duty/presence"))[1]["attendance"]["left_s"] == 1800.0

    async def wait() -> None:
        room.pass_time(1800)

    (told,) = await published(room.rig, "duty", wait)
    assert (told["attendance"]["state"], told["attendance"]["left_s"]) == ("asked", 120.0)
    room.pass_time(119)
    assert (unattended(), (await room.get("duty"))["attendance"]["state"]) == (119, "asked")
    room.pass_time(1)
    assert (unattended(), (await room.get("duty"))["attendance"]["state"]) == (120, "unattended")
    assert await room.refused("duty/presence", who="wang") == (409, "refused")
    assert (await room.post("duty/presence", SOUND, "wang"))[1]["attendance"]["who"] == "wang"
    assert unattended() == 0
    room.rig.clock.advance(1920)
    assert unattended() == 120, "whoever is asked looks at the clock"


async def test_who_relieves_another_hears_the_tone_first(room: Room) -> None:
    await room.post("duty/presence", SOUND)
    assert await room.refused("duty/presence", {"sound_heard": False}, "wang") == (409, "refused")
    assert (await room.get("duty"))["attendance"]["who"] == "li"


async def test_only_an_administrator_closes_the_desk_and_says_why(room: Room) -> None:
    await room.post("duty/presence", SOUND)
    room.pass_time(1830)
    assert room.asked["desk_unattended"]() == 30
    assert await room.refused("duty/stand-down", {"why": "night"}) == (403, "forbidden")
    assert await room.refused("duty/stand-down", {"why": " "}, "boss") == (422, "invalid")
    _, state = await room.post("duty/stand-down", {"why": "the city watches at night"}, "boss")
    assert state["attendance"]["state"] == "stood-down"
    room.pass_time(9000)
    assert room.asked["desk_unattended"]() == 0
    (closed, *_) = (await room.get("duty/logbook"))["items"]
    assert (closed["kind"], closed["who"], closed["why"]) == ("stood-down", "boss", "the city watches at night")


async def test_presence_outlives_a_restart_and_no_program_shows_it(open_room: OpenRoom) -> None:
    room = await open_room()
    await room.post("duty/presence", SOUND)
    room.rig.clock.advance(600)
    again = await open_room()
    attendance = (await again.get("duty"))["attendance"]
    assert (attendance["state"], attendance["who"], attendance["left_s"]) == ("attended", "li", 1200.0)
    _, token = await again.post("tokens", {"name": "script"})
    program = {"Authorization": f"Bearer {token['token']}"}
    answer = await again.people["li"].post("/api/v1/duty/presence", json=SOUND, headers=program)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gengfu:problem:not-a-person")
    await again.post("duty/stand-down", {"why": "night"}, "boss")
    third = await open_room()
    assert (await third.get("duty"))["attendance"]["state"] == "stood-down"
