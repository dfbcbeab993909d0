"""Every question of every dashboard and alert rule, put to a real InfluxDB with seeded data as Grafana puts it.

Each with «All», with every value, two values and one value of each variable, over an hour, three and thirty days: no
error, no empty answer, no column that is null everywhere, nothing of another origin, nothing InfluxDB 3 has not.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.conftest import City
from tests.dashboards.extraction import Board, alerts_of, board_of
from tests.dashboards.judging import faults, of_another_origin
from tests.dashboards.provisioned import GRAFANA, dashboards, documents

pytestmark = pytest.mark.server
FEWEST = 7
"""Dashboards that there are at least: without them nothing is tested."""


@pytest.fixture(params=dashboards(), ids=lambda path: path.stem)
def board(request: pytest.FixtureRequest) -> Board:
    return board_of(json.loads(request.param.read_text(encoding="utf-8")))


@pytest.fixture(params=sorted((GRAFANA / "provisioning/alerting").glob("*.yaml")), ids=lambda path: path.stem)
def rules(request: pytest.FixtureRequest) -> Board:
    return alerts_of(request.param.name, documents("alerting")[request.param.name])


def provisioned() -> list[dict[str, Any]]:
    """The data sources that Grafana is given."""
    return [one for document in documents("datasources").values() for one in document["datasources"]]


def test_there_are_dashboards_of_different_names() -> None:
    uids = Counter(json.loads(path.read_text(encoding="utf-8"))["uid"] for path in dashboards())
    assert len(uids) >= FEWEST
    assert [uid for uid, times in uids.items() if times > 1] == []


def test_each_file_is_named_for_its_dashboard(board: Board) -> None:
    assert Path(GRAFANA / "json" / f"{board.uid}.json").is_file()


def test_every_question_is_answered(city: City, board: Board) -> None:
    assert faults(board, city.all, city.now_ms) == []


def test_no_question_finds_what_is_of_another_origin(city: City, board: Board) -> None:
    assert of_another_origin(board, city.all, city.alone, city.now_ms) == []


def test_every_question_goes_to_a_source_that_grafana_is_given(board: Board) -> None:
    known = {one["uid"] for one in provisioned() if one["type"] == "influxdb"}
    asked = {ask.source for ask in board.asks} | {one.source for one in board.variables if one.type == "query"}
    assert asked - known == set()


def test_every_rule_is_answered(city: City, rules: Board) -> None:
    assert rules.asks
    assert faults(rules, city.all, city.now_ms) == []


def test_no_rule_finds_what_is_of_another_origin(city: City, rules: Board) -> None:
    assert of_another_origin(rules, city.all, city.alone, city.now_ms) == []


def test_every_rule_goes_to_a_source_that_grafana_is_given(rules: Board) -> None:
    known = {one["uid"] for one in provisioned() if one["type"] == "influxdb"}
    assert {ask.source for ask in rules.asks} - known == set()


def test_no_field_has_the_name_of_a_tag(city: City) -> None:
    """InfluxDB 3 refuses it."""
    names = city.all.answer("SHOW MEASUREMENTS").options()
    assert len(names) > 10
    shared = {
        name: tags & fields
        for name in names
        for tags, fields in [
            tuple(set(city.all.answer(f'SHOW {what} KEYS FROM "{name}"').options()) for what in ("TAG", "FIELD"))
        ]
    }
    assert {name: both for name, both in shared.items() if both} == {}
