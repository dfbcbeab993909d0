"""The table of figures: columns, references and verdicts."""

import csv

import pytest

from bench.rows import COLUMNS, Figure, Reference, Row, figures, references, text_table, write_csv


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        ("lower", 2.0, "aim"),
        ("lower", 3.0, "aim"),
        ("lower", 10.0, "must"),
        ("lower", 10.1, "MISSED"),
        ("higher", 10.0, "must"),
        ("higher", 30.0, "aim"),
        ("higher", 9.9, "MISSED"),
    ],
)
def test_a_figure_is_held_against_its_bounds(better, value, verdict):
    must, aim = (10.0, 3.0) if better == "lower" else (10.0, 30.0)
    assert Reference(better, must=must, aim=aim).verdict(value) == verdict


def test_where_nothing_is_asked_nothing_is_missed():
    assert Reference("lower", floor=1.0, peer=2.0).verdict(99.0) == ""


def test_rows_find_their_reference_by_group_and_name():
    (known, unknown) = figures("journal", [Row("append: per second", 1.0, "1/s"), Row("new", 1.0, "ms")])
    assert (known.reference.must, known.reference.aim) == (15000, 22000)
    assert unknown.reference == Reference("lower")


def test_every_reference_is_complete():
    for (group, name), one in references().items():
        assert group
        assert name
        assert one.better in ("lower", "higher")
        if one.must is not None and one.aim is not None:
            assert (one.aim <= one.must) == (one.better == "lower")
        assert (one.floor is None and one.peer is None) or "measured elsewhere" in one.remark


def test_the_csv_has_the_agreed_columns_and_empty_cells_for_what_is_unknown(tmp_path):
    path = tmp_path / "results" / "latest.csv"
    write_csv(path, [Figure("coap", Row("posts, durable", 1234.5678, "1/s"), Reference("higher", 10, peer=2.5))])
    header, row = csv.reader(path.read_text().splitlines())
    assert tuple(header) == COLUMNS
    assert row == ["coap", "posts, durable", "1234.57", "1/s", "higher", "10", "", "", "2.5"]


def test_the_table_for_people_names_misses_and_where_the_references_come_from():
    table = text_table([Figure("alarm", Row("p99", 12.0, "ms"), Reference("lower", 10, 3, remark="From afar."))])
    assert "| alarm | p99 | 12 | ms | 10 | 3 |  |  | MISSED |" in table
    assert table.endswith("* From afar.")
