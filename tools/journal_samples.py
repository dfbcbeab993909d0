"""One of everything that the program stores in its journals, built in code: each field, each word and each code once.

`tools.journal_bodies` writes down what today's encoders make of these; a sample is never changed or taken away, only
added to, since the recordings of earlier releases say what they were.
"""

import asyncio
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, cast, get_args

import msgspec

from alarms.alarm import AlarmRecord, AlarmTransition
from alarms.states import AlarmState
from alarms.states import Event as AlarmEvent
from gateway.downlink import CURSOR, Downlink, load_cursor
from gateway.transports.coap.oscore import Numbers
from gateway.watch import Watch
from gengfu import clock
from gengfu.consumer_record import ConsumerRecord, Forgotten, Missing
from gengfu.reload import SiteReload
from gengfu.site_changes import Changes, Difference
from interlocks.record import EffectRecord, InterlockRecord, Status, TripEvent
from interlocks.states import InterlockState
from journal.entry import Entry, Stored
from operations.events import EventName, PlanEvent
from protocols.bump_test import BumpTest
from protocols.bypass import Bypass
from protocols.command import Command, CommandEvent
from protocols.command_log import CommandLog
from protocols.gateway_sign import BlindDevice, BlindLine, GatewaySign
from protocols.maintenance import Maintenance
from protocols.moment import Moment
from protocols.proof_test import Element, ProofPlan, ProofTest
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.report import WHATS, Report
from protocols.request import OperatorAnswer, OperatorRequest
from protocols.term import Term
from telemetry.health import ConnectionHealth, ConsumerHealth, DeviceHealth, DeviceState, GatewayHealth, Health

T0 = 1_795_000_000_000_000_123
"""UTC ns: the last digits show that none is lost."""
GAS = "east:gas:1"
COMMAND = Command("c-1", GAS, "close-valve", Origin.LIVE, "trip/east~RK", T0, T0 + 60)
STATUSES = ("waiting", "issued", "sent", "unsent", "confirmed", "failed", "given-up", "cancelled", "expired", "refused")
TRIPS = ("tripped", "effect", "armed", "reset", "opened", "closed", "not-closed", "removed")
VERBS = (
    "acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress", "out-of-service", "in-service",
    "reset-interlock", "command", "cancel-command",
)  # fmt: skip


def readings() -> list[Reading]:
    """Numbers, texts and absent points; every quality; every origin; counted and not."""
    values = (12.5, '阀门 "关"', None, 0.0, -1e308, 1.0, 5e-324, "")
    plain = [Reading(GAS, "gengfu/gas-alarm", T0, T0 + 1, one, values, (0,) * len(values)) for one in Origin]
    qualities = tuple(int(one) for one in Quality)
    return [
        *plain,
        Reading(GAS, "gengfu/gas-alarm", T0, T0, Origin.LIVE, (1.0,) * len(qualities), qualities),
        Reading(GAS, "gengfu/gas-alarm", -T0, T0, Origin.LIVE, (), (), boot=7, sequence=2**32 - 1, claimed_at=-1),
    ]


def transitions() -> list[AlarmTransition]:
    """Every event, and every state before and after."""
    first = AlarmTransition(
        f"{GAS}~CK-01:methane~drill", GAS, "methane", "CK-01", Origin.DRILL, "critical", True, AlarmEvent.RAISE,
        AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, T0, T0 - 1, 25.5, int(Quality.BAD_OVER_RANGE), T0 - 2, True,
        "li", "误报?", T0 + 3600, 2**48, True,
    )  # fmt: skip
    states = list(AlarmState)
    walked = [
        AlarmTransition(
            f"{GAS}~CK-01", GAS, "methane", "CK-01", Origin.LIVE, "low", False, event, states[n % len(states)],
            states[(n + 1) % len(states)], T0, T0, None, 0, T0,
        )
        for n, event in enumerate(AlarmEvent)
    ]  # fmt: skip
    return [first, *walked]


