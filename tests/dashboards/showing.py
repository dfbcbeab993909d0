"""Names that a table speaks of after its answer has come: in transformations, and in what a column looks like.

Grafana says nothing of a name that is not there: the column stays plain, or the table is empty.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Json = Mapping[str, Any]

LIMIT, GROUP, SORT, FILTER, ORGANIZE = "limit", "groupBy", "sortBy", "filterByValue", "organize"
UNDERSTOOD = frozenset({LIMIT, GROUP, SORT, FILTER, ORGANIZE})


class Shown(NamedTuple):
    """What is done with the columns of a table, in order, and the names that get a look of their own."""

    transformations: tuple[Json, ...] = ()
    named: tuple[str, ...] = ()


def shown_in(panel: Json) -> Shown:
    """Of a panel whose questions are all answered as tables; nothing of any other, whose names come from an alias."""
    if not all(target.get("resultFormat") == "table" for target in panel["targets"]):
        return Shown()
    matchers = [one["matcher"] for one in panel.get("fieldConfig", {}).get("overrides", ())]
    named = tuple(str(one["options"]) for one in matchers if one["id"] == "byName")
    return Shown(tuple(panel.get("transformations", ())), named)


def strangers(shown: Shown, columns: Sequence[str]) -> Iterator[str]:
    """Each name that is not there where it is spoken of. ``columns``: of the answer, tags among them."""
    there = {"Time" if column == "time" else column for column in columns}
    for one in shown.transformations:
        if one["id"] not in UNDERSTOOD:
            yield f"a transformation {one['id']!r}, which is not understood"
            continue
        options = one["options"]
        yield from (f"{one['id']} speaks of {name!r}" for name in _spoken_of(one["id"], options) if name not in there)
        there = _after(one["id"], options, there)
    yield from (f"a look is given to {name!r}" for name in shown.named if name not in there)


def _spoken_of(kind: str, options: Json) -> list[str]:
    match kind:
        case "groupBy":
            return list(options["fields"])
        case "sortBy":
            return [one["field"] for one in options["sort"]]
        case "filterByValue":
            return [one["fieldName"] for one in options["filters"]]
        case "organize":
            return [name for key in ("excludeByName", "indexByName", "renameByName") for name in options.get(key, ())]
    return []


def _after(kind: str, options: Json, there: set[str]) -> set[str]:
    if kind == GROUP:
        return {
            name if part["operation"] == "groupby" else f"{name} ({how})"
            for name, part in options["fields"].items()
            for how in (part["aggregations"] or [""])
        }
    if kind == ORGANIZE:
        hidden = {name for name, is_out in options.get("excludeByName", {}).items() if is_out}
        renamed = options.get("renameByName", {})
        return {renamed.get(name) or name for name in there - hidden}
    return there
