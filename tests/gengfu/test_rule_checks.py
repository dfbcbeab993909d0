"""Rules and matrices held against the devices of a site: what can never speak, never come, never go, or comes late."""

import pytest

from gengfu.rules import Rulebook, shipped
from gengfu.site_rules import book, scope
from gengfu.site_rules.files import SiteFiles
from protocols.profile.loader import shipped_profiles
from tests.fixtures.rule_site import AREAS, DEVICES, checked, matrix, matrix_override, override, rule, site
from tests.fixtures.stories import varied

GAS = 'any = [{ kind = "high", role = "gas", limit = %s }]'
CO = '{ kind = "high", role = "co", limit = 30.0, unit = "%s" }'
CLOSE, START, HOLD = (f'{{ id = "E1", action = "{one}" }}' for one in ("close-valve", "start-fan", "hold-fan"))
STATION = {**AREAS, "station": "hydrogen-station"}


def said(tmp_path, text, of=None, name="rules/own.toml"):
    found = checked(tmp_path, {name: text}, of)
    return [line.removeprefix(f"{tmp_path}/{name}: ") for line in (*found.errors, *found.warnings)]


def gas_of(profile, area="kitchen"):
    return site(AREAS, {**DEVICES, "gas:3": (profile, area)})


def test_what_is_shipped_stands_in_order_at_every_kind_of_area_with_every_profile():
    everywhere = scope.of_profiles(shipped_profiles())._replace(has_site=True)
    found = book.check(shipped(), SiteFiles(), everywhere)
    assert found.errors == []
    # a detector for homes that measures up to 15 %LEL: what is above is over range, the highest level
    assert [line for line in found.warnings if "zigbee2mqtt/jt-bz-01aq-a, 0 to 15" not in line] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            override("GW-01", "off_delay_s = 900"),
            "override[GW-01]: warning: the site has no area of kind well: nothing is",
        ),
        (
            rule("XX-1", CO % "[ppm]", areas='"well", "mall"'),
            "rule[XX-1]: warning: the site has no area of kind well or",
        ),
        (
            override("CK-05", GAS % 5.0),
            "override[CK-05].any[high gas]: no device of its areas has a point of role gas (",
        ),
        (override("CK-05", "off_delay_s = 90"), "override[CK-05].any[high gas]: no device of its areas has a point of"),
        (
            rule("XX-1", CO.replace('"co"', '"smell"') % "[ppm]"),
            "rule[XX-1].any[high smell]: no device of its areas has",
        ),
        (rule("XX-1", CO % "[ppm]", areas='"kichen"'), "rule[XX-1].areas: 'kichen' is no kind of area: one of home-ki"),
        (rule("XX-1", CO % "[ppm]", response="R99"), "rule[XX-1].response: 'R99' is no operator response: one of R1,"),
        (rule("CK-01", CO % "[ppm]"), "rule[CK-01].id: 'CK-01' is shipped: write an [[override]], or take another id"),
    ],
)
def test_what_can_never_speak_is_told(tmp_path, text, told):
    [line] = said(tmp_path, text)
    assert line.startswith(told)


def test_a_rule_that_one_point_of_its_areas_can_meet_is_right(tmp_path):
    either = '{ kind = "flag", role = "smell" }, { kind = "high", role = "co", limit = 30.0, unit = "[ppm]" }'
    assert said(tmp_path, rule("XX-1", either)) == []
    assert said(tmp_path, rule("XX-1", '{ kind = "reported" }')) == []
    [line] = said(tmp_path, rule("XX-1", '{ kind = "reported" }', areas='"street"'))
    assert line.startswith("rule[XX-1].any[reported]: no device of its areas has a point of a final element: ")


