"""The hydrogen node: what it shows, what it keeps, and that it moves nothing."""

import rig
import settings
import vitals
from plain_parts import Full, damage
from products import first_out
from products.hydrogen_node import CHANNELS, FAULTS, PRESSURES, STATES, TEMPERATURES, HydrogenNode
from registers import hydrogen_node as registers
from station import CONTACTS, QUIET, Parts, shows, station

STAYS = "no value in range and below h2-high, or it warms up"


def test_quiet_station_shows_what_it_measures():
    _, node = station()
    expected = dict(QUIET)
    for name in CONTACTS + FAULTS + ("fault", "warm_up", "memory_fault"):
        expected[name] = False
    for name in STATES + ("first_out", "first_out_channel"):  # noqa: RUF005 - MicroPython
        expected[name] = 0
    assert node.snapshot() == expected


def test_each_contact_is_shown_and_goes_out_at_once():
    for name in CONTACTS:
        parts, node = station()
        getattr(parts, name).closed = True
        node.sample(100)
        for other in CONTACTS:
            shows(node, **{other: other == name})
        assert name in node.watched
    seen = node.snapshot()
    for name in node.watched + tuple(node.jumps):
        assert name in seen, name


def test_it_obeys_nothing_and_has_no_output():
    parts, node = station()
    parts.esd.closed = True
    node.sample(100)
    before = node.snapshot()
    names = ("reset", "reset-esd", "close-valve", "start-fan", "open-valve", "mute", "first-out clear", "", "self-test")
    for name in names:
        assert not node.command(name, 100), name
    assert node.commands == ()
    assert node.snapshot() == before
    for name in dir(parts):
        assert not hasattr(getattr(parts, name), "set"), name


def test_dead_channel_has_no_value_and_leaves_the_others_alone():
    for fault in (1, 2):
        for place, name in enumerate(CHANNELS):
            parts, node = station()
            getattr(parts, name).breaks(fault)
            node.sample(100)
            shows(node, fault=True)
            for other, (channel, state) in enumerate(zip(CHANNELS, STATES)):  # noqa: B905 - MicroPython
                dead = other == place
                shows(node, **{channel: None if dead else QUIET[channel], state: 1 if dead else 0})
            getattr(parts, name).gives(0.05)
            node.sample(200)
            shows(node, fault=False, **{name: 0.05, STATES[place]: 0})


def test_dead_pressure_or_temperature_has_no_value_and_its_own_fault():
    for place, name in enumerate(PRESSURES + TEMPERATURES):
        parts, node = station()
        getattr(parts, name).breaks()
        node.sample(100)
        shows(node, fault=True, **{name: None})
        for other, flag in enumerate(FAULTS):
            shows(node, **{flag: other == place})
        for state in STATES:
            shows(node, **{state: 0})
        getattr(parts, name).gives(1.0)
        node.sample(200)
        shows(node, fault=False, **{name: 1.0, FAULTS[place]: False})


def test_value_that_comes_with_a_fault_is_not_shown():
    parts, node = station()
    parts.h2_1.fault = parts.pressure_trailer.fault = parts.temperature_gas.fault = 6
    node.sample(100)
    shows(node, h2_1=None, pressure_trailer=None, temperature_gas=None, fault=True)


def test_over_range_is_locked_until_a_person_confirms_it_and_the_value_is_back():
    parts, node = station()
    parts.h2_3.gives(4.3, over=True)
    node.sample(100)
    shows(node, h2_3=4.3, h2_3_state=2, h2_2_state=0, fault=False)
    assert node.maintain(["over-range", "confirm"], 100) == "over-range: h2_3 stays: " + STAYS
    parts.h2_3.gives(0.02)
    node.sample(200)
    shows(node, h2_3=0.02, h2_3_state=2)
    parts.h2_3.gives(4.3, over=True)
    assert node.maintain(["over-range", "confirm"], 200) == "over-range: h2_3 stays: " + STAYS
    parts.h2_3.gives(0.02)
    assert node.maintain(["over-range", "confirm"], 300) == "over-range: h2_3 confirmed"
    shows(node, h2_3_state=0)
    node.sample(400)
    shows(node, h2_3_state=0)
    assert node.confirm_over_range() == "over-range: no channel is locked"


