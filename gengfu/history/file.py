"""A file of history, read row by row: where each row stands, its cells, and its values or what is wrong with it."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from device_registry.devices import Site
from gengfu.errors import InputError, MissingError
from gengfu.history.cells import HistoryValue, RowReader, WrongCell
from gengfu.history.mapping import FileMapping

CELL_MAX = 1 << 24
"""Characters of a cell. A quote that is opened and never closed must not take the memory."""


class Row(NamedTuple):
    """``line``: the first of the row, from 1. ``values`` is empty where ``wrong`` says why."""

    line: int
    cells: list[str]
    values: list[HistoryValue]
    wrong: WrongCell | None


class HistoryFile:
    """An open file; ``header`` is its first row. Use `open_file`."""

    def __init__(self, path: Path, binary: BinaryIO, size: int, mapping: FileMapping, site: Site, now: int) -> None:
        self._path = path
        self._binary = binary
        self._size = size
        self._mapping = mapping
        encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
        text = io.TextIOWrapper(binary, encoding, errors="surrogateescape", newline="")
        csv.field_size_limit(CELL_MAX)
        self._csv = csv.reader(text, delimiter=mapping.delimiter, strict=True)
        self.header = self._next() or []
        self._check_header()
        self._reader = RowReader(mapping, self.header, site, now)

    @property
    def share(self) -> float:
        """How much of the file is read, 0 to 1."""
        return self._binary.tell() / max(1, self._size)

    def rows(self) -> Iterator[Row]:
        """Every row but the header and empty lines. Raises `InputError` where the quotes do not match."""
        line = self._csv.line_num + 1
        while (cells := self._next()) is not None:
            if cells:
                yield self._row(line, cells)
            line = self._csv.line_num + 1

    def _row(self, line: int, cells: list[str]) -> Row:
        try:
            self._check_encoding(cells)
            return Row(line, cells, self._reader.read(cells), None)
        except WrongCell as wrong:
            return Row(line, cells, [], wrong)

    def _next(self) -> list[str] | None:
        begun = self._csv.line_num + 1
        try:
            return next(self._csv, None)
        except csv.Error as error:
            raise InputError(
                f"{self._path}:{begun}: cannot be read as CSV ({error}); correct the quotes of this row, or the "
                "delimiter in the mapping"
            ) from None

    def _check_encoding(self, cells: list[str]) -> None:
        for place, cell in enumerate(cells):
            if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
                column = self.header[place] if place < len(self.header) else ""
                shown = cell.encode("ascii", "backslashreplace").decode()
                raise WrongCell(column, shown, f"is not {self._mapping.encoding}; correct encoding in the mapping")

    def _check_header(self) -> None:
        if missing := [one for one in self._mapping.columns() if one not in self.header]:
            raise InputError(
                f"{self._path}:1: no column {', '.join(map(repr, missing))}; it has "
                f"{', '.join(map(repr, self.header))}. Correct the names, encoding or delimiter in the mapping"
            )
        if twice := sorted({one for one in self._mapping.columns() if self.header.count(one) > 1}):
            raise InputError(f"{self._path}:1: the column {', '.join(map(repr, twice))} is there twice; rename one")


@contextmanager
def open_file(path: Path, mapping: FileMapping, site: Site, now: int) -> Iterator[HistoryFile]:
    """Open a file of history. Raises `InputError` for a wrong header, `MissingError`."""
    try:
        with path.open("rb") as binary:
            yield HistoryFile(path, binary, path.stat().st_size, mapping, site, now)
    except OSError as error:
        raise MissingError(f"{path}: {error.strerror or error}") from None
