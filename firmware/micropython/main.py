"""Firmware entry on every port: settings, hardware, and the tasks of a board.

    micropython -X heapsize=512k main.py --product gas-alarm --device ID --gateway HOST:PORT --period S --state DIR

On a microcontroller the settings are in flash. On the unix port the board lives as long as its stdin: the bench's life
line. Exit codes there: 0 the life line ended, 2 wrong settings, 75 restart it (`hal.reset`).
"""

import asyncio
import gc
import sys

import crash
import hal
import kv
import settings
from assembly import Board, kept_up
from config import Config

# Waiting packs stand among short-lived objects. Collected only when it is full, the heap falls to pieces: with 100 KB
# free and a full ring, 1500 bytes in a row were not to be had.
COLLECT_EVERY_BYTES = 16384
# Below the RP2040's longest, 8388 ms.
WATCHDOG_MS = 8000
# A run that dies sooner may never have listened to its console: `hal.give_up`.
REACHABLE_MS = 60000
# A closing pulse (`products.valve`) and its proof.
FINISH_MS = 600


async def _work(board: Board, ticks, watchdog) -> None:
    """The loop of the board. Only a turn that was done to its end feeds the watchdog."""
    while True:
        pause_ms = board.node.turn(ticks())
        watchdog.feed()
        if board.should_restart(ticks()):
            hal.reset()
        await hal.doze(pause_ms, board.node.may_sleep(ticks()))


def _guard(crash_log, boot: int, ticks, living: list):
    """What happens when a task dies that the board cannot do without: the log, and a restart. Not a board that looks
    alive and does not sample. ``living``: the board, once it is built."""
    # Room to tell of a heap that is full: 1 KB for the record, 1 KB for the cache of the file it goes to.
    reserve = [bytearray(1200), bytearray(1200)]

    def stop(_loop, context: dict) -> None:
        reserve.clear()
        gc.collect()
        error = context["exception"]
        try:
            crash_log.write(crash.describe(error), boot, ticks() // 1000)
            sys.print_exception(error, sys.stderr)  # pyright: ignore[reportArgumentType]  # the stubs know no text stream
        finally:
            try:
                _finish(living, ticks)
            finally:
                if ticks() < REACHABLE_MS:
                    hal.give_up()
                hal.reset()

    return stop


def _finish(living: list, ticks) -> None:
    """Leave the outputs as they are for the length of a closing pulse: a reset would cut it, each time anew. Also where
    the building died: its product may have begun one."""
    end = ticks() + FINISH_MS
    while (not living or living[0].must_not_restart) and ticks() < end:
        pass


def _start(store: kv.Store) -> tuple:
    """Number of this start, and how many were counted. A flash that refuses must not keep the board from its work."""
    entropy = hal.entropy()
    try:
        return kv.next_start(store, entropy)
    except OSError as error:
        hal.emit("error", message=f"boot: the flash refuses it, this start has a random number: {error}")
        return (entropy & 0x3FFFFFFF) + 1, 0


async def _hear(board: Board) -> None:
    """Take the lines of the console until the life line ends."""
    lines = hal.Lines()
    line = await lines.wait()
    while line is not None:
        board.line(line)
        line = await lines.wait()


async def _live(parts: tuple, ticks, living: list) -> None:
    """Build the board of ``parts``, set it to work, and hear its console until the life line ends."""
    watchdog = hal.Watchdog(WATCHDOG_MS)
    config, store, folder, crash_log, start = parts
    board = Board(config, store, folder, crash_log, ticks, start)
    living.append(board)
    # The links first: their sockets are open when the first reading leaves.
    tasks = [asyncio.create_task(kept_up(make, board.failed)) for make in board.tasks]
    tasks.append(asyncio.create_task(_work(board, ticks, watchdog)))
    # A console that dies takes no board with it: nobody need be at it.
    await kept_up(lambda: _hear(board), board.failed)
    for task in tasks:
        task.cancel()
    board.keep(ticks())


async def run(given: dict, fault: str = "") -> None:
    """Run the board until its life line ends. ``given``: the factory's settings, texts by name; ``fault``: what is
    wrong with them (`settings.flashed`)."""
    gc.threshold(COLLECT_EVERY_BYTES)
    ticks = hal.Ticks()
    folder = hal.storage(given)
    store = kv.Store(folder)
    crash_log = crash.CrashLog(store)
    config = Config(store, given, hal.emit, fault)
    start = _start(store)
    hal.emit("started", product=config.settings["product"], device=config.settings["device"], boot=start[0])
    if crash_log.waiting:
        hal.emit("crash", text=crash_log.text())
    living = []
    stop = _guard(crash_log, start[0], ticks, living)
    asyncio.get_event_loop().set_exception_handler(stop)
    try:
        await _live((config, store, folder, crash_log, start), ticks, living)
    except Exception as error:  # as of a task: also a board that cannot be built is logged, and starts again
        stop(None, {"exception": error})


def main() -> None:
    """See the module."""
    try:
        flashed = hal.factory()
        if flashed is None:
            asyncio.run(run(settings.pairs_of_arguments(sys.argv[1:])))
        else:
            asyncio.run(run(*settings.flashed(flashed)))
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
