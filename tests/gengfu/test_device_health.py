"""How devices and connections are, as the journal keeps it: states, also after a restart, counters, what a device
tells of itself."""

import tomllib

import pytest

from console.live import LiveView
from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gateway.diagnostics import Diagnosis
from gengfu.device_health import SiteHealth
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Value
from telemetry.health import DeviceHealth, DeviceState
from telemetry.store import Sample
from tests.console.conftest import reading_of
from tests.fixtures.diagnoses import door, line

START = 1_800_000_000 * SECOND
MS = 10**6
DOCUMENT = """
site = { id = "east", title = { zh = "东", en = "East" } }
area = [{ id = "kitchen", title = { zh = "厨", en = "Kitchen" }, kind = "commercial-kitchen" }]
connection = [
    { id = "line-1", transport = "modbus-tcp", host = "127.0.0.1", port = 502 },
    { id = "coap", transport = "coap", listen = "127.0.0.1:0" },
]
device = [
    { id = "gas:1", profile = "gengfu/gas-alarm", connection = "line-1", unit = 5, period_s = 4.0, %s },
    { id = "gas:2", profile = "gengfu/gas-alarm", connection = "line-1", unit = 6, period_s = 2.5, %s },
    { id = "bin:1", profile = "gengfu/smart-bin", connection = "coap", period_s = 60.0, %s },
    { id = "level:1", profile = "milesight/em310-udl", connection = "coap", period_s = 60.0, %s },
]
""" % (('area = "kitchen", title = { zh = "表", en = "Meter" }',) * 4)  # fmt: skip


class Rig:
    """A line of two alarms and a door, and the newest values of their devices."""

    def __init__(self) -> None:
        self.now = START
        self.live = LiveView()
        document = tomllib.loads(DOCUMENT)
        self.site: Site = compile_site(SiteConfig.model_validate(document, strict=False), shipped_profiles())
        self.diagnoses: dict[str, Diagnosis] = {}

    def open(self) -> None:
        self.diagnoses = {
            "line-1": line(lambda: self.now, ["gas:1", "gas:2"], self.advance),
            "coap": door(lambda: self.now, ["bin:1", "level:1"]),
        }

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def hear(self, device: str, values: dict[str, Value], origin: Origin = Origin.LIVE, **quality: int) -> None:
        profile = self.profile(device)
        reading = reading_of(profile, device, self.now, values, quality, origin)
        self.live.observe(reading, [point.name for point in profile.points])

    def profile(self, device: str) -> Profile:
        return self.site.devices[device].profile

    def look(self, origin: Origin = Origin.LIVE) -> SiteHealth:
        return SiteHealth(self.diagnoses, self.live, origin, self.now)

    def device(self, device: str, origin: Origin = Origin.LIVE) -> DeviceHealth:
        return self.look(origin).device(self.site.devices[device])


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.open()
    return rig


def test_a_polled_device_tells_its_requests_and_what_went_wrong(rig: Rig) -> None:
    well = rig.device("gas:1")
    assert (well.state, well.unheard_ms, well.period_s) == (DeviceState.WELL, 500, 4.0)
    assert (well.requests, well.answers, well.skipped_polls, well.errors) == (3, 3, 2, {"refused": 1})
    assert (well.rtt_p50_us, well.rtt_p95_us) == (200_000, 300_000)
    lost = rig.device("gas:2")
    assert (lost.state, lost.unheard_ms, lost.errors) == (DeviceState.LOST, None, {"timeout": 1})
    assert (lost.requests, lost.answers, lost.rtt_p50_us) == (1, 0, None)


def test_a_device_that_speaks_by_itself_has_no_requests_but_a_clock(rig: Rig) -> None:
    one = rig.device("bin:1")
    assert (one.requests, one.answers, one.skipped_polls, one.rtt_p50_us) == (None, None, None, None)
    assert (one.clock_offset_ms, one.errors, one.connection) == (2500, {}, "coap")


def test_it_is_silent_after_some_periods_and_unheard_before_it_ever_spoke(rig: Rig) -> None:
    assert rig.device("level:1").state is DeviceState.UNHEARD
    rig.advance(150)
    assert rig.device("bin:1").state is DeviceState.WELL
    rig.advance(0.5)
    assert (rig.device("bin:1").state, rig.device("bin:1").unheard_ms) == (DeviceState.SILENT, 150_500)


