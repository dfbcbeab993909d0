"""The checks of the dashboards find what they are there for: each fault is put into a dashboard that has none."""

import json
from typing import Any

import pytest

from tests.dashboards import sample
from tests.dashboards.choosing import resolve
from tests.dashboards.conftest import City
from tests.dashboards.dialect import refused
from tests.dashboards.extraction import Board, Unfit, alerts_of, board_of
from tests.dashboards.interpolation import Span
from tests.dashboards.judging import LENGTHS_MS, faults, of_another_origin, runs

pytestmark = pytest.mark.server
PANEL_1 = "sample, panel 1 «timeseries 1», target A"


def changed(document: Any, old: str, new: str) -> Any:
    """The document with one text in place of another, wherever it stands."""
    text = json.dumps(document, ensure_ascii=False)
    before, after = (json.dumps(one, ensure_ascii=False)[1:-1] for one in (old, new))
    assert before in text
    return json.loads(text.replace(before, after))


def found_in(city: City, board: Board) -> list[str]:
    """In an hour alone, which shows every fault and takes a third of the time."""
    return faults(board, city.all, city.now_ms, LENGTHS_MS[:1])


@pytest.mark.parametrize("document", [sample.BOARD, sample.DRILLS])
def test_a_good_dashboard_has_no_fault(city: City, document: dict[str, Any]) -> None:
    board = board_of(document)
    assert faults(board, city.all, city.now_ms) == []
    assert of_another_origin(board, city.all, city.alone, city.now_ms) == []


def test_good_rules_have_no_fault(city: City) -> None:
    board = alerts_of("rules", sample.rules())
    assert found_in(city, board) == []
    assert of_another_origin(board, city.all, city.alone, city.now_ms) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('max("co") AS "max"', 'max("cO") AS "max"', f"{PANEL_1}: column 'max' is null everywhere"),
        ('last("alarm")', 'last("alarms")', "panel 2 «table 2», target A: no row"),
        ('max("methane") FROM "gas_alarm"', 'max("methane") FROM "gas_alarms"', "panel 5 «stat 5», target A: no row"),
        ("fill(null)", "fill(zero)", f"{PANEL_1}: error parsing query"),
        ("max(", "most(", f"{PANEL_1}: undefined function most()"),
        ("[[tag_device]]", "$tag_devices", f"{PANEL_1}: its alias speaks of $tag_devices"),
        ("> $limit", "> $limits", "cannot be asked : $limits is left over"),
        ("> $limit", "> 1000", "target A: no row [limit=10, site=east, 1 h]"),
        ("time($__interval)", "time($__range)", "cannot be asked : $__range is left over"),
        ("${district:regex}", "${district:raw}", "error parsing query"),
        ("${district:regex}", "$district", "panel 2 «table 2», target A: error parsing query"),
        ('"titleColumn": "title"', '"titleColumn": "name"', "annotation «Alarms»: there is no column 'name'"),
        ("title,kind", "title, site", "annotation «Alarms»: there is no column 'site'"),
        ('WITH KEY = "device"', 'WITH KEY = "devices"', "variable «device»: offers nothing"),
        ("(?!none)", "none", "variable «device»: offers nothing"),
        ('FROM "gas_alarm" WITH KEY = "device"', 'FROM "tilt" WITH KEY = "device"', "finds nothing"),
        ("\"kind\" = 'alarm'", "\"kind\" = 'alarms'", "annotation «Alarms»: no row"),
        ('time($__interval), "device"', 'time($__interval), "devise"', f"{PANEL_1}: 'devise' is neither a field nor"),
        ('time($__interval), "device"', 'time($__interval), "co"', f"{PANEL_1}: 'co' is no tag to group by"),
        ('FROM "annotation"', 'FROM "annotations"', "annotation «Alarms»: 'annotations' is no measurement"),
        ('"options": "alarm (max)"', '"options": "alarm"', "panel 2 «table 2», target A: a look is given to 'alarm'"),
        ('{"field": "alarm (max)"}', '{"field": "alarm (min)"}', "sortBy speaks of 'alarm (min)'"),
        ('"fieldName": "alarm (count)"', '"fieldName": "count"', "filterByValue speaks of 'count'"),
        ('"renameByName": {"last": "alarm"}', '"renameByName": {"first": "alarm"}', "groupBy speaks of 'alarm'"),
        ('"id": "limit"', '"id": "limits"', "a transformation 'limits', which is not understood"),
        ("GROUP BY time(1m)", "GROUP BY time(1m) SLIMIT 1", "panel 5 «stat 5», target A: holds SLIMIT"),
    ],
)
def test_a_fault_is_told(city: City, old: str, new: str, told: str) -> None:
    raw = '": ' in old
    document = json.loads(json.dumps(sample.BOARD).replace(old, new)) if raw else changed(sample.BOARD, old, new)
    assert document != sample.BOARD
    found = found_in(city, board_of(document))
    assert [one for one in found if told in one], found


