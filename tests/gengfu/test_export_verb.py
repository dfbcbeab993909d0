"""`gengfu export --data`: a whole file or none, safe in a spreadsheet, typed in Parquet."""

import csv
import os
import sys
from contextlib import closing

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from console import extract_csv
from gengfu import extracting
from gengfu.extracting import RowCount
from gengfu.stores import series_of
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.duck import DuckStore
from tests.fixtures.stopped_site import OTHER, SECOND, T0, StoppedSite, reading

HEADER = "time,device,profile,kind,area,point,origin,value,text,unit,quality,received_at"
FROM, TO = "2020-09-13", "2020-09-14T08:00"


@pytest.fixture
def stopped(tmp_path):
    site = StoppedSite(tmp_path)
    site.keep(
        [
            reading(1, {"methane": -5.0, "note": '=cmd|"/C calc"!A0,\n井盖'}),
            reading(SECOND, {"methane": 20.5}, {"methane": Quality.BAD_OVER_RANGE}, device=OTHER),
            reading(2 * SECOND, {"methane": 1.0}, origin=Origin.DRILL),
        ]
    )
    return site


@pytest.fixture
def export(gengfu, stopped):
    """``export(*options)`` into `out`, with the times and the folder of the site."""

    def call(*options, start=FROM, end=TO, out="out.csv", data=None):
        return gengfu(
            *("export", "--from", start, "--to", end, "--out", stopped.folder / out, "--data", data or stopped.data),
            *("--profiles", stopped.profiles, *options),
        )

    return call


def test_a_row_for_each_value_with_all_that_is_known(export, stopped):
    out = stopped.folder / "out.csv"
    assert export() == (0, f"{out}: 3 values\n", "")
    text = out.read_bytes().decode()
    head = "acme/well-node,well_node,street"
    assert text == (
        f"{HEADER}\r\n"
        f"2020-09-13T12:26:40.000000001Z,east:well:1,{head},methane,live,-5.0,,%{{vol}},good,"
        "2020-09-13T12:26:40.001000001Z\r\n"
        f'2020-09-13T12:26:40.000000001Z,east:well:1,{head},note,live,,"\'=cmd|""/C calc""!A0,\n井盖",1,good,'
        "2020-09-13T12:26:40.001000001Z\r\n"
        f"2020-09-13T12:26:41.000000000Z,east:well:2,{head},methane,live,20.5,,%{{vol}},bad:over-range,"
        "2020-09-13T12:26:41.001000000Z\r\n"
    )
    assert sorted(one.name for one in stopped.folder.iterdir() if "out" in one.name) == ["out.csv"]


@pytest.mark.parametrize(
    ("options", "times"),
    [
        (["--device", "east:well:2"], ["20.5"]),
        (["--point", "note"], [""]),
        (["--origin", "drill"], ["1.0"]),
        (["--origin", "all", "--point", "methane"], ["-5.0", "20.5", "1.0"]),
        (["--origin", "simulated"], []),
    ],
)
def test_only_what_is_asked_for(export, stopped, options, times):
    assert export(*options).code == 0
    with (stopped.folder / "out.csv").open(newline="", encoding="utf-8") as file:
        assert [row["value"] for row in csv.DictReader(file)] == times


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        ("2020-09-13T20:26:41", "2020-09-13T20:26:42", 1),
        ("2020-09-13T12:26:41Z", "2020-09-13T12:26:42Z", 1),
        ("2020-09-13 20:26:40.000000001", "2020-09-13 20:26:40.000000002", 2),
        ("2020-09-13T14:26:40+02:00", "2020-09-13T14:26:41+02:00", 2),
        ("2020-09-14", "2020-09-15", 0),
    ],
)
def test_times_without_a_zone_are_those_of_the_site(export, start, end, rows):
    assert f": {rows} values" in export(start=start, end=end).out


def test_another_zone_is_named(export):
    assert ": 3 values" in export("--time-zone", "UTC", start="2020-09-13T12:26:40", end="2020-09-13T12:26:42").out


