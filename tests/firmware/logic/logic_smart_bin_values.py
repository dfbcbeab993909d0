"""What a smart bin shows: dead sensors, the tare, its battery, the names and codes of its profile."""

import rig
import settings
import vitals
from plain_parts import Full, damage
from products import bin_fire
from products.smart_bin import LOOK_MS, SmartBin
from registers import smart_bin as registers
from street_bin import WAKE_MS, Parts, board, shows, sleep


def test_value_that_comes_with_a_fault_is_not_shown():
    parts, made, now = board()
    for sensor in (parts.weight, parts.temperature, parts.tilt, parts.battery):
        sensor.fault = 3
    made.sample(now)
    shows(made, weight=None, temperature=None, tilt=None, battery=None, fault=True)


def test_values_have_the_decimals_of_the_profile():
    parts, made, now = board()
    parts.temperature.gives(26.449)
    parts.weight.gives(21.449)
    parts.tilt.gives(2.6)
    made.sample(now)
    shows(made, temperature=26.4, weight=21.4, tilt=3)


def test_values_that_are_none_are_faults_and_break_nothing():
    nan, endless = float("nan"), float("inf")
    for odd in (nan, endless, -endless, None):
        parts, made, now = board()
        for sensor in (parts.distance, parts.weight, parts.temperature, parts.tilt, parts.battery):
            sensor.gives(odd)
        now = sleep(made, now, WAKE_MS + 10000)
        for name in ("fill", "weight", "temperature", "tilt", "battery"):
            assert made.snapshot()[name] is None, (odd, name)
        shows(made, fault=True, fill_fault=True, overflow=False, tilted=False, fire=False)
        assert made.maintain(["tare"], now).startswith("tare refused")
    parts, made, now = board()
    for sensor in (parts.distance, parts.weight, parts.tilt, parts.battery):
        sensor.gives(-50.0)
    sleep(made, now, WAKE_MS + 10000)
    shows(made, fill=None, fill_fault=True, overflow=False, weight=-50.0, battery=0)


def test_thermistor_that_reads_colder_than_any_street_is_lost():
    parts, made, now = board()
    parts.temperature.gives(-40.0)
    now = sleep(made, now, 20000)
    shows(made, temperature=-40.0, temperature_fault=False)
    parts.temperature.gives(60.0)
    now = sleep(made, now, 10000)
    parts.temperature.gives(-40.1)
    sleep(made, now, 20000)
    shows(made, temperature=None, temperature_fault=True, fire=True, fire_cause=bin_fire.LOST)


def test_tare_takes_what_the_scale_carries_now():
    parts, made, now = board()
    parts.weight.gives(30.0)
    assert made.maintain(["tare"], now + 5000) == "tare 30.000 kg kept"
    shows(made, weight=0.0)


def test_flash_that_refuses_is_shown_until_it_takes_again():
    store = Full()
    _, made, now = board(store)
    shows(made, memory_fault=True, fault=True, weight_fault=False)
    store.full = False
    sleep(made, now, WAKE_MS + 15000)
    shows(made, memory_fault=False, fault=False)
    assert "memory_fault" in made.watched


def test_fire_is_an_alarm_in_which_no_limit_is_changed():
    parts, made, now = board()
    assert not made.in_alarm
    parts.smoke.closed = True
    made.sample(now)
    assert made.in_alarm


def test_dead_sensor_has_no_value_and_its_own_fault():
    rows = [("distance", "fill")] + [(name, name) for name in ("weight", "temperature", "tilt", "battery")]
    for part, point in rows:
        parts, made, now = board()
        getattr(parts, part).breaks()
        sleep(made, now, WAKE_MS + 10000)
        shows(made, fault=True)
        for _, name in rows:
            shows(made, **{name + "_fault": name == point})
            assert (made.snapshot()[name] is None) == (name == point), (part, name)


def test_tare_is_kept_and_taken_off():
    store = rig.store()
    parts, made, now = board(store)
    parts.weight.gives(99.8004)
    made.sample(now)
    assert made.maintain(["tare"], now) == "tare 99.800 kg kept"
    shows(made, weight=0.0)
    parts.weight.gives(400.1)
    made.sample(now)
    shows(made, weight=300.3)
    _, made, _ = board(store, parts)
    shows(made, weight=300.3)


def test_tare_that_cannot_be_right_is_refused():
    store = rig.store()
    parts, made, now = board(store)
    assert made.maintain(["tare"], now) == "tare 21.000 kg kept"
    for value in (100.1, -100.1, None):
        parts.weight.gives(value)
        made.sample(now)
        assert made.maintain(["tare"], now).startswith("tare refused")
    parts.weight.gives(30.0)
    made.sample(now)
    shows(made, weight=9.0)
    for words in (["tare", "now"], ["first-out", "clear"], []):
        assert made.maintain(words, now) is None


def test_tare_that_the_flash_refuses_is_not_used():
    _, made, now = board(Full())
    before = made.store_errors
    assert before > 1
    assert before < 60
    assert made.maintain(["tare"], now) == "tare refused: the flash does not take it; the old one stays"
    shows(made, weight=21.0)
    assert made.store_errors == before + 1


def test_weight_without_its_tare_is_no_weight():
    for data in (b"\0\0\0\0\0", b""):
        store = rig.store()
        parts, made, now = board(store)
        made.maintain(["tare"], now)
        damage(rig.FOLDER, rig._made[0], "tare", data)
        parts, made, now = board(store, parts)
        shows(made, weight=None, weight_fault=True, fault=True)
        made.maintain(["tare"], now)
        shows(made, weight=0.0, weight_fault=False, fault=False)
    store.put("tare", b"\0\0\0")
    _, made, _ = board(store, parts)
    shows(made, weight=None, weight_fault=True)


def test_battery_of_another_cell_has_another_table():
    parts = Parts()
    parts.battery.gives(3.58)
    _, made, _ = board(parts=parts, cell="li-socl2")
    shows(made, battery=50)
    _, made, _ = board(parts=parts)
    shows(made, battery=8)


def test_codes_and_points_are_those_of_the_profile():
    _, made, _ = board()
    names = [row[1] for row in registers.INPUT] + [row[2] for row in registers.INPUT_BITS]
    assert sorted(names) == sorted(list(made.snapshot()) + list(vitals.POINTS))
    causes = {name: code for code, name in dict(registers.STATES)["fire_cause"]}
    assert causes == {
        "none": bin_fire.NONE,
        "smoke": bin_fire.SMOKE,
        "hot": bin_fire.HOT,
        "rise": bin_fire.RISE,
        "lost-after-heat": bin_fire.LOST,
    }


def test_board_is_made_from_the_settings_of_its_product():
    words = ["--product", "smart-bin", "--device", "a:1", "--gateway", "a:1", "--period", "1800", "--state", "s"]
    made = SmartBin(Parts(), rig.store(), 0, settings.parse(words + ["--height", "2200", "--offset", "-500"]))  # noqa: RUF005
    sleep(made, 0, 15000)
    shows(made, fill=50)
    assert made.sample_ms == LOOK_MS
