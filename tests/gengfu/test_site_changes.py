"""What is different between two documents of a site, what is never done, and what leaves something less watched."""

import tomllib

import msgspec
import pytest

from device_registry.devices import Site
from device_registry.in_use import SiteInUse
from device_registry.load import compile_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from gengfu.rules import shipped
from gengfu.site_changes import compare, refusals, settle
from protocols.profile.loader import SHIPPED, load_profile, shipped_profiles
from tests.fixtures.stories import varied

BOOK = shipped()
PROFILES = shipped_profiles()
DOCUMENT = """
site = { id = "east", title = { zh = "东", en = "East" } }
area = [
  { id = "kitchen", title = { zh = "厨", en = "Kitchen" }, kind = "commercial-kitchen", staffed = false },
  { id = "street", title = { zh = "街", en = "Street" }, kind = "street" },
]
[[connection]]
id = "line-1"
transport = "modbus-tcp"
host = "127.0.0.1"
port = 1502
[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:5683"
[[device]]
id = "gas:1"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "kitchen"
connection = "line-1"
unit = 5
period_s = 2.0
[[device]]
id = "gas:2"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "kitchen"
connection = "coap"
[[device]]
id = "bin:1"
profile = "gengfu/smart-bin"
title = { zh = "桶", en = "Bin" }
area = "street"
connection = "coap"
"""


def site(*changes, profiles=PROFILES) -> Site:
    """The site of the document with some words replaced; each must be there."""
    text = DOCUMENT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    config = SiteConfig.model_validate(tomllib.loads(text), strict=False)
    assert list(check(config, profiles)) == []
    return compile_site(config, profiles)


CARD = 'card = { phones = [{ title = { zh = "店主", en = "Owner" }, phone = "119" }] }'


def without(device: str) -> tuple[str, str]:
    """The change that takes a device away."""
    start = DOCUMENT.index(f'[[device]]\nid = "{device}"')
    end = DOCUMENT.find("[[device]]", start + 1)
    return DOCUMENT[start : end if end > 0 else None], ""


def changes(after, before=None):
    before = before or site()
    return compare(before, settle(before, after), BOOK)


def refused(after, tripped=(), alarming=None, before=None):
    before = before or site()
    return list(refusals(before, settle(before, after), tripped, alarming or {}))


GAS_1 = (
    '[[device]]\nid = "gas:1"\nprofile = "gengfu/gas-alarm"\ntitle = { zh = "报警器", en = "Alarm" }\narea = "kitchen"'
)


def test_the_same_document_changes_nothing():
    found = changes(site())
    assert not found.any
    assert (found.reopened, found.losses) == ((), ())


@pytest.mark.parametrize(
    ("change", "reopened"),
    [
        (("port = 1502", "port = 1503"), ("line-1",)),
        (("unit = 5", "unit = 6"), ("line-1",)),
        (("period_s = 2.0", "period_s = 1.0"), ("line-1",)),
        (without("bin:1"), ("coap",)),
        (('en = "Kitchen"', 'en = "Hot kitchen"'), ()),
        (("unit = 5", "unit = 5\ndrill_allowed = true\nfan = { ex_rated = true }"), ()),
        (('zh = "桶"', 'zh = "箱"'), ()),
    ],
)
def test_only_connections_whose_own_part_differs_are_reopened(change, reopened):
    found = changes(site(change))
    assert found.any
    assert found.reopened == reopened


def test_what_came_what_went_and_what_is_another_is_told():
    new = '[[device]]\nid = "bin:2"\nprofile = "gengfu/smart-bin"\ntitle = { zh = "x", en = "x" }\narea = "street"\n'
    found = changes(
        site(without("bin:1"), ("unit = 5", "unit = 7"), ("[[device]]", new + 'connection = "coap"\n[[device]]'))
    )
    assert found.devices == (("bin:2",), ("bin:1",), ("gas:1",))


def test_a_profile_that_says_the_same_is_the_same_object():
    again = load_profile(SHIPPED / "gengfu/smart-bin.toml")
    before = site()
    after = settle(before, site(profiles={**PROFILES, again.id: again}))
    assert after.devices["bin:1"].profile is before.devices["bin:1"].profile
    assert not compare(before, after, BOOK).any


