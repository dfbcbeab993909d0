"""When each unit is asked, and what is told of it, on a clock of the test's own."""

import asyncio
import itertools

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent
from gateway.poller import Poller
from gateway.slots import SLOT_S, SlotTimer
from gateway.transports.modbus.tcp import ModbusTcpBus
from gateway.turns import FIRST_WITHIN_S, PHASE_STEP
from protocols.profile.model import Profile
from protocols.reading import Value
from protocols.wire.modbus_pdu import read_request
from tests.fixtures.modbus_profiles import point, profile
from tests.fixtures.modbus_reference import opened, reference
from tests.fixtures.polling import GAS, QUIET, Bench, Clock, Told, running, unit
from tests.fixtures.stories import varied

HARMLESS = varied({point.name: {"life_safety": False} for point in GAS.points})
"""The gas alarm's registers without a life-safety point."""
SHORT = profile(point("level"))
"""One register."""


def gaps(times: list[float]) -> list[float]:
    return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]


async def test_unit_is_asked_on_a_fixed_grid() -> None:
    async with running(unit(1)) as bench:
        await bench.clock.until(110)
        first, *times = bench.bus.times(1)
        assert first - 100 <= FIRST_WITHIN_S
        assert gaps(times) == [1.0] * (len(times) - 1)
        assert round(times[0] / SLOT_S, 6).is_integer()
        assert bench.clock.wakes == len(times) + 1 >= 10


async def test_values_come_with_the_time_of_their_answer() -> None:
    async with running(unit(1)) as bench:
        bench.bus.costs_s[1] = 0.05
        await bench.clock.until(101.5)
        device, at, received, values = bench.told.values[0]
        asked = bench.bus.times(1)[0]
        assert (device, values[:2], at, received) == ("t:1", (1.2, 4.0), at, at)
        assert at == round((asked + 0.05) * 1e9)


async def test_units_are_spread_over_the_period_and_always_the_same_way() -> None:
    units = [unit(number) for number in range(1, 101)]
    first, second = Bench(*units), Bench(*units)
    started = {turn.due for turn in first.poller._turns.all}
    assert started == set(range(round(100 / SLOT_S), round((100 + FIRST_WITHIN_S) / SLOT_S)))
    for turn in (*first.poller._turns.all, *second.poller._turns.all):
        turn.answered(round(101 / SLOT_S))
    phases = [turn.due for turn in first.poller._turns.all]
    assert phases == [turn.due for turn in second.poller._turns.all]
    assert {due % 50 for due in phases} == set(range(0, 50, PHASE_STEP))


async def test_a_unit_with_a_long_period_is_asked_at_once_at_the_start() -> None:
    async with running(unit(1, 600.0)) as bench:
        await bench.clock.until(100 + FIRST_WITHIN_S)
        assert len(bench.told.values) == 1
        assert bench.poller.skipped == 0


async def test_slow_bus_skips_polls_and_counts_them() -> None:
    async with running(unit(1)) as bench:
        bench.bus.costs_s[1] = 2.5
        await bench.clock.until(111)
        assert gaps(bench.bus.times(1)[1:]) == [3.0] * 2
        assert bench.poller.skipped == 2 * len(bench.told.values)


async def test_poll_that_waits_for_a_neighbour_skips_what_it_missed() -> None:
    async with running(unit(1, 0.5), unit(2, 10.0)) as bench:
        bench.bus.costs_s[2] = 3.0
        await bench.clock.until(120)
        assert 4 <= bench.poller.skipped <= 12
        assert max(gaps(bench.bus.times(1))) <= 3.5


async def test_one_failure_is_tried_again_soon_and_is_no_loss() -> None:
    async with running(unit(1)) as bench:
        bench.bus.failing[1] = DeviceSilent("quiet")
        await bench.clock.until(bench.poller._turns.all[0].due * SLOT_S)
        bench.bus.failing.clear()
        await bench.clock.until(105)
        assert 0.3 < gaps(bench.bus.times(1))[0] <= 0.34
        assert (bench.told.lost, bench.poller.lost) == ([], ())


