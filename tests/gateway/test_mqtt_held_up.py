"""A journal that takes nothing, and the whole gateway at a real broker: what waits there is judged (S9)."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alarms.alarm import decode_transition
from alarms.states import Event
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import clock, rules
from gengfu.gateway_side import GatewaySide
from gengfu.mqtt_side import MqttSide
from gengfu.supervisor import Supervisor
from interlocks.record import decode_event
from journal.entry import PARTITIONS, Done, Entry
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.command import decode_command_event
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Reading, decode_reading
from tests.contract.mqtt_rig import GAS_BY_MQTT
from tests.fixtures.mosquitto import Mosquitto, Publisher, publish, running
from tests.fixtures.mqtt_gateway import GAS, document
from tests.fixtures.programs import program
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
UP, DOWN = f"gengfu/{GAS}/up", f"gengfu/{GAS}/down"
PERIOD_S = 0.2
MANY = 500
"""More than a window holds: ours of 200 with version 5, 20 of Mosquitto's own with 3.1.1."""


class Refusing:
    """A journal that takes no readings: it says so, or says nothing until it `takes`."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._submit = journal.submit
        self._held: list[tuple[Sequence[Entry], Done | None, Mapping[str, bytes | None] | None]] = []
        self.mode = "takes"
        journal.submit = self.submit  # type: ignore[method-assign]  # no small disk is full, or hangs, on demand

    def submit(
        self,
        entries: Sequence[Entry],
        done: Done | None = None,
        state: Mapping[str, bytes | None] | None = None,
        *,
        patient: bool = False,
    ) -> None:
        is_bulk = bool(entries) and all(one.kind == "reading" for one in entries)
        if self.mode == "hangs":
            self._held.append((entries, done, state))
        elif self.mode == "refuses" and (is_bulk or (not entries and not state)):
            raise JournalFull("the disk is full")
        else:
            self._submit(entries, done, state, patient=patient)

    def recover(self) -> None:
        self.mode = "takes"
        held, self._held = self._held, []
        for entries, done, state in held:
            self._submit(entries, done, state)


class Whole:
    """The gateway of a process, with one gas alarm at the broker, and what listens there for the alarm's commands."""

    def __init__(self, folder: Path, broker: Mosquitto, **connection: str) -> None:
        profiles = {**shipped_profiles(), GAS_BY_MQTT.id: GAS_BY_MQTT}
        maker = {"id": "east:gas:0002", "profile": "zigbee2mqtt/jt-bz-01aq-a", "mqtt": {"up": "maker/x"}}
        config = SiteConfig.model_validate(document(broker.port, connection, [maker]), strict=False)
        site = compile_site(config, profiles)
        self.broker = broker
        self.journal = SqliteJournal.open(folder / "journal", now=clock.wall(), window_s=0.0)
        self._downlink = SqliteJournal.open(folder / "downlink", now=clock.wall())
        self.refusing = Refusing(self.journal)
        self.metrics = CollectorRegistry()
        self._supervisor = Supervisor(self.metrics)
        self.gateway = GatewaySide(site, rules.shipped(), self.journal, self._downlink, self.metrics, self._supervisor)
        self.commands: list[bytes] = []
        self.said: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        found = program("mosquitto_sub")
        options = ("-h", "127.0.0.1", "-p", str(self.broker.port), "-t", DOWN)
        self._board = await asyncio.create_subprocess_exec(
            found.path, *options, env=dict(found.env), stdout=asyncio.subprocess.PIPE
        )
        self._tasks.append(asyncio.create_task(self._listen()))
        await self.gateway.start({})
        await wait_for_async(lambda: self.side.diagnosis.is_up, what="the broker")
        self.device = Publisher(self.broker.port, UP)

    async def _listen(self) -> None:
        assert self._board.stdout is not None
        async for line in self._board.stdout:
            self.commands.append(line)

    @property
    def side(self) -> MqttSide:
        side = self.gateway.sides["broker"]
        assert isinstance(side, MqttSide)
        return side

    @property
    def clock_offset_s(self) -> float | None:
        return self.side.diagnosis.devices[GAS].clock_offset_s

    def say(self, methane: float, valve: int = 1) -> None:
        """The board reports, with neither time nor number."""
        self.said.append(methane)
        self.device.say(f'[{{"bn":"{GAS}/","n":"methane","v":{methane}}},{{"n":"valve","v":{valve}}}]')

    def leak(self, methane: float) -> None:
        """From now on the board reports this; its valve is closed as soon as it is told."""
        self._tasks.append(asyncio.create_task(self._report(methane)))

    async def _report(self, methane: float) -> None:
        while True:
            self.say(methane, 2 if self.commands else 1)
            await asyncio.sleep(PERIOD_S)

    async def rest(self) -> None:
        """The board reports no more."""
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks[1:], return_exceptions=True)

    def entries(self, kind: str) -> list[Entry]:
        found = self.journal.read(range(PARTITIONS), {}, 1_000_000)
        return [one.entry for one in found if one.entry.kind == kind]

    def readings(self) -> list[Reading]:
        return [decode_reading(one.body) for one in self.entries("reading")]

    def alarms(self) -> list[str]:
        """Rules of the alarms that stand."""
        return [one.rule for one in self.gateway.watch.alarms.records() if one.active]

    def told(self, rule: str) -> tuple[list[Event], list[str], int]:
        """What the journal says: events of an alarm, causes that tripped, how many commands closed the valve."""
        alarms = [decode_transition(one.body) for one in self.entries("alarm")]
        trips = [decode_event(one.body) for one in self.entries("trip")]
        commands = [decode_command_event(one.body).command for one in self.entries("command")]
        return (
            [one.event for one in alarms if one.rule == rule],
            [one.cause for one in trips if one.event == "tripped"],
            len({one.id for one in commands if one.name == "close-valve"}),
        )

    async def listening(self, is_listening: bool) -> None:
        client = self.side.client
        what = f"the second session to {'stand' if is_listening else 'end'}"
        await wait_for_async(lambda: client.is_listening is is_listening, 20, what)

    async def close(self) -> None:
        with suppress(ProcessLookupError):
            self._board.kill()
        await self._board.wait()
        await self.rest()
        await self._tasks[0]
        self.device.kill()
        await self.gateway.stop()
        await self._supervisor.stop()
        await self._downlink.close()
        await self.journal.close()


