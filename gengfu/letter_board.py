"""The dead letters of the stores as the API shows them, tries them again, and deletes them on a person's word."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from console.letter_desk import Beyond, LetterPage
from console.present import iso
from telemetry.duck import DuckStore
from telemetry.errors import StoreError
from telemetry.influx_sink import InfluxSink
from telemetry.letters import LINE, READING, Letter, subject

log = logging.getLogger("gengfu.stores")

DUCKDB, INFLUXDB = "duckdb", "influxdb"
SHOWN_BYTES = 2048
REFUSALS_SHOWN = 20

Item = dict[str, Any]


class LetterBoard(Collector):
    """The console's `console.letter_desk.LetterDesk`, and its metrics. ``influx``: ``None`` where there is none."""

    def __init__(self, duck: DuckStore, influx: InfluxSink | None) -> None:
        self._duck = duck
        self._influx = influx
        self._names = (DUCKDB,) if influx is None else (DUCKDB, INFLUXDB)

    def stores(self) -> list[Item]:
        """See `console.letter_desk.LetterDesk.stores`."""
        return [
            {
                "store": name,
                "count": self._count(name),
                "dropped": self._influx.dropped_letters if self._influx and name == INFLUXDB else 0,
                "may_replay": name == INFLUXDB,
            }
            for name in self._names
        ]

    def page(self, store: str, limit: int, after: str | None) -> LetterPage | None:
        """See `console.letter_desk.LetterDesk.page`."""
        names = [name for name in self._names if store in ("", name)]
        beyond = 0
        if after is not None:
            name, _, number = after.partition(":")
            if name not in names or not (number.isascii() and number.isdecimal()) or int(number) >= 2**63:
                return None
            names, beyond = names[names.index(name) :], int(number)
        found: list[tuple[str, Letter]] = []
        for name in names:
            left = limit + 1 - len(found)
            found += [(name, letter) for letter in self._letters(name, beyond, left)] if left else []
            beyond = 0
        shown = found[:limit]
        more = len(found) > len(shown)
        return LetterPage([_item(*one) for one in shown], f"{shown[-1][0]}:{shown[-1][1].id}" if more else None)

    def may_replay(self, store: str) -> bool | None:
        """See `console.letter_desk.LetterDesk.may_replay`."""
        return store == INFLUXDB if store in self._names else None

    def replay(self, store: str, which: Sequence[int] | Beyond, who: str) -> Item:
        """See `console.letter_desk.LetterDesk.replay`."""
        sink = self._sink(store)
        done = sink.replay_beyond(*which) if isinstance(which, Beyond) else sink.replay(which)
        log.warning(
            "dead letters of %s, tried again by %s: %d stored, %d refused, %d not there",
            store,
            who,
            done.stored,
            len(done.refused),
            done.gone,
        )
        return {
            "store": store,
            "stored": done.stored,
            "refused": len(done.refused),
            "refusals": [one._asdict() for one in done.refused[:REFUSALS_SHOWN]],
            "gone": done.gone,
            "next": done.next,
        }

    def delete(self, store: str, letter: int, who: str) -> bool:
        """See `console.letter_desk.LetterDesk.delete`."""
        gone = self._sink(store).delete_letter(letter)
        if gone is None:
            return False
        about = subject(gone.kind, gone.data)
        log.warning(
            "dead letter %d of %s deleted by %s: %s of device %s at %s, partition %s, position %s, %d bytes; reason %r",
            letter,
            store,
            who,
            gone.kind,
            about.device,
            about.at,
            gone.partition,
            gone.position,
            len(gone.data),
            gone.reason,
        )
        return True

    def collect(self) -> Iterable[Metric]:
        """Asks memory. A store that is being opened anew is left out until it answers."""
        letters = GaugeMetricFamily("gengfu_dead_letters", "Data that a store refused", labels=["store"])
        dropped = GaugeMetricFamily(
            "gengfu_dead_letters_dropped", "Refused while there was no room to set it aside", labels=["store"]
        )
        for name in self._names:
            try:
                letters.add_metric([name], self._count(name))
            except StoreError:
                continue
        if self._influx is not None:
            dropped.add_metric([INFLUXDB], self._influx.dropped_letters)
        return (letters, dropped)

    def _count(self, name: str) -> int:
        if name == INFLUXDB and self._influx is not None:
            return self._influx.dead_letter_count()
        return self._duck.dead_letter_count()

    def _letters(self, name: str, after: int, limit: int) -> list[Letter]:
        if name == INFLUXDB and self._influx is not None:
            return self._influx.letters(after, limit)
        if after >= self._duck.dead_letter_count():
            return []
        # DuckDB removes none of them, so that the place in its table is an id.
        kept = self._duck.dead_letters(after + limit)[after:]
        return [
            Letter(after + place, one.partition, one.position, one.reason, READING, one.data, None)
            for place, one in enumerate(kept, 1)
        ]

    def _sink(self, store: str) -> InfluxSink:
        if store != INFLUXDB or self._influx is None:
            raise ValueError(f"letters of {store!r} cannot be tried again")
        return self._influx


def _item(store: str, letter: Letter) -> Item:
    about = subject(letter.kind, letter.data)
    start = letter.data[:SHOWN_BYTES]
    return {
        "id": letter.id,
        "store": store,
        "partition": letter.partition,
        "position": letter.position,
        "reason": letter.reason,
        "kind": letter.kind,
        "at": None if letter.at is None else iso(letter.at),
        "device": about.device,
        "sampled_at": None if about.at is None else iso(about.at),
        "size": len(letter.data),
        "text": start.decode("utf-8", "ignore") if letter.kind == LINE else None,
        "hex": None if letter.kind == LINE else start.hex(),
    }