def test_parquet_has_types_and_the_texts_as_they_were_measured(export, stopped):
    assert ": 3 values" in export("--format", "parquet", out="out.parquet").out
    with closing(duckdb.connect()) as database:
        source = f"'{stopped.folder / 'out.parquet'}'"
        rows = database.execute(
            "SELECT epoch_ns(time), device, value, text, unit, quality, epoch_ns(received_at) "
            f"FROM {source} ORDER BY 1, 4"
        ).fetchall()
        types = dict(row[:2] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
    assert rows == [
        (T0 + 1, "east:well:1", None, '=cmd|"/C calc"!A0,\n井盖', "1", "good", T0 + 1_000_001),
        (T0 + 1, "east:well:1", -5.0, None, "%{vol}", "good", T0 + 1_000_001),
        (T0 + SECOND, "east:well:2", 20.5, None, "%{vol}", "bad:over-range", T0 + SECOND + 1_000_000),
    ]
    assert list(types) == HEADER.split(",")
    assert (types["time"], types["received_at"], types["value"]) == ("TIMESTAMP_NS", "TIMESTAMP_NS", "DOUBLE")
    assert sorted(one.name for one in stopped.folder.iterdir() if "out" in one.name) == ["out.parquet"]


def test_a_folder_gets_a_name_that_says_what_is_in_it(export, stopped):
    assert export("--json", out=".").out == (
        f'{{"file": "{stopped.folder}/gengfu-2020-09-13-2020-09-14T0800.csv", "format": "csv", "rows": 3}}\n'
    )


def test_a_file_that_is_there_is_replaced_only_when_told(export, stopped):
    out = stopped.folder / "out.csv"
    out.write_text("mine")
    refused = export()
    assert (refused.code, out.read_text()) == (1, "mine")
    assert "is there already; give another --out, or --force" in refused.err
    assert export("--force").code == 0
    assert out.read_text(encoding="utf-8").startswith(HEADER)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_broken_export_leaves_no_file_and_the_old_one_as_it_was(export, stopped, monkeypatch, failure):
    out = stopped.folder / "out.csv"
    out.write_text("old")

    def break_off(piece):
        raise failure

    monkeypatch.setattr(RowCount, "add", lambda self, piece: break_off(piece))
    said = export("--force")
    assert (said.code, out.read_text()) == (130 if failure is KeyboardInterrupt else 3, "old")
    assert sorted(one.name for one in stopped.folder.iterdir() if "out" in one.name) == ["out.csv"]


@pytest.mark.parametrize(
    ("options", "how", "code", "message"),
    [
        ([], {"start": "yesterday"}, 1, "--from yesterday: is no time such as 2026-11-01"),
        ([], {"end": "2020-13-01"}, 1, "--to 2020-13-01: is no time"),
        ([], {"start": TO, "end": FROM}, 1, "must be before --to"),
        (["--time-zone", "Mars/Olympus"], {}, 1, "'Mars/Olympus' is no time zone"),
        (["--time-zone", "Europe/Berlin"], {"start": "2019-10-27T02:30"}, 1, "showed twice or never"),
        (["--time-zone", "Europe/Berlin"], {"start": "2020-03-29T02:30"}, 1, "showed twice or never"),
        (["--device", "east:well:9"], {}, 1, "nothing was ever stored of east:well:9"),
        ([], {"out": "no/such/out.csv"}, 3, "there is no folder"),
        (["--format", "xlsx"], {}, 2, "invalid choice: 'xlsx'"),
    ],
)
def test_wrong_input_is_told_and_writes_nothing(export, stopped, options, how, code, message):
    before = sorted(stopped.folder.iterdir())
    said = export(*options, **how)
    assert (said.code, said.out) == (code, "")
    assert message in said.err
    assert sorted(stopped.folder.iterdir()) == before


def test_a_folder_without_a_store_is_told_and_none_is_made(export, stopped):
    said = export(data=stopped.folder / "empty")
    assert (said.code, "no such file" in said.err) == (3, True)
    assert not (stopped.folder / "empty").exists()


def test_a_folder_that_a_process_owns_is_told(export, stopped):
    with closing(DuckStore.open(stopped.data / "telemetry.duckdb", series_of(stopped.site).get)):
        said = export()
    assert (said.code, f"process {os.getpid()} owns this file" in said.err) == (3, True)
    assert "ask it over HTTP" in said.err


def test_the_bar_is_for_a_terminal_only(export, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    said = export()
    assert "export [" in said.err
    assert said.err.endswith("\r")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a"])
def test_no_text_begins_like_a_formula(text):
    assert extract_csv.guarded(text) == "'" + text


@given(st.none() | st.text())
@example("'")
@example("''=")
@example("")
def test_the_guard_is_undone(text):
    assert extract_csv.unguarded(extract_csv.guarded(text)) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("a\n\r\",'"), max_size=20), st.integers(1, 7))
def test_rows_are_counted_whatever_is_in_them(tmp_path, texts, size):
    part = tmp_path / "rows.csv"
    with part.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["x", text] for text in texts])
    whole = part.read_bytes()
    count = RowCount()
    for begin in range(0, len(whole), size):
        count.add(whole[begin : begin + size])
    assert count.lines == len(texts)


def test_the_share_is_that_of_the_last_row():
    asked = extracting.Range(T0, T0 + 4 * SECOND)
    assert asked.share(b"x\r\n2020-09-13T12:26:41.000000000Z,a\r\n2020-09-13T12:26:43.000000000Z,b") == 0.75
    assert asked.share(b"nothing") is None
