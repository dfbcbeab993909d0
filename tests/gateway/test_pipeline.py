"""The pipeline over a real journal: judged first, stored once, acknowledged only when durable."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from device_registry.devices import Site
from device_registry.load import load_site
from gateway.counters import Counters
from gateway.pipeline import MESSAGE_LIFETIME_NS, Pipeline, Verdict
from gateway.uplink import Uplink
from journal.entry import PARTITIONS, Entry, partition_of
from journal.errors import JournalClosed, JournalFull
from journal.sqlite import SqliteJournal
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin, Reading, decode_reading
from tests.fixtures.stories import WALL, at, gas_reading

SITE_FILE = Path(__file__).parents[2] / "sites/demo/site.toml"
GAS_1, GAS_2 = "demo:gas:0001", "demo:gas:0002"
ALL = range(PARTITIONS)
STARTED = WALL - 3600 * SECOND


class Judge:
    """Remembers what it was given, and decides what the test says."""

    def __init__(self) -> None:
        self.seen: list[Reading] = []
        self.verdict = Verdict([], {})
        self.fault: Exception | None = None

    def observe(self, reading: Reading, now: Moment) -> Verdict:
        self.seen.append(reading)
        if self.fault is not None:
            raise self.fault
        return self.verdict


class Bench:
    """A pipeline over a journal in a folder; `settled` is what each message was told, in order."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site
        self.judge = Judge()
        self.settled: list[Exception | None] = []
        self._open()

    def _open(self, **settings: int) -> None:
        self.journal = SqliteJournal.open(self.folder, now=STARTED, **settings)  # type: ignore[arg-type]  # all are ints
        self.registry = CollectorRegistry()
        self.pipeline = Pipeline(self.site, self.journal, Counters(self.registry), (self.judge,))

    async def reopen(self, **settings: int) -> None:
        """The gateway is started again."""
        await self.journal.close()
        self._open(**settings)
        self.pipeline.rebuild(self.journal.tail(1000))

    def say(self, payload: str, seconds: float = 0.0, *, mid: int = 1, content_format: int = 110) -> tuple[str, ...]:
        """One message over CoAP."""
        source = f"coap/127.0.0.1:40000/{mid}/ab"
        uplink = Uplink("coap", payload.encode(), content_format, source, at(seconds).wall)
        return self.pipeline.ingest(uplink, self.settled.append, at(seconds))

    async def durable(self) -> None:
        """Wait until everything said so far is settled."""
        done = asyncio.get_running_loop().create_future()
        self.journal.submit((), done.set_result)
        await done
        await asyncio.sleep(0)

    def readings(self) -> list[Reading]:
        """What is stored."""
        return [
            decode_reading(one.entry.body) for one in self.journal.read(ALL, {}, 1000) if one.entry.kind == "reading"
        ]

    def count(self, name: str, **labels: str) -> float:
        """A counter's value."""
        return self.registry.get_sample_value(f"gengfu_{name}", labels) or 0.0


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(SITE_FILE, shipped_profiles())


@pytest.fixture
async def bench(tmp_path: Path, site: Site) -> AsyncIterator[Bench]:
    one = Bench(tmp_path / "journal", site)
    yield one
    await one.journal.close()


def counted(sequence: int, methane: float, boot: int = 1, device: str = GAS_1) -> str:
    """A pack of a device that counts."""
    return (
        f'[{{"bn":"{device}/","n":"boot","v":{boot}}},{{"n":"seq","v":{sequence}}},{{"n":"methane","v":{methane}}}]'
    )  # fmt: skip


def untimed(methane: float) -> str:
    """A pack of a device that sends neither time nor sequence."""
    return f'[{{"bn":"{GAS_1}/","n":"methane","v":{methane}}}]'


def timed(methane: float, seconds: float) -> str:
    """A pack of a device that stamps its samples."""
    return f'[{{"bn":"{GAS_1}/","bt":{WALL // SECOND + seconds},"n":"methane","v":{methane}}}]'


async def test_acknowledged_only_when_durable(bench: Bench) -> None:
    stored_when_told: list[int] = []
    uplink = Uplink("coap", counted(1, 3.0).encode(), 110, "coap/x/1/", WALL)
    devices = bench.pipeline.ingest(uplink, lambda _error: stored_when_told.append(len(bench.readings())), at(0))
    assert (devices, stored_when_told, len(bench.judge.seen)) == ((GAS_1,), [], 1)
    await bench.durable()
    assert stored_when_told == [1]
    assert bench.readings() == bench.judge.seen
    assert bench.count("readings_total", transport="coap") == 1