def test_since_when_it_is_silent_is_known_after_a_restart_too(rig: Rig) -> None:
    told = Sample("level:1", Origin.LIVE, "distance", START - 3600 * SECOND, 1.0, 0)
    rig.live.warm([told], rig.now)
    one = rig.device("level:1")
    assert (one.state, one.unheard_ms) == (DeviceState.SILENT, (rig.now - START) // MS + 3_600_000)


def test_a_device_of_a_connection_that_is_being_opened_anew_is_looked_at_all_the_same(rig: Rig) -> None:
    rig.diagnoses = {}
    rig.hear("bin:1", {"fill": 1.0})
    one = rig.device("bin:1")
    assert (one.state, one.errors, one.requests) == (DeviceState.WELL, {}, None)


def test_a_time_ahead_of_ours_is_no_time_before_now(rig: Rig) -> None:
    rig.advance(-5)
    assert rig.device("bin:1").unheard_ms == 0


def test_firmware_and_charge_are_told_as_people_read_them(rig: Rig) -> None:
    assert (rig.device("bin:1").firmware, rig.device("bin:1").battery_percent) == (None, None)
    rig.hear("bin:1", {"firmware": 10203.0, "battery": 88.5})
    assert (rig.device("bin:1").firmware, rig.device("bin:1").battery_percent) == ("1.2.3", 88.5)
    rig.hear("level:1", {"battery": 12.0})
    assert (rig.device("level:1").firmware, rig.device("level:1").battery_percent) == (None, 12)
    assert rig.device("gas:1").battery_percent is None


def test_a_bad_charge_is_none(rig: Rig) -> None:
    rig.hear("bin:1", {"battery": 40.0}, battery=int(Quality.BAD_SENSOR_FAULT))
    assert rig.device("bin:1").battery_percent is None


def test_what_a_simulation_says_is_not_taken_for_the_city(rig: Rig) -> None:
    rig.hear("level:1", {"battery": 3.0}, Origin.SIMULATED)
    assert (rig.device("level:1").battery_percent, rig.device("level:1").state) == (None, DeviceState.UNHEARD)
    assert rig.device("level:1", Origin.SIMULATED).battery_percent == 3


def test_a_connection_sums_up_its_devices(rig: Rig) -> None:
    look = rig.look()
    for device in rig.site.devices.values():
        look.device(device)
    down, up = (look.connection(one) for one in rig.diagnoses.values())
    assert (down.connection, down.transport, down.state, down.up) == ("line-1", "modbus-tcp", "down", 0)
    assert down.reason.startswith("the peer closed the connection")
    assert down.since_ms == rig.now // MS
    assert (down.devices, down.devices_silent, down.devices_lost, down.devices_unheard) == (2, 0, 1, 0)
    assert (down.requests, down.skipped_polls, down.utilisation) == (4, 2, 1.0)
    assert down.errors == {"refused": 1, "timeout": 1, "hang-up": 1} == rig.diagnoses["line-1"].all_errors()
    assert (down.rtt_p50_s, down.rtt_p95_s) == (0.2, pytest.approx(0.3))
    assert (up.state, up.up, up.reason, up.requests, up.utilisation) == ("up", 1, "", 0, None)
    assert (up.devices, up.devices_unheard, up.errors, up.rtt_p50_s) == (2, 1, {}, None)
    assert look.total() == {DeviceState.WELL: 2, DeviceState.LOST: 1, DeviceState.UNHEARD: 1}


def test_round_trips_of_many_devices_are_a_few_of_each() -> None:
    names = [f"d{number}" for number in range(9)]
    diagnosis = Diagnosis("line-1", "modbus-tcp", names, lambda: START)
    for number, name in enumerate(names):
        for turn in range(20):
            diagnosis.answered(name, number + turn / 100)
    diagnosis.answered("somebody", 77.0)
    found = diagnosis.some_round_trips(20)
    assert sorted(found) == sorted([*(number + turn / 100 for number in range(9) for turn in (18, 19)), 77.0])
    assert sorted(diagnosis.some_round_trips(10_000)) == sorted(diagnosis.rtt_s)
    assert diagnosis.some_round_trips(4) == (0.19, 3.19, 6.19, 77.0)
