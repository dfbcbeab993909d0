"""Stories of alarms in a control room: card, owner, verdict, and acknowledging several."""

from pathlib import Path

import pytest

from device_registry.devices import Site
from device_registry.load import load_site
from protocols.profile.loader import shipped_profiles
from tests.console.conftest import SITE
from tests.console.duty.conftest import LEAK, OTHER, published
from tests.console.duty.room.conftest import OpenRoom, Room

CARD = """
neighbours = ["street/tea"]

[area.card]
phones = [{ title = { zh = "店主", en = "Owner" }, phone = "+86 20 0000 0001" }]
cameras = ["cam-12", "cam-13"]
owners = [
    { level = "district", title = { zh = "区指挥中心", en = "District desk" }, phone = "02000000009" },
    { level = "street", title = { zh = "街道办", en = "Street office" }, phone = "02000000003" },
]

[area.card.valve]
place = { zh = "后门左侧", en = "Left of the back door" }
photo = "photos/hotpot-valve.jpg"
key = { title = { zh = "物业", en = "Property desk" }, phone = "02000000002" }

[[area]]
id = "street/tea"
title = { zh = "茶铺", en = "Tea house" }
kind = "commercial-kitchen"

[area.card]
phones = [{ title = { zh = "茶铺", en = "Tea house" }, phone = "02000000004" }]

[[area]]
id = "street/bakery"
title = { zh = "面包店", en = "Bakery" }
kind = "commercial-kitchen"
neighbours = ["street/hotpot"]

[[area]]
id = "corner"
title = { zh = "东口", en = "Corner" }
kind = "street"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The kitchen with a card, between tea house and bakery; of the corner, where the bin is, nobody said anything."""
    file = tmp_path / "cards.toml"
    text = SITE.replace('address = "8 Food Street"\n', f'address = "8 Food Street"\n{CARD}')
    kitchen, bin_ = text.split('id = "t:bin:1"')
    file.write_text(f'{kitchen}id = "t:bin:1"{bin_.replace("street/hotpot", "corner")}', encoding="utf-8")
    return load_site(file, shipped_profiles())


async def fill(room: Room, *percents: float) -> None:
    bin_ = room.rig.services.site.devices["t:bin:1"].profile
    for percent in percents:
        room.rig.clock.advance(1)
        await room.rig.hear_of(bin_, "t:bin:1", {"fill": percent})


async def end_leak(room: Room) -> None:
    """The gas is gone, and a person settles the alarm."""
    await room.rig.clear(124)
    await room.post(f"alarms/{LEAK}/acknowledge")
    status, alarm = await room.post(f"alarms/{LEAK}/reset", {"on_site": True})
    assert (status, alarm["state"]) == (200, "normal")


async def test_card_says_whom_to_call_where_the_valve_is_and_what_is_next_door(room: Room) -> None:
    await room.rig.leak()
    card = await room.get(f"alarms/{LEAK}/card")
    assert card["phones"] == [{"title": {"zh": "店主", "en": "Owner"}, "phone": "+86 20 0000 0001"}]
    assert card["valve"] == {
        "place": {"zh": "后门左侧", "en": "Left of the back door"},
        "photo": "photos/hotpot-valve.jpg",
        "key": {"title": {"zh": "物业", "en": "Property desk"}, "phone": "02000000002"},
    }
    beside = {one["area"]["id"]: [phone["phone"] for phone in one["phones"]] for one in card["neighbours"]}
    assert beside == {"street/bakery": [], "street/tea": ["02000000004"]}
    assert (card["cameras"], card["area"]["id"]) == (["cam-12", "cam-13"], "street/hotpot")
    assert [one["id"] for one in card["response"]] == ["R3"]
    assert "119" in card["response"][0]["zh"]
    assert (card["owner"]["level"], card["owner"]["phone"], card["not_given"]) == ("street", "02000000003", [])


async def test_card_of_which_nobody_said_anything_says_so(room: Room) -> None:
    await fill(room, 95.0, 95.0)
    card = await room.get("alarms/t:bin:1~SB-02/card")
    assert (card["phones"], card["valve"], card["owner"]["level"]) == ([], None, None)
    assert card["not_given"] == ["phones", "valve", "neighbours", "cameras", "owners"]
    answer = await room.people["guest"].get("/api/v1/alarms/t:bin:1~SB-02/card")
    assert answer.status_code == 403, "it holds numbers of people"