def test_over_range_is_not_confirmed_in_gas_nor_on_a_value_that_is_not_trusted():
    nan = float("nan")
    for value in (0.4, 0.32, 3.9, -0.05, -0.19, nan, float("inf"), None):
        parts, node = station()
        parts.h2_2.gives(4.3, over=True)
        node.sample(100)
        parts.h2_2.gives(value)
        assert node.maintain(["over-range", "confirm"], 200) == "over-range: h2_2 stays: " + STAYS, value
        shows(node, h2_2_state=2)
    parts.h2_2.gives(0.0, over=True)
    assert "stays" in node.maintain(["over-range", "confirm"], 250)
    parts.h2_2.over = False
    for value in (0.31, 0.0, -0.04):
        parts.h2_2.gives(value)
        parts.h2_2.fault = 6
        assert "stays" in node.maintain(["over-range", "confirm"], 300)
        parts.h2_2.fault = 0
        assert node.maintain(["over-range", "confirm"], 400) == "over-range: h2_2 confirmed", value
        parts.h2_2.over = True
        node.sample(500)
        parts.h2_2.over = False


def test_over_range_is_not_confirmed_in_the_warm_up():
    store = rig.store()
    parts, node = station(store)
    parts.h2_1.gives(4.4, over=True)
    node.sample(200000)
    parts.h2_1.gives(0.0)
    parts, node = station(store, parts, **{"warm-up": 180.0})
    node.sample(179900)
    shows(node, warm_up=True, h2_1_state=2)
    assert node.maintain(["over-range", "confirm"], 179900) == "over-range: h2_1 stays: " + STAYS
    shows(node, h2_1_state=2)
    assert node.maintain(["over-range", "confirm"], 180000) == "over-range: h2_1 confirmed"


def test_fault_does_not_hide_an_over_range_and_does_not_confirm_it():
    parts, node = station()
    parts.h2_1.over = True
    parts.h2_1.breaks()
    node.sample(100)
    shows(node, h2_1=None, h2_1_state=2, fault=True)
    parts.h2_1.over = False
    node.sample(200)
    shows(node, h2_1_state=2, fault=True)
    assert "stays" in node.confirm_over_range()
    shows(node, h2_1_state=2)


def test_over_range_without_a_value_is_no_fault():
    parts, node = station()
    parts.h2_2.gives(None, over=True)
    node.sample(100)
    shows(node, h2_2=None, h2_2_state=2, fault=False)
    assert "stays" in node.confirm_over_range()
    parts.h2_2.gives(0.01)
    node.sample(200)
    assert node.confirm_over_range() == "over-range: h2_2 confirmed"


def test_over_range_lock_stands_through_a_restart():
    store = rig.store()
    parts, node = station(store)
    parts.h2_1.gives(4.4, over=True)
    parts.h2_4.gives(4.4, over=True)
    node.sample(100)
    parts.h2_1.gives(0.0)
    parts.h2_4.gives(0.0)
    _, again = station(store, parts)
    shows(again, h2_1_state=2, h2_2_state=0, h2_3_state=0, h2_4_state=2)
    again.confirm_over_range()
    _, again = station(store, parts)
    shows(again, h2_1_state=0, h2_4_state=0)


def test_lock_record_that_cannot_be_read_locks_every_channel():
    for data in (b"\0\0\0\0\1", b""):
        store = rig.store()
        station(store)
        damage(rig.FOLDER, rig._made[0], "over-range", data)
        _, node = station(store)
        for state in STATES:
            shows(node, **{state: 2})
    for record in (b"\0", b"\0\0\0", b"\0\x03", b"\0\xc0"):
        store.put("over-range", record)
        _, node = station(store)
        shows(node, h2_1_state=2, h2_4_state=2, first_out=first_out.H2_OVER_RANGE)
        store.put("first-out", b"\0\0")