async def test_same_sequence_is_stored_once_and_acknowledged_each_time(bench: Bench) -> None:
    for number in range(3):
        bench.say(counted(7, 3.0), number, mid=number)
    await bench.durable()
    bench.say(counted(7, 3.0), 4, mid=4)
    await bench.durable()
    assert (len(bench.readings()), bench.settled) == (1, [None] * 4)
    assert bench.count("readings_duplicate_total", transport="coap") == 3


async def test_same_sequence_after_another_boot_is_another_reading(bench: Bench) -> None:
    bench.say(counted(7, 3.0, boot=1), 0)
    bench.say(counted(7, 3.0, boot=2), 1)
    await bench.durable()
    assert [(one.boot, one.sequence) for one in bench.readings()] == [(1, 7), (2, 7)]


async def test_same_sequence_with_another_payload_is_kept_in_doubt(bench: Bench) -> None:
    bench.say(counted(7, 3.0), 0)
    bench.say(counted(7, 4.0), 0)
    await bench.durable()
    first, second = bench.readings()
    assert (second.at - first.at, second.values[0]) == (1000, 4.0)
    assert (first.quality_of(0), second.quality_of(0)) == (Quality.GOOD, Quality.UNCERTAIN_CLOCK)
    assert second.quality_of(1) is Quality.GOOD, "an absent point says nothing of the clock"
    assert bench.judge.seen[1].quality_of(0) is Quality.UNCERTAIN_CLOCK


async def test_same_instant_with_another_payload_is_kept_a_microsecond_later_in_doubt(bench: Bench) -> None:
    for number, methane in enumerate((3.0, 4.0, 5.0, 3.0)):
        bench.say(timed(methane, -1), 0, mid=number)
    await bench.durable()
    stamps = [one.at - WALL + SECOND for one in bench.readings()]
    assert stamps == [0, 1000, 2000]
    assert [one.quality_of(0).is_good for one in bench.readings()] == [True, False, False]


async def test_origin_is_the_gateways_and_never_the_payloads(bench: Bench) -> None:
    bench.pipeline = Pipeline(bench.site, bench.journal, Counters(CollectorRegistry()), origin=Origin.SIMULATED)
    bench.say(counted(1, 3.0))
    await bench.durable()
    assert [one.origin for one in bench.readings()] == [Origin.SIMULATED]


# -- messages without time and sequence -----------------------------------------------------------------------------


async def test_retransmitted_message_without_time_is_stored_once(bench: Bench) -> None:
    for second in (0, 2, 6, 246):
        bench.say(untimed(3.0), second)
    await bench.durable()
    assert (len(bench.readings()), bench.settled) == (1, [None] * 4)


async def test_retransmitted_message_is_known_after_a_restart(bench: Bench) -> None:
    bench.say(untimed(3.0), 0)
    await bench.durable()
    await bench.reopen()
    bench.say(untimed(3.0), 200)
    await bench.durable()
    assert len(bench.readings()) == 1


@pytest.mark.parametrize("restart", [False, True])
async def test_message_id_that_comes_again_after_its_lifetime_is_another_message(bench: Bench, restart: bool) -> None:
    bench.say(untimed(3.0), 0)
    await bench.durable()
    if restart:
        await bench.reopen()
    bench.say(untimed(3.0), MESSAGE_LIFETIME_NS / SECOND + 1)
    await bench.durable()
    assert len(bench.readings()) == 2


async def test_message_id_that_comes_again_with_another_payload_is_no_doubt_of_the_clock(bench: Bench) -> None:
    bench.say(untimed(3.0), 0)
    bench.say(untimed(4.0), 10)
    await bench.durable()
    assert [one.quality_of(0) for one in bench.readings()] == [Quality.GOOD, Quality.GOOD]


async def test_message_id_is_another_message_after_the_clock_went_back(bench: Bench) -> None:
    bench.say(untimed(3.0), 7200)
    bench.say(untimed(3.0), 10)
    await bench.durable()
    assert len(bench.readings()) == 2


async def test_retransmitted_burst_without_time_is_stored_once(bench: Bench) -> None:
    burst = f'[{{"bn":"{GAS_1}/","n":"methane","v":1}},{{"n":"methane","v":2}},{{"n":"methane","v":3}}]'
    bench.say(burst, 0)
    bench.say(burst, 2)
    await bench.durable()
    assert [one.values[0] for one in bench.readings()] == [1.0, 2.0, 3.0]


async def test_another_message_with_the_same_values_is_another_reading(bench: Bench) -> None:
    bench.say(untimed(3.0), 0, mid=1)
    bench.say(untimed(3.0), 2, mid=2)
    await bench.durable()
    assert len(bench.readings()) == 2