def alarm_records() -> list[AlarmRecord]:
    """Every state."""
    full = AlarmRecord(
        f"{GAS}~CK-01", GAS, "methane", "CK-01", Origin.SIMULATED, "high", True, AlarmState.SHELVED, True, True, T0,
        T0 + 1, T0 + 2, 25.5, 129, "li", T0 + 3, T0 + 4, "wang", "检修", 20.25, T0 - 5, 2**48, True,
    )  # fmt: skip
    bare = [AlarmRecord(f"{GAS}~FW-01", GAS, "", "FW-01", Origin.LIVE, "low", False, one) for one in AlarmState]
    return [full, *bare]


def interlock_records() -> list[InterlockRecord]:
    """Every state, and effects of every status."""
    effects = [
        EffectRecord("RK-1", "close", "close-valve", GAS, status, T0, "c-1", "upstream", ("over-range", "lost"))
        for status in get_args(Status)
    ]
    causes = [("RK-1", T0), ("found-closed", T0 + 1)]
    full = InterlockRecord(
        "i-1", "east", "RK", Origin.DRILL, InterlockState.TRIPPED, causes, effects, [GAS], T0, 2**48, 1
    )
    return [full, *(InterlockRecord("i-2", "east", "RK", Origin.LIVE, one) for one in InterlockState)]


def trips() -> list[TripEvent]:
    """Every event, with the record and without."""
    full = TripEvent(
        "i-1", "east", "RK", Origin.SIMULATED, "tripped", T0, "RK-1", "close", "close-valve", GAS, "done", "c-1",
        "full", "li", ("over-range",), interlock_records()[0],
    )  # fmt: skip
    return [full, *(TripEvent("i-2", "east", "RK", Origin.LIVE, one, T0) for one in TRIPS)]


def command_events() -> list[CommandEvent]:
    """Every status and every origin."""
    commands = [Command("c-2", GAS, "self-test", one, "person/li", T0, T0 + 60) for one in Origin]
    full = CommandEvent(COMMAND, "failed", T0, 3, "not read back", "试验", 0)
    return [full, *(CommandEvent(commands[n % 3], one, T0) for n, one in enumerate(STATUSES))]


TERM = Term(T0, T0 + 1_800_000_000_000, 2**52 + 1, 2**52 + 1_800_000_000_001, "0b7c1d6e-4f0a-4f2b-9a53-000000000001")


def bump_tests() -> list[BumpTest]:
    """One that runs, one that passed, one that ended by itself before it saw anything."""
    begun = BumpTest(f"{GAS}~methane", GAS, "methane", "%{LEL}", 25.0, TERM, "li", "月度通气测试")
    passed = msgspec.structs.replace(
        begun, readings=40, highest=52.5, ended_at=T0 + 60, ended_by="wang", ended_why="气瓶用完"
    )
    return [begun, passed, msgspec.structs.replace(begun, ended_at=T0 + 60, ended_why="restart")]


def maintenance() -> list[Maintenance]:
    """One that goes on, and one of an area that is over."""
    alarms = (f"{GAS}~BL-02", f"{GAS}~FW-01")
    area = Maintenance("east/kitchen~area", "east/kitchen", "area", TERM, "li", "检修")
    ended = msgspec.structs.replace(area, ended_at=T0 + 60, ended_by="wang", ended_why="完工")
    return [Maintenance(f"{GAS}~device", GAS, "device", TERM, "li", "换电源", alarms), ended]


def bypasses() -> list[Bypass]:
    """One that waits, one that is active, one that ended by itself, one that nobody confirmed."""
    asked = Bypass(
        "east/kitchen", "east/kitchen~restaurant-kitchen", "RK-1", (GAS, "east:gas:2"), "li", "换探头", "手持仪值守",
        3600.5, TERM,
    )  # fmt: skip
    active = msgspec.structs.replace(asked, confirmed_by="wang", term=TERM)
    ended = msgspec.structs.replace(active, ended_at=T0 + 60, ended_why="restart")
    return [asked, active, ended, msgspec.structs.replace(asked, ended_at=T0 + 60, ended_by="li", ended_why="不用了")]


