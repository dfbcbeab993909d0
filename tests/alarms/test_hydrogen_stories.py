"""Stories of hydrogen stations (H2-01 to H2-11, and the rows for any gas), told by our node and by a station's PLC."""

from collections.abc import Iterator
from typing import Any

import pytest

from alarms.errors import ActionRefused
from protocols.profile.model import Profile
from tests.fixtures.alarm_stories import do
from tests.fixtures.product_stories import SHIPPED, ProductStory, made_up

NODE, STATION = SHIPPED["gengfu/hydrogen-node"], SHIPPED["gengfu/hydrogen-station"]
QUIET: dict[Profile, dict[str, Any]] = {
    NODE: {f"h2_{number}": 0.0 for number in (1, 2, 3, 4)} | {f"h2_{number}_state": 0.0 for number in (1, 2, 3, 4)},
    STATION: {"h2_room": 0.0, "h2_storage": 0.0, "h2_cabinet": 0.0, "h2_unloading": 0.0},
}
SAFE = {"flame": 0.0, "esd": 0.0, "break_away": 0.0}


def station(*rules: str, profile: Profile = NODE) -> ProductStory:
    return ProductStory(rules, profile, "hydrogen-station", QUIET[profile] | SAFE)


def _places(*roles: str) -> Iterator[tuple[Profile, str]]:
    for profile in (NODE, STATION):
        yield from ((profile, point.name) for point in profile.points if point.role in roles)


ROOMS = list(_places("h2-room"))
CABINETS = list(_places("h2-cabinet"))
LEVELS = [(profile, point, "H2-01", "H2-02") for profile, point in ROOMS] + [
    (profile, point, "H2-03", "H2-04") for profile, point in CABINETS
]


def test_both_types_have_rooms_and_a_cabinet() -> None:
    assert (len(ROOMS), len(CABINETS)) == (6, 2)


@pytest.mark.parametrize(("profile", "point", "first", "second"), LEVELS)
def test_hydrogen_rises_through_both_levels_and_falls_again(
    profile: Profile, point: str, first: str, second: str
) -> None:
    station("H2-01", "H2-02", "H2-03", "H2-04", profile=profile).tell(
        [
            (0, {point: 0.399}, []),
            (10, {point: 0.4}, []),
            (12, None, [f"{first} unacknowledged @12"]),
            (20, {point: 0.999}, []),
            (30, {point: 1.0}, [f"{second} unacknowledged @30"]),
            (40, {point: 0.9}, []),
            (50, {point: 0.89}, []),
            (170, {point: 0.32}, [f"{second} latched-unacknowledged @170"]),
            (180, {point: 0.319}, []),
            (240, None, [f"{first} latched-unacknowledged @240"]),
        ]
    )


def test_puff_of_hydrogen_of_less_than_two_seconds_is_not_told() -> None:
    station("H2-01").tell([(0, {"h2_1": 0.5}, []), (1, {"h2_1": 0.3}, []), (60, None, [])])


def test_one_detector_of_a_room_is_enough_and_each_is_an_alarm_of_its_own() -> None:
    story = station("H2-02")
    story.tell(
        [(0, {"h2_1": 1.2}, ["H2-02 unacknowledged @0"]), (1, {"h2_2": 1.2, "h2_1": 1.2}, ["H2-02 unacknowledged @1"])]
    )
    assert [one.alarm for one in story.transitions] == ["gas:1~H2-02:h2_1", "gas:1~H2-02:h2_2"]


def test_faulty_detector_clears_no_hydrogen_alarm() -> None:
    story = station("H2-02")
    story.tell(
        [(0, {"h2_1": 1.2}, ["H2-02 unacknowledged @0"]), (1, {"h2_1": 0.0, "h2_1_state": 1.0}, []), (900, None, [])]
    )
    story.tell([(901, {"h2_1": 0.0}, []), (1021, None, ["H2-02 latched-unacknowledged @1021"])])


def test_over_range_of_hydrogen_is_above_both_levels() -> None:
    station("H2-03", "H2-04").tell(
        [(0, {"h2_3": 4.3, "h2_3_state": 2.0}, ["H2-04 unacknowledged @0"]), (2, None, ["H2-03 unacknowledged @2"])]
    )


CONTACTS = [("flame", "H2-05"), ("esd", "H2-06")]