async def test_an_alarm_is_taken_over_and_begins_below_when_it_is_raised_anew(open_room: OpenRoom) -> None:
    room = await open_room()
    await room.rig.leak()
    take = f"alarms/{LEAK}/take-over"

    async def district() -> None:
        await room.post(take, {"level": "district", "why": "two streets"})

    (told,) = await published(room.rig, "owner", district)
    assert (told["level"], told["title"]["en"], told["phone"]) == ("district", "District desk", "02000000009")
    assert await room.refused(take, {"level": "district", "why": "again"}, "wang") == (409, "refused")
    assert await room.refused(take, {"level": "nation", "why": "why not"}) == (422, "invalid")
    assert await room.refused(take, {"level": "city", "why": ""}) == (422, "invalid")
    assert await room.refused(take, {"level": "city", "why": "mine"}, "guest") == (403, "forbidden")
    await room.post(take, {"level": "city", "why": "fire brigade asked"}, "wang")
    again = await open_room()
    owner = await again.get(f"alarms/{LEAK}/owner", "guest")
    assert (owner["level"], owner["level_title"]["zh"], owner["title"]) == ("city", "市", None)
    assert [(one["level"], one["who"], one["why"]) for one in owner["taken_over"]] == [
        ("city", "wang", "fire brigade asked"),
        ("district", "li", "two streets"),
    ]
    await end_leak(again)
    assert await again.refused(take, {"level": "street", "why": "over"}) == (409, "refused")
    again.rig.clock.advance(4)
    await again.rig.hear(methane=60.0)
    owner = await again.get(f"alarms/{LEAK}/owner")
    assert (owner["level"], owner["taken_over"]) == ("street", [])


async def test_a_closed_leak_waits_for_its_verdict(open_room: OpenRoom) -> None:
    room = await open_room()
    verdict = f"alarms/{LEAK}/verdict"
    await room.rig.leak()
    assert (await room.get("alarms/without-verdict"))["items"] == []
    out = {"why": "new sensor", "for_s": 60, "measure": "a man"}
    for verb, body in (("out-of-service", out), ("in-service", {})):
        assert (await room.post(f"alarms/{OTHER}~CK-04/{verb}", body))[0] == 200, "it never stood"
    await end_leak(room)
    assert (await room.get("alarms/without-verdict"))["items"] == [LEAK]
    assert (await room.get("duty"))["without_verdict"] == 1
    assert (await room.people["li"].get(f"/api/v1/{verdict}")).status_code == 404
    assert await room.refused(verdict, {"verdict": "ghosts"}) == (422, "invalid")
    _, given = await room.post(verdict, {"verdict": "unknown"})
    await room.post(verdict, {"verdict": "works-damage", "why": "excavator"}, "wang")
    again = await open_room()
    assert (await again.get("alarms/without-verdict"))["items"] == []
    newest = await again.get(verdict, "guest")
    assert (newest["verdict"], newest["who"], newest["why"]) == ("works-damage", "wang", "excavator")
    assert newest["raised_at"] == given["raised_at"]
    again.rig.clock.advance(4)
    await again.rig.hear(methane=60.0)
    assert (await again.people["li"].get(f"/api/v1/{verdict}")).status_code == 404, "of the time before"
    await end_leak(again)
    assert (await again.get("alarms/without-verdict"))["items"] == [LEAK]


async def test_several_that_are_not_of_life_safety_are_acknowledged_together(room: Room) -> None:
    await fill(room, 95.0, 95.0)
    bins = ["t:bin:1~SB-02", "t:bin:1~SB-01"]
    status, answer = await room.post("alarms/acknowledge", {"alarms": [*bins, bins[0]], "why": "lorry is on its way"})
    assert (status, [(one["alarm"], one["status"]) for one in answer["items"]]) == (
        200,
        [(one, "done") for one in bins],
    )
    shown = {one["id"]: one for one in (await room.get("alarms?state=acknowledged"))["items"]}
    assert {name: one["acknowledged_by"] for name, one in shown.items()} == dict.fromkeys(bins, "li")
    _, again = await room.post("alarms/acknowledge", {"alarms": bins, "why": "once more"})
    assert [(one["status"], "nothing to acknowledge" in one["detail"]) for one in again["items"]] == [
        ("refused", True)
    ] * 2


async def test_with_one_of_life_safety_among_them_none_is_acknowledged(room: Room) -> None:
    await room.rig.leak()
    await fill(room, 95.0, 95.0)
    body = {"alarms": ["t:bin:1~SB-02", LEAK], "why": "too many"}
    status, problem = await room.post("alarms/acknowledge", body)
    assert (status, LEAK in problem["detail"], "SB-02" in problem["detail"]) == (409, True, False)
    states = {one["id"]: one["state"] for one in (await room.get("alarms?state=active"))["items"]}
    assert (states[LEAK], states["t:bin:1~SB-02"]) == ("unacknowledged", "unacknowledged")


async def test_a_bulk_has_a_limit_a_reason_and_only_what_is_there(room: Room) -> None:
    await fill(room, 95.0, 95.0)
    many = [f"t:bin:{n}~SB-02" for n in range(21)]
    assert await room.refused("alarms/acknowledge", {"alarms": many, "why": "all"}) == (409, "refused")
    assert await room.refused("alarms/acknowledge", {"alarms": many[:3], "why": "all"}) == (404, "unknown-alarm")
    assert await room.refused("alarms/acknowledge", {"alarms": ["t:bin:1~SB-02"], "why": ""}) == (422, "invalid")
    assert await room.refused("alarms/acknowledge", {"alarms": ["t:bin:1~SB-02"], "why": "x"}, "guest") == (
        403,
        "forbidden",
    )
    assert room.rig.desk.alarms.item("t:bin:1~SB-02")["state"] == "unacknowledged"