def test_values_that_are_none_are_faults_and_break_nothing():
    for odd in (float("nan"), float("inf"), -float("inf"), None):
        parts, node = station(**{"max-trailer": 25.0})
        for name in CHANNELS + PRESSURES + TEMPERATURES:
            getattr(parts, name).gives(odd)
        for now in (100, 200, 10000):
            node.sample(now)
        for name in CHANNELS + PRESSURES + TEMPERATURES:
            assert node.snapshot()[name] is None, (odd, name)
        for state in STATES:
            shows(node, **{state: 1})
        for flag in FAULTS:
            shows(node, **{flag: True})
        shows(node, first_out=first_out.SENSOR_LOST)


def test_warm_up_ends_after_its_time():
    for start in (0, 1000000):
        node = HydrogenNode(Parts(), rig.store(), start, {"warm-up": 30.0})
        for after, expected in ((0, True), (29900, True), (30000, False), (90000, False)):
            node.sample(start + after)
            shows(node, warm_up=expected)


def test_values_have_the_decimals_of_the_profile():
    parts, node = station()
    parts.h2_1.gives(0.1251)
    parts.pressure_trailer.gives(18.4567)
    parts.temperature_gas.gives(-12.346)
    node.sample(100)
    shows(node, h2_1=0.13, pressure_trailer=18.46, temperature_gas=-12.3)


def test_it_looks_ten_times_a_second_and_tells_a_jump_of_a_twentieth_of_the_limit_at_once():
    assert HydrogenNode.sample_ms == 100
    for name in CHANNELS:
        assert HydrogenNode.jumps[name] == 0.2
    for name in PRESSURES + TEMPERATURES[:1]:
        assert HydrogenNode.jumps[name] > 0


def assert_fault_of_the_memory_alone(node, fault):
    shows(node, fault=False, memory_fault=fault)
    for flag in FAULTS:
        shows(node, **{flag: False})
    for state in STATES[1:]:
        shows(node, **{state: 0})


def test_flash_that_refuses_stops_nothing_and_is_tried_again():
    store = Full()
    parts, node = station(store)
    parts.h2_1.gives(4.4, over=True)
    node.sample(100)
    shows(node, h2_1_state=2, first_out=first_out.H2_OVER_RANGE, first_out_channel=1)
    assert_fault_of_the_memory_alone(node, True)
    assert node.store_errors == 2
    for now in range(200, 3000, 100):
        node.sample(now)
    assert node.store_errors == 6
    store.full = False
    node.sample(3000)
    assert node.store_errors == 6
    assert_fault_of_the_memory_alone(node, False)
    parts.h2_1.gives(0.0)
    _, again = station(store, parts)
    shows(again, h2_1_state=2, first_out=first_out.H2_OVER_RANGE)


def test_refusing_flash_goes_out_at_once_and_the_cabinet_with_the_boards_own_points():
    assert "memory_fault" in HydrogenNode.watched
    for name in ("temperature_room", "t_room_fault"):
        assert name in vitals.NAMES
        assert name not in HydrogenNode.watched + tuple(HydrogenNode.jumps)


def test_codes_and_points_are_those_of_the_profile():
    _, node = station()
    names = [row[1] for row in registers.INPUT] + [row[2] for row in registers.INPUT_BITS]
    assert sorted(names) == sorted(list(node.snapshot()) + list(vitals.POINTS))
    assert [name for _, name in dict(registers.STATES)["first_out"]] == list(first_out.NAMES)
    assert [name for _, name in dict(registers.STATES)["h2_1_state"]] == ["good", "fault", "over-range"]


def test_board_is_made_from_the_settings_of_its_product():
    words = ["--product", "hydrogen-node", "--device", "a:1", "--gateway", "a:1", "--period", "2", "--state", "s"]
    node = HydrogenNode(Parts(), rig.store(), 0, settings.parse(words + ["--warm-up", "10"]))  # noqa: RUF005
    shows(node, warm_up=True, first_out=0, h2_1=0.02)
