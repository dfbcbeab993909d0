"""The pipeline over a real journal: judged first, stored once, acknowledged only when durable."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.acceptance import MESSAGE_LIFETIME_NS
from gateway.counters import Counters
from gateway.pipeline import Pipeline
from gateway.uplink import Uplink
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.pipelines import GAS_1, GAS_2, SITE, Bench, counted, timed, untimed
from tests.fixtures.stories import WALL, at, gas_reading


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A pipeline over a journal of its own."""
    one = Bench(tmp_path / "journal")
    yield one
    await one.journal.close()


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
    bench.pipeline = Pipeline(SITE, bench.journal, Counters(CollectorRegistry()), origin=Origin.SIMULATED)
    bench.say(counted(1, 3.0))
    await bench.durable()
    assert [one.origin for one in bench.readings()] == [Origin.SIMULATED]


# -- messages without time and sequence ------------------------------------------------------------------------------


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


# -- readings of polled devices --------------------------------------------------------------------------------------


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
    assert bench.count("values_not_good_total", quality="bad:sensor-fault") == 1
    assert bench.count("values_not_good_total", quality="bad:over-range") == 1


@pytest.mark.parametrize("years", [-11, 11])
async def test_reading_far_from_now_is_kept_under_the_time_it_came(bench: Bench, years: int) -> None:
    bench.say(timed(3.0, years * 31_557_600.0 + years))
    await bench.durable()
    (reading,) = bench.readings()
    assert (reading.at, reading.quality_of(0)) == (WALL, Quality.UNCERTAIN_CLOCK)
    assert reading.claimed_at is not None
    assert bench.count("values_not_good_total", quality="uncertain:clock") == 1


# -- refused ---------------------------------------------------------------------------------------------------------


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


async def test_hundreds_of_unstamped_messages_of_one_instant_are_stored_each_at_a_time_of_its_own(bench: Bench) -> None:
    pack = f'[{{"bn":"{GAS_1}/","n":"methane","v":1}}]'.encode()
    for number in range(500):
        bench.pipeline.ingest(Uplink("coap", pack, 110, f"coap/x/{number}/", WALL), lambda _: None, at(0))
    await bench.durable()
    assert len({one.at for one in bench.readings()}) == len(bench.readings()) == 500


async def test_only_polled_readings_may_wait_for_others_to_share_their_commit(bench: Bench) -> None:
    submit, asked = bench.journal.submit, []

    def noting(*given: Any, patient: bool = False) -> None:
        asked.append(patient)
        submit(*given, patient=patient)

    bench.journal.submit = noting  # type: ignore[method-assign]  # the seam between the two, listened to
    for number, transport in enumerate(("modbus", "coap")):
        bench.pipeline.offer([gas_reading(number, GAS_1)], transport, bench.settled.append, at(number))
        await asyncio.sleep(0)
    assert asked == [True, False]
