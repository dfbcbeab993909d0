"""What a site may change of a shipped rule or matrix, and what it takes to make life safety weaker (S11)."""

import pytest

from gengfu.errors import InputError
from gengfu.rules import shipped
from gengfu.site_rules.book import read_book
from gengfu.site_rules.differences import Difference, differences
from gengfu.site_rules.overlay import lay_over_rule
from gengfu.site_rules.shapes import RuleOverride
from tests.fixtures.rule_site import checked, document, matrix_override, override, rule, site, write

BOOK = shipped()
TWO = '"王伟", "Li Na"'
GAS = 'any = [{ kind = "high", role = "gas", limit = %s }]'
RK_1 = 'cause = [{ id = "RK-1", when = [{ kind = "high", role = "gas", limit = %s }] }]'


def said(tmp_path, *texts, of=None):
    found = checked(tmp_path, {"rules/own.toml": "\n".join(texts)}, of)
    return [line.removeprefix(f"{tmp_path}/rules/own.toml: ") for line in found.errors]


def changes(book):
    return [(one.id, one.key, one.shipped, one.running) for one in differences(BOOK, book)]


def test_without_files_a_site_is_watched_by_what_is_shipped(tmp_path):
    assert read_book(None, site()) == BOOK
    assert read_book(tmp_path / "site.toml", site()) == BOOK


def test_a_site_with_wrong_rules_is_not_watched_by_them_and_every_mistake_is_told(tmp_path):
    files = {"rules/a.toml": override("CK-99", "latch = true"), "interlocks/b.toml": matrix_override("no-such")}
    with pytest.raises(InputError) as caught:
        read_book(write(tmp_path, files), site())
    lines = str(caught.value).strip().splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{tmp_path}/rules/a.toml", "override[CK-99].rule"],
        [f"{tmp_path}/interlocks/b.toml", "override[no-such].matrix"],
    ]


def test_an_override_changes_the_keys_that_it_names_and_no_other(tmp_path):
    of_rule = override("CK-02", GAS % 20.0, "on_delay_s = 2")
    of_matrix = matrix_override("restaurant-kitchen", RK_1 % 20.0)
    path = write(tmp_path, {"rules/a.toml": of_rule, "interlocks/b.toml": of_matrix})
    book = read_book(path, site())
    assert changes(book) == [
        ("CK-02", "any[high gas].limit", 25.0, 20.0),
        ("CK-02", "on_delay_s", 5.0, 2.0),
        ("restaurant-kitchen", "cause[RK-1].when[high gas].limit", 25.0, 20.0),
    ]


def test_a_rule_of_its_own_is_added(tmp_path):
    own = rule("XX-1", '{ kind = "high", role = "temperature", limit = 50.0, unit = "Cel" }')
    assert said(tmp_path, own) == [
        "rule[XX-1].any[high temperature]: no device of its areas has a point of role temperature: "
        "it can never speak; correct it"
    ]
    own = rule("XX-1", '{ kind = "high", role = "co", limit = 30.0, unit = "[ppm]", deadband = 5.0 }')
    book = read_book(write(tmp_path, {"rules/own.toml": own}), site())
    assert differences(BOOK, book) == [Difference("XX-1", "", None, "XX-1")]
    assert differences(book, BOOK) == [Difference("XX-1", "", "XX-1", None)]


def test_the_unit_may_be_another_that_the_point_can_be_told_in(tmp_path):
    as_vol = 'any = [{ kind = "high", role = "gas", limit = 0.88, deadband = 0.22, unit = "%{vol}" }]'
    close = matrix_override("restaurant-kitchen", RK_1 % 20.0)
    found = checked(tmp_path, {"rules/own.toml": override("CK-02", as_vol), "interlocks/own.toml": close})
    assert found.errors == []
    # 1.1 vol% are 25 %LEL on the basis of this detector, and 1.25 would be more
    weaker = override("CK-02", as_vol.replace("0.88", "1.25"))
    assert [line for line in said(tmp_path, weaker) if "25 -> 28.4091" in line or "1.1 -> 1.25" in line] != []
    left = override("CK-02", 'any = [{ kind = "high", role = "gas", limit = 0.88, unit = "%{vol}" }]')
    assert said(tmp_path, left)[0] == (
        "override[CK-02].any[high gas].unit: the shipped figures are in %{LEL}: give deadband in %{vol} too"
    )


@pytest.mark.parametrize(
    ("band", "wrong"), [(10, []), (9, ["override[SB-03].any[high fire-temperature].deadband: 10 -> 9"])]
)
def test_a_dead_band_is_a_difference_whatever_the_zero_of_its_unit(tmp_path, band, wrong):
    condition = f'kind = "high", role = "fire-temperature", limit = 343.0, unit = "K", deadband = {band}'
    lines = said(tmp_path, override("SB-03", f"any = [{{ {condition} }}]"))
    assert [line.partition(" makes")[0] for line in lines] == wrong


