"""A small parser of lines, written from InfluxDB's description and not from our encoder."""

from typing import NamedTuple


class Parsed(NamedTuple):
    """A line taken apart; integer fields are `int`, others `float` or `str`."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, float | int | str]
    at: int


def take(text: str, ends: str) -> tuple[str, str]:
    """The text before the first unescaped character of ``ends``, and what begins with it."""
    position = 0
    while position < len(text) and text[position] not in ends:
        position += 2 if text[position] == "\\" else 1
    return text[:position], text[position:]


def plain(text: str, escaped: str = ",= ") -> str:
    """A key or tag without its escapes."""
    for character in escaped:
        text = text.replace("\\" + character, character)
    return text


def field_value(text: str) -> float | int | str:
    """A value; a string comes with the quote it begins with."""
    if text.startswith('"'):
        return text[1:].replace('\\"', '"').replace("\\\\", "\\")
    return int(text[:-1]) if text.endswith("i") else float(text)


def parse(line: str) -> Parsed:
    """Take a line apart."""
    measurement, rest = take(line, ", ")
    tags: dict[str, str] = {}
    while rest.startswith(","):
        key, rest = take(rest[1:], "=")
        tag, rest = take(rest[1:], ", ")
        tags[plain(key)] = plain(tag)
    fields: dict[str, float | int | str] = {}
    while not fields or rest.startswith(","):
        key, rest = take(rest[1:], "=")
        if rest.startswith('="'):
            value, rest = take(rest[2:], '"')
            value, rest = f'"{value}', rest[1:]
        else:
            value, rest = take(rest[1:], ", ")
        fields[plain(key)] = field_value(value)
    return Parsed(plain(measurement, ", "), tags, fields, int(rest))
