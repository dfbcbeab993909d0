"""`gengfu import`: history is stored once and never taken for the present; each wrong cell is named."""

import json
import math
import re
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gengfu.folder import DataFolder
from gengfu.history import run as history
from gengfu.stores import series_of
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.duck import DuckStore
from tests.fixtures.stopped_site import OTHER, SECOND, T0, WELL, StoppedSite, reading

WIDE = """
[time]
column = "时间"
format = "%Y-%m-%d %H:%M:%S"

[device]
column = "设备"
names = { "1号井" = "east:well:1" }

[[point]]
column = "甲烷(%LEL)"
point = "methane"
factor = 0.05

[[point]]
column = "备注"
point = "note"
"""
LONG = """
delimiter = ";"
[time]
column = "ts"
format = "unix_ms"
[device]
id = "east:well:2"
[long]
point = "tag"
value = "v"
[[point]]
name = "CH4"
point = "methane"
factor = 0.05
offset = 0.5
[[point]]
name = "memo"
point = "note"
[quality]
column = "q"
names = { OK = "good", ERR = "bad:sensor-fault" }
"""
HEADER = "时间,设备,甲烷(%LEL),备注\n"
GOOD = HEADER + "2020-09-13 20:26:40,1号井,20,井盖\n2020-09-13 20:26:41,east:well:2,40.5,\n"


@pytest.fixture
def stopped(tmp_path):
    return StoppedSite(tmp_path)


@pytest.fixture
def take(gengfu, stopped):
    """``take(text, mapping, *options)``: the import of a file of this text."""

    def call(text, mapping=WIDE, *options, encoding="utf-8"):
        file, map_ = stopped.folder / "old.csv", stopped.folder / "map.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        map_.write_text(mapping, encoding="utf-8")
        return gengfu("import", file, "-c", stopped.settings, *(("--map", map_) if mapping else ()), *options)

    return call


def test_a_file_with_a_column_for_each_point(take, stopped):
    said = take(GOOD)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"{stopped.folder}/old.csv: 2 rows, 0 wrong; 3 values of 2 devices, "
        "2020-09-13T12:26:40.000000000Z to 2020-09-13T12:26:41.000000000Z",
        "Stored: 3 that were not there yet; rows left out: 0.",
    ]
    assert stopped.values() == [
        (WELL, "methane", 0, 1.0),
        (WELL, "note", 0, "井盖"),
        (OTHER, "methane", SECOND, 40.5 * 0.05),
    ]
    assert {row.origin for row in stopped.rows()} == {Origin.LIVE}


def test_a_file_with_a_row_for_each_value(take, stopped):
    text = (
        "tag;ts;v;q\nCH4;1600000000001;-10;OK\nmemo;1600000000001;=1;OK\nCH4;1600000000002;;ERR\nCH4;1600000000003;;\n"
    )
    assert take(text, LONG).code == 0
    assert [(row.point, row.at - T0, row.number, row.text, row.quality) for row in stopped.rows()] == [
        ("methane", 10**6, -10 * 0.05 + 0.5, None, 0),
        ("note", 10**6, None, "=1", 0),
        ("methane", 2 * 10**6, None, None, Quality.BAD_SENSOR_FAULT),
    ]


def test_twice_stores_everything_once(take, stopped):
    take(GOOD)
    assert "Stored: 0 that were not there yet" in take(GOOD).out
    assert len(stopped.rows()) == 3


def test_batches_join(take, stopped, monkeypatch):
    monkeypatch.setattr(history, "BATCH", 3)
    rows = [f"2020-09-13 20:26:{n:02},1号井,{n},x\n" for n in range(10, 60)]
    assert "Stored: 100 " in take(HEADER + "".join(rows)).out
    assert len(stopped.rows()) == 100


def test_what_stands_there_without_a_quality_is_judged_as_if_it_was_sent(take, stopped):
    take(HEADER + "2020-09-13 20:26:40,1号井,2000,\n")
    assert [(row.number, row.quality) for row in stopped.rows()] == [(100.0, Quality.BAD_OVER_RANGE)]


def test_history_is_not_shown_as_the_present(take, stopped):
    stopped.keep([reading(0, {"methane": 1.0})])
    take(GOOD.replace("2020-09-13 20:26:40", "2020-09-13 21:00:00"))
    with closing(DuckStore.open(stopped.data / "telemetry.duckdb", series_of(stopped.site).get)) as store:
        assert [(one.device, one.at, one.value) for one in store.latest()] == [(WELL, T0, 1.0)]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8-sig"])
def test_chinese_files_are_read(take, stopped, encoding):
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    assert take(GOOD, f'encoding = "{name}"\n' + WIDE, encoding=encoding).code == 0
    assert (WELL, "note", 0, "井盖") in stopped.values()