LIMIT = "override[CK-04].any[high gas].limit"
TOO_HIGH = "CK-04: no highest limit is listed; it is never moved beyond the shipped 50 %{LEL} (S11)"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (override("CK-04", GAS % 49.0), []),
        (override("CK-04", GAS % 50.0), []),
        (override("CK-04", GAS % 51.0, by=TWO), [f"{LIMIT}: {TOO_HIGH}"]),
        (
            override("CK-04", GAS % 51.0),
            [f"{LIMIT}: 50 -> 51 makes life safety weaker: approved_by needs two different persons (S11)", TOO_HIGH],
        ),
        (override("CK-04", "on_delay_s = 4", by=TWO), []),
        (override("CK-04", "on_delay_s = 4"), ["override[CK-04].on_delay_s: 0 -> 4 makes life safety weaker"]),
        (override("CK-04", "on_delay_s = 6", by=TWO), ["override[CK-04]: on_delay_s = 6 would hide a level-2 alarm"]),
        (override("CK-04", "off_delay_s = 10"), ["override[CK-04].off_delay_s: 120 -> 10 makes"]),
        (override("CK-04", "off_delay_s = 600"), []),
        (override("CK-04", "respond_within_s = 600"), ["override[CK-04].respond_within_s: 60 -> 600 makes"]),
        (override("CK-04", "respond_within_s = 30"), []),
        (
            override("CK-04", 'any = [{ kind = "high", role = "gas", deadband = 1 }]'),
            ["any[high gas].deadband: 5 -> 1"],
        ),
        (override("CK-04", 'any = [{ kind = "high", role = "gas", deadband = 6 }]'), []),
        (
            override("CK-04", 'class = "process"', by=TWO),
            ["override[CK-04]: level 2 needs", "CK-04].class: CK-04 is a"],
        ),
        (override("CK-04", 'priority = "low"', by=TWO), ["override[CK-04].priority: CK-04 is a life-safety rule"]),
        (override("CK-04", "latch = false", by=TWO), ["override[CK-04].latch: CK-04 is a life-safety rule: its latch"]),
        (override("CK-04", "on_reports = 2", by=TWO), ["override[CK-04]: on_reports goes with neither"]),
        (override("BL-01", 'any = [{ kind = "blind-rising", role = "gas", slope = 2 }]'), ["slope: 1 -> 2 makes"]),
        (override("BL-01", 'any = [{ kind = "blind-rising", role = "gas", slope = 0.5, limit = 4 }]'), []),
        (override("SB-02", 'priority = "low"', "off_delay_s = 1", "respond_within_s = 86400"), []),
        (override("SB-02", 'any = [{ kind = "high", role = "fill", limit = 95.0 }]', "on_reports = 5"), []),
        (override("SB-02", 'class = "life-safety"'), ["on_reports goes with neither on_delay_s nor life-safety"]),
    ],
)
def test_earlier_is_anybodys_to_decide_and_later_is_not(tmp_path, text, wrong):
    lines = said(tmp_path, text)
    assert len(lines) == len(wrong)
    for words in wrong:
        assert [line for line in lines if words in line] != []


