"""A matrix as people draw it: a row for each cause, a column for each effect, and in the cell when it comes."""

from typing import NamedTuple

from interlocks.matrix import Cause, Effect, Matrix


class Column(NamedTuple):
    """``actions``: what the effect of this id does, over all rows, in the order in which they ask for it."""

    id: str
    actions: tuple[str, ...]


class Row(NamedTuple):
    """``cells``: the effect in each column; ``None``: the cause does not ask for it."""

    cause: Cause
    cells: tuple[Effect | None, ...]


class Sheet(NamedTuple):
    """One matrix. An observed one has no columns: its rows say what the station must do (`Cause.expect`)."""

    matrix: Matrix
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def sheet(matrix: Matrix) -> Sheet:
    """Lay a matrix out. Columns are in the order of their ids, as the tables of the safety rules have them."""
    asked: dict[str, dict[str, None]] = {}
    for cause in matrix.cause:
        for effect in cause.effect:
            asked.setdefault(effect.id, {})[effect.action] = None
    columns = tuple(Column(name, tuple(asked[name])) for name in sorted(asked))
    return Sheet(matrix, columns, tuple(_row(cause, columns) for cause in matrix.cause))


def _row(cause: Cause, columns: tuple[Column, ...]) -> Row:
    effects = {effect.id: effect for effect in cause.effect}
    return Row(cause, tuple(effects.get(column.id) for column in columns))
