"""How the areas of a site lie to one another, as its interlocks see them."""

import pytest

from device_registry.load import compile_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from gengfu.rules import zones
from protocols.profile.loader import shipped_profiles

GAS = "gengfu/gas-alarm"


def _area(name, kind, **more):
    return {"id": name, "title": {"zh": name, "en": name}, "kind": kind, **more}


def _device(name, area, **more):
    title = {"zh": name, "en": name}
    return {"id": name, "profile": GAS, "title": title, "area": area, "connection": "coap", **more}


AREAS = [
    _area("mall", "mall-building", wells=["well"]),
    _area("mall/noodles", "mall", within="mall", neighbours=["mall/tea"], ducts=["mall/duct"]),
    _area("mall/tea", "mall", within="mall"),
    _area("mall/duct", "mall-duct", within="mall"),
    _area("mall/plant", "other", within="mall"),
    _area("well", "well"),
]
DEVICES = [
    _device("noodles", "mall/noodles", shares="line-1"),
    _device("tea", "mall/tea"),
    _device("duct", "mall/duct"),
    _device("main", "mall/plant", upstream_of=["mall", "mall/tea"]),
    _device("well", "well"),
]


@pytest.fixture(scope="module")
def site_zones():
    config = SiteConfig.model_validate(
        {
            "site": {"id": "east", "title": {"zh": "东", "en": "East"}},
            "area": AREAS,
            "connection": [{"id": "coap", "transport": "coap", "listen": "127.0.0.1:5683"}],
            "device": DEVICES,
        },
        strict=False,
    )
    profiles = shipped_profiles()
    assert list(check(config, profiles)) == []
    return {zone.id: zone for zone in zones(compile_site(config, profiles))}


def _names(members):
    return [member.device for member in members]


def test_neighbours_are_neighbours_of_each_other_though_one_side_says_so(site_zones):
    assert _names(site_zones["mall/noodles"].neighbours) == ["tea"]
    assert _names(site_zones["mall/tea"].neighbours) == ["noodles"]


def test_a_tenant_knows_the_ducts_it_breathes_from_and_its_mall(site_zones):
    noodles = site_zones["mall/noodles"]
    assert _names(noodles.ducts) == ["duct"]
    assert noodles.building == "mall"
    assert site_zones["mall/tea"].ducts == ()


def test_a_mall_has_the_devices_of_all_its_areas_its_ducts_and_the_wells_near_by(site_zones):
    mall = site_zones["mall"]
    assert sorted(_names(mall.members)) == ["duct", "main", "noodles", "tea"]
    assert _names(mall.ducts) == ["duct"]
    assert _names(mall.wells) == ["well"]
    assert site_zones["well"].building == ""


def test_a_main_valve_inside_the_mall_is_up_the_line_and_its_own_detector_counts_there(site_zones):
    main = next(one for one in site_zones["mall"].members if one.device == "main")
    assert (main.upstream, main.is_looked_at) == (True, True)
    assert "main" in _names(site_zones["mall"].detectors("zone"))


def test_a_main_valve_elsewhere_lends_its_valve_only(site_zones):
    main = next(one for one in site_zones["mall/tea"].members if one.device == "main")
    assert (main.upstream, main.is_looked_at) == (True, False)
    assert _names(site_zones["mall/tea"].detectors("zone")) == ["tea"]


def test_a_bus_or_supply_in_common_is_told_on(site_zones):
    shared = {one.device: one.common_cause for one in site_zones["mall"].members}
    assert shared == {"noodles": "line-1", "tea": "", "duct": "", "main": ""}
