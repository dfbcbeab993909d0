"""A long list as JSON in pieces, so that others take their turn on the event loop between two of them."""

from collections.abc import Iterable, Iterator
from itertools import islice

AT_ONCE = 50
"""Items of a piece: some milliseconds of work."""


def joined(made: Iterable[bytes]) -> Iterator[bytes]:
    """The items, each encoded when its turn comes, with commas between; a piece is never empty."""
    rest, comma = iter(made), b""
    while part := b",".join(islice(rest, AT_ONCE)):
        yield comma + part
        comma = b","