BAD = [
    ("昨天,1号井,20,x", "column '时间': '昨天' is no time of the form %Y-%m-%d %H:%M:%S"),
    ("9999-01-01 00:00:00,1号井,20,x", "column '时间': '9999-01-01 00:00:00' is outside the years 1677 to 2262"),
    ("2261-01-01 00:00:00,1号井,20,x", "column '时间': '2261-01-01 00:00:00' is in the future"),
    ("2020-09-13 20:26:40,3号井,20,x", "column '设备': '3号井' is no device of this site; add it"),
    ("2020-09-13 20:26:40,1号井,二十,x", "column '甲烷(%LEL)': '二十' is no number such as -12.5"),
    ('2020-09-13 20:26:40,1号井,"1,000",x', "column '甲烷(%LEL)': '1,000' is no number"),
    ("2020-09-13 20:26:40,1号井,1_0,x", "is no number"),
    ("2020-09-13 20:26:40,1号井,nan,x", "is no number"),
    ("2020-09-13 20:26:40,1号井,1e999,x", "is no number"),
    ("2020-09-13 20:26:40,1号井,20", "has 3 cells, the header 4"),
]


@pytest.mark.parametrize(("row", "message"), BAD)
def test_a_wrong_row_is_told_with_its_line_and_nothing_is_imported(take, stopped, row, message):
    said = take(GOOD + '"2020-09-13 20:26:50",1号井,1,"two\nlines"\n' + row + "\n")
    assert (said.code, said.out) == (1, "")
    first, last = said.err.splitlines()
    assert first.startswith(f"{stopped.folder}/old.csv:6: ")
    assert message in first
    assert last.endswith("1 of 4 rows are wrong; nothing was imported")
    assert not stopped.data.exists()


def test_bytes_of_another_encoding_are_told(take):
    said = take(GOOD.encode() + "2020-09-13 20:26:45,east:well:2,1,井盖\n".encode("gbk"))
    assert "column '备注': " in said.err
    assert "is not utf-8; correct encoding in the mapping" in said.err


def test_twenty_wrong_rows_are_told_and_the_others_counted(take):
    said = take(HEADER + "x,1号井,1,\n" * 23)
    assert len(said.err.splitlines()) == 22
    assert "... and 3 more" in said.err
    assert "23 of 23 rows are wrong" in said.err


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_bad_rows_are_left_out_and_written_beside_with_the_reason(take, stopped, encoding):
    text = GOOD + 'x,1号井,"3",井\n' + "2020-09-13 20:26:42,1号井,1\n"
    said = take(text, f'encoding = "{encoding}"\n' + WIDE, "--skip-bad", encoding=encoding)
    assert (said.code, len(stopped.rows())) == (0, 3)
    assert "4 rows, 2 wrong" in said.out
    assert "rows left out: 2." in said.out
    assert (stopped.folder / "old.csv.rejected.csv").read_bytes().decode(encoding).splitlines() == [
        HEADER.strip() + ",import_line,import_column,import_why",
        "x,1号井,3,井,4,时间,is no time of the form %Y-%m-%d %H:%M:%S",
        '2020-09-13 20:26:42,1号井,1,5,,"has 3 cells, the header 4"',
    ]


def test_a_dry_run_tells_all_and_stores_nothing(take, stopped):
    said = take(GOOD, WIDE, "--dry-run")
    assert (said.code, stopped.data.exists()) == (0, False)
    assert said.out.splitlines()[1] == "Nothing was stored (--dry-run)."
    bad = take(GOOD + "x,1号井,1,\n", WIDE, "--dry-run", "--json")
    assert (bad.code, json.loads(bad.out)) == (1, {
        "file": f"{stopped.folder}/old.csv", "rows": 3, "wrong": 1, "values": 3, "devices": 2, "stored": 0,
        "from": "2020-09-13T12:26:40.000000000Z", "to": "2020-09-13T12:26:41.000000000Z", "rejected": 0,
    })  # fmt: skip


def test_a_site_that_runs_is_not_written_to(take, stopped):
    with DataFolder(stopped.data, "site"):
        said = take(GOOD)
        assert (said.code, "is in use by process" in said.err) == (3, True)
        assert take(GOOD, WIDE, "--dry-run").code == 0


def test_history_does_not_go_into_a_demo(take, stopped):
    with DataFolder(stopped.data, "demo"):
        pass
    said = take(GOOD)
    assert (said.code, "belongs to a demo" in said.err) == (3, True)


