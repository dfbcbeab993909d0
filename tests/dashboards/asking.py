"""Asks InfluxDB as Grafana's server does (``/query``, times in ms), many statements in a request, each text once."""

import http.client
import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

AT_ONCE = 40


class Series(NamedTuple):
    """One series of an answer. ``values``: rows in the order of ``columns``."""

    tags: Mapping[str, str]
    columns: list[str]
    values: list[list[Any]]


class Answer(NamedTuple):
    """What came back. ``error``: empty if it was understood."""

    error: str
    series: list[Series]

    def filled(self) -> dict[str, bool]:
        """Each column but the time, and whether any row of any series has a value there."""
        found: dict[str, bool] = {}
        for one in self.series:
            for place, column in enumerate(one.columns):
                if column != "time":
                    found[column] = found.get(column, False) or any(row[place] is not None for row in one.values)
        return found

    @property
    def has_values(self) -> bool:
        """Whether anything but times and nulls came back."""
        return any(self.filled().values())

    def texts(self) -> set[str]:
        """Columns that hold something that is no number."""
        return {
            column
            for one in self.series
            for place, column in enumerate(one.columns)
            if column != "time" and any(not isinstance(row[place], int | float | None) for row in one.values)
        }

    def options(self) -> list[str]:
        """What a variable offers: the values of SHOW TAG VALUES, else the first text, else the first number."""
        found: dict[str, None] = {}
        for one in self.series:
            place = _place(one)
            found |= dict.fromkeys(str(row[place]) for row in one.values if row[place] is not None)
        return list(found)


def _place(series: Series) -> int:
    if series.columns == ["key", "value"]:
        return 1
    rows = series.values
    texts = [n for n, _ in enumerate(series.columns) if any(isinstance(row[n], str) for row in rows)]
    others = [n for n, column in enumerate(series.columns) if column != "time"]
    return next(iter(texts or others))


class Asker:
    """One database of a server on this machine."""

    def __init__(self, port: int, database: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._database = database
        self._known: dict[str, Answer] = {}

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def answer(self, text: str) -> Answer:
        """Of one text."""
        self.learn([text])
        return self._known[text]

    def learn(self, texts: Iterable[str]) -> None:
        """Ask for all of them that were not asked yet, so that each `answer` is there."""
        waiting = iter([text for text in dict.fromkeys(texts) if text not in self._known])
        while batch := list(islice(waiting, AT_ONCE)):
            answers = self._ask(batch)
            # An error ends a request, and one in the syntax spoils it whole: then each is asked alone.
            if len(answers) != len(batch) or any(one.error for one in answers):
                answers = [self._ask([text])[0] for text in batch]
            self._known |= dict(zip(batch, answers, strict=True))

    def _ask(self, texts: list[str]) -> list[Answer]:
        body = urlencode({"q": ";\n".join(text.rstrip().rstrip(";") for text in texts)})
        path = f"/query?{urlencode({'db': self._database, 'epoch': 'ms'})}"
        self._connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = self._connection.getresponse()
        told = json.loads(response.read())
        if "error" in told:
            return [Answer(str(told["error"]), [])]
        return [_answer(result) for result in told["results"]]


def _answer(result: Mapping[str, Any]) -> Answer:
    series = [Series(one.get("tags", {}), one["columns"], one.get("values", [])) for one in result.get("series", ())]
    return Answer(str(result.get("error", "")), series)