def test_a_changed_profile_reopens_the_connections_of_its_devices():
    other = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
    found = changes(site(profiles={**PROFILES, other.id: other}))
    assert (found.profiles, found.reopened) == (("gengfu/gas-alarm",), ("line-1", "coap"))
    assert found.losses == ()


def test_points_are_append_only():
    moved = varied({"uptime": {"name": "up_since"}})
    assert "a point was moved, renamed, removed" in refused(site(profiles={**PROFILES, moved.id: moved}))[0]
    other_unit = varied({"temperature": {"unit": "K", "range": [200.0, 400.0]}})
    assert len(refused(site(profiles={**PROFILES, other_unit.id: other_unit}))) == 1
    assert refused(site()) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('id = "east"', 'id = "west"'), "site.id"),
        (('en = "East" }', 'en = "East" }, time_zone = "UTC"'), "site.time_zone"),
    ],
)
def test_what_the_whole_process_was_built_on_needs_a_restart(change, key):
    assert refused(site(change)) == [f"{key}: changes with a restart only"]


def test_a_site_does_not_become_a_simulation_while_it_runs():
    assert refused(msgspec.structs.replace(site(), simulated=True)) == ["site.simulated: changes with a restart only"]


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        (without("gas:1"), True),
        ((GAS_1, GAS_1.replace("kitchen", "street")), True),
        (("period_s = 2.0", "period_s = 60.0"), True),
        (("port = 1502", "port = 1503"), False),
        (("unit = 5", "unit = 6"), False),
        (without("bin:1"), False),
        (('kind = "commercial-kitchen"', f'kind = "commercial-kitchen", {CARD}'), False),
    ],
)
def test_a_device_in_alarm_is_judged_as_before_and_may_get_another_way(change, is_refused):
    problems = refused(site(change), alarming={"gas:1": ["CK-04"]})
    assert bool(problems) == is_refused
    assert all("device[gas:1]: is in alarm (CK-04)" in one for one in problems)


def test_a_tripped_interlock_is_named():
    assert refused(site(without("gas:2")), tripped=["kitchen~restaurant-kitchen"]) == [
        "interlock kitchen~restaurant-kitchen: it is tripped; its area's devices change when it is reset"
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            without("gas:1"),
            ["device gas:1: watched no longer by CO-04b, CO-05, CK-02", "interlock restaurant-kitchen without gas:1"],
        ),
        (("period_s = 2.0", "period_s = 60.0"), ["gas:1: its silence is noticed later (period 2 -> 60 s)"]),
        (("staffed = false", "staffed = true"), ["area kitchen: staffed now"]),
        (
            ('kind = "commercial-kitchen"', 'kind = "other"'),
            ["device gas:1: watched", "gas:2", "restaurant-kitchen is gone"],
        ),
        ((GAS_1, GAS_1.replace("kitchen", "street")), ["device gas:1: watched", "without gas:1"]),
        (without("bin:1"), ["device bin:1: watched no longer by SB-03, SB-04"]),
        (("period_s = 2.0", "period_s = 1.0"), []),
        (('zh = "街"', 'zh = "路"'), []),
    ],
)
def test_what_is_watched_less_is_told_and_nothing_else(change, told):
    losses = changes(site(change)).losses
    assert len(losses) == len(told)
    for loss, words in zip(losses, told, strict=True):
        assert words in loss


def test_another_gas_basis_is_told():
    methane = next(point for point in PROFILES["gengfu/gas-alarm"].file.point if point.name == "methane")
    assert methane.gas is not None
    gas = methane.gas.model_dump(exclude_none=True) | {"lfl_vol_percent": 3.9}
    other = varied({"methane": {"gas": gas}})
    losses = changes(site(profiles={**PROFILES, other.id: other})).losses
    assert [loss for loss in losses if "methane is measured on another basis" in loss]


def test_a_site_in_use_shows_the_present_document_to_whoever_holds_it():
    in_use = SiteInUse(site())
    held, devices = in_use.site, in_use.site.devices
    after = site(without("bin:1"), ("period_s = 2.0", "period_s = 1.0"))
    in_use.become(after)
    assert list(devices) == ["gas:1", "gas:2"]
    assert held.devices["gas:1"].period_s == 1.0
    assert held.find_profile("bin:1") is None
    assert list(held.connections) == list(after.connections)
