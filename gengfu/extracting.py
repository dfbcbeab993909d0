"""`gengfu export`: where the rows come from, and how a file becomes whole or is not there at all."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from console import extract_csv
from gengfu import local_time
from gengfu.errors import InputError, MissingError
from gengfu.site_client import SiteClient
from protocols.profile.model import Profile
from protocols.reading import Origin
from telemetry import duck_extract
from telemetry.errors import StoreError
from telemetry.extract import Extract

_LAST_TIME = re.compile(rb".*\n([0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z),", re.DOTALL)
Shown = Callable[[float, int], None]
"""Told the share that is done, and the rows so far."""


class RowCount:
    """Counts the rows of a CSV that comes in pieces: line ends outside of quotes."""

    def __init__(self) -> None:
        self.lines = 0
        self._quoted = 0

    def add(self, piece: bytes) -> None:
        """Count the next piece."""
        parts = piece.split(b'"')
        self.lines += sum(part.count(b"\n") for part in parts[self._quoted :: 2])
        self._quoted = (self._quoted + len(parts) - 1) % 2


class Range(NamedTuple):
    """start <= time < end, UTC ns."""

    start: int
    end: int

    def share(self, piece: bytes) -> float | None:
        """How far the last whole row of a piece is; ``None`` where it has none."""
        match = _LAST_TIME.match(piece)
        if match is None:
            return None
        at = local_time.parse(match[1].decode(), local_time.zone_named("UTC"))
        return (at - self.start) / (self.end - self.start)


def from_site(client: SiteClient, extract: Extract) -> Iterator[bytes]:
    """The CSV of a running site. Raises what `SiteClient.stream` raises."""
    query = [("from", extract_csv.stamp(extract.start)), ("to", extract_csv.stamp(extract.end))]
    query += [("device", one) for one in extract.devices] + [("point", one) for one in extract.points]
    query.append(("origin", "all" if len(extract.origins) > 1 else extract.origins[0].name.lower()))
    with client.stream("export", query) as pieces:
        yield from pieces


def from_folder(data: Path, extract: Extract, profiles: Mapping[str, Profile]) -> Iterator[bytes]:
    """The CSV of a site that does not run. Raises `MissingError`, `InputError`."""
    unit_of = extract_csv.units_of(profiles)
    try:
        with duck_extract.of_file(data / "telemetry.duckdb") as extracts:
            if unknown := extracts.unknown(extract):
                raise InputError(
                    f"{data}: nothing was ever stored of {', '.join(unknown)}; correct --device or --point"
                )
            yield extract_csv.head()
            slices = extracts.begin(extract)
            while rows := slices.next():
                yield extract_csv.body(rows, unit_of)
    except StoreError as error:
        raise MissingError(str(error)) from None


def origins_of(name: str) -> tuple[Origin, ...]:
    """``all``, or one by its name."""
    return tuple(Origin) if name == "all" else (Origin[name.upper()],)


@contextmanager
def whole_file(target: Path, *, force: bool) -> Iterator[Path]:
    """Where to write what becomes ``target`` at the end of the block, and is removed if the block fails.

    Raises `InputError` where there is such a file and ``force`` is not given, `MissingError` for what the disk refuses.
    """
    if target.exists() and not force:
        raise InputError(f"{target}: is there already; give another --out, or --force to replace it")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.touch(exist_ok=False)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except OSError as error:
        raise MissingError(f"{target}: {error.strerror or error}; it needs room, and leave to write there") from None
    finally:
        part.unlink(missing_ok=True)


def fill(part: Path, pieces: Iterator[bytes], asked: Range, shown: Shown) -> int:
    """Write the pieces of a CSV; the number of its rows, without the head."""
    count, share = RowCount(), 0.0
    with part.open("wb") as out:
        for piece in pieces:
            out.write(piece)
            count.add(piece)
            share = max(share, asked.share(piece) or 0.0)
            shown(share, count.lines - 1)
    return count.lines - 1
