"""When each unit is asked, and what is told of it, on a clock of the test's own."""

import asyncio
import contextlib
import heapq
import itertools
import json
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent, TransportError
from gateway.poller import PHASE_STEP, PolledUnit, Poller
from gateway.slots import SLOT_S, Handle, SlotTimer
from gateway.transports.modbus.tcp import ModbusTcpBus
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.reading import Value

PROFILES = Path(__file__).parents[2] / "protocols/profiles/gengfu"


def shipped(model: str) -> Profile:
    content = tomllib.loads((PROFILES / f"{model}.toml").read_text())
    return compile_profile(ProfileFile.model_validate_json(json.dumps(content)))


GAS = shipped("gas-alarm")
QUIET = bytes.fromhex("000c 0004 0000 0001 0001 00f5 04b1 0000 0e10 0000") + bytes(30)


def harmless() -> Profile:
    """The gas alarm's registers without a life-safety point."""
    content = tomllib.loads((PROFILES / "gas-alarm.toml").read_text())
    content["point"] = [{**part, "life_safety": False} for part in content["point"]]
    return compile_profile(ProfileFile.model_validate_json(json.dumps(content)))


class NeverCancelled:
    """A poller never takes a wake-up back."""

    def cancel(self) -> None:
        raise AssertionError


class Clock:
    """Time that stands still until `until` moves it on, stopping at every wake-up on the way."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wakes = 0
        self._calls = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def ns(self) -> int:
        return round(self.now * 1e9)

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        self._calls += 1
        heapq.heappush(self._due, (when, self._calls, callback))
        return NeverCancelled()

    async def until(self, when: float) -> None:
        await settle()
        while self._due and self._due[0][0] <= when:
            self.now, _, callback = heapq.heappop(self._due)
            self.wakes += 1
            callback()
            await settle()
        self.now = when


async def settle() -> None:
    """Let everything run that does not wait for the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


class ScriptedBus:
    """Answers at once, or takes ``costs_s`` and fails, as told per unit."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[tuple[float, int]] = []
        self.failing: dict[int, TransportError] = {}
        self.costs_s: dict[int, float] = {}
        self._clock = clock

    async def request(self, unit: int, pdu: bytes, timeout_s: float, *, urgent: bool = False) -> bytes:
        self.asked.append((round(self._clock.now, 3), unit))
        if cost_s := self.costs_s.get(unit):
            awake = asyncio.get_running_loop().create_future()
            self._clock.call_at(self._clock.now + cost_s, lambda: awake.set_result(None))
            await awake
        if unit in self.failing:
            raise self.failing[unit]
        return QUIET

    def times(self, unit: int) -> list[float]:
        return [at for at, who in self.asked if who == unit]


class Told:
    """What the poller told."""

    def __init__(self) -> None:
        self.values: list[tuple[str, int, int, tuple[Value, ...]]] = []
        self.lost: list[tuple[str, int, str]] = []

    def on_values(
        self, device: str, profile: Profile, at: int, received: int, values: tuple[Value, ...], quality: tuple[int, ...]
    ) -> None:
        assert len(values) == len(quality) == len(profile.points)
        self.values.append((device, at, received, values))

    def on_lost(self, device: str, at: int, reason: str) -> None:
        self.lost.append((device, at, reason))


class Bench:
    """A running poller with its clock and its scripted bus."""

    def __init__(self, *units: PolledUnit) -> None:
        self.clock = Clock()
        self.bus = ScriptedBus(self.clock)
        self.told = Told()
        self.poller = Poller(
            self.bus,
            units,
            on_values=self.told.on_values,
            on_lost=self.told.on_lost,
            now_ns=self.clock.ns,
            timer=self.clock,
        )


@contextlib.asynccontextmanager
async def running(*units: PolledUnit) -> AsyncIterator[Bench]:
    bench = Bench(*units)
    task = asyncio.ensure_future(bench.poller.run())
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])


def unit(number: int, period_s: float = 1.0, profile: Profile = GAS, timeout_s: float = 0.3) -> PolledUnit:
    return PolledUnit(f"t:{number}", number, profile, period_s, timeout_s)


def gaps(times: list[float]) -> list[float]:
    return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]


async def test_unit_is_asked_on_a_fixed_grid() -> None:
    async with running(unit(1)) as bench:
        await bench.clock.until(110)
        times = bench.bus.times(1)
        assert gaps(times) == [1.0] * 9
        assert round(times[0] / SLOT_S, 6).is_integer()
        assert bench.clock.wakes == 10


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
    phases = [turn.due for turn in first.poller._turns]
    assert phases == [turn.due for turn in second.poller._turns]
    assert len({due % 50 for due in phases}) > 20
    assert {due % PHASE_STEP for due in phases} == {0}


async def test_slow_bus_skips_polls_and_counts_them() -> None:
    async with running(unit(1)) as bench:
        bench.bus.costs_s[1] = 2.5
        await bench.clock.until(112)
        assert gaps(bench.bus.times(1)) == [3.0] * 3
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
        await bench.clock.until(bench.poller._turns[0].due * SLOT_S)
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
        assert 9.9 < max(gaps(bench.bus.times(1))) <= 10.04


async def test_unit_without_life_safety_points_is_probed_at_least_every_minute() -> None:
    async with running(unit(1, profile=harmless())) as bench:
        bench.bus.failing[1] = DeviceSilent("quiet")
        await bench.clock.until(900)
        assert 59.9 < max(gaps(bench.bus.times(1))) <= 60.04


async def test_answering_unit_returns_to_its_own_grid() -> None:
    async with running(unit(1)) as bench:
        await bench.clock.until(102)
        before = bench.bus.times(1)[0]
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
