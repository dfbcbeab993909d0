"""What virtual devices say: the same for the same seed, plausible, and as the script and the commands have it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_registry.devices import Device
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu.errors import InputError
from gengfu.simulate.registers import tables_of
from gengfu.simulate.script import EventPart, load_script
from gengfu.simulate.signal import Signal
from gengfu.simulate.slave import Slave
from gengfu.simulate.virtual import VirtualDevice
from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.modbus.writes import declared_writes
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.profile.rules_modbus import BIT_TABLES
from protocols.reading import Value
from protocols.wire.modbus_pdu import parse_response, read_request, write_coil_request
from tests.fixtures.modbus_profiles import flag, point, profile

PROFILES = shipped_profiles()
GAS = PROFILES["gengfu/gas-alarm"]
PLACES = {one.name: one.index for one in GAS.points}
TEXT = {"zh": "测", "en": "test"}


def device_of(of: Profile) -> Device:
    document = {
        "site": {"id": "s", "title": TEXT, "simulated": True},
        "area": ({"id": "a", "title": TEXT, "kind": "other"},),
        "connection": ({"id": "c", "transport": "coap", "listen": "127.0.0.1:5683"},),
        "device": ({"id": "t:1", "profile": of.id, "title": TEXT, "area": "a", "connection": "c", "period_s": 2.0},),
    }
    return compile_site(SiteConfig.model_validate(document), {of.id: of}).devices["t:1"]


def event(at_s: float, what: Any, **more: Any) -> EventPart:
    return EventPart(at_s=at_s, device="t:1", what=what, **more)


def virtual(*events: EventPart, seed: int = 1) -> VirtualDevice:
    return VirtualDevice(device_of(GAS), seed, events)


def said(device: VirtualDevice, name: str, seconds: float) -> Value:
    return device.values(seconds)[PLACES[name]]


def is_of_ours(of: Profile) -> bool:
    """Whether there is a device of it: what the gateway says of itself is spoken over nothing."""
    return of.id.startswith("gengfu/") and any(point.modbus or point.opcua for point in of.file.point)


@pytest.mark.parametrize("name", [name for name, of in PROFILES.items() if is_of_ours(of)])
def test_same_seed_gives_the_same_values_and_another_seed_others(name: str) -> None:
    def run(seed: int) -> list[tuple[Value, ...]]:
        device = VirtualDevice(device_of(PROFILES[name]), seed)
        return [device.values(2.0 * step) for step in range(200)]

    assert run(5) == run(5)
    assert run(5) != run(6)


@pytest.mark.parametrize("name", PROFILES)
def test_undisturbed_device_says_only_good_values_that_move_a_little(name: str) -> None:
    of = PROFILES[name]
    signal = Signal(of, "t:1", 3)
    rows = [tuple(signal.values(step, 2.0 * step)) for step in range(2000)]
    assert {code for row in rows for code in of.qualify(row)} == {0}
    for one, part in zip(of.points, of.file.point, strict=True):
        seen = [row[one.index] for row in rows]
        if part.type == "number" and part.range is not None:
            numbers = [value for value in seen if isinstance(value, float)]
            moved, span = max(numbers) - min(numbers), part.range[1] - part.range[0]
            # what tells only whole units may stand still
            assert moved < 0.05 * span
            assert moved > 0 or span < 1000 * 10**-part.decimals
        if one.role in ("alarm-bit", "fire-bit", "flame", "fault-bit"):
            assert set(seen) == {0.0}


def test_values_change_only_from_one_step_to_the_next() -> None:
    device = virtual()
    assert device.values(4.0) == device.values(5.99)
    assert device.values(4.0) != device.values(6.0)


def test_ramp_rises_over_its_time_and_stays_and_the_alarm_bit_follows() -> None:
    device = virtual(event(10, "ramp", point="methane", to=62.0, over_s=20.0))
    quiet, middle, end, later = (said(device, "methane", at) for at in (8, 20, 30, 300))
    assert quiet == pytest.approx(1.2, abs=1)
    assert middle == pytest.approx(31.6, abs=1)
    assert end == pytest.approx(62, abs=1)
    assert later == pytest.approx(62, abs=1)
    assert [said(device, "alarm", at) for at in (8, 20, 30)] == [0.0, 1.0, 1.0]


def test_second_ramp_begins_where_the_first_has_come_to() -> None:
    device = virtual(
        event(0, "ramp", point="methane", to=40.0, over_s=20.0), event(10, "ramp", point="methane", to=0.0, over_s=10.0)
    )
    assert said(device, "methane", 14) == pytest.approx(12.3, abs=1)
    assert said(device, "methane", 30) == pytest.approx(0, abs=1)


def test_value_above_the_range_sets_the_over_range_bit() -> None:
    device = virtual(event(10, "jump", point="methane", to=110.0))
    assert (said(device, "methane", 10), said(device, "over_range", 8), said(device, "over_range", 10)) == (
        110.0,
        0.0,
        1.0,
    )


def test_faulty_device_says_so_and_gives_no_value_until_it_is_back() -> None:
    device = virtual(event(10, "fault"), event(20, "back"))
    assert [(said(device, "fault", at), said(device, "methane", at) is None) for at in (8, 12, 22)] == [
        (0.0, False),
        (1.0, True),
        (0.0, False),
    ]


def test_dead_device_is_dead_until_it_is_back() -> None:
    device = virtual(event(10, "dead"), event(20, "back"))
    assert [device.is_dead(at) for at in (9, 10, 19, 20)] == [False, True, True, False]


def test_command_closes_the_valve_and_only_a_person_opens_it() -> None:
    close = next(one for one in GAS.file.command if one.name == "close-valve")
    device = virtual(event(30, "back"), event(40, "jump", point="valve", to=1.0))
    device.obey(close, 10.0)
    assert [said(device, "valve", at) for at in (8, 12, 20, 32, 38, 40, 50)] == [1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    device.obey(close, 51.0)
    device.obey(close, 52.0)
    assert [said(device, "valve", at) for at in (50, 54, 60)] == [1.0, 2.0, 2.0]
    device.obey(close, 60.0)
    assert said(device, "valve", 60) == 2.0


def test_valve_that_the_script_shut_stays_shut_when_all_is_over() -> None:
    device = virtual(
        event(4, "jump", point="valve", to=2.0), event(5, "jump", point="methane", to=50.0), event(10, "back")
    )
    assert [said(device, "valve", at) for at in (2, 6, 12)] == [1.0, 2.0, 2.0]
    assert [said(device, "alarm", at) for at in (2, 6, 12)] == [0.0, 1.0, 0.0]


# -- registers


def speaks_modbus(of: Profile) -> bool:
    return any(part.modbus is not None for part in of.file.point)


def read_back(of: Profile, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """What a gateway decodes from the registers of these values."""
    tables = tables_of(of, values)
    blocks = plan_reads(of)
    contents = []
    for block in blocks:
        cells = [tables[block.table][block.address + at] for at in range(block.count)]
        if block.table in BIT_TABLES:
            bits = sum(cell << at for at, cell in enumerate(cells))
            contents.append(bits.to_bytes((block.count + 7) // 8, "little"))
        else:
            contents.append(b"".join(cell.to_bytes(2, "big") for cell in cells))
    return decode_blocks(of, blocks, contents)[0]


@pytest.mark.parametrize("name", [name for name, of in PROFILES.items() if speaks_modbus(of)])
def test_registers_hold_what_the_device_says(name: str) -> None:
    of = PROFILES[name]
    device = VirtualDevice(device_of(of), 9)
    for step in range(50):
        values = device.values(2.0 * step)
        held = tuple(
            value if part.modbus is not None else None for value, part in zip(values, of.file.point, strict=True)
        )
        assert read_back(of, values) == pytest.approx(held, abs=0.051)


EVERY_TYPE = profile(
    *(
        point(f"p_{kind}_{order.lower()}", "holding", 20 * row + 4 * column, type=kind, byte_order=order)
        for row, kind in enumerate(
            ["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bcd16", "bcd32"]
        )
        for column, order in enumerate(
            ["ABCD", "DCBA"] if kind in ("int16", "uint16", "bcd16") else ["ABCD", "CDAB", "BADC", "DCBA"]
        )
    ),
    point("nibble", "input", 0, bit=4, bits=4),
    point("scaled", "input", 1, type="int16", scale=0.1, offset=-40.0, missing=[-32768]),
    flag("lamp", "input", 0, bit=9),
    flag("coil", "coil", 3, type="bool"),
)


@given(st.integers(0, 9999), st.booleans(), st.integers(0, 15))
def test_every_type_and_order_is_read_back_as_it_was(number: int, is_on: bool, code: int) -> None:
    values = tuple(
        {"nibble": float(code), "lamp": float(is_on), "coil": float(is_on), "scaled": number / 10}.get(
            one.name, float(number)
        )
        for one in EVERY_TYPE.points
    )
    assert read_back(EVERY_TYPE, values) == pytest.approx(values)


# -- a slave


def test_slave_answers_reads_in_its_map_and_refuses_the_rest() -> None:
    slave = Slave(virtual())
    inside = read_request(4, 0, 25)
    tenths = int.from_bytes(parse_response(inside, slave.answer(inside, 0.0) or b"")[:2], "big")
    assert tenths / 10 == said(virtual(), "methane", 0.0)
    for outside in (read_request(4, 0, 26), read_request(3, 0, 1), b"\x2b", b"", write_coil_request(0, False)):
        answer = slave.answer(outside, 0.0)
        assert answer is not None
        assert answer[0] & 0x80
    assert slave.device.commands == 0


def test_slave_takes_the_declared_write_and_its_valve_closes() -> None:
    slave = Slave(virtual())
    write = declared_writes(GAS)["close-valve"]
    assert slave.answer(write, 10.0) == write
    valve = read_request(4, 3, 1)
    assert [parse_response(valve, slave.answer(valve, at) or b"")[1] for at in (10.0, 14.0)] == [1, 2]


def test_dead_slave_answers_nothing() -> None:
    assert Slave(virtual(event(5, "dead"))).answer(read_request(4, 0, 1), 6.0) is None


@given(st.binary(max_size=260))
def test_slave_answers_any_bytes_without_an_error_and_opens_nothing(pdu: bytes) -> None:
    slave = Slave(virtual())
    slave.answer(pdu, 1.0)
    assert slave.device.commands <= (pdu in declared_writes(GAS).values())


# -- the script

REFUSED = {
    '[[event]]\nat_s = -1\ndevice = "t:1"\nwhat = "explode"\n': (
        "event[1].at_s: Input should be greater than or equal to 0",
        "event[1].what: Input should be 'ramp', 'jump', 'fault', 'dead' or 'back'",
    ),
    '[[event]]\nat_s = 1\ndevice = "t:2"\nwhat = "ramp"\npoint = "methane"\n': (
        "event[1].over_s: is missing: a ramp needs it",
        "event[1].to: is missing: a ramp needs it",
        "event[1].device: 't:2' is not in the site document: correct it",
    ),
    '[[event]]\nat_s = 1\ndevice = "t:1"\nwhat = "dead"\nto = 3\n': (
        "event[1].to: means nothing to a dead: remove it",
    ),
    '[[event]]\nat_s = 1\ndevice = "t:1"\nwhat = "jump"\npoint = "ghost"\nto = 3\n': (
        "event[1].point: 'ghost' is no number of gengfu/gas-alarm; one of methane",
    ),
    '[[event]]\nat_s = 1\ndevice = "t:1"\nwhat = "jump"\npoint = "valve"\nto = 9\n': (
        "event[1].to: 9 is no code of 'valve': correct it",
    ),
    "event = 3": ("event: Input should be a valid tuple",),
    "[[": ("is no TOML in UTF-8",),
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_script_is_refused_with_every_wrong_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / "script.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_script(file, {"t:1": device_of(GAS)})
    for line in REFUSED[text]:
        assert f"{file}: {line}" in str(caught.value)


def test_script_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    file.write_text(
        '[[event]]\nat_s = 9\ndevice = "t:1"\nwhat = "back"\n\n'
        '[[event]]\nat_s = 1.5\ndevice = "t:1"\nwhat = "ramp"\npoint = "methane"\nto = 30\nover_s = 5\n'
    )
    assert [(one.at_s, one.what, one.to) for one in load_script(file, {"t:1": device_of(GAS)})] == [
        (1.5, "ramp", 30.0),
        (9.0, "back", None),
    ]


def test_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml: cannot be read"):
        load_script(tmp_path / "nothing.toml", {})
