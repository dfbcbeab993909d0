"""Generic boards, report gate, SenML pack and settings."""

import json

import rig
import senml
import settings
from products.board import Board
from products.inputs import StimulusError
from reporting import AT_ONCE, NOT_YET, PERIODIC, ReportGate


def test_bin_counts_a_collection_and_keeps_the_count():
    store = rig.store()
    board = Board("smart-bin", store, rig.noise(), 0)
    for level in (92, 5, 80, 60, 20):
        board.stimulate(["fill", str(level)], 0)
        board.sample(100)
    assert board.snapshot()["collections"] == 2
    assert Board("smart-bin", store, rig.noise(), 0).snapshot()["collections"] == 2


def test_bin_follows_its_stimulus():
    board = Board("smart-bin", rig.store(), rig.noise(), 0)
    lines = ("fill 92", "weight 33", "temperature 80", "tilt 40", "lid open", "battery 15", "set fire 1", "fault on")
    for line in lines:
        board.stimulate(line.split(), 0)
    board.sample(100)
    seen = board.snapshot()
    assert (seen["fill"], seen["battery"], seen["lid_open"], seen["fire"], seen["fault"]) == (92, 15, True, True, True)
    assert abs(seen["temperature"] - 80) < 1
    assert abs(seen["tilt"] - 40) < 1
    assert abs(seen["weight"] - 33) < 1
    board.stimulate(["lid", "closed"], 0)
    assert board.snapshot()["lid_open"] is False


def test_noise_stays_inside_the_range_of_the_sensor():
    board = Board("smart-bin", rig.store(), rig.noise(), 0)
    board.stimulate(["fill", "-10"], 0)
    board.stimulate(["tilt", "0"], 0)
    for now in range(100):
        board.sample(now)
        seen = board.snapshot()
        assert seen["fill"] >= 0
        assert seen["tilt"] >= 0


def test_hydrogen_node_warms_up_and_obeys_nothing():
    board = Board("hydrogen-node", rig.store(), rig.noise(), 0, warm_up_ms=1000)
    assert board.snapshot()["warm_up"] is True
    board.stimulate(["set", "h2_1", "0.5"], 1000)
    board.stimulate(["set", "flame", "1"], 1000)
    board.sample(1000)
    seen = board.snapshot()
    assert seen["warm_up"] is False
    assert seen["flame"] is True
    assert abs(seen["h2_1"] - 0.5) < 0.03
    assert not board.commands
    assert not board.command("close-valve", 0)


def test_stimulus_that_a_board_does_not_know_is_refused():
    board = Board("hydrogen-node", rig.store(), rig.noise(), 0)
    for line in ("lid open", "fill 3", "set valve 1", "set warm_up 0", "set flame 3", "pressure", "h2_1 much"):
        try:
            board.stimulate(line.split(), 0)
        except StimulusError:
            continue
        raise AssertionError(line)


def test_report_leaves_every_period_and_at_once_on_a_change():
    gate = ReportGate(2000, ("alarm",), {"methane": 5.0})
    rows = [
        (0, {"alarm": False, "methane": 1.0, "co": 1}, AT_ONCE),
        (100, {"alarm": False, "methane": 1.2, "co": 1}, NOT_YET),
        (1900, {"alarm": False, "methane": 1.2, "co": 90}, NOT_YET),
        (2000, {"alarm": False, "methane": 1.2, "co": 90}, PERIODIC),
        (2100, {"alarm": True, "methane": 1.2, "co": 90}, AT_ONCE),
        (2200, {"alarm": True, "methane": 6.1, "co": 90}, NOT_YET),
        (2300, {"alarm": True, "methane": 6.2, "co": 90}, AT_ONCE),
        (2400, {"alarm": True, "methane": 1.2, "co": 90}, AT_ONCE),
        (4300, {"alarm": True, "methane": 1.2, "co": 90}, NOT_YET),
        (4400, {"alarm": True, "methane": 1.2, "co": 90}, PERIODIC),
    ]
    for now, values, expected in rows:
        assert gate.due(now, values) == expected, now


def test_pack_is_senml_with_its_identity_first():
    values = {"methane": 1.25, "alarm": False, "fan": 2, "co": None, "supply": float("nan")}
    pack = json.loads(senml.pack("t:1", 3, 17, values, 1800000000.1254))
    assert (pack[0]["bn"], pack[0]["n"], pack[0]["v"]) == ("t:1/", "boot", 3)
    assert abs(pack[0]["bt"] - 1800000000.125) < 0.0015
    assert pack[1] == {"n": "seq", "v": 17}
    rest = {record["n"]: record for record in pack[2:]}
    assert rest == {
        "methane": {"n": "methane", "v": 1.25},
        "alarm": {"n": "alarm", "vb": False},
        "fan": {"n": "fan", "v": 2},
    }


def test_pack_of_a_board_without_a_clock_has_no_time():
    assert "bt" not in json.loads(senml.pack("t:1", 3, 17, {}, None))[0]


def test_numbers_have_no_superfluous_digits():
    rows = [(12.0, "12"), (-0.0001, "0"), (0.1, "0.1"), (100.0, "100"), (-12.345, "-12.345"), (7, "7")]
    for value, text in rows:
        assert senml.number(value) == text
    assert senml.number(float("inf")) is None


GOOD = ["--product", "gas-alarm", "--device", "a:1", "--gateway", "127.0.0.1:5683", "--period", "2", "--state", "s"]


def good_and(*more):
    return GOOD + list(more)


def test_settings_are_typed():
    seen = settings.parse(good_and("--seed", "9", "--ack-timeout", "0.5"))
    assert (seen["seed"], seen["ack-timeout"], seen["period"], seen["ring"]) == (9, 0.5, 2.0, 128)


def test_wrong_setting_is_named():
    rows = [
        (GOOD[:-2], "--state"),
        (good_and("--colour", "red"), "--colour"),
        (good_and("--seed"), "--name"),
        (good_and("--seed", "x"), "--seed"),
        (good_and("--ring", "0"), "--ring"),
        (good_and("--device", "a/b"), "--device"),
        (good_and("--gateway", "nowhere"), "--gateway"),
        (good_and("--period", "0"), "--period"),
        (good_and("--period", "nan"), "--period"),
    ]
    for arguments, name in rows:
        try:
            settings.parse(arguments)
            told = ""
        except settings.SettingsError as error:
            told = str(error)
        assert name in told, (arguments, told)
