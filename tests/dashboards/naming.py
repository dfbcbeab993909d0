"""Names in a query that the database does not have.

InfluxDB says nothing of them: a field that is not there is null, and to group by a tag that is not there groups
nothing, so that a sum of many is taken of one.
"""

import re
from collections.abc import Iterator

from tests.dashboards.asking import Asker

NOT_A_NAME = re.compile(r"'(?:[^'\\]|\\.)*'|(?<=~)\s*/(?:[^/\\]|\\.)*/")
NAME = r'"((?:[^"\\]|\\.)+)"'
FROM = re.compile(rf"\bFROM\s+({NAME}(?:\s*,\s*{NAME})*)", re.I)
GROUPS = re.compile(r'\bGROUP\s+BY\s+((?:time\([^)]*\)|"(?:[^"\\]|\\.)+"|[\s,])+)', re.I)


def unknown(query: str, asker: Asker) -> Iterator[str]:
    """Quoted names that are no measurement, no field or tag of those that are read, and nothing the query calls so."""
    bare = NOT_A_NAME.sub(" x ", query)
    measurements = {name for found in FROM.finditer(bare) for name in re.findall(NAME, found[1])}
    tags, fields = (
        {key for name in measurements for key in asker.answer(f'SHOW {what} KEYS FROM "{name}"').options()}
        for what in ("TAG", "FIELD")
    )
    called = set(re.findall(rf"\bAS\s+{NAME}", bare, re.I))
    there = set(asker.answer("SHOW MEASUREMENTS").options())
    yield from (f"{name!r} is no measurement" for name in sorted(measurements - there))
    known = measurements | tags | fields | called | {"time"}
    yield from (f"{name!r} is neither a field nor a tag there" for name in sorted(set(re.findall(NAME, bare)) - known))
    grouped = {name for found in GROUPS.finditer(bare) for name in re.findall(NAME, found[1])}
    yield from (f"{name!r} is no tag to group by" for name in sorted(grouped & known - tags))
