"""The dead letters of the stores as the API shows them, tries them again, and deletes them on a person's word."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from console.letter_desk import Beyond, LetterPage
from console.present import iso
from telemetry.duck import DuckStore
from telemetry.errors import StoreError
from telemetry.influx_sink import InfluxSink
from telemetry.letters import LINE, Letter, Replayed, subject

log = logging.getLogger("gengfu.stores")

DUCKDB, INFLUXDB = "duckdb", "influxdb"
SHOWN_BYTES = 2048
REFUSALS_SHOWN = 20

Item = dict[str, Any]


class LetterKeeper(Protocol):
    """A store that sets letters aside: `telemetry.duck.DuckStore`, `telemetry.influx_sink.InfluxSink`."""

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""

    def dead_letter_count(self) -> int:
        """How many letters are set aside."""

    @property
    def dropped_letters(self) -> int:
        """How many were refused while there was no room for letters."""

    def delete_letter(self, letter: int) -> Letter | None:
        """What was deleted; ``None`` for an id that names none."""

    def replay(self, ids: Sequence[int]) -> Replayed:
        """Try these letters again."""

    def replay_beyond(self, after: int, most: int) -> Replayed:
        """Try up to ``most`` letters beyond an id again, oldest first."""


class LetterBoard(Collector):
    """The console's `console.letter_desk.LetterDesk`, and its metrics. ``influx``: ``None`` where there is none."""

    def __init__(self, duck: DuckStore, influx: InfluxSink | None) -> None:
        self._keepers: dict[str, LetterKeeper] = {DUCKDB: duck}
        if influx is not None:
            self._keepers[INFLUXDB] = influx

    def stores(self) -> list[Item]:
        """See `console.letter_desk.LetterDesk.stores`."""
        return [
            {"store": name, "count": keeper.dead_letter_count(), "dropped": keeper.dropped_letters}
            for name, keeper in self._keepers.items()
        ]

    def page(self, store: str, limit: int, after: str | None) -> LetterPage | None:
        """See `console.letter_desk.LetterDesk.page`."""
        names = [name for name in self._keepers if store in ("", name)]
        beyond = 0
        if after is not None:
            name, _, number = after.partition(":")
            if name not in names or not (number.isascii() and number.isdecimal()) or int(number) >= 2**63:
                return None
            names, beyond = names[names.index(name) :], int(number)
        found: list[tuple[str, Letter]] = []
        for name in names:
            left = limit + 1 - len(found)
            found += [(name, letter) for letter in self._keepers[name].letters(beyond, left)] if left else []
            beyond = 0
        shown = found[:limit]
        more = len(found) > len(shown)
        return LetterPage([_item(*one) for one in shown], f"{shown[-1][0]}:{shown[-1][1].id}" if more else None)

    def has(self, store: str) -> bool:
        """See `console.letter_desk.LetterDesk.has`."""
        return store in self._keepers

    def replay(self, store: str, which: Sequence[int] | Beyond, who: str) -> Item:
        """See `console.letter_desk.LetterDesk.replay`."""
        keeper = self._keepers[store]
        done = keeper.replay_beyond(*which) if isinstance(which, Beyond) else keeper.replay(which)
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
        gone = self._keepers[store].delete_letter(letter)
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
        for name, keeper in self._keepers.items():
            try:
                count, over = keeper.dead_letter_count(), keeper.dropped_letters
            except StoreError:
                continue
            letters.add_metric([name], count)
            dropped.add_metric([name], over)
        return (letters, dropped)


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