async def test_loss_is_told_once_and_ends_with_the_next_values() -> None:
    async with running(unit(1)) as bench:
        bench.bus.failing[1] = BadReply("garbled")
        await bench.clock.until(115)
        assert [(device, reason) for device, _, reason in bench.told.lost] == [("t:1", "garbled")]
        assert bench.poller.lost == ("t:1",)
        bench.bus.failing.clear()
        await bench.clock.until(130)
        assert (bench.told.values[-1][0], bench.poller.lost, len(bench.told.lost)) == ("t:1", (), 1)
        bench.bus.failing[1] = BadReply("again")
        await bench.clock.until(140)
        assert len(bench.told.lost) == 2


async def test_device_with_a_shorter_register_map_is_lost_and_what_to_do_is_told() -> None:
    """The real thing: a board of an earlier firmware refuses the whole request (exception 2)."""
    shorter = SimData(0, values=[1] * 10, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, [shorter]), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    bus = ModbusTcpBus("127.0.0.1", port)
    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    poller = Poller(
        bus,
        [unit(1, 0.02)],
        on_values=Told().on_values,
        on_lost=lambda _device, _at, reason: lost.set_result(reason),
        now_ns=Clock().ns,
        timer=SlotTimer(asyncio.get_running_loop()),
    )
    task = asyncio.ensure_future(poller.run())
    reason = await lost
    task.cancel()
    await asyncio.wait([task])
    await bus.close()
    await server.shutdown()
    assert reason == (
        f"modbus tcp 127.0.0.1:{port} unit 1: the slave refuses function 4 with exception 2 (illegal data address): "
        "it does not have all of input 0 to 24, which gengfu/gas-alarm reads; "
        "update its firmware, or give the device the profile that fits it"
    )


async def test_refusal_that_is_no_question_of_registers_is_told_as_it_came() -> None:
    async with running(unit(1)) as bench:
        bench.bus.failing[1] = DeviceRefused("refuses with exception 4", 4)
        await bench.clock.until(115)
        assert [reason for _, _, reason in bench.told.lost] == ["refuses with exception 4"]


async def test_unit_with_life_safety_points_is_probed_at_least_every_ten_seconds() -> None:
    async with running(unit(1)) as bench:
        bench.bus.failing[1] = DeviceSilent("quiet")
        await bench.clock.until(400)
        assert 8.9 < max(gaps(bench.bus.times(1))) <= 10.0


async def test_a_line_that_never_rests_probes_a_dead_unit_with_life_safety_points_as_often() -> None:
    async with running(unit(1), unit(2, 0.5), unit(3, 0.5)) as bench:
        bench.bus.failing[1] = DeviceSilent("quiet")
        bench.bus.costs_s |= {1: 0.3, 2: 0.4, 3: 0.4}
        await bench.clock.until(400)
        assert 9.0 < max(gaps(bench.bus.times(1))) - 0.3 <= 10.0


async def test_what_the_receiver_raises_ends_the_run_and_it_can_be_run_again() -> None:
    bench = Bench(unit(1))

    def broken(*_values: object) -> None:
        raise RuntimeError("no room")

    bench.poller._on_values = broken
    task = asyncio.ensure_future(bench.poller.run())
    await bench.clock.until(102)
    with pytest.raises(RuntimeError, match="no room"):
        await task
    asked = len(bench.bus.asked)
    await bench.clock.until(105)
    assert len(bench.bus.asked) == asked
    bench.poller._on_values = bench.told.on_values
    task = asyncio.ensure_future(bench.poller.run())
    await bench.clock.until(110)
    task.cancel()
    await asyncio.wait([task])
    assert len(bench.told.values) == len(bench.bus.asked) - asked


async def test_a_poller_that_is_cancelled_and_run_again_takes_no_answer_to_the_first() -> None:
    bench = Bench(unit(1))
    bench.bus.costs_s[1] = 0.5
    task = asyncio.ensure_future(bench.poller.run())
    await bench.clock.until(bench.poller._turns.all[0].due * SLOT_S + 0.1)
    assert len(bench.bus.asked) == 1
    task.cancel()
    await asyncio.wait([task])
    task = asyncio.ensure_future(bench.poller.run())
    await bench.clock.until(bench.clock.now + 5)
    task.cancel()
    await asyncio.wait([task])
    asked_again = bench.bus.times(1)[1]
    assert bench.told.values[0][1] == round((asked_again + 0.5) * 1e9)


async def test_unit_without_life_safety_points_is_probed_at_least_every_minute() -> None:
    async with running(unit(1, profile=HARMLESS)) as bench:
        bench.bus.failing[1] = DeviceSilent("quiet")
        await bench.clock.until(900)
        assert 59.9 < max(gaps(bench.bus.times(1))) <= 60.04