@pytest.mark.parametrize(
    ("limit", "by", "wrong"),
    [
        (20.0, TWO, []),
        (25.0, TWO, []),
        (26.0, TWO, ["HM-01: at most 25 %{LEL} (S11)"]),
        (20.0, '"王伟"', ["10 -> 20 makes life safety weaker"]),
        (20.0, '"Wang Wei", " wang  WEI "', ["10 -> 20 makes life safety weaker"]),
        (20.0, '"王伟", ""', ["10 -> 20 makes life safety weaker"]),
        (10.0, "", []),
    ],
)
def test_two_persons_raise_a_limit_up_to_the_highest_that_is_listed(tmp_path, limit, by, wrong):
    lines = said(tmp_path, override("HM-01", GAS % limit, by=by))
    assert [line.startswith("override[HM-01].any[high gas].limit: ") for line in lines] == [True] * len(wrong)
    for line, words in zip(lines, wrong, strict=True):
        assert words in line


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (matrix_override("restaurant-kitchen", RK_1 % 26.0, by=TWO), ["cause[RK-1].when[high gas].limit: RK-1: no"]),
        (
            matrix_override("restaurant-kitchen", RK_1 % 26.0),
            ["limit: RK-1: no highest", "limit: 25 -> 26 makes", "above level 1 (CK-02, 25)"],
        ),
        (matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-1", delay_s = 4 }]', by=TWO), []),
        (matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-1", delay_s = 4 }]'), ["delay_s: 0 -> 4 makes"]),
        (
            matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-2", delay_s = 6 }]', by=TWO),
            ["cause[RK-2].delay_s: 6 s would let gas in before anything closes; at most 5 (S8)"],
        ),
        (matrix_override("restaurant-kitchen", "reset_after_s = 60"), ["reset_after_s: 600 -> 60 makes"]),
        (matrix_override("restaurant-kitchen", "reset_after_s = 1200"), []),
        (matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-4", delay_s = 300 }]'), []),
    ],
)
def test_an_interlock_is_made_weaker_by_two_persons_and_within_limits_only(tmp_path, text, wrong):
    lines = said(tmp_path, text)
    for words in wrong:
        assert [line for line in lines if words in line] != []
    assert bool(lines) == bool(wrong)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (override("CK-99", "latch = true"), "override[CK-99].rule: 'CK-99' is not shipped"),
        (matrix_override("no-such", "reset_after_s = 900"), "override[no-such].matrix: 'no-such' is not shipped"),
        (override("CK-02"), "override[CK-02]: changes nothing: name a key, or remove it"),
        (matrix_override("restaurant-kitchen"), "override[restaurant-kitchen]: changes nothing"),
        (
            matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-1" }]'),
            "override[restaurant-kitchen].cause[RK-1]: changes nothing",
        ),
        (
            matrix_override("restaurant-kitchen", 'cause = [{ id = "RK-99", delay_s = 1 }]'),
            "override[restaurant-kitchen].cause[RK-99]: restaurant-kitchen has no such cause; it has RK-1, RK-2",
        ),
        (
            override("CK-02", 'any = [{ kind = "high", role = "gas" }]'),
            "override[CK-02].any[high gas]: changes nothing: name a figure",
        ),
        (
            override("CK-02", 'any = [{ kind = "high", role = "co", limit = 1 }]'),
            "override[CK-02].any[high co]: there is none; there are flag alarm-bit, high gas",
        ),
        (
            override("CK-02", 'any = [{ kind = "flag", role = "alarm-bit", slope = 1 }]'),
            "override[CK-02]: any[1]: flag takes no slope",
        ),
        (
            override("CK-02", 'any = [{ kind = "flag", role = "alarm-bit", deadband = 1 }]'),
            "override[CK-02].any[flag alarm-bit]: flag has no deadband: remove it",
        ),
        (
            override("CK-02", f"any = [{GAS[7:-1] % 20.0}, {GAS[7:-1] % 21.0}]"),
            "override[CK-02].any[high gas]: is changed twice: write it once",
        ),
        (
            override("CK-02", "any = []", "areas = []"),
            "override[CK-02].areas: unknown key: it cannot be changed by a site",
        ),
        (override("CK-02", GAS % "nan"), "override[CK-02].any[high gas].limit: must be a finite number"),
        (override("CK-02", GAS % '"20"'), "override[CK-02].any[high gas].limit: must be a valid number"),
        ('[[override]]\nwhy = "x"\n', "override[1]: name what it changes: either rule or matrix"),
        ('[[override]]\nrule = "CK-02"\nlatch = true\n', "override[CK-02].why: is missing: add it"),
        ("[override]\nrule = 1\n", "override: is no list of tables: write [[override]]"),
        ("[rules]\nx = 1\n", "rules: unknown table: write [[rule]], [[override]] or [matrix]"),
        ("[[rule]\n", "file: not valid TOML"),
    ],
)
def test_a_change_that_says_nothing_or_too_much_is_named_by_its_key(tmp_path, text, wrong):
    assert [line for line in said(tmp_path, text) if line.startswith(wrong)] != []


def test_conditions_that_differ_in_species_alone_are_chosen_by_it():
    shipped_rule = BOOK.alarms["CK-02"]
    first = shipped_rule.any[0]
    two = shipped_rule.model_copy(update={"any": (first, first.model_copy(update={"species": ("propane",)}))})
    change = RuleOverride.model_validate(
        {"rule": "CK-02", "why": "x", "any": ({"kind": "high", "role": "gas", "limit": 9.0},)}
    )
    _, problems = lay_over_rule(two, change)
    assert problems == [("any[high gas]", "there are 2, name the species too; there are high gas")]
    chosen = change.any[0].model_copy(update={"species": ("propane",)})
    laid, problems = lay_over_rule(two, change.model_copy(update={"any": (chosen,)}))
    assert ([one.limit for one in laid.any], problems) == ([25.0, 9.0], [])


def test_one_override_of_a_rule_is_enough(tmp_path):
    files = {"rules/a.toml": override("CK-02", "on_delay_s = 1"), "rules/b.toml": override("CK-02", "on_delay_s = 0")}
    [line] = checked(tmp_path, files).errors
    where = f"{tmp_path}/rules/b.toml: override[CK-02]"
    assert line == f"{where}: CK-02 is overridden in {tmp_path}/rules/a.toml already: join the two"


def test_files_that_would_not_be_read_are_told(tmp_path):
    files = {"rules/limits.toml.bak": "", "rules/README.md": "", "interlocks/own.TOML": ""}
    found = checked(tmp_path, files)
    assert found.errors == []
    assert [line.rpartition("/")[2] for line in found.warnings] == [
        "limits.toml.bak: file: warning: is not read: its name must end in .toml",
        "own.TOML: file: warning: is not read: its name must end in .toml",
    ]


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "rules").write_text("", encoding="utf-8")
    (tmp_path / "site.toml").write_text(document(), encoding="utf-8")
    [line] = checked(tmp_path, {}).errors
    assert line == f"{tmp_path}/rules: folder: cannot be read: Not a directory"