# -- a journal that refuses ----------------------------------------------------------------------------------------


async def test_refused_reading_was_judged_and_is_stored_when_it_comes_again(bench: Bench) -> None:
    await bench.reopen(max_waiting=0)
    bench.say(counted(1, 60.0))
    assert [type(one) for one in bench.settled] == [JournalFull]
    assert [one.values[0] for one in bench.judge.seen] == [60.0]
    await bench.reopen()
    bench.say(counted(1, 60.0), 2)
    await bench.durable()
    assert (len(bench.readings()), bench.settled[-1]) == (1, None)


async def test_commit_that_failed_is_forgotten(bench: Bench) -> None:
    await bench.reopen(max_bytes=1, reserve_bytes=0)
    bench.say(counted(1, 60.0))
    bench.say(counted(1, 60.0), 1)
    await bench.durable()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    assert bench.count("readings_total", transport="coap") == 0
    await bench.reopen()
    bench.say(counted(1, 60.0), 2)
    await bench.durable()
    assert (len(bench.readings()), bench.settled[-1]) == (1, None)


async def test_pack_is_not_acknowledged_while_a_part_sent_before_is_not_durable(bench: Bench) -> None:
    """The commit of the first message runs and fails while the second repeats its reading and brings a new one."""
    await bench.reopen(max_bytes=1, reserve_bytes=10**9)
    bench.judge.verdict = Verdict([], {})
    bench.say(counted(1, 3.0), 0)
    bench.judge.verdict = Verdict([Entry("alarm", "a/1", 0, WALL, b"\x91\x01")], {})
    both = counted(1, 3.0)[:-1] + "," + counted(1, 5.0, device=GAS_2)[1:]
    bench.say(both, 1)
    await bench.durable()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    assert [one.device for one in bench.readings()] == [GAS_2]
    bench.judge.verdict = Verdict([], {})
    await bench.reopen()
    bench.say(both, 2)
    await bench.durable()
    assert (sorted(one.device for one in bench.readings()), bench.settled[-1]) == ([GAS_1, GAS_2], None)


async def test_closed_journal_is_told_and_not_raised(bench: Bench) -> None:
    await bench.journal.close()
    bench.say(counted(1, 60.0))
    assert [type(one) for one in bench.settled] == [JournalClosed]


async def test_fault_of_a_judge_does_not_make_a_reading_known(bench: Bench) -> None:
    bench.judge.fault = ZeroDivisionError("a fault of ours")
    with pytest.raises(ZeroDivisionError):
        bench.say(counted(1, 60.0))
    bench.judge.fault = None
    bench.say(counted(1, 60.0), 1)
    await bench.durable()
    assert (len(bench.readings()), bench.settled) == (1, [None])


# -- what the judges decide ----------------------------------------------------------------------------------------


def alarm(number: int) -> Entry:
    """An entry of an alarm."""
    return Entry("alarm", f"a/{number}", partition_of(GAS_1), WALL, b"\x91\x01")


async def test_decision_is_in_the_commit_of_its_reading(bench: Bench) -> None:
    batches: list[list[str]] = []
    bench.journal.subscribe(lambda stored: batches.append([one.entry.kind for one in stored]))
    bench.judge.verdict = Verdict([alarm(1)], {"alarm/a": b"1"})
    bench.say(counted(1, 60.0))
    await bench.durable()
    assert batches == [["alarm", "reading"]]
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"1"}


async def test_decision_that_was_refused_is_stored_with_the_next_commit_that_succeeds(bench: Bench) -> None:
    refuse = _refusing(bench)
    bench.judge.verdict = Verdict([alarm(1)], {"alarm/a": b"1", "alarm/b": b"1"})
    bench.say(counted(1, 60.0))
    bench.judge.verdict = Verdict([alarm(2)], {"alarm/a": b"2"})
    bench.say(counted(2, 60.0))
    bench.judge.verdict = Verdict([], {})
    refuse(False)
    bench.say(counted(3, 60.0))
    await bench.durable()
    await bench.durable()
    stored = [one.entry.id for one in bench.journal.read(ALL, {}, 100) if one.entry.kind == "alarm"]
    assert sorted(stored) == ["a/1", "a/2"]
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"2", "alarm/b": b"1"}
    assert len(bench.readings()) == 1, "a reading that was refused is sent again by its device"


