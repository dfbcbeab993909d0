"""What of the rules that run is not as it is shipped."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gengfu.rules import Rulebook
from gengfu.site_rules.files import label


class Difference(NamedTuple):
    """``id`` of a rule or matrix; ``key`` as in a message, empty where the whole was added or is gone (then the other
    side is ``None``)."""

    id: str
    key: str
    shipped: object
    running: object

    def __str__(self) -> str:
        """For a terminal."""
        if not self.key:
            return f"{self.id}: {'added' if self.shipped is None else 'gone'}"
        return f"{self.id} {self.key}: {self.shipped} -> {self.running}"


def differences(shipped: Rulebook, running: Rulebook) -> list[Difference]:
    """All of them, in the order of the rules. The texts of the responses are no figures and are not compared."""
    return [
        *_between(_dumped(shipped.alarms), _dumped(running.alarms)),
        *_between(
            _dumped({one.id: one for one in shipped.matrices}), _dumped({one.id: one for one in running.matrices})
        ),
    ]


def _dumped(parts: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    return {name: dict(_leaves("", part.model_dump(by_alias=True))) for name, part in parts.items()}


def _between(
    before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]
) -> Iterator[Difference]:
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield Difference(name, "", old and name, new and name)
            continue
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                yield Difference(name, key, old.get(key), new.get(key))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, tuple) and value and all(isinstance(one, Mapping) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _leaves(f"{path}[{_name(inner, number)}]", inner)
    else:
        yield path, value


def _name(entry: Mapping[str, Any], number: int) -> str:
    if "id" in entry:
        return str(entry["id"])
    return label(entry["kind"], entry.get("role"), entry.get("where")) if "kind" in entry else str(number)
