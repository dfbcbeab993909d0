"""How the areas of a site lie to one another: what the shape of its file cannot say of that."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from device_registry.problem import Problem
from device_registry.site import AreaPart


class Relation(NamedTuple):
    """A key of an area that names others, and the kind that these must be of (empty: any)."""

    key: str
    kind: str


_RELATIONS = (Relation("neighbours", ""), Relation("ducts", "mall-duct"), Relation("wells", "well"))
_BUILDING = "mall-building"
_WELL = "well"


def check_areas(areas: Mapping[str, AreaPart]) -> Iterator[Problem]:
    """What is wrong with ``within``, ``neighbours``, ``ducts`` and ``wells``."""
    for area in areas.values():
        yield from _within(area, areas)
        for relation in _RELATIONS:
            yield from _related(area, relation, areas)


def _within(area: AreaPart, areas: Mapping[str, AreaPart]) -> Iterator[Problem]:
    path = f"area[{area.id}].within"
    if area.within is None:
        return
    whole = areas.get(area.within)
    if whole is None:
        yield path, f"{area.within!r} is no [[area]] of this file: correct it or add the area"
    elif whole.kind != _BUILDING:
        yield path, f"{area.within!r} is of kind {whole.kind!r}: name one of kind {_BUILDING!r}"
    elif area.kind == _BUILDING:
        yield path, f"an area of kind {_BUILDING!r} is within no other: remove it"


def _related(area: AreaPart, relation: Relation, areas: Mapping[str, AreaPart]) -> Iterator[Problem]:
    path = f"area[{area.id}].{relation.key}"
    named: tuple[str, ...] = getattr(area, relation.key)
    for name in named:
        other = areas.get(name)
        if other is None:
            yield path, f"{name!r} is no [[area]] of this file: correct it or add the area"
        elif other is area:
            yield path, f"{name!r} is the area itself: remove it"
        elif relation.kind and other.kind != relation.kind:
            yield path, f"{name!r} is of kind {other.kind!r}: name one of kind {relation.kind!r}"
        elif not relation.kind and (other.kind == _WELL) != (area.kind == _WELL):
            yield path, f"{name!r} is of kind {other.kind!r}: a well's neighbours are wells; name it in wells elsewhere"
    if len(set(named)) < len(named):
        yield path, "names an area twice: name it once"
