"""The JSON is what Grafana's published types (@grafana/schema 11.6) say, held to them by the TypeScript compiler.

The types say nothing of: names of units and icons, the values of override properties, options of transformations, and
what a query is.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards import sample
from tests.dashboards.provisioned import bundle, dashboards, node
from tools.grafana_schema import SOURCE

Json = dict[str, Any]


def checked(folder: Path, documents: Mapping[str, Any]) -> list[str]:
    """What the compiler says against these dashboards, each a file of its own."""
    packages = bundle() / "node_modules"
    (folder / "node_modules").symlink_to(packages)
    for name in ("shapes.ts", "tsconfig.json"):
        shutil.copy(SOURCE / name, folder)
    for number, document in enumerate(documents.values()):
        text = json.dumps(document, ensure_ascii=False, indent=1)
        lines = ["import type { Checked, Whole } from './shapes';"]
        lines += [f"export const {name.lower()}: {name} = {text};" for name in ("Checked", "Whole")]
        (folder / f"{number}.json.ts").write_text("\n".join(lines), encoding="utf-8")
    command = [node(), str(packages / "typescript" / "bin" / "tsc"), "--pretty", "false", "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=100)
    assert done.returncode == 0 or done.stdout, done.stderr
    return re.findall(r"^\S+\(\d+,\d+\): .*", done.stdout, re.MULTILINE)


@pytest.fixture
def check(tmp_path: Path) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda documents: checked(tmp_path, documents)


def test_every_dashboard_is_what_grafana_says(check: Callable[[Mapping[str, Any]], list[str]]) -> None:
    documents = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in dashboards()}
    assert check(documents) == []


GOOD: Json = {
    "uid": "good",
    "title": "Good",
    "schemaVersion": 39,
    "graphTooltip": 1,
    "time": {"from": "now-6h", "to": "now"},
    "templating": {
        "list": [
            {
                "name": "site",
                "type": "query",
                "datasource": sample.SOURCE,
                "query": {"refId": "site", "query": "SHOW TAG VALUES WITH KEY = site"},
                "refresh": 2,
                "sort": 1,
                "multi": True,
            }
        ]
    },
    "annotations": {"list": [sample.ANNOTATION]},
    "panels": [
        sample.panel(
            1,
            "timeseries",
            sample.BY_DEVICE,
            description="x",
            datasource=sample.SOURCE,
            options={
                "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            fieldConfig={
                "defaults": {
                    "unit": "percent",
                    "custom": {"lineWidth": 1, "drawStyle": "line"},
                    "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]},
                    "color": {"mode": "palette-classic"},
                },
                "overrides": [
                    {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "unit", "value": "s"}]}
                ],
            },
            transformations=[{"id": "limit", "options": {"limitField": 10}}],
        ),
        {"id": 4, "type": "row", "title": "more", "collapsed": True, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 40}}
        | {
            "panels": [
                sample.panel(5, "stat", sample.LATELY, description="x", timeFrom="10m", datasource=sample.SOURCE)
            ]
        },
    ],
}
FAULTS = [
    ('"graphTooltip": 1', '"graphTooltip": 7'),
    ('"graphTooltip"', '"graphToolTip"'),
    ('"schemaVersion": 39', '"schemaVersion": "39"'),
    ('"from": "now-6h"', '"from": 6'),
    ('"sort": 1', '"sort": 9'),
    ('"refresh": 2', '"refresh": 4'),
    ('"multi"', '"multiple"'),
    ('"type": "query"', '"type": "querie"'),
    ('"iconColor"', '"iconColour"'),
    ('"titleColumn"', '"title"'),
    ('"type": "timeseries"', '"type": "timeserie"'),
    ('"gridPos": {"h": 8', '"gridPos": {"h": "8"'),
    ('"displayMode": "list"', '"displayMode": "lists"'),
    ('"showLegend"', '"showLegends"'),
    ('"lineWidth"', '"linewidth"'),
    ('"drawStyle": "line"', '"drawStyle": "lines"'),
    ('"mode": "palette-classic"', '"mode": "palette"'),
    ('"mode": "absolute"', '"mode": "relative"'),
    ('"matcher"', '"match"'),
    ('"id": "limit", ', ""),
    ('"refId": "A", ', ""),
    ('"rawQuery": true', '"rawQuery": false'),
    ('"resultFormat": "time_series"', '"resultFormat": "timeseries"'),
    ('"alias"', '"legendFormat"'),
    ('"uid": "sample-influxdb"}', '"uid": 3}'),
    ('"collapsed": true', '"collapsed": "yes"'),
    ('"timeFrom": "10m"', '"timefrom": "10m"'),
]


def test_each_planted_fault_is_found_and_none_in_what_is_good(check: Callable[[Mapping[str, Any]], list[str]]) -> None:
    """All of them in one run of the compiler."""
    text = json.dumps(GOOD)
    assert [old for old, _ in FAULTS if old not in text] == []
    wrong = {f"{old} -> {new}": json.loads(text.replace(old, new)) for old, new in FAULTS}
    names = ["good", *wrong]
    told = check({"good": GOOD, **wrong})
    assert {names[int(line.partition(".")[0])] for line in told} == set(wrong), told[:3]