async def test_answering_unit_returns_to_its_own_grid() -> None:
    async with running(unit(1)) as bench:
        await bench.clock.until(102)
        before = bench.bus.times(1)[1]
        bench.bus.failing[1] = DeviceSilent("quiet")
        await bench.clock.until(130)
        bench.bus.failing.clear()
        await bench.clock.until(150)
        assert round(bench.bus.times(1)[-1] - before, 3).is_integer()


async def test_dead_units_cost_the_others_next_to_nothing() -> None:
    units = [unit(number) for number in range(1, 31)]
    async with running(*units) as bench:
        for number in range(1, 31):
            bench.bus.costs_s[number] = 0.01
        for number in (7, 8, 9):
            bench.bus.failing[number] = DeviceSilent("quiet")
            bench.bus.costs_s[number] = 0.3
        await bench.clock.until(160)
        live = [len(bench.bus.times(number)) for number in range(1, 31) if number not in (7, 8, 9)]
        assert min(live) >= 58
        assert bench.poller.lost == ("t:7", "t:8", "t:9")


async def test_more_dead_units_than_there_is_time_for_leave_the_others_theirs() -> None:
    async with running(*(unit(number, timeout_s=1.0) for number in range(1, 22))) as bench:
        for number in range(1, 21):
            bench.bus.failing[number] = DeviceSilent("quiet")
            bench.bus.costs_s[number] = 1.0
        await bench.clock.until(300)
        live = [at for at in bench.bus.times(21) if at > 200]
        assert max(gaps(live)) <= 2.0


async def test_bus_that_is_down_is_asked_again_when_it_tries_itself() -> None:
    async with running(unit(1), unit(2)) as bench:
        for number in (1, 2):
            bench.bus.failing[number] = BusDown("unplugged", retry_after_s=2.0)
        await bench.clock.until(150)
        assert max(gaps(bench.bus.times(1))) <= 2.04
        assert {device for device, _, _ in bench.told.lost} == {"t:1", "t:2"}


async def test_poller_without_units_ends() -> None:
    async with running() as bench:
        await bench.poller.run()


async def test_reference_server_is_polled_until_the_task_is_cancelled() -> None:
    """The real thing: real clock, real bus, real server."""
    registers = [int.from_bytes(QUIET[at : at + 2], "big") for at in range(0, len(QUIET), 2)]
    server = ModbusTcpServer(
        SimDevice(1, [SimData(0, values=registers, datatype=DataType.REGISTERS)]), address=("127.0.0.1", 0)
    )
    await server.serve_forever(background=True)
    bus = ModbusTcpBus("127.0.0.1", server.transport.sockets[0].getsockname()[1])
    polled = asyncio.Event()
    told = Told()

    def on_values(
        device: str, one: Profile, at: int, received: int, values: tuple[Value, ...], quality: tuple[int, ...]
    ) -> None:
        told.on_values(device, one, at, received, values, quality)
        if len(told.values) == 3:
            polled.set()

    poller = Poller(
        bus,
        [unit(1, 0.02)],
        on_values=on_values,
        on_lost=told.on_lost,
        now_ns=Clock().ns,
        timer=SlotTimer(asyncio.get_running_loop()),
    )
    task = asyncio.ensure_future(poller.run())
    await polled.wait()
    task.cancel()
    await asyncio.wait([task])
    await bus.close()
    await server.shutdown()
    assert [values[:2] for _, _, _, values in told.values] == [(1.2, 4.0)] * 3
    assert told.lost == []


async def test_what_the_receiver_raises_does_not_cost_the_connection() -> None:
    """A command to close may be waiting on it."""
    async with reference() as port, opened(ModbusTcpBus("127.0.0.1", port)) as bus:
        told = Told()

        def broken(*_values: object) -> None:
            raise RuntimeError("no room")

        poller = Poller(
            bus,
            [unit(1, 0.02, SHORT)],
            on_values=broken,
            on_lost=told.on_lost,
            now_ns=Clock().ns,
            timer=SlotTimer(asyncio.get_running_loop()),
        )
        with pytest.raises(RuntimeError, match="no room"):
            await poller.run()
        assert await bus.request(1, read_request(3, 0, 1), 5, urgent=True) == b"\x00\x01"
        assert (bus.counters.connects, told.lost) == (1, [])