def test_conditions_that_count_together_need_a_device_with_all_their_points(tmp_path):
    warm = '{ kind = "high", role = "%s", limit = 30.0, unit = "[ppm]" }, { kind = "flag", role = "%s" }'
    together = f'{{ kind = "all", of = [{warm}] }}'
    assert said(tmp_path, rule("XX-1", together % ("co", "alarm-bit"))) == []
    [line] = said(tmp_path, rule("XX-1", together % ("co", "smell")))
    assert line.startswith("rule[XX-1].any[high co]: no device of its areas has a point of role co with role smell: ")
    unlike = '{ kind = "mismatch", role = "co", flag_role = "%s", limit = 30.0, unit = "[ppm]" }'
    assert said(tmp_path, rule("XX-1", unlike % "co-alarm-bit")) == []
    [line] = said(tmp_path, rule("XX-1", unlike % "smell"))
    assert line.startswith(
        "rule[XX-1].any[mismatch co]: no device of its areas has a point of role co with role smell: "
    )


def test_the_dead_band_of_a_rise_is_none_of_its_limit(tmp_path):
    rise = '{ kind = "rise", role = "co", by = 20.0, over_s = 60.0, deadband = 10.0, limit = 5.0, unit = "[ppm]" }'
    assert said(tmp_path, rule("XX-1", rise)) == []
    nowhere = rise.replace("limit = 5.0", "limit = 5000.0")
    assert (
        "rule[XX-1].any[rise co].limit: 5000 [ppm] is above the measuring range"
        in said(tmp_path, rule("XX-1", nowhere))[0]
    )


def test_a_level_that_counts_together_with_more_stands_in_no_order(tmp_path):
    level_1 = ('class = "process"', 'class = "life-safety"\nlevel = 1')
    high = '{ kind = "high", role = "gas", limit = 60.0, unit = "%{LEL}" }'
    alone = rule("XX-1", high).replace(*level_1)
    together = rule("XX-1", f'{{ kind = "all", of = [{high}, {{ kind = "flag", role = "alarm-bit" }}] }}').replace(
        *level_1
    )
    assert "level 1 (XX-1, 60 %{LEL}) is above level 2 (CK-04, 50)" in said(tmp_path, alone)[0]
    assert said(tmp_path, together) == []


def test_a_changed_condition_must_speak_though_another_of_its_rule_does(tmp_path):
    of = site({"kitchen": "commercial-kitchen"}, {"lpg:1": ("gengfu/lpg-alarm", "kitchen")})
    [line] = said(tmp_path, override("CK-02", GAS % 24), of)
    assert line.startswith("override[CK-02].any[high gas]: no device of its areas has a point of role gas (methane)")
    assert said(tmp_path, override("CK-02", "off_delay_s = 90"), of) == []


def test_a_cause_that_looks_elsewhere_is_changed_by_where_it_looks(tmp_path):
    row = 'cause = [{ id = "RK-7", when = [{ kind = "high", role = "gas", where = "duct", limit = %s }] }]'
    assert said(tmp_path, matrix_override("restaurant-kitchen", row % 9)) == []
    lines = said(tmp_path, matrix_override("restaurant-kitchen", row % 11))
    assert [line for line in lines if ".cause[RK-7].when[high gas duct].limit: 10 -> 11 makes" in line] != []
    lines = said(tmp_path, matrix_override("restaurant-kitchen", row.replace("duct", "street") % 9))
    assert [line for line in lines if ".cause[RK-7].when[high gas street].where: must be 'zone'" in line] == lines


def test_two_rules_with_one_id_are_told(tmp_path):
    assert said(tmp_path, rule("XX-1", CO % "[ppm]") * 2) == [
        f"rule[XX-1].id: 'XX-1' stands in {tmp_path}/rules/own.toml too: give each its own"
    ]


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("Pa", "'Pa' (pressure) cannot be converted to '[ppm]' (volume-fraction)"),
        ("%{LEL}", "carbon-monoxide has no lfl_vol_percent here, so %LEL has no meaning (S12)"),
        ("pmm", "'pmm'"),
    ],
)
def test_a_unit_in_which_the_point_cannot_be_told_is_refused(tmp_path, unit, words):
    [line] = said(tmp_path, rule("XX-1", CO % unit))
    assert line.startswith("rule[XX-1].any[high co].unit: ")
    assert words in line
    assert "(co of gengfu/gas-alarm, S12): give the figures in a unit of that point" in line
    assert said(tmp_path, rule("XX-1", CO.replace("30.0", "0.003") % "%{vol}")) == []


