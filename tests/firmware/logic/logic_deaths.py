"""What of a board may die, and what then goes on: the console, a link, a sleep, the loop before its reset."""

import asyncio

import crash
import hal
import main
import rig
from assembled import Bench, run_with
from assembly import AGAIN_MS, LONGEST_PAUSE_MS, kept_up


def test_line_that_breaks_the_console_is_logged_and_the_board_goes_on():
    bench = Bench()
    bench.start()

    def breaks(_now, _text):
        raise ValueError("no such line")

    bench.board.console.line = breaks
    bench.board.line("anything")
    assert "no such line" in crash.CrashLog(bench.store).text()
    assert bench.events.of("error")[-1]["message"][:8] == "crashed:"
    assert not bench.live(1)


def test_death_for_whose_words_there_is_no_memory_is_in_the_log_and_goes_no_further():
    bench = Bench()
    bench.start()

    def no_memory(*_what, **_fields):
        raise MemoryError

    hal.emit = no_memory
    bench.board.failed(ValueError("a link"))
    assert "a link" in crash.CrashLog(bench.store).text()
    bench.board._crash_log = None
    bench.board.failed(ValueError("another"))


def test_sleep_that_cannot_be_loaded_leaves_the_bin_awake_and_is_logged():
    tried = []

    def refuses():
        tried.append(1)
        raise ImportError("no room")

    learned, hal.learn_sleep = hal.learn_sleep, refuses
    try:
        for sleep, expected in (("none", 0), ("light", 1)):
            bench = Bench(product="smart-bin", sleep=sleep)
            bench.start()
            assert len(tried) == expected
            assert ("no room" in crash.CrashLog(bench.store).text()) == (expected == 1)
            assert not bench.live(1)
    finally:
        hal.learn_sleep = learned


class Clock:
    """Each look at it takes 10 ms."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 10
        return self.now


class Alarmed:
    must_not_restart = True


class Calm:
    must_not_restart = False


def test_reset_after_a_crash_waits_for_a_closing_pulse_and_no_longer():
    """Also where the building died, and nobody knows what its product had begun."""
    longest = main.FINISH_MS + 30
    for living, least, most in (
        ([Alarmed()], main.FINISH_MS, longest),
        ([Calm()], 0, 30),
        ([], main.FINISH_MS, longest),
    ):
        clock = Clock()
        main._finish(living, clock)
        assert least <= clock.now <= most


class Ended:
    """`hal` where a reset comes back, and a `sys` that cannot print."""

    def __init__(self, clock):
        self.clock = clock
        self.reset_at = 0

    def give_up(self):
        self.reset_at = self.reset_at or self.clock.now

    reset = give_up
    stderr = None

    def print_exception(self, *_what):
        raise MemoryError


def test_reset_waits_for_a_closing_pulse_also_where_the_crash_cannot_be_printed():
    clock = Clock()
    ended = Ended(clock)
    was = main.hal, main.sys
    main.hal = main.sys = ended
    log = crash.CrashLog(rig.store())
    try:
        main._guard(log, 1, clock, [Alarmed()])(None, {"exception": ValueError("the loop")})
    except MemoryError:
        pass
    finally:
        main.hal, main.sys = was
    assert "the loop" in log.text()
    assert ended.reset_at >= main.FINISH_MS


class Life:
    """`hal` and the board as `main._live` sees them; the console dies twice, says two lines and ends."""

    tasks = ()

    def __init__(self):
        self.node = self
        self.failures, self.heard, self.made = [], [], 0
        self.says = [OSError("usb"), "one", MemoryError(), "two", None]

    def Watchdog(self, _ms):
        return self

    def Lines(self):
        self.made += 1
        return self

    async def wait(self):
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    def line(self, text):
        self.heard.append(text)

    def failed(self, error):
        self.failures.append(type(error).__name__)

    async def doze(self, _ms, _deep):
        await asyncio.sleep(0)

    def turn(self, _now):
        return 1

    def feed(self):
        pass

    def should_restart(self, _now):
        return False

    may_sleep = should_restart

    def keep(self, _now):
        self.heard.append("kept")


def test_console_that_dies_is_logged_and_made_anew_and_the_board_goes_on():
    life = Life()
    waits = []

    async def sleep(ms):
        waits.append(ms)

    was = main.hal, main.Board
    main.hal, main.Board = life, lambda *_what: life
    try:
        run_with(rig.Events(), sleep, main._live((0, 0, 0, 0, 0), Clock(), []))
    finally:
        main.hal, main.Board = was
    assert (life.failures, life.made) == (["OSError", "MemoryError"], 3)
    assert life.heard == ["one", "two", "kept"]
    assert waits == [AGAIN_MS, 2 * AGAIN_MS]


def test_link_that_dies_is_made_anew_after_pauses_that_double():
    waits, errors, made = [], [], []

    async def sleep(ms):
        waits.append(ms)

    async def dies():
        made.append(1)
        if len(made) < 13:
            raise ValueError(f"link {len(made)}")

    run_with(rig.Events(), sleep, kept_up(dies, lambda error: errors.append(str(error))))
    assert errors == [f"link {number}" for number in range(1, 13)]
    assert waits[:4] == [AGAIN_MS, 2 * AGAIN_MS, 4 * AGAIN_MS, 8 * AGAIN_MS]
    assert waits[-2:] == [LONGEST_PAUSE_MS] * 2
