"""Every shipped matrix against its hand-written truth table: each row, input, origin and permissive, exact commands."""

import pytest

from interlocks.matrix import Matrix
from interlocks.states import InterlockState
from protocols.reading import Origin
from tests.fixtures.malls import MATRICES
from tests.interlocks.truth_inputs import REPORTED, REQUIRED
from tests.interlocks.truth_table import Played, tables
from tests.interlocks.truth_zones import ZONES

TABLES = tables()
PLACES = [(matrix, place) for matrix, table in TABLES.items() for place in table.at]


def test_every_shipped_matrix_has_a_table_and_a_zone_to_play_it_in() -> None:
    shipped = {matrix.id for matrix in MATRICES}
    assert (set(TABLES), set(ZONES)) == (shipped, shipped)


@pytest.mark.parametrize("matrix", MATRICES, ids=lambda matrix: matrix.id)
def test_every_row_stands_in_the_table(matrix: Matrix) -> None:
    assert TABLES[matrix.id].causes() == {cause.id for cause in matrix.cause}


@pytest.mark.parametrize(("matrix", "place"), PLACES)
def test_table_tells_of_each_input_once(matrix: str, place: str) -> None:
    told = TABLES[matrix].inputs(place)
    assert sorted(told) == sorted(set(told))
    where = ZONES[matrix].places[place]
    assert set(REQUIRED if where.devices else REPORTED) <= set(told) <= where.inputs.keys()


@pytest.mark.parametrize(("matrix", "place"), PLACES)
def test_commands_are_exactly_those_of_the_table(matrix: str, place: str) -> None:
    wrong = []
    for case in TABLES[matrix].cases(place):
        played, expected = Played(matrix, case), TABLES[matrix].expected(case)
        if played.result() != expected:
            wrong.append((case, played.result(), expected))
        if case.origin is not Origin.LIVE and (played.record.state, played.failures) != (InterlockState.ARMED, []):
            wrong.append((case, played.record, played.failures))  # S4: nothing live is changed by what is not
    assert wrong == []