def test_a_shipped_rule_that_a_device_cannot_be_held_against_is_refused_before_it_is_bound():
    odd = varied({"supply": {"role": "fill"}})
    of = scope.of_site(site())
    of = of._replace(places=(*of.places, scope.Place("street", odd)))
    found = book.check(shipped(), SiteFiles(), of)
    assert [
        line for line in found.errors if line.startswith("shipped rules: rule[SB-02].any[high fill].unit: '%'")
    ] != []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            override("SB-02", GAS.replace("gas", "fill") % 101),
            "any[high fill].limit: 101 % is above the measuring range of",
        ),
        (
            override("SB-02", 'any = [{ kind = "high", role = "fill", deadband = 91 }]'),
            "any[high fill].deadband: the dead band of 91 is larger than the limit of 90",
        ),
        (
            override("SB-02", 'any = [{ kind = "high", role = "fill", deadband = 90 }]'),
            "any[high fill].deadband: it would go at 0 %, the end of the range",
        ),
        (
            rule("XX-1", '{ kind = "high", role = "co", limit = inf, unit = "[ppm]" }'),
            "rule[XX-1].any[high co].limit: inf is no figure",
        ),
    ],
)
def test_what_never_comes_or_never_goes_is_told(tmp_path, text, told):
    assert [line for line in said(tmp_path, text) if told in line] != []


def test_a_shipped_limit_beyond_a_small_range_is_a_warning_and_so_is_a_lower_one(tmp_path):
    of = gas_of("zigbee2mqtt/jt-bz-01aq-a")
    both = [
        ("", 25, "shipped rules: rule[CK-02].any[high gas].limit: warning: "),
        (override("CK-02", GAS % 20), 20, "override[CK-02].any[high gas].limit: warning: "),
    ]
    for text, limit, where in both:
        close = matrix_override(
            "restaurant-kitchen", 'cause = [{ id = "RK-1", when = [{ kind = "high", role = "gas", limit = 20 }] }]'
        )
        lines = said(tmp_path, f"{text}\n{close}", of)
        assert all("warning: " in line for line in lines)
        told = "%{LEL} is above the measuring range of methane of zigbee2mqtt/jt-bz-01aq-a, 0 to 15"
        assert [line for line in lines if line.startswith(f"{where}{limit} {told}")] != []


def test_a_limit_that_the_site_moves_beyond_the_range_is_an_error(tmp_path):
    of = gas_of("zigbee2mqtt/jt-bz-01aq-a", "home")
    two = '"王伟", "Li Na"'
    assert checked(tmp_path, {"rules/own.toml": override("HM-01", GAS % 14, by=two)}, of).errors == []
    [line] = checked(tmp_path, {"rules/own.toml": override("HM-01", GAS % 16, by=two)}, of).errors
    assert "override[HM-01].any[high gas].limit: 16 %{LEL} is above the measuring range" in line


def test_levels_in_the_wrong_order_are_told_once_for_whom_the_site_wrote(tmp_path):
    [line] = [one for one in said(tmp_path, override("CK-04", GAS % 20)) if "level 2" in one]
    assert line == (
        "override[CK-04].any[high gas].limit: level 1 (CK-02, 25 %{LEL}) is above level 2 (CK-04, 20) at methane of "
        "gengfu/gas-alarm: put them in order"
    )
    assert [one for one in said(tmp_path, override("CK-04", GAS % 25)) if "level 2" in one] == []


