"""The zones change while the interlocks watch: latches and what is known stand on; a tripped zone is not changed."""

from interlocks.zone import Member, Zone
from tests.fixtures.kitchens import ALL_TRUE, ID, LEAK, Kitchen, clean_for, kitchen, member, tripped
from tests.fixtures.stories import at, gas_reading, varied

GAS_2 = member("gas:2")
OTHER = Zone("hall", "commercial-kitchen", True, (member("gas:9"),))


def rezone(scene, seconds, *zones):
    scene.until(seconds)
    scene.engine.rezone(zones, at(seconds))
    scene.take(at(seconds).mono)


def armed():
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    assert scene.record.state.word == "armed"
    return scene


def test_an_interlock_whose_zone_stays_is_not_touched():
    scene = armed()
    before = scene.record
    rezone(scene, 1, OTHER, kitchen(member()))
    assert scene.record is before
    assert before.state.word == "armed"
    assert scene.told() == ["armed"]


def test_how_long_a_zone_of_lost_detectors_waits_is_not_begun_anew():
    waits = []
    for is_changed in (False, True):
        scene = Kitchen(member(), GAS_2, staffed=False)
        scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
        scene.lost(2, "gas:1")
        scene.lost(2, "gas:2")
        if is_changed:
            rezone(scene, 600, kitchen(member(fan=ALL_TRUE), GAS_2, staffed=False))
        scene.until(3600)
        waits.append([(seconds, device) for seconds, device, _ in scene.sent()])
    assert waits[0] == waits[1]
    assert waits[0][0] == (902.0, "gas:1")


def test_a_new_zone_is_unknown_until_it_is_read_back_and_then_acts():
    scene = armed()
    rezone(scene, 5, kitchen(member()), OTHER)
    states = {one.id: one.state.word for one in scene.engine.records()}
    assert states == {ID: "armed", "hall~restaurant-kitchen": "unknown"}
    scene.hear(6, gas_reading(6, "gas:9", **LEAK))
    assert scene.sent()[-1][1:] == ("gas:9", "close-valve")


def test_a_device_more_makes_the_zone_unknown_until_it_was_heard():
    scene = armed()
    rezone(scene, 1, kitchen(member(), GAS_2))
    assert scene.record.state.word == "unknown"
    scene.hear(2, gas_reading(2, "gas:2"))
    assert scene.record.state.word == "armed"
    scene.hear(4, gas_reading(4, "gas:2", **LEAK))
    assert {device for _, device, name in scene.sent() if name == "close-valve"} == {"gas:1", "gas:2"}


def test_a_new_device_that_is_never_heard_is_lost_after_the_grace():
    scene = armed()
    rezone(scene, 1, kitchen(member(), GAS_2))
    for second in range(2, 60, 2):
        scene.hear(second, gas_reading(second))
    assert scene.record.state.word == "armed"


def test_what_was_known_of_the_other_devices_stays():
    scene = Kitchen(member(), GAS_2)
    scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
    rezone(scene, 1, kitchen(member()))
    assert scene.record.state.word == "armed"
    scene.lost(2)
    scene.hear(3, gas_reading(3, **LEAK))
    assert scene.sent()[0][1:] == ("gas:1", "close-valve")


def test_rising_gas_known_before_the_profile_changed_trips_when_the_detector_goes_blind():
    scene = armed()
    scene.hear(2, gas_reading(2, methane=8.0))
    other = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
    rezone(scene, 3, kitchen(Member("gas:1", other, 2.0)))
    scene.until(120)
    assert scene.sent()[0][1:] == ("gas:1", "close-valve")


def test_a_tripped_zone_is_named_and_no_other():
    scene = tripped()
    assert scene.engine.tripped_by_change([kitchen(member()), OTHER]) == []
    for zones in ([], [OTHER], [kitchen(member(), GAS_2)], [kitchen(member(fan=ALL_TRUE))]):
        assert scene.engine.tripped_by_change(zones) == [ID]
    assert armed().engine.tripped_by_change([]) == []


def test_a_latch_stands_through_changes_elsewhere():
    scene = tripped()
    rezone(scene, 3, kitchen(member()), OTHER)
    assert scene.record.state.word == "tripped"
    assert scene.record.first_out


def test_a_zone_that_is_gone_is_told_and_forgotten():
    scene = armed()
    rezone(scene, 1, OTHER)
    assert scene.told()[-1] == "removed"
    assert scene.stored[f"interlock/{ID}"] is None
    assert [one.id for one in scene.engine.records()] == ["hall~restaurant-kitchen"]
    scene.hear(2, gas_reading(2, **LEAK))
    scene.until(120)
    assert [one for one in scene.sent() if one[1] == "gas:1"] == []


def test_a_fan_that_may_start_now_is_started_at_the_next_trip():
    scene = armed()
    rezone(scene, 1, kitchen(member(fan=ALL_TRUE)))
    scene.hear(2, gas_reading(2, **LEAK))
    assert ("gas:1", "start-fan") in {one[1:] for one in scene.sent()}


def test_a_zone_changes_after_a_valve_was_closed_of_which_no_point_tells():
    untold = Member("gas:1", varied({"valve": {"role": "other"}}), 2.0)
    scene = Kitchen(untold)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.settle(1, "gas:1", True)
    clean_for(612, scene)
    scene.reset(617)
    rezone(scene, 618, kitchen(untold, GAS_2), OTHER)
    assert {one.id for one in scene.engine.records()} == {ID, "hall~restaurant-kitchen"}
    scene.hear(619, gas_reading(619, **LEAK))
    assert scene.sent()[-1] == (619.0, "gas:2", "close-valve")