@pytest.fixture
async def whole(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Whole]:
    with running(tmp_path / "broker") as broker:
        one = Whole(tmp_path, broker, version=getattr(request, "param", "5"))
        await one.open()
        try:
            yield one
        finally:
            await one.close()


@pytest.mark.parametrize(("whole", "how"), [("5", "refuses"), ("5", "hangs"), ("3.1.1", "refuses")], indirect=["whole"])
async def test_leak_behind_a_full_window_closes_the_valve_and_everything_is_stored_once(whole: Whole, how: str) -> None:
    whole.refusing.mode = how
    ordinary = [1 + number / 1000 for number in range(MANY)]
    for methane in ordinary:
        whole.say(methane)
    await whole.listening(True)
    heard_by = clock.wall()
    whole.leak(30.0)
    await wait_for_async(lambda: whole.commands, what="the command")
    # 5 s of the rule's delay, in which what was refused comes again and again
    await wait_for_async(lambda: "CK-02" in whole.alarms(), what="the alarm")
    assert len(whole.readings()) < MANY  # such as decided something go in with the decision
    whole.refusing.recover()
    await whole.listening(False)
    await whole.rest()
    await wait_for_async(lambda: len(whole.readings()) >= len(whole.said), what="everything to be stored")
    whole.say(31.0, valve=2)
    await wait_for_async(lambda: len(whole.readings()) >= len(whole.said), what="the next")
    assert sorted(str(one.values[0]) for one in whole.readings()) == sorted(map(str, whole.said))
    assert (whole.commands, whole.told("CK-02")) == ([b"close\n"], ([Event.RAISE], ["RK-1"], 1))
    stored = {one.values[0]: one for one in whole.readings()}
    assert stored[ordinary[0]].at <= heard_by  # what comes again is no younger for it
    assert stored[ordinary[-1]].quality_of(0) is Quality.UNCERTAIN_CLOCK  # how long it waited nobody knows
    assert stored[31.0].quality_of(0) is Quality.GOOD
    assert whole.clock_offset_s is None  # nor has the board a clock that is behind


async def test_alarm_in_a_payload_of_the_maker_behind_a_journal_that_hangs_is_raised(whole: Whole) -> None:
    whole.refusing.mode = "hangs"
    for number in range(MANY):
        whole.say(1 + number / 1000)
    await whole.listening(True)
    alarm = '{"gas":true,"gas_density":16,"gas_sensitivity":"15%LEL","state":"work"}'
    await asyncio.to_thread(publish, whole.broker.port, "maker/x", alarm)
    standing = whole.gateway.watch.interlocks.records
    await wait_for_async(lambda: any(("RK-1" in dict(one.causes)) for one in standing()), what="the trip")
    whole.refusing.recover()


async def test_clock_of_a_device_that_stamps_its_samples_is_known(whole: Whole) -> None:
    whole.device.say(f'[{{"bn":"{GAS}/","bt":{clock.wall() // SECOND + 30},"n":"methane","v":3}}]')
    await wait_for_async(whole.readings, what="the reading")
    assert whole.clock_offset_s is not None
    assert 0 < whole.clock_offset_s <= 30
