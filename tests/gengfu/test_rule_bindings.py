"""The shipped rules and matrices, bound to the devices and areas of a site."""

import pytest

from gengfu import places, rules
from gengfu.demo.timing import OFF_DELAY_S, RESET_AFTER_S, quick
from gengfu.sites import read_site

FIRST_DAY = {"CK-01", "CK-02", "CK-04", "CK-07", "BL-01", "BL-02", "ACT-1", "SB-02", "FW-01"}


@pytest.fixture(scope="module")
def book():
    return rules.shipped()


@pytest.fixture(scope="module")
def site():
    return read_site(places.demo_site())


def test_the_rules_of_the_first_day_are_shipped_and_each_names_a_response_that_exists(book):
    assert set(book.alarms) >= FIRST_DAY
    named = {response for rule in book.alarms.values() for response in rule.response}
    assert named - set(book.responses) == set()


def test_a_board_that_cannot_keep_its_records_is_told_and_moves_nothing(book):
    assert (book.alarms["FW-01"].priority, book.alarms["FW-01"].alarm_class) == ("low", "diagnostic")
    for matrix in book.matrices:
        assert "memory-fault" not in matrix.model_dump_json()


def test_every_device_of_the_site_is_watched_under_the_kind_of_its_area(site):
    watched = {one.device: one for one in rules.watched(site)}
    assert set(watched) == set(site.devices)
    assert {device: one.area_kind for device, one in watched.items()} == {
        device.id: device.area.kind for device in site.devices.values()
    }


def test_a_zone_has_its_own_devices_and_those_whose_valve_is_upstream_of_it(tmp_path):
    text = places.demo_site().read_text(encoding="utf-8")
    where = 'id = "demo:gas:0002"\n'
    assert where in text
    path = tmp_path / "site.toml"
    path.write_text(text.replace(where, where + 'upstream_of = ["street/hotpot"]\n'), encoding="utf-8")
    zones = {zone.id: zone for zone in rules.zones(read_site(path))}
    assert {(one.device, one.upstream) for one in zones["street/hotpot"].members} == {
        ("demo:gas:0001", False),
        ("demo:gas:0002", True),
    }
    assert {(one.device, one.upstream) for one in zones["mall/noodles"].members} == {("demo:gas:0002", False)}


def test_a_fan_of_which_a_permissive_is_not_stated_is_not_permitted(site):
    fans = {one.device: one.fan for zone in rules.zones(site) for one in zone.members}
    assert fans["demo:gas:0001"].missing() == ()
    assert fans["demo:gas:0002"].missing() != ()


def test_the_demo_only_shortens_waits_and_changes_no_limit(book):
    fast = quick(book)
    for name, rule in book.alarms.items():
        assert fast.alarms[name] == rule.model_copy(update={"off_delay_s": min(rule.off_delay_s, OFF_DELAY_S)})
    for slow, shortened in zip(book.matrices, fast.matrices, strict=True):
        assert shortened == slow.model_copy(update={"reset_after_s": min(slow.reset_after_s, RESET_AFTER_S)})
    assert fast.responses == book.responses
