"""Connections in `/metrics`: every figure, and no label that a device or a peer could fill."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from gateway.diagnostics import Diagnosis
from gengfu.connection_metrics import connection_metrics
from gengfu.device_clocks import DeviceClocks
from protocols.moment import SECOND, Moment
from tests.fixtures.diagnoses import door, line
from tests.fixtures.stories import gas_reading

START = 1_800_000_000 * SECOND


class Clock:
    def __init__(self):
        self.at = START

    def ns(self):
        return self.at

    def advance(self, seconds):
        self.at += int(seconds * SECOND)


class Shown(Collector):
    def __init__(self, *diagnoses):
        self.diagnoses = diagnoses

    def collect(self):
        return connection_metrics(self.diagnoses)


def exposed(*diagnoses):
    registry = CollectorRegistry()
    registry.register(Shown(*diagnoses))
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_what_connections_know_of_themselves_is_exposed():
    clock = Clock()
    shown = exposed(line(clock.ns, ["gas:1", "gas:2"], clock.advance), door(clock.ns, ["bin:1"]))
    by_line = {name.replace('connection="line-1"', ""): v for name, v in shown.items() if "line-1" in name}
    assert by_line == pytest.approx(
        {
            'gengfu_connection_up{,transport="modbus-tcp"}': 0.0,
            'gengfu_connection_utilisation{,transport="modbus-tcp"}': 1.0,
            'gengfu_connection_devices_lost{,transport="modbus-tcp"}': 1.0,
            "gengfu_connection_requests_total{}": 4.0,
            "gengfu_connection_skipped_polls_total{}": 2.0,
            'gengfu_connection_errors_total{,kind="hang-up"}': 1.0,
            'gengfu_connection_errors_total{,kind="refused"}': 1.0,
            'gengfu_connection_errors_total{,kind="timeout"}': 1.0,
            'gengfu_connection_round_trip_seconds{,quantile="0.5"}': 0.2,
            'gengfu_connection_round_trip_seconds{,quantile="0.95"}': 0.3,
        }
    )
    assert shown['gengfu_connection_up{connection="coap",transport="coap"}'] == 1.0


def test_no_device_and_no_peer_becomes_a_label():
    clock = Clock()
    shown = exposed(line(clock.ns, ["gas:1", "gas:2"], clock.advance), door(clock.ns, ["bin:1"]))
    assert not any(word in name for name in shown for word in ("gas:", "bin:", "40001", "unit"))


def test_the_clock_of_a_device_is_known_from_what_it_stamps_itself():
    diagnosis = Diagnosis("coap", "coap", ["gas:1"], lambda: START)
    clocks = DeviceClocks()
    clocks.diagnosis_of = {"gas:1": diagnosis}
    now = Moment(START, 0)
    assert clocks.observe(gas_reading(10), now).entries == []
    assert diagnosis.devices["gas:1"].clock_offset_s is None
    clocks.observe(gas_reading(10, heard=13), now)
    clocks.observe(gas_reading(10, heard=40), now)
    clocks.observe(gas_reading(10, "gas:2", heard=12), now)
    assert diagnosis.devices["gas:1"].clock_offset_s == -3.0