@pytest.mark.parametrize("profile", [NODE, STATION], ids=lambda profile: profile.id)
@pytest.mark.parametrize(("contact", "rule"), CONTACTS)
def test_contact_is_told_at_once_and_latches_until_it_is_reset(profile: Profile, contact: str, rule: str) -> None:
    story = station("H2-05", "H2-06", profile=profile)
    story.tell(
        [
            (0, {contact: 0.0}, []),
            (5, {contact: 1.0}, [f"{rule} unacknowledged @5"]),
            (6, do("acknowledge", rule), [f"{rule} acknowledged @6"]),
            (7, {contact: None}, []),
            (60, {contact: 0.0}, [f"{rule} latched-acknowledged @60"]),
            (61, do("reset", rule), [f"{rule} normal @61"]),
        ]
    )


@pytest.mark.parametrize(("contact", "rule"), CONTACTS)
def test_life_safety_of_a_station_is_never_shelved(contact: str, rule: str) -> None:
    story = station(rule)
    story.play(0, {contact: 1.0})
    with pytest.raises(ActionRefused, match="life-safety"):
        story.play(1, do("shelve", rule, why="test", for_s=600.0))


def test_station_lost_in_alarm_stays_in_alarm() -> None:
    station("H2-05").tell([(0, {"flame": 1.0}, ["H2-05 unacknowledged @0"]), (10, "lost", []), (900, None, [])])


# -- pressure, temperature and filling -----------------------------------------------------------------------------

DISPENSER = made_up(
    """
[[point]]
name = "pressure"
title = { zh = "加注压力", en = "Pressure" }
unit = "MPa"
role = "dispenser-pressure-35"
[[point]]
name = "above"
title = { zh = "高于升压曲线", en = "Above the ramp" }
unit = "MPa"
role = "pressure-over-ramp"
[[point]]
name = "vehicle"
title = { zh = "车辆数据", en = "Vehicle data" }
type = "flag"
role = "vehicle-data"
[[point]]
name = "filling"
title = { zh = "加注中", en = "Filling" }
type = "flag"
role = "filling"
"""
)
IDLE = {"pressure": 5.0, "above": 0.0, "vehicle": 0.0, "filling": 0.0}
FILLING = {"filling": 1.0, "vehicle": 1.0}


def dispenser(*rules: str) -> ProductStory:
    return ProductStory(rules, DISPENSER, "hydrogen-station", IDLE)


@pytest.mark.parametrize("profile", [NODE, STATION], ids=lambda profile: profile.id)
def test_dispenser_over_its_pressure_is_told_at_once_and_latches(profile: Profile) -> None:
    point = "pressure_dispenser"
    station("H2-09a", "H2-09b", "H2-09c", profile=profile).tell(
        [
            (0, {point: 87.4}, []),
            (5, {point: 87.5}, ["H2-09a unacknowledged @5"]),
            (10, {point: 86.5}, []),
            (20, {point: 86.4}, []),
            (50, None, ["H2-09a latched-unacknowledged @50"]),
            (51, do("acknowledge", "H2-09a"), ["H2-09a latched-acknowledged @51"]),
            (52, {point: 5.0}, []),
            (53, do("reset", "H2-09a"), ["H2-09a normal @53"]),
        ]
    )


def test_dispenser_for_35_megapascal_has_its_own_limit() -> None:
    dispenser("H2-09a", "H2-09b").tell(
        [
            (0, {"pressure": 43.7}, []),
            (5, {"pressure": 43.75}, ["H2-09b unacknowledged @5"]),
            (10, {"pressure": 42.75}, []),
            (20, {"pressure": 42.7}, []),
            (50, None, ["H2-09b latched-unacknowledged @50"]),
        ]
    )


def test_pressure_above_the_ramp_is_told_after_five_seconds() -> None:
    dispenser("H2-09c").tell(
        [
            (0, {"above": 8.0}, []),
            (4, {"above": 5.9}, []),
            (10, {"above": 7.0}, []),
            (14, None, []),
            (15, None, ["H2-09c unacknowledged @15"]),
            (20, {"above": 6.0}, []),
            (30, {"above": 5.9}, []),
            (60, None, ["H2-09c latched-unacknowledged @60"]),
        ]
    )


TEMPERATURES = [("H2-10a", 84.9, 85.0, 82.0, 81.9), ("H2-10b", -39.9, -40.0, -37.0, -36.9)]


@pytest.mark.parametrize("profile", [NODE, STATION], ids=lambda profile: profile.id)
@pytest.mark.parametrize(("rule", "below", "limit", "held", "gone"), TEMPERATURES)
def test_hydrogen_too_hot_or_too_cold_is_told_after_two_seconds(
    profile: Profile, rule: str, below: float, limit: float, held: float, gone: float
) -> None:
    point = "temperature_gas"
    story = station("H2-10a", "H2-10b", profile=profile)
    story.tell(
        [
            (0, {point: below}, []),
            (10, {point: limit}, []),
            (11, {point: gone}, []),
            (20, {point: limit}, []),
            (22, None, [f"{rule} unacknowledged @22"]),
            (30, {point: held}, []),
            (80, {point: gone}, []),
            (110, None, [f"{rule} latched-unacknowledged @110"]),
        ]
    )