@pytest.mark.parametrize("board", [board_of(sample.BOARD), alerts_of("rules", sample.rules())])
def test_a_panel_and_a_rule_may_have_a_range_of_their_own(city: City, board: Board) -> None:
    span = Span(city.now_ms - LENGTHS_MS[0], city.now_ms)
    (ask,) = (one for one in board.asks if one.back_ms)
    (sent,) = runs(ask, resolve(board, city.all, span, {}), span)
    assert f"time >= {city.now_ms - 600_000}ms and time <= {city.now_ms}ms" in sent.text


@pytest.mark.parametrize(
    ("document", "old", "new", "told"),
    [
        (
            sample.BOARD,
            """ "origin" = 'live' AND "site" = '$site' AND "dis""",
            """ "site" = '$site' AND "dis""",
            "simulated",
        ),
        (sample.BOARD, """"origin" = 'live' AND""", """"origin" != 'drill' AND""", "is about live and finds simulated"),
        (sample.DRILLS, "'$origin'", "'drill'", "is about simulated and finds drill"),
        (sample.DRILLS, """"origin" = '$origin' AND""", "", "is about drill and finds live"),
    ],
)
def test_a_forgotten_origin_is_found(city: City, document: dict[str, Any], old: str, new: str, told: str) -> None:
    board = board_of(changed(document, old.removeprefix(" "), new.removeprefix(" ")))
    found = of_another_origin(board, city.all, city.alone, city.now_ms)
    assert [one for one in found if told in one], found


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('max("last_seen_age_s")', 'last("firmware")', "a rule needs numbers, and ['last'] are texts"),
        ("device_health", "device_healt", "no row"),
        ("$timeFilter", "$device", "$device is left over"),
    ],
)
def test_a_fault_of_a_rule_is_told(city: City, old: str, new: str, told: str) -> None:
    found = found_in(city, alerts_of("rules", changed(sample.rules(), old, new)))
    assert [one for one in found if told in one], found


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"condition": "C"', '"condition": "D"', "its condition 'D' is none of"),
        ('"expression": "A"', '"expression": "X"', "B speaks of ['X']"),
        ('"resultFormat": "time_series"', '"resultFormat": "table"', "needs the result format time_series"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(old: str, new: str, told: str) -> None:
    text = json.dumps(sample.rules())
    assert old in text
    with pytest.raises(Unfit) as error:
        alerts_of("rules", json.loads(text.replace(old, new)))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"rawQuery": true', '"rawQuery": false', "only a text in «query»"),
        ('"type": "text"', '"type": "stat"', "a panel without a target"),
        ('"timeFrom": "10m"', '"timeFrom": "now/d"', "are not understood"),
        ('"fromAnnotations": true', '"fromAnnotations": false', "needs «fromAnnotations»"),
    ],
)
def test_a_dashboard_that_is_not_understood_is_refused(old: str, new: str, told: str) -> None:
    text = json.dumps(sample.BOARD)
    assert old in text
    with pytest.raises(Unfit) as error:
        board_of(json.loads(text.replace(old, new)))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("SELECT x FROM y SLIMIT 3", "SLIMIT"),
        ("SELECT x FROM y LIMIT 3 soffset 1", "SOFFSET"),
        ("SELECT x INTO z FROM y", "INTO"),
        ("SHOW SERIES", "SHOW of more than tags, fields and measurements"),
        ("show databases", "SHOW of more than tags, fields and measurements"),
        ("SHOW TAG VALUES CARDINALITY WITH KEY = a", "CARDINALITY"),
        ("SELECT integral(x) FROM y", "INTEGRAL()"),
        ("SELECT SAMPLE (x, 3) FROM y", "SAMPLE()"),
        ("SELECT x FROM y; SELECT z FROM y", "a second statement"),
        ("SELECT x FROM y -- why", "a comment"),
        ("DROP MEASUREMENT y", "neither SELECT nor SHOW"),
        ("from(bucket: 'x')", "neither SELECT nor SHOW"),
    ],
)
def test_what_not_every_influxdb_takes_is_refused(query: str, word: str) -> None:
    assert refused(query) == [word]


@pytest.mark.parametrize(
    "query",
    [
        """SELECT "integral(" FROM "into" WHERE a = 'x; SLIMIT 3' AND b =~ /SAMPLE\\/(.*);/ AND c !~ /--/""",
        "SELECT last(x) / 2 FROM (SELECT x FROM /^a;b/ WHERE $timeFilter) GROUP BY time(1m) LIMIT 3;",
        "SHOW TAG VALUES FROM y WITH KEY = district WHERE a = 'b'",
        "SHOW FIELD KEYS FROM y",
    ],
)
def test_what_is_data_is_no_word(query: str) -> None:
    assert refused(query) == []
