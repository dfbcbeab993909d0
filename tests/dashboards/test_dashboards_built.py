"""The committed dashboards are what the code makes, and each panel says what it shows; nothing here asks a server."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana import alerts, build, figures
from dashboards.grafana.build import documents
from dashboards.grafana.catalogue import BOARDS
from dashboards.grafana.influxql import DATASOURCE_UID
from dashboards.grafana.yaml_text import yaml_text
from tests.structure.tree import ROOT, imports, modules

FOLDER = ROOT / "dashboards" / "grafana"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]{2}")
READS = re.compile(r'FROM (?P<kinds>"[^()]*?)(?P<behind> WHERE (?P<where>.*?)(?= GROUP BY | ORDER BY |\)|$)|$| GROUP)')
CHOICE = re.compile(r"\"origin\" = '(?P<origin>live|drill|simulated|\$origin)'")
UIDS = [board.uid for board in BOARDS]


def committed(uid: str) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    found: dict[str, Any] = json.loads((FOLDER / "json" / f"{uid}.json").read_text("utf-8"))
    return found


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything with a query; headings are left out."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where each query of a dashboard stands, and its text."""
    for panel in panels(dashboard):
        yield from ((panel["title"], target["query"]) for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]
    yield from ((one["name"], one["target"]["query"]) for one in dashboard["annotations"]["list"])


def origins(query: str) -> list[str]:
    """The origin that each reading of a measurement chooses; empty where it chooses none."""
    found = []
    for read in READS.finditer(query):
        choice = CHOICE.search(read["where"] or "")
        found.append(choice["origin"] if choice else "")
    return found


def overlaps(dashboard: dict[str, Any]) -> list[str]:
    """Panels that lie on another or beyond the 24 columns."""
    places = [(panel["title"], panel["gridPos"]) for panel in dashboard["panels"]]
    wide = [title for title, at in places if at["x"] < 0 or at["x"] + at["w"] > 24 or at["h"] < 1]
    return wide + [
        f"{one} and {other}"
        for (one, a), (other, b) in combinations(places, 2)
        if a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    ]


def untold(dashboard: dict[str, Any]) -> list[str]:
    """Panels without a title or a description in both languages, or without a unit."""
    found = []
    for panel in panels(dashboard):
        texts = (panel.get("title", ""), panel.get("description", ""))
        if not all(CHINESE.search(text) and ENGLISH.search(text) for text in texts):
            found.append(f"{panel.get('title')}: title or description is not in both languages")
        if not panel["fieldConfig"]["defaults"].get("unit"):
            found.append(f"{panel.get('title')}: has no unit")
    return found


def test_committed_files_are_what_the_code_makes() -> None:
    assert build.differences() == []


def test_a_stale_a_missing_and_a_left_over_file_are_found_and_put_right(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "json", tmp_path / "json")
    shutil.copytree(FOLDER / "provisioning", tmp_path / "provisioning")
    assert build.differences(tmp_path) == []
    stale, missing = (f"json/{uid}.json" for uid in UIDS[:2])
    (tmp_path / stale).write_text("{}")
    (tmp_path / missing).unlink()
    (tmp_path / "json" / "gengfu-old.json").write_text("{}")
    assert build.differences(tmp_path) == sorted((stale, missing, "json/gengfu-old.json"))
    build.write(tmp_path)
    assert build.differences(tmp_path) == []


def test_the_command_names_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["build"])
    assert build.main(tmp_path) == 0
    (tmp_path / build.ALERTS).unlink()
    monkeypatch.setattr(sys, "argv", ["build", "--check"])
    assert build.main(tmp_path) == 1
    assert capsys.readouterr().err == (
        f"dashboards/grafana/{build.ALERTS} is not what the code makes: run make dashboards\n"
    )


def test_the_command_compares() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "dashboards.grafana.build", "--check"],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize("uid", UIDS)
def test_every_reading_of_a_measurement_chooses_an_origin(uid: str) -> None:
    dashboard = committed(uid)
    allowed = {"$origin"} if "drill" in dashboard["tags"] else {"live"}
    chosen = {where: origins(query) for where, query in queries(dashboard)}
    assert {where: found for where, found in chosen.items() if not found or set(found) - allowed} == {}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('SELECT "a" FROM "b" WHERE "site" = \'x\' GROUP BY "c"', [""]),
        ('SELECT "a" FROM (SELECT "a" FROM "b" WHERE "origin" = \'live\' AND time > 1) WHERE "a" > 1', ["live"]),
        ('SELECT "a" FROM "b" GROUP BY "c"', [""]),
        ('SHOW TAG VALUES FROM "b", "c" WITH KEY = "d" WHERE "origin" = \'$origin\'', ["$origin"]),
        ('SELECT "a" FROM "b"', [""]),
    ],
)
def test_a_query_without_an_origin_is_found(query: str, found: list[str]) -> None:
    assert origins(query) == found


def test_only_the_dashboard_of_drills_lets_the_reader_choose() -> None:
    assert [uid for uid in UIDS if "drill" in committed(uid)["tags"]] == ["gengfu-plans"]


@pytest.mark.parametrize("uid", UIDS)
def test_every_panel_says_what_it_shows_in_both_languages(uid: str) -> None:
    dashboard = committed(uid)
    assert untold(dashboard) == []
    assert CHINESE.search(dashboard["title"])
    assert ENGLISH.search(dashboard["title"])


def test_a_panel_that_says_nothing_is_found() -> None:
    panel = {"type": "stat", "title": "Gas", "description": "气 Gas", "fieldConfig": {"defaults": {}}}
    assert len(untold({"panels": [panel]})) == 2


