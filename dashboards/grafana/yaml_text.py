"""Block YAML of plain data: what a provisioning file needs and no more. Every text is quoted, as JSON quotes it."""

import json
from collections.abc import Iterator, Mapping, Sequence


def yaml_text(value: Mapping[str, object]) -> str:
    """A document, with a line end at its end."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: object, indent: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _is_nested(inner):
                yield f"{indent}{key}:"
                yield from _lines(inner, indent + "  ")
            else:
                yield f"{indent}{key}: {json.dumps(inner, ensure_ascii=False)}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            lines = list(_lines(item, indent + "  "))
            yield f"{indent}- {lines[0].strip()}"
            yield from lines[1:]
    else:
        yield f"{indent}{json.dumps(value, ensure_ascii=False)}"


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and bool(value)