def reports() -> list[Report]:
    """Every word and every origin; with a phone; one that was withdrawn."""
    plain = [
        Report(f"east/kitchen~r{n}", what, "east/kitchen", origin, "挖机碰到管道", "li", T0, T0 - 60)
        for n, (what, origin) in enumerate(zip(WHATS, Origin, strict=True))
    ]
    called = msgspec.structs.replace(plain[0], phone="138 0000 0000")
    gone = msgspec.structs.replace(called, withdrawn_at=T0 + 60, withdrawn_by="wang", withdrawn_why="是水管")
    return [*plain, called, gone]


def proof_tests() -> list[ProofTest]:
    """Every state."""
    begun = ProofTest(f"{GAS}~valve", GAS, "valve", "close-valve", 15.0, T0, "li", "半年试验", "王师傅 138")
    more: list[dict[str, Any]] = [
        {"state": "moving"},
        {"state": "passed", "took_s": 6.25, "ended_at": T0 + 60, "passed_at": T0 + 60},
        {"state": "failed", "took_s": 20.5, "ended_at": T0 + 60, "detail": "no read-back in time; it closed late"},
        {"state": "interrupted", "ended_at": T0 + 60, "detail": "重启", "passed_at": T0 - 1},
    ]
    return [begun, *(msgspec.structs.replace(begun, **one) for one in more)]


def proof_plans() -> list[ProofPlan]:
    """Without a valve, and with one."""
    return [ProofPlan({}), ProofPlan({f"{GAS}~valve": Element(GAS, "valve", T0, 15_552_000.0)})]


def gateway_signs() -> list[GatewaySign]:
    """All is well; lines are down; nothing new; of a simulation."""
    one, other = BlindDevice(GAS, ("methane", "co"), ("alarm", "level")), BlindDevice("east:gas:2", ("methane",))
    line = BlindLine("east/line", "gateway:east:east.line", T0, "没有设备应答", (one, other))
    return [
        GatewaySign(T0, "east", Origin.LIVE, ()),
        GatewaySign(T0, "east", Origin.LIVE, (line, BlindLine("bins", "gateway:east:bins", T0, "refused"))),
        GatewaySign(T0, "east", Origin.LIVE),
        GatewaySign(T0, "east", Origin.SIMULATED, ()),
    ]


def requests() -> list[OperatorRequest]:
    """Every verb."""
    full = OperatorRequest(
        "r-1", "shelve", f"{GAS}~CK-01", "li", T0, T0 + 60, "检修", 1800.5, "手持仪", True, "self-test", 0
    )
    return [full, *(OperatorRequest(f"r-{verb}", verb, GAS, "li", T0, T0 + 60) for verb in VERBS)]


def answers() -> list[OperatorAnswer]:
    """Done, refused, not found."""
    return [
        OperatorAnswer("r-1", T0),
        OperatorAnswer("r-2", T0, "it is not shelved"),
        OperatorAnswer("r-3", T0, "no", found=False),
    ]


def plan_events() -> list[PlanEvent]:
    """Every event and every origin."""
    full = PlanEvent(
        "run-1", 7, "mall-leak", 2, "street/hotpot", Origin.DRILL, "step-done", T0, "open", "S03", "done", "start",
        "li", "lead", "已撤离", (("photo", "IMG_1"), ("reading", "0 %LEL")), f"{GAS}~CK-01", "CK-01", True, "撤离",
        "Leave",
    )  # fmt: skip
    origins = list(Origin)
    return [
        full,
        *(
            PlanEvent("run-2", n + 1, "mall-leak", 2, "street/hotpot", origins[n % 3], one, T0, "verify")
            for n, one in enumerate(get_args(EventName))
        ),
    ]