async def test_kept_state_never_overwrites_a_younger_one(bench: Bench) -> None:
    refuse = _refusing(bench)
    bench.pipeline.store(Verdict([alarm(1)], {"alarm/a": b"1"}))
    refuse(False)
    bench.pipeline.store(Verdict([alarm(2)], {"alarm/a": b"2"}))
    await bench.durable()
    await bench.durable()
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"2"}
    assert len(bench.journal.read(ALL, {}, 100)) == 2


def _refusing(bench: Bench) -> Callable[[bool], None]:
    """Let the journal refuse at once, as when too much waits for the disk; returns the switch."""
    submit = bench.journal.submit
    refuses = True

    def refusing(entries: Sequence[Entry], done: object = None, state: object = None) -> None:
        if refuses:
            raise JournalFull("the disk is full")
        submit(entries, done, state)  # type: ignore[arg-type]  # passed through

    def switch(to: bool) -> None:
        nonlocal refuses
        refuses = to

    bench.journal.submit = refusing  # type: ignore[method-assign]  # the one fault that no small disk gives on demand
    return switch


# -- readings of polled devices ------------------------------------------------------------------------------------


async def test_polled_readings_are_judged_stored_and_counted(bench: Bench) -> None:
    first = gas_reading(0, GAS_1, methane=3.0)
    bench.pipeline.offer([first, gas_reading(2, GAS_1)], "modbus", bench.settled.append, at(2))
    bench.pipeline.offer([first], "modbus", bench.settled.append, at(3))
    await bench.durable()
    assert (len(bench.readings()), bench.settled, len(bench.judge.seen)) == (2, [None, None], 3)
    assert bench.count("readings_total", transport="modbus") == 2
    assert bench.count("readings_duplicate_total", transport="modbus") == 1


async def test_quality_that_is_not_good_is_counted_by_its_word(bench: Bench) -> None:
    bench.say(f'[{{"bn":"{GAS_1}/","n":"methane","v":1}},{{"n":"co","v":2}},{{"n":"fault","vb":true}}]')
    bench.say(f'[{{"bn":"{GAS_2}/","n":"methane","v":104}}]', 1)
    assert bench.count("values_not_good_total", quality="bad:sensor-fault") == 2
    assert bench.count("values_not_good_total", quality="bad:over-range") == 1


@pytest.mark.parametrize("years", [-11, 11])
async def test_reading_far_from_now_is_kept_under_the_time_it_came(bench: Bench, years: int) -> None:
    bench.say(timed(3.0, years * 31_557_600.0 + years))
    await bench.durable()
    (reading,) = bench.readings()
    assert (reading.at, reading.quality_of(0)) == (WALL, Quality.UNCERTAIN_CLOCK)
    assert reading.claimed_at is not None
    assert bench.count("values_not_good_total", quality="uncertain:clock") == 1


# -- refused -------------------------------------------------------------------------------------------------------


async def test_unknown_device_is_refused_listed_and_counted(bench: Bench) -> None:
    for mid in (1, 2):
        with pytest.raises(UnknownDevice, match="'demo:gas:0099' is not registered"):
            bench.say(counted(1, 60.0, device="demo:gas:0099"), mid, mid=mid)
    heard = bench.pipeline.unknown.items()
    assert [(one.device, one.messages) for one in heard] == [("demo:gas:0099", 2)]
    assert bench.count("unknown_devices") == 1
    assert bench.count("uplinks_refused_total", transport="coap", kind="unknown-device") == 2
    assert (bench.judge.seen, bench.settled) == ([], [])


async def test_pack_with_one_wrong_record_is_refused_whole(bench: Bench) -> None:
    with pytest.raises(DecodeError, match="record 2"):
        bench.say(f'[{{"bn":"{GAS_1}/","n":"methane","v":1}},{{"n":"methane","v":"high"}}]')
    await bench.durable()
    assert (bench.judge.seen, bench.readings(), bench.settled) == ([], [], [])
    assert bench.count("uplinks_refused_total", transport="coap", kind="type") == 1


async def test_pack_without_readings_is_acknowledged(bench: Bench) -> None:
    assert bench.say("[]") == ()
    await bench.durable()
    assert bench.settled == [None]


async def test_many_messages_share_their_commits_and_are_told_in_order(bench: Bench) -> None:
    told: list[int] = []
    for number in range(500):
        uplink = Uplink("coap", counted(number, 3.0).encode(), 110, f"coap/x/{number}/", WALL + number)
        bench.pipeline.ingest(uplink, lambda error, number=number: told.append(number), at(0))  # type: ignore[misc]  # bound now
    await bench.durable()
    assert told == list(range(500))
    assert len({one.identity for one in bench.readings()}) == 500