@pytest.mark.parametrize("profile", [NODE, STATION], ids=lambda profile: profile.id)
def test_torn_hose_is_told_at_once_and_latches(profile: Profile) -> None:
    station("H2-11a", profile=profile).tell(
        [
            (0, {}, []),
            (5, {"break_away": 1.0}, ["H2-11a unacknowledged @5"]),
            (60, {"break_away": 0.0}, ["H2-11a latched-unacknowledged @60"]),
        ]
    )


# -- blind ---------------------------------------------------------------------------------------------------------

BLIND_OF = [(profile, point, "b") for profile, point in ROOMS] + [(profile, point, "c") for profile, point in CABINETS]


@pytest.mark.parametrize(("profile", "point", "letter"), BLIND_OF)
def test_detector_that_is_lost_at_a_twentieth_of_the_limit_is_blind_while_rising(
    profile: Profile, point: str, letter: str
) -> None:
    station("BL-01b", "BL-01c", profile=profile).tell(
        [
            (0, {point: 0.2}, []),
            (5, "lost", []),
            (14, None, []),
            (15, None, [f"BL-01{letter} unacknowledged @15"]),
            (20, {}, [f"BL-01{letter} latched-unacknowledged @20"]),
        ]
    )


def test_detector_that_is_lost_below_it_is_lost_and_no_more() -> None:
    story = station("BL-01b", "BL-01c", "BL-02c")
    story.tell([(0, {"h2_3": 0.19}, []), (5, "lost", []), (104, None, []), (105, None, ["BL-02c unacknowledged @105"])])


@pytest.mark.parametrize(("point", "rule"), [("h2_1", "BL-02b"), ("h2_3", "BL-02c")])
def test_faulty_hydrogen_detector_is_told_after_100_seconds(point: str, rule: str) -> None:
    station("BL-02b", "BL-02c").tell(
        [
            (0, {f"{point}_state": 1.0}, []),
            (99, None, []),
            (100, None, [f"{rule} unacknowledged @100"]),
            (110, {}, []),
            (170, None, [f"{rule} returned-unacknowledged @170"]),
        ]
    )


@pytest.mark.parametrize(("point", "rule"), [("h2_1", "CK-07b"), ("h2_3", "CK-07c")])
def test_hydrogen_over_range_is_reset_on_site_alone(point: str, rule: str) -> None:
    story = station("CK-07", "CK-07b", "CK-07c")
    story.tell(
        [
            (0, {point: 4.0}, []),
            (5, {point: 4.1}, [f"{rule} unacknowledged @5"]),
            (10, {}, [f"{rule} latched-unacknowledged @10"]),
            (11, do("acknowledge", f"{rule}{_several(point)}"), [f"{rule} latched-acknowledged @11"]),
        ]
    )
    with pytest.raises(ActionRefused, match="confirmed on site"):
        story.play(12, do("reset", f"{rule}{_several(point)}"))
    story.tell([(13, do("reset", f"{rule}{_several(point)}", on_site=True), [f"{rule} normal @13"])])


def _several(point: str) -> str:
    """Rooms are several: the alarm names its point. The cabinet is one."""
    return f":{point}" if point == "h2_1" else ""


def test_every_flame_detector_of_a_station_is_heeded() -> None:
    flames = "".join(
        f'[[point]]\nname = "flame_{one}"\ntitle = {{ zh = "火焰", en = "Flame" }}\ntype = "flag"\nrole = "flame"\n'
        for one in (1, 2)
    )
    story = ProductStory(("H2-05",), made_up(flames), "hydrogen-station", {"flame_1": 0.0, "flame_2": 0.0})
    story.tell([(0, {}, []), (5, {"flame_2": 1.0}, ["H2-05 unacknowledged @5"])])


def test_filling_without_the_data_of_the_vehicle_is_told_after_two_seconds() -> None:
    dispenser("H2-11b").tell(
        [
            (0, {"vehicle": 0.0}, []),
            (10, FILLING, []),
            (20, FILLING | {"vehicle": 0.0}, []),
            (21, FILLING, []),
            (30, FILLING | {"vehicle": 0.0}, []),
            (32, None, ["H2-11b unacknowledged @32"]),
            (40, {"vehicle": 0.0}, ["H2-11b latched-unacknowledged @40"]),
        ]
    )
