"""What the firmware asks of a microcontroller: pins, first levels, the RS-485 driver, reset causes.

Nothing here has run on silicon. The chip is a module that records (`mcu_probe`).
"""

import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.interpreters import FIRMWARE, HERE, run

PORTS = ("rp2", "esp32")
PRODUCTS = ("gas-alarm", "smart-bin", "hydrogen-node")
SENSORS = {
    "gas-alarm": "methane co temperature supply",
    "smart-bin": "distance weight temperature tilt battery",
    "hydrogen-node": "h2_1 h2_2 h2_3 h2_4 pressure_trailer pressure_low_bank pressure_high_bank pressure_dispenser"
    " temperature_gas temperature_room",
}
CONTACTS = {
    "gas-alarm": "valve_closed valve_open fan_proof button",
    "smart-bin": "lid_open smoke",
    "hydrogen-node": "flame esd break_away fan_running compressor_running",
}
OUTPUTS = {"gas-alarm": "valve_coil fan_relay lamp_green lamp_yellow lamp_red buzzer"}
ANALOGUE = {"rp2": {26, 27, 28}, "esp32": set(range(32, 40))}
EVERY = {
    "rp2": set(range(23)) | {26, 27, 28},
    "esp32": {4, 13, 14, *range(16, 20), *range(21, 24), 25, 26, 27, *range(32, 37), 39},
}
INPUT_ONLY = {"rp2": set(), "esp32": {34, 35, 36, 39}}
"""Without an output and without a pull-up."""
BOTH = [(port, product) for port in PORTS for product in PRODUCTS]


