"""Which changes of the settings protect less, and so need two people (S11)."""

import protection


def test_later_longer_or_higher_is_weaker():
    rows = (
        ("trip-after", 15.0, 15.1),
        ("warm-up", 60.0, 180.0),
        ("level-1", 20.0, 25.0),
        ("overflow", 80.0, 90.0),
        ("fire", 60.0, 70.0),
        ("wake", 60.0, 600.0),
        ("life-years", 3.0, 5.0),
        ("mute-for", 300.0, 600.0),
        ("fan", "none", "permitted"),
        ("period", 3600.0, 3601.0),
        ("period", 7200.0, 86400.0),
        ("oscore", "key", ""),
        ("max-trailer", 20.0, 25.0),
        ("max-dispenser", 80.0, 0.0),
    )
    for name, safer, weaker in rows:
        assert protection.weaker({name: safer}, {name: weaker}) == [name]
        assert protection.weaker({name: weaker}, {name: safer}) == []
        assert protection.weaker({name: safer}, {name: safer}) == []


def test_what_does_not_protect_may_change():
    assert protection.weaker({"period": 2.0, "gateway": "a:1"}, {"period": 3600.0, "gateway": "b:1"}) == []
    assert protection.weaker({"period": 86400.0}, {"period": 86400.0}) == []
    assert protection.weaker({"oscore": "old"}, {"oscore": "new"}) == []
    assert protection.weaker({"level-1": 20.0}, {"period": 2.0}) == []


def test_all_that_is_weaker_is_named():
    old = {"trip-after": 15.0, "warm-up": 2.0, "fan": "none"}
    new = {"trip-after": 60.0, "warm-up": 180.0, "fan": "permitted"}
    assert protection.weaker(old, new) == ["trip-after", "warm-up", "fan"]
