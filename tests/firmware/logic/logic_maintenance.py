"""The maintenance console: whose line is whose, what is answered, and what no line can do."""

import crash
import kv
import rig
import settings
import station
import street_bin
from config import Config
from desk_rig.stimulus import Rig
from gas_parts import Bench
from maintenance import Console
from noise import Noise
from products.gas_alarm import GasAlarm
from whole import Quiet
from wiring.rig import parts

FACTORY = {"product": "gas-alarm", "device": "t:1", "gateway": "gw:5683", "period": "2", "warm-up": "0"}


class Desk:
    """A console before a product; ``rig`` as the console wants it."""

    def __init__(self, product, store, rig_=None):
        self.store = store
        self.events = rig.Events()
        self.config = Config(store, dict(FACTORY), self.events)
        self.log = crash.CrashLog(store)
        self.console = Console(self.config, self.log, product, rig_, self.events, True)

    def says(self, line, now=0):
        """What is answered, in lines."""
        del self.events.seen[:]
        self.changed = self.console.line(now, line)
        return [fields["text"] for fields in self.events.of("answer")]


def of_a_board():
    bench = Bench()
    return bench, Desk(bench.alarm, bench.store)


def on_the_desk():
    """A gas alarm on the rig."""
    store = rig.store()
    given = settings.check(dict(FACTORY))
    made = Rig(given, store, Noise(7), 0)
    alarm = GasAlarm(parts("gas-alarm", given, made), store, 0, given)
    made.product = alarm
    return alarm, Desk(alarm, store, made)


def test_empty_line_is_no_line():
    _, desk = of_a_board()
    for line in ("", "   "):
        assert desk.says(line) == []
        assert (desk.changed, desk.events.seen) == (False, [])


def test_config_is_changed_on_the_console_and_asks_for_a_restart():
    _, desk = of_a_board()
    assert desk.says("config set period 5") == ["period = 5; config apply to try it"]
    assert not desk.config.restart
    assert desk.says("config apply")[0][:5] == "kept;"
    assert desk.config.restart
    again = Config(desk.store, dict(FACTORY), desk.events)
    assert (again.settings["period"], again.on_trial) == (5.0, True)


def test_crash_log_is_shown_and_taken():
    bench, desk = of_a_board()
    assert desk.says("crash") == ["crash: none"]
    desk.log.write("ValueError: boom", 3, 61)
    assert desk.says("crash") == ["boot 3, up 61 s", "ValueError: boom"]
    assert desk.log.waiting
    assert desk.says("crash take") == ["boot 3, up 61 s", "ValueError: boom"]
    assert not crash.CrashLog(bench.store).waiting


def test_restart_is_asked_for_by_that_word_alone():
    _, desk = of_a_board()
    desk.says("restart now")
    assert not desk.console.restart
    assert desk.says("restart") == ["restarting"]
    assert desk.console.restart


def test_hold_is_a_wish_on_a_board_that_can_be_held_and_refused_on_others():
    _, desk = of_a_board()
    desk.says("restart")
    assert (desk.console.restart, desk.console.held) == (True, False)
    assert desk.says("hold") == ["held from the next start; restarting"]
    assert (desk.console.restart, desk.console.held) == (True, True)
    other = Console(desk.config, desk.log, None, None, desk.events, False)
    other.line(0, "hold")
    assert desk.events.of("answer")[-1] == {"text": "hold: not on this board"}
    assert (other.restart, other.held) == (False, False)


def test_settings_do_not_change_over_while_the_product_must_not_be_cut_short():
    product = Quiet()
    desk = Desk(product, rig.store())
    product.must_not_restart = True
    desk.says("config set period 5")
    assert desk.says("config apply")[0][:16] == "config: not now:"
    assert not desk.config.restart
    product.must_not_restart = False
    assert desk.says("config apply")[0][:5] == "kept;"


def test_settings_do_not_change_over_while_a_trip_is_latched_though_nothing_stands():
    bench, desk = of_a_board()
    bench.gas(60.0, 10)
    bench.gas(1.0, 70)
    assert not bench.alarm.must_not_restart
    desk.says("config set trip-after 60")
    assert desk.says("config apply confirmed-by li")[0][:16] == "config: not now:"
    bench.parts.iron.move("open")
    bench.run(1)
    assert desk.says("config apply confirmed-by li")[0][:5] == "kept;"


def test_lines_of_the_product_reach_it():
    bench, desk = of_a_board()
    bench.gas(2.5, 60)
    assert desk.says("calibrate zero li", bench.now) == ["calibrate: zero taken"]
    assert bench.run(0.1)["methane"] == 0.0
    assert desk.says("made 2025-13-01") == ["made: say made YYYY-MM-DD"]


def test_tare_reaches_the_scale_and_first_out_the_station():
    bin_parts, board, now = street_bin.board()
    bin_parts.weight.gives(4.0)
    board.sample(now)
    assert Desk(board, rig.store()).says("tare", now) == ["tare 4.000 kg kept"]
    assert board.snapshot()["weight"] == 0.0
    _, node = station.station()
    answers = Desk(node, rig.store()).says("first-out clear")
    assert (len(answers), answers[0][:9]) == (1, "first-out")


def test_stimulus_is_refused_by_a_board_with_real_sensors():
    bench, desk = of_a_board()
    for line in ("gas 90", "valve open", "over off", "nonsense"):
        assert desk.says(line) == []
        assert not desk.changed
        assert desk.events.of("error")[0]["line"] == line
    bench.run(1)
    bench.shows(methane=1.2, alarm=False)


def test_stimulus_reaches_the_rig_of_a_desk_and_a_wrong_one_is_told():
    alarm, desk = on_the_desk()
    assert desk.says("gas 60", 100) == []
    assert desk.changed
    assert desk.events.of("stimulus") == [{"line": "gas 60"}]
    for now in range(200, 2000, 100):
        alarm.sample(now)
    assert alarm.snapshot()["alarm"] is True
    for line in ("gas much", "nonsense", "set valve 1", "lid open"):
        desk.says(line, 2000)
        assert not desk.changed
        assert len(desk.events.of("error")) == 1


def test_full_flash_is_told_and_breaks_nothing():
    bench, desk = of_a_board()
    desk.log.write("E", 1, 2)

    def refuses(_store, _name, _value):
        raise OSError(28)

    good = kv.Store.put
    kv.Store.put = refuses
    try:
        answers = [desk.says(line) for line in ("config set period 5", "config apply", "crash take", "made 2025-01-01")]
    finally:
        kv.Store.put = good
    assert [len(lines) > 0 for lines in answers] == [True] * 4
    assert desk.log.waiting
    assert not desk.config.restart
    bench.shows(alarm=False)


def test_no_line_of_a_board_with_real_sensors_opens_the_valve():
    bench, desk = of_a_board()
    bench.gas(60.0, 20)
    bench.shows(valve=2, trip_latched=True)
    bench.gas(0.0, 5)
    for line in ("valve open", "open valve", "set valve 1", "over-range confirm", "calibrate zero", "reset", "open"):
        desk.says(line, bench.now)
        bench.run(1)
        bench.shows(valve=2, trip_latched=True)
        assert bench.parts.valve_open.level is False