def calls(micropython: Path, *arguments: str | Path) -> list[Any]:
    """What the probe printed: parts as [name, kind], then every call of the chip."""
    done = run(micropython, HERE / "mcu_probe.py", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return [json.loads(line) if line.startswith(("[", '"')) else line for line in done.stdout.splitlines()]


def pins_of(call: list[Any]) -> list[int]:
    """The pins that a call claims."""
    claims = {"pin": [1], "adc": [1], "uart": [3, 4], "i2c": [2, 3]}
    return [call[at] for at in claims.get(call[0], [])]


@pytest.mark.board
@pytest.mark.parametrize(("port", "product"), BOTH)
def test_product_gets_each_of_its_parts_and_every_part_answers(port: str, product: str, micropython: Path) -> None:
    made = {one[0]: one[1] for one in calls(micropython, port, "parts", product) if one[1] in KINDS}
    expected = dict.fromkeys(SENSORS[product].split(), "sensor")
    expected |= dict.fromkeys(CONTACTS[product].split(), "contact")
    expected |= dict.fromkeys(OUTPUTS.get(product, "").split(), "output")
    assert made == expected


KINDS = ("sensor", "contact", "output")


@pytest.mark.board
@pytest.mark.parametrize(("port", "product"), BOTH)
def test_no_pin_is_used_twice_or_for_what_it_cannot(port: str, product: str, micropython: Path) -> None:
    made = calls(micropython, port, "parts", product)
    buses = {json.dumps(one): one for one in made if one[0] == "i2c"}
    claimed = [one for one in made if one[0] in ("pin", "adc", "uart")] + list(buses.values())
    used = Counter(pin for one in claimed for pin in pins_of(one))
    assert [pin for pin, times in used.items() if times > 1] == []
    assert used.keys() <= EVERY[port]
    assert {one[1] for one in made if one[0] == "adc"} <= ANALOGUE[port]
    driven = [one for one in made if one[0] == "pin" and (one[2][0] == 1 or len(one[2]) > 1)]
    assert {one[1] for one in driven} & INPUT_ONLY[port] == set()


@pytest.mark.board
@pytest.mark.parametrize("port", PORTS)
def test_outputs_get_their_resting_level_with_their_direction_and_before_all_else(port: str, micropython: Path) -> None:
    made = [one for one in calls(micropython, port, "parts", "gas-alarm") if one[1] not in KINDS]
    outputs = len(OUTPUTS["gas-alarm"].split())
    assert [[one[0], *one[2:]] for one in made[:outputs]] == [["pin", [1], 0]] * outputs
    assert [one for one in made if one[0] == "drive"] == []


@pytest.mark.board
@pytest.mark.parametrize("port", PORTS)
def test_bus_is_driven_from_before_the_first_byte_until_the_last_has_left(port: str, micropython: Path) -> None:
    made = calls(micropython, port, "send")
    free, busy = ["txdone", True], ["txdone", False]
    once = [["drive", 2, 1], free, ["write", 8], busy, free, ["drive", 2, 0]]
    assert made == [*once, *once[:2], ["write", 9], *once[3:]]


@pytest.mark.board
@pytest.mark.parametrize(("enable", "drives"), [("", []), ("2", [1, 1, 0])])
def test_frame_longer_than_the_buffer_leaves_whole_and_the_bus_is_free_after_it(
    enable: str, drives: list[int], micropython: Path
) -> None:
    assert calls(micropython, "rp2", "send_long", enable) == [[True, drives, True]]


@pytest.mark.board
@pytest.mark.parametrize("enable", ["", "2"])
def test_uart_that_never_sends_holds_neither_the_bus_nor_the_bytes(enable: str, micropython: Path) -> None:
    assert calls(micropython, "rp2", "stuck", enable) == [[0, True, enable == "2"]]


@pytest.mark.board
def test_factory_settings_are_read_whatever_stands_in_them(micropython: Path, tmp_path: Path) -> None:
    said = calls(micropython, "rp2", "factory", tmp_path / "settings.txt")
    texts = ["product=gas-alarm\n", "product=???\ndevice=t:1\n", ""]
    assert said == [*([text, True] for text in texts), ["", False]]


@pytest.mark.board
def test_watchdog_longer_than_the_chip_has_is_refused(micropython: Path) -> None:
    said = calls(micropython, "rp2", "watchdog")
    assert said == ["watchdog: 9000 ms, this chip has at most 8388", ["wdt", 8000], ["feed"]]


FED = [["wdt", 8000], ["interrupted by", -1], ["feed"], ["feed"]]


@pytest.mark.board
@pytest.mark.parametrize("port", PORTS)
def test_no_byte_interrupts_a_run_but_after_a_hang_or_an_early_death_a_person_can(
    port: str, micropython: Path, tmp_path: Path
) -> None:
    told, *said = calls(micropython, port, "console_opens", tmp_path)
    assert "Ctrl-C" in json.loads(told)["message"]
    hung = [["wdt", 8000], ["interrupted by", 3], ["feed"], ["interrupted by", -1], ["feed"]]
    paused = [["reset"], ["interrupted by", 3], ["sleep", 5000], ["interrupted by", -1]]
    power_on = [["cause", 1], *FED]
    assert said == [*power_on, ["cause", 3], *hung, *paused, ["cause", 4], *FED, *power_on]


@pytest.mark.board
@pytest.mark.parametrize(("after_ms", "end"), [("59999", "give up"), ("60000", "reset")])
def test_only_a_death_at_the_start_leaves_a_person_time(after_ms: str, end: str, micropython: Path) -> None:
    done = run(micropython, HERE / "mcu_probe.py", "rp2", "dies", after_ms)
    # Neither returns on a chip.
    assert json.loads(done.stdout.splitlines()[0]) == [end]
    assert "ValueError" in done.stderr


@pytest.mark.board
@pytest.mark.parametrize("port", PORTS)
def test_sleep_is_shorter_than_the_watchdog_with_the_radio_off_and_keeps_the_clock(
    port: str, micropython: Path
) -> None:
    utc, *said = calls(micropython, port, "sleeps")
    # What was not loaded yet, and 20 ms, are waited for awake; nothing is known of the time of the first sleep.
    first = [["leave"], ["radio", False], ["lightsleep", 1000]]
    dated = [["clock", 1800000000], ["lightsleep", 1000], ["clock", 1800000001]]
    assert said == [*first, *dated, ["lightsleep", 1000], ["clock", 1800000002], ["lightsleep", 60], ["radio", True]]
    assert utc == "1800000002"


@pytest.mark.board
def test_board_asleep_joins_no_network_and_awake_it_does_at_once(micropython: Path) -> None:
    said = calls(micropython, "rp2", "sleeps_off_the_network")
    # `join` itself switches the radio on, once.
    assert said[:4] == [["leave"], ["radio", False], ["radio", True], ["awake"]]
    assert ["join", "yard"] in said[4:]


@pytest.mark.board
def test_reset_that_was_asked_for_is_told_from_the_watchdog(micropython: Path, tmp_path: Path) -> None:
    said = calls(micropython, "rp2", "causes", tmp_path)
    # Power-on; watchdog; ours, which this chip calls a watchdog; watchdog; ours overtaken by a cut; one without a name.
    assert said == ["1", "3", "4", "3", "1", "0", ["reset"], ["reset"]]


@pytest.mark.board
def test_console_that_stops_reading_loses_lines_and_the_next_is_whole(micropython: Path) -> None:
    done = run(micropython, HERE / "mcu_probe.py", "rp2", "console")
    assert done.stderr == ""
    full, one, torn, four = done.stdout.splitlines()
    # Pieces that fill the console's buffer evenly: it never has room for a part of one.
    assert full == "true"
    assert [json.loads(line)["event"] for line in (one, four)] == ["one", "four"]
    assert torn.strip() == json.dumps({"text": "y" * 30, "event": "two"})[:32].strip()


def rows(file: str, name: str) -> list[Any]:
    """A table of a firmware's file."""
    tree = ast.parse((FIRMWARE / file).read_text(encoding="utf-8"))
    found = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name]
    return list(ast.literal_eval(found[0]))


def test_spans_of_the_hydrogen_node_are_those_of_the_desk_rig() -> None:
    board = {row[0]: row[3:] for row in rows("wiring/board_hydrogen_node.py", "LOOPS")}
    desk = {row[0]: row[3:] for row in rows("desk_rig/hydrogen_node.py", "LOOPS")}
    assert board == desk


def test_dead_converter_never_blinds_all_hydrogen_channels() -> None:
    places = {row[0]: row[1:3] for row in rows("wiring/board_hydrogen_node.py", "LOOPS")}
    assert len(set(places.values())) == len(places)
    assert len({place[0] for name, place in places.items() if name.startswith("h2_")}) > 1