@pytest.mark.parametrize("uid", UIDS)
def test_panels_have_ids_of_their_own_and_do_not_overlap(uid: str) -> None:
    dashboard = committed(uid)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert sorted(set(ids)) == ids
    assert overlaps(dashboard) == []


def test_overlapping_panels_are_found() -> None:
    places = ((0, 0, 12, 4), (11, 3, 6, 4), (20, 8, 6, 2))
    made = [{"title": str(n), "gridPos": dict(zip("xywh", at, strict=True))} for n, at in enumerate(places)]
    assert overlaps({"panels": made}) == ["2", "0 and 1"]


@pytest.mark.parametrize("uid", UIDS)
def test_queries_name_only_variables_that_the_dashboard_has(uid: str) -> None:
    dashboard = committed(uid)
    known = {variable["name"] for variable in dashboard["templating"]["list"]} | {"timeFilter", "__interval"}
    named = {name for _, query in queries(dashboard) for name in re.findall(r"\$\{?(\w+)", query)}
    assert named <= known
    assert {variable["name"] for variable in dashboard["templating"]["list"]} <= named


@pytest.mark.parametrize("uid", UIDS)
def test_variables_that_may_hold_several_values_stand_in_regular_expressions(uid: str) -> None:
    dashboard = committed(uid)
    several = {one["name"] for one in dashboard["templating"]["list"] if one["multi"]}
    for _, query in queries(dashboard):
        for name in several & set(re.findall(r"\$\{?(\w+)", query)):
            assert len(re.findall(rf"=~ /\^\$\{{{name}:regex\}}", query)) == len(re.findall(rf"\$\{{?{name}\b", query))


@pytest.mark.parametrize("uid", UIDS)
def test_tables_of_time_series_use_the_provisioned_data_source(uid: str) -> None:
    dashboard = committed(uid)
    used = {target["datasource"]["uid"] for panel in panels(dashboard) for target in panel["targets"]}
    assert used == {DATASOURCE_UID}
    for panel in panels(dashboard):
        formats = {target["resultFormat"] for target in panel["targets"]}
        assert formats == ({"table"} if panel["type"] == "table" else {"time_series"})


def coloured(panel: dict[str, Any]) -> set[float]:
    """Where the colours of a panel or of its columns change, but for «any» (1)."""
    config = panel["fieldConfig"]
    found = [config["defaults"]["thresholds"]]
    for override in config.get("overrides", ()):
        found += [one["value"] for one in override["properties"] if one["id"] == "thresholds"]
    return {step["value"] for one in found for step in one["steps"]} - {None, 1.0}


@pytest.mark.parametrize("uid", UIDS)
def test_figures_that_nobody_checked_are_shown_as_unverified(uid: str) -> None:
    """«The standard says» is never said: no figure of these dashboards was read in a standard's own text."""
    standards = re.compile(r"GB|CJJ|EEMUA|ISA-18|J2601|NIST")
    named = [panel for panel in panels(committed(uid)) if coloured(panel) or standards.search(panel["description"])]
    assert [panel["title"] for panel in named if "未核实 unverified" not in panel["description"]] == []


def test_limits_come_from_the_shipped_rules() -> None:
    limit = figures.rule_limit("gas", "CK-02")
    steps = [
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for panel in panels(committed("gengfu-gas"))
        if panel["title"].startswith("甲烷浓度")
    ]
    assert limit.value in [step["value"] for step in steps[0]]
    assert not limit.verified
    assert limit.told.startswith("25 %LEL (CK-02: ")


def test_every_colour_step_begins_at_the_bottom() -> None:
    for uid in UIDS:
        for panel in panels(committed(uid)):
            values = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
            assert values[0] is None
            assert values[1:] == sorted(values[1:])


def test_alert_rules_choose_live_and_say_that_they_are_not_the_safety_path() -> None:
    text = documents()[build.ALERTS]
    assert "$" not in text, "Grafana would put a variable of its environment there"
    assert len({rule.uid for rule in alerts.RULES}) == len(alerts.RULES)
    for rule in alerts.RULES:
        assert set(origins(rule.query)) == {"live"}
        assert rule.measurement in ("gateway", "consumer", "device_health", "smart_bin")
    assert text.count("不是安全报警") == text.count("not a safety alarm") == len(alerts.RULES)


def test_provisioning_holds_no_secret_and_one_data_source() -> None:
    files = sorted((FOLDER / "provisioning" / "datasources").glob("*.yaml"))
    assert [file.name for file in files] == ["influxdb-1.yaml", "influxdb-2-and-3.yaml"]
    for file in files:
        text = file.read_text("utf-8")
        assert f"uid: {DATASOURCE_UID}\n" in text
        secrets = re.findall(r"^ *(?:password|httpHeaderValue1|user|url): *(.*)$", text, re.MULTILINE)
        assert all(re.fullmatch(r"(Token )?\$\{GENGFU_INFLUX_[A-Z]+\}", secret) for secret in secrets)
        assert len(secrets) >= 2


def test_dashboards_are_made_without_the_program() -> None:
    allowed = ("dashboards", "grafana_foundation_sdk", *sys.stdlib_module_names)
    found = [(module.name, one.target) for module in modules("dashboards") for one in imports(module)]
    assert [pair for pair in found if pair[1].partition(".")[0] not in allowed] == []
    assert len(found) > 50


def test_block_yaml_is_written_as_it_is_read() -> None:
    made = yaml_text(
        {"a": 1, "b": [{"c": "x: #y", "d": []}, {"c": "更夫", "d": [1, 2.5]}], "e": {"f": None, "g": True}}
    )
    assert made == (
        'a: 1\nb:\n  - c: "x: #y"\n    d: []\n  - c: "更夫"\n    d:\n      - 1\n      - 2.5\ne:\n  f: null\n  g: true\n'
    )