def test_stages_in_the_wrong_order_are_told(tmp_path):
    rk_2 = 'cause = [{ id = "RK-2", when = [{ kind = "high", role = "gas", limit = 20 }] }]'
    lines = [one for one in said(tmp_path, matrix_override("restaurant-kitchen", rk_2)) if "verify" in one]
    assert [line.partition(": ")[0] for line in lines] == [
        f"override[restaurant-kitchen].cause[{cause}].when[high gas].limit" for cause in ("RK-1", "RK-2")
    ]
    assert "verify (RK-1, 25 %{LEL}) is above full (RK-2, 20) at methane of gengfu/gas-alarm" in lines[0]


def test_a_valve_that_would_close_above_level_1_is_told(tmp_path):
    [line] = said(tmp_path, override("CK-02", GAS % 20))
    assert line == (
        "override[CK-02].any[high gas].limit: the valve would close at 25 %{LEL} (RK-1), above level 1 (CK-02, 20) at "
        "methane of gengfu/gas-alarm (S1): change both"
    )


@pytest.mark.parametrize(
    ("kind", "effect", "mode", "told"),
    [
        ("commercial-kitchen", HOLD, "act", "matrix[own].areas: restaurant-kitchen (RK-1"),
        ("commercial-kitchen", CLOSE, "act", None),
        ("street", START, "act", None),
        ("hydrogen-station", CLOSE, "act", "matrix[own].mode: a hydrogen-station is only observed"),
        ("hydrogen-station", CLOSE, "observe", "matrix[own]: cause XX-1: an observe-only matrix has no effects (S15)"),
        ("hydrogen-station", "", "observe", None),
    ],
)
def test_interlocks_that_stand_against_each_other_and_commands_to_a_station_are_told(
    tmp_path, kind, effect, mode, told
):
    of = site(STATION, {**DEVICES, "gas:3": ("gengfu/gas-alarm", "station"), "gas:4": ("gengfu/gas-alarm", "corner")})
    lines = said(tmp_path, matrix("own", kind, effect, mode=mode), of, "interlocks/own.toml")
    assert [line for line in lines if told is None or told in line] == ([] if told is None else lines)
    assert bool(lines) == (told is not None)


def test_a_fan_that_nobody_can_start_is_no_quarrel(tmp_path):
    of = site(AREAS, {"gas:1": ("milesight/gs301", "kitchen"), "gas:3": ("zigbee2mqtt/jt-bz-01aq-a", "kitchen")})
    lines = said(tmp_path, matrix("own", "commercial-kitchen", HOLD), of, "interlocks/own.toml")
    assert [line for line in lines if "leaves to a person" in line] == []


def test_two_matrices_of_the_site_that_differ_are_both_named(tmp_path):
    files = {
        "interlocks/a.toml": matrix("one", "street", START),
        "interlocks/b.toml": matrix("other", "street", HOLD),
    }
    of = site(AREAS, {**DEVICES, "gas:3": ("gengfu/gas-alarm", "corner")})
    keys = [line.partition("]")[0].rpartition("/")[2] for line in checked(tmp_path, files, of).errors]
    assert keys == ["a.toml: matrix[one", "b.toml: matrix[other"]


def test_a_matrix_id_that_is_shipped_is_refused(tmp_path):
    lines = said(tmp_path, matrix("restaurant-kitchen", "street", CLOSE), name="interlocks/own.toml")
    assert "matrix[restaurant-kitchen].id: 'restaurant-kitchen' is shipped: write an [[override]], or take" in lines[0]


def test_matrices_that_are_shipped_and_stand_against_each_other_are_told(tmp_path):
    """As a mistake of ours would be."""
    kitchen = next(one for one in shipped().matrices if one.id == "restaurant-kitchen")
    twin = kitchen.model_copy(update={"id": "twin"})
    base = Rulebook(shipped().alarms, shipped().responses, (kitchen, twin))
    found = book.check(base, SiteFiles(), scope.of_site(site()))
    assert [line for line in found.errors if line.startswith("shipped matrices: matrix[twin].areas: twin (RK-1")] != []
