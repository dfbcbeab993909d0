"""One seeded InfluxDB for all tests of the dashboards."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest

from protocols.reading import Origin
from tests.dashboards.asking import Asker
from tests.dashboards.seed import seed
from tests.fixtures.influx import Influxd


class City(NamedTuple):
    """The seeded databases: all of it, and each origin alone (by its word). ``now_ms``: when the data ends."""

    all: Asker
    alone: dict[str, Asker]
    now_ms: int


@pytest.fixture(scope="session")
def city(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Only read from it."""
    made = seed(influxd, tmp_path_factory.mktemp("seed"))
    with ExitStack() as stack:
        asker, *others = (
            stack.enter_context(closing(Asker(influxd.port, name))) for name in (made.city, *made.alone.values())
        )
        words = (Origin(one).name.lower() for one in made.alone)
        yield City(asker, dict(zip(words, others, strict=True)), made.now // 1_000_000 + 1)
