"""The table of figures: columns, references, floors and verdicts."""

import csv
from pathlib import Path

import pytest

from bench.rows import (
    COLUMNS,
    HEADINGS,
    SPEED,
    SPEED_QUOTED,
    Figure,
    Reference,
    Row,
    figures,
    references,
    text_table,
    write_csv,
)


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
def test_a_figure_is_held_against_its_bounds(better: str, value: float, verdict: str) -> None:
    must, aim = (10.0, 3.0) if better == "lower" else (10.0, 30.0)
    assert Figure("g", Row("n", value, "s"), Reference(better, must=must, aim=aim)).reached == verdict


def test_where_nothing_is_asked_nothing_is_missed() -> None:
    assert Reference("lower", quoted_floor=1.0, peer=2.0).verdict(99.0) == ""


def test_the_ratio_is_to_the_floor_of_the_same_run_and_never_to_a_quoted_one() -> None:
    held = Reference("lower", must=0.015, quoted_floor=0.0088)
    assert Figure("g", Row("n", 0.012, "s", 0.004), held).ratio == pytest.approx(3.0)
    assert Figure("g", Row("n", 0.012, "s"), held).ratio is None


@pytest.mark.parametrize(
    ("better", "speed", "must"),
    [("lower", 0.5, 0.03), ("lower", 2.0, 0.0075), ("higher", 0.5, 0.0075), ("higher", 2.0, 0.03)],
)
def test_a_must_of_the_processor_moves_with_the_speed_of_the_machine(better: str, speed: float, must: float) -> None:
    held = Reference(better, must=0.015, by_cpu=True)
    assert Figure("g", Row("n", 1.0, "s"), held, speed).must_at_this_speed == pytest.approx(must)


@pytest.mark.parametrize(
    ("held", "speed"),
    [
        (Reference("lower", must=10.0), 0.5),
        (Reference("lower", by_cpu=True), 0.5),
        (Reference("lower", must=10.0, by_cpu=True), None),
    ],
    ids=["not of the processor", "no must", "speed unknown"],
)
def test_no_other_must_moves(held: Reference, speed: float | None) -> None:
    assert Figure("g", Row("n", 1.0, "s"), held, speed).must_at_this_speed is None


def test_a_slow_machine_excuses_no_miss() -> None:
    slow = Figure("g", Row("n", 0.02, "s"), Reference("lower", must=0.015, by_cpu=True), speed=0.5)
    assert slow.must_at_this_speed is not None
    assert slow.row.value < slow.must_at_this_speed
    assert slow.reached == "MISSED"


def test_the_speed_is_that_of_the_group_s_own_probe() -> None:
    probe, other = figures("coap", [Row(SPEED, SPEED_QUOTED / 2, "1/s"), Row("x", 1.0, "1/s")])
    assert (probe.speed, other.speed) == (0.5, 0.5)
    (without,) = figures("coap", [Row("x", 1.0, "1/s")])
    assert without.speed is None


def test_rows_find_their_reference_by_group_and_name() -> None:
    (known, unknown) = figures("journal", [Row("append: per second", 1.0, "1/s"), Row("new", 1.0, "ms")])
    assert (known.reference.must, known.reference.aim) == (15000, 22000)
    assert unknown.reference == Reference("lower")


def test_every_reference_is_complete() -> None:
    for (group, name), one in references().items():
        assert group
        assert name
        assert one.better in ("lower", "higher")
        if one.must is not None and one.aim is not None:
            assert (one.aim <= one.must) == (one.better == "lower")
        assert (one.quoted_floor is None and one.peer is None) or "measured elsewhere" in one.remark
        assert one.must is not None or not one.by_cpu


def test_the_csv_has_the_agreed_columns_first_and_empty_cells_for_what_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.csv"
    bare = Figure("coap", Row("posts, durable", 1234.5678, "1/s"), Reference("higher", 10, peer=2.5))
    full = Figure("coap", Row("posts", 500.0, "1/s", 2000.0), Reference("higher", 1000, 3000, 8000, 20, "", True), 0.5)
    write_csv(path, [bare, full])
    header, first, second = csv.reader(path.read_text().splitlines())
    assert header[:9] == ["group", "name", "value", "unit", "better", "must", "aim", "floor", "peer"]
    assert tuple(header) == COLUMNS
    assert first == ["coap", "posts, durable", "1234.57", "1/s", "higher", "10", "", "", "2.5", "", "", "", "must"]
    assert second == [
        *("coap", "posts", "500", "1/s", "higher", "1000", "3000", "2000", "20"),
        *("0.25", "8000", "500", "MISSED"),
    ]


def test_the_table_for_people_names_misses_and_where_the_references_come_from() -> None:
    held = Reference("lower", 10, 3, 1.5, 80, "From afar.", by_cpu=True)
    table = text_table([Figure("alarm", Row("p99", 12.0, "ms", 4.0), held, speed=0.8)])
    header, rule, line, *remarks = table.splitlines()
    assert header == f"| {' | '.join(HEADINGS)} |"
    assert rule == f"|---|---|--:|---|{'--:|' * 7}---|"
    assert line == "| alarm | p99 | 12 | ms | 10 | 3 | 4 | 3 | 1.5 | 12.5 | 80 | MISSED |"
    assert remarks[-1] == "* From afar."


def test_large_figures_are_written_out() -> None:
    table = text_table([Figure("g", Row("n", 25_000.4, "1/s"), Reference("higher", must=104_000))])
    assert "| g | n | 25,000 | 1/s | 104,000 |" in table