@pytest.mark.parametrize("origin", ["drill", "simulated", "Drill"])
def test_a_drill_does_not_become_live(take, stopped, origin):
    said = take("origin," + HEADER + f"{origin},2020-09-13 20:26:40,1号井,20,x\n")
    assert said.code == 1
    assert f"column 'origin': '{origin}' is no live value" in said.err
    assert take("origin," + HEADER + "live,2020-09-13 20:26:40,1号井,20,x\n").code == 0


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("[time", "not valid TOML"),
        (WIDE + "origin = 1\n", "point.1.origin: Extra inputs are not permitted"),
        ('origin = "live"\n' + WIDE, "origin: Extra inputs are not permitted"),
        (WIDE.replace("factor = 0.05", "factor = 0"), "0 makes every value the same"),
        (WIDE.replace("factor = 0.05", "factor = nan"), "point.0.factor"),
        (WIDE.replace('format = "%Y-%m-%d %H:%M:%S"', 'format = "local"'), "time.format: Value error, iso, unix_s"),
        (WIDE.replace('format = "%Y-%m-%d %H:%M:%S"', 'zone = "Mars"'), "'Mars' is no time zone"),
        (WIDE.replace('column = "设备"', ""), "device: Value error, give either id or column"),
        (WIDE.partition("[[point]]")[0], "name the points"),
        (LONG.replace('name = "CH4"', 'column = "CH4"'), "give column without [long], and name with it"),
        (LONG.replace("bad:sensor-fault", "broken"), "no quality 'broken'; one of good,"),
        (WIDE.replace("备注", "说明"), "no column '说明'; it has '时间', '设备', '甲烷(%LEL)', '备注'"),
        ('delimiter = ";"\n' + WIDE, "Correct the names, encoding or delimiter in the mapping"),
        (WIDE.replace('"note"', '"smell"'), "is no point of east:well:1; it has methane, mode, note, level"),
    ],
)
def test_a_wrong_mapping_is_told(take, stopped, mapping, message):
    said = take(GOOD, mapping)
    assert (said.code, said.out) == (1, "")
    assert message in said.err
    assert not stopped.data.exists()


def test_a_column_that_is_there_twice_is_told(take):
    assert "the column '备注' is there twice" in take(GOOD.replace(HEADER, HEADER.strip() + ",备注\n")).err


def test_a_quote_that_is_never_closed_is_told_with_its_line(take):
    assert "old.csv:4: cannot be read as CSV" in take(GOOD + '2020-09-13 20:26:50,1号井,1,"open\n').err


def test_a_text_beside_a_number_and_a_code_that_is_none_are_told(take):
    head = "time,device,point,value,text,quality,received_at\n"
    at = "2020-09-13T12:26:40Z,east:well:1"
    assert "stands beside a text" in take(head + f"{at},methane,1,x,good,\n", "").err
    assert "does not fit the point methane: a number" in take(head + f"{at},methane,,x,good,\n", "").err
    assert "does not fit the point mode: one of 1, 2" in take(head + f"{at},mode,7,,,\n", "").err
    assert "'fine' is no quality" in take(head + f"{at},methane,7,,fine,\n", "").err


def test_a_factor_that_makes_no_number_is_told(take):
    said = take(GOOD, WIDE.replace("factor = 0.05", "factor = 1e308"))
    assert (said.code, "'inf' is what factor and offset make of the cell" in said.err) == (1, True)


def test_the_site_and_the_file_must_be_there(gengfu, stopped, tmp_path):
    assert "no site: name its settings with -c" in gengfu("import", tmp_path / "old.csv").err
    said = gengfu("import", tmp_path / "no.csv", "-c", stopped.settings)
    assert (said.code, "no.csv: No such file" in said.err) == (3, True)


def test_the_mappings_of_the_guide_work(take, stopped):
    guide = (Path(__file__).parents[2] / "docs/export-import.md").read_text(encoding="utf-8")
    wide, long = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert take(GOOD, wide, encoding="gbk").code == 0
    text = "ts,device,tag,v,q,arrived\n1600000000002,east:well:1,CH4,40,OK,1600000000003\n"
    assert take(text, long).code == 0
    assert stopped.values()[:2] == [(WELL, "methane", 0, 1.0), (WELL, "note", 0, "井盖")]
    assert [(row.number, row.received_at) for row in stopped.rows() if row.at == T0 + 2 * 10**6] == [
        (2.0, T0 + 3 * 10**6)
    ]


QUALITIES = st.sampled_from([int(one) for one in Quality])
NUMBERS = st.floats(width=64) | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(
    ["", "'", "''", "=1+1", '井盖"开"\r\n,;', "\r", "\n", " x ", "＝1"]
)
STORED = st.lists(
    st.tuples(
        st.sampled_from([WELL, OTHER]),
        st.integers(-(10**18), 10**17),
        st.fixed_dictionaries({}, optional={"methane": NUMBERS, "mode": st.sampled_from([1.0, 2.0]), "note": TEXTS}),
        st.fixed_dictionaries({}, optional={"methane": QUALITIES, "mode": QUALITIES, "note": QUALITIES}),
    ),
    max_size=12,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STORED)
@example([(WELL, 1, {"note": "", "methane": math.nan}, {}), (WELL, -1, {"methane": "text"}, {"methane": 0x86})])
@example([(WELL, 0, {}, {"methane": 0x83, "note": 0x85})])
def test_what_is_exported_and_imported_is_the_same(gengfu, tmp_path_factory, stored):
    one, two = (StoppedSite(tmp_path_factory.mktemp(name)) for name in ("one", "two"))
    one.keep([reading(at, values, quality, device) for device, at, values, quality in stored])
    file = two.folder / "out.csv"
    span = ("--from", "1980-01-01", "--to", "2200-01-01")
    exported = gengfu("export", *span, "--data", one.data, "--profiles", one.profiles, "--out", file)
    assert exported.code == 0, exported.err
    imported = gengfu("import", file, "-c", two.settings)
    assert imported.code == 0, imported.err
    assert two.rows() == one.rows()
    assert len(one.rows()) == int(exported.out.rpartition(": ")[2].split()[0])