def health() -> list[Health]:
    """Everything known, and as little as can be; every state and every origin."""
    gateway = GatewayHealth("0.1.0", 61.25, 141e6, 7.5, 12e9, 1e6, 4096e6, 1200, 1, 2, 3, 4, 5, 6, 7)
    consumer = ConsumerHealth("influxdb", 18_204_511, 3600.5, 0, "takes no data: StoreUnavailable", 1, 2, 3)
    connection = ConnectionHealth(
        "east-line", "modbus-tcp", "down", 1, "the peer closed it", T0 // 10**6, 4, 1, 2, 3, 400, 5, 6.5,
        {"timeout": 2, "hang-up": 1}, 0.125, 0.012, 0.03,
    )  # fmt: skip
    device = DeviceHealth(
        GAS, "east-line", DeviceState.LOST, 10_000, 5.5, {"timeout": 2}, 400, 398, 5, 12_000, 30_001, -250, "0.1.0",
        88.5,
    )  # fmt: skip
    bare = [DeviceHealth(GAS, "coap", one, None, 60, {}) for one in DeviceState]
    return [
        Health(T0, Origin.LIVE, "demo", gateway, (consumer,), (connection,), (device,)),
        *(Health(T0, one, "demo", devices=tuple(bare)) for one in Origin),
    ]


def consumer_records() -> list[ConsumerRecord]:
    """Waited for; forgotten; with a gap that was told and one that was not."""
    gap = Missing(5200, T0, T0 + 60, T0 // 1000)
    return [
        ConsumerRecord(),
        ConsumerRecord(Forgotten(T0, "li", 1_000_000), gap),
        ConsumerRecord(None, msgspec.structs.replace(gap, told_at=T0 + 1), 5200),
    ]


def command_log() -> CommandLog:
    """What is kept of one device."""
    log = CommandLog(lambda _device, _name: True)
    for event in (*command_events(), CommandEvent(COMMAND, "confirmed", T0 + 9, 4, "read back")):
        log.follow(event)
    return log


class Kept(NamedTuple):
    """Takes the place of a journal, and keeps what it is given."""

    entries: list[Entry]
    state: dict[str, bytes]

    async def append(self, entries: list[Entry], state: Mapping[str, bytes] | None = None) -> int:
        self.entries.extend(entries)
        self.state.update(state or {})
        return len(self.entries)


def site_bodies() -> Iterator[bytes]:
    """The mark before devices change their profile, and who changed what."""
    kept = Kept([], {})
    stores = SimpleNamespace(stores=SimpleNamespace(feeds=()))
    reload = cast(SiteReload, SimpleNamespace(_journal=kept, _followers=stores))
    before, after = (
        SimpleNamespace(devices={GAS: SimpleNamespace(id=GAS, profile=SimpleNamespace(id=profile))})
        for profile in ("gengfu/gas-alarm", "gengfu/gas-alarm-lpg")
    )
    some = Difference(added=("a",), removed=("b",), changed=("c",))
    changes = Changes(some, some, some, ("gengfu/gas-alarm",), ("coap",), (f"{GAS}: is not watched",))
    wall, clock.wall = clock.wall, lambda: T0
    try:
        asyncio.run(SiteReload._drain(reload, cast(Any, before), cast(Any, after)))
        asyncio.run(SiteReload._record(reload, "li", changes))
    finally:
        clock.wall = wall
    yield from (entry.body for entry in kept.entries)


def cursor_body() -> bytes:
    """How far the gateway has carried out what was asked."""
    kept: dict[str, bytes | None] = {}
    downlink = Downlink(cast(Watch, None), lambda verdict: kept.update(verdict.state), {63: 2**53 + 1})
    downlink.take([Stored(T0 // 1000, Entry("unknown", "x", 0, T0, b""))], Moment(T0, 0))
    return cast(bytes, kept[CURSOR])


def cursor_of(body: bytes) -> dict[int, int]:
    """Reverse of `cursor_body`."""
    return load_cursor({CURSOR: body})


def numbers_body() -> bytes:
    """The sequence numbers of a device's OSCORE context, once a block of them was reserved."""
    kept = Kept([], {})
    asyncio.run(Numbers("oscore/x", (2**38 + 1).to_bytes(8, "little"), _kept_in(kept)).take())
    return kept.state["oscore/x"]


def next_number(body: bytes) -> int:
    """The number that is given first after a restart with this record."""
    return asyncio.run(Numbers("oscore/x", body, _kept_in(Kept([], {}))).take())


def _kept_in(kept: Kept) -> Any:
    async def keep(state: Mapping[str, bytes]) -> object:
        return await kept.append([], state)

    return keep
