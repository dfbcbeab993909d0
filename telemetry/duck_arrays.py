"""Arrays that SQL of the embedded store sees as a table, so that none is run per row."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]
"""Arrays of equal length by column name."""


def show(connection: DuckDBPyConnection, name: str, arrays: Arrays) -> None:
    """Let SQL on this connection see the arrays under a name.

    DuckDB looks into the dictionary whenever a statement begins: other arrays of the same types may be put into it.
    """
    # A result that was not read to its end lets nothing be registered; to run a statement puts it away.
    connection.execute("SELECT 1").fetchall()
    connection.register(name, arrays)


def numbers(values: list[int]) -> npt.NDArray[np.int64]:
    """A column of whole numbers."""
    return np.array(values, dtype=np.int64)


def texts(values: list[str] | list[bytes]) -> npt.NDArray[np.object_]:
    """A column of texts, or of bytes."""
    return np.array(values, dtype=object)
