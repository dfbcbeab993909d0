"""Run by the crash tests in a process of its own: replays an endless journal into a store from its cursor.

    python -m tests.telemetry.crash_writer FILE                    write until killed
    python -m tests.telemetry.crash_writer FILE LIMIT THRESHOLD    no file may grow beyond LIMIT bytes; after the third
                                                                   refusal of a batch there is room again

Each position of the journal is one batch of `PER_BATCH` readings; what is printed is stored.
"""

import resource
import signal
import sys
from pathlib import Path

from telemetry import duck_file
from telemetry.duck import DuckStore
from telemetry.errors import StoreUnavailable
from tests.telemetry.readings import T0, reading, series_of

PER_BATCH = 10


def write_one(store: DuckStore, position: int) -> None:
    rows = range(position * PER_BATCH, (position + 1) * PER_BATCH)
    # A text that does not compress makes files grow fast enough to meet the limit.
    noise = str(hash(position) * 2_654_435_761) * 40
    store.write([reading(T0 + n, float(n), n / 7.0, f"{n} {noise}") for n in rows], {0: position})


def write_for_ever(path: Path) -> None:
    store = DuckStore.open(path, series_of)
    position = store.cursor().get(0, -1)
    while True:
        position += 1
        write_one(store, position)
        print(position, flush=True)


def write_past_a_full_disk(path: Path, limit: int, threshold: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    duck_file.SETTINGS["checkpoint_threshold"] = threshold
    store = DuckStore.open(path, series_of)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    position = refusals = 0
    last = sys.maxsize
    while position <= last:
        try:
            write_one(store, position)
            position += 1
        except StoreUnavailable as error:
            refusals += 1
            last = position + 20
            if refusals == 3:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(type(error.__cause__).__name__, refusals, flush=True)
    store.close()
    print(position, flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write_for_ever(Path(sys.argv[1]))
    else:
        write_past_a_full_disk(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
