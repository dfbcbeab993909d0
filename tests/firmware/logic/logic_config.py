"""The settings in flash: two slots, the trial of a changed one, power cuts, the maintenance console."""

import os

import config
import kv
import rig

FACTORY = {"product": "gas-alarm", "device": "t:1", "gateway": "gw:5683", "period": "2"}
MINUTE = 60000
_made = [0]


class Board:
    """A flash that outlives the starts of its board."""

    def __init__(self):
        _made[0] += 1
        self.folder = f"{rig.FOLDER}/config{_made[0]}"
        self.store = kv.Store(self.folder)
        self.events = rig.Events()

    def start(self):
        return config.Config(self.store, dict(FACTORY), self.events)

    def confirmed(self, name, text):
        """A configuration with one setting changed, tried and confirmed."""
        one = self.start()
        say(one, "config set " + name + " " + text)
        say(one, "config apply")
        one = self.start()
        assert one.on_trial
        work(one, 0, 3 * MINUTE)
        assert not one.on_trial
        return one

    def files(self):
        return sorted(os.listdir(self.folder))

    def read(self, name):
        with open(self.folder + "/" + name, "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.folder + "/" + name, "wb") as file:
            file.write(data)


def say(one, line):
    return one.console(line.split())


def work(one, start, end, heard=True):
    """Go from ``start`` to ``end``; when the trial failed, or ``None``."""
    for now in range(start, end + 1, 10000):
        if one.step(now, now if heard else None):
            return now
    return None


def test_board_that_was_never_configured_has_the_factorys_settings():
    board = Board()
    one = board.start()
    assert (one.settings["period"], one.fault, one.on_trial) == (2.0, "", False)
    assert board.events.seen == []
    assert board.files() == []


def test_changed_setting_holds_from_the_next_start_and_is_good_when_the_gateway_was_reached():
    board = Board()
    one = board.start()
    assert say(one, "config set period 7") == ["period = 7; config apply to try it"]
    assert one.settings["period"] == 2.0
    assert say(one, "config apply") == ["kept; on trial from the next start, good after 120 s with the gateway"]
    assert (one.settings["period"], one.restart) == (2.0, True)
    one = board.start()
    assert (one.settings["period"], one.on_trial) == (7.0, True)
    assert work(one, 0, 110000) is None
    assert one.on_trial
    assert work(one, 120000, 120000) is None
    assert not one.on_trial
    assert (board.start().settings["period"], board.start().on_trial) == (7.0, False)


def test_unconfirmed_setting_is_gone_at_the_next_start():
    board = Board()
    board.confirmed("period", "5")
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    assert board.start().settings["period"] == 9.0
    for _ in range(3):
        one = board.start()
        assert (one.settings["period"], one.on_trial, one.fault) == (5.0, False, "")


def test_unconfirmed_first_change_gives_way_to_the_factorys_settings():
    board = Board()
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    assert board.start().settings["period"] == 9.0
    one = board.start()
    assert (one.settings["period"], one.fault) == (2.0, "")


def test_trial_without_the_gateway_ends_after_its_time():
    board = Board()
    one = board.start()
    say(one, "config set gateway wrong:1")
    say(one, "config apply")
    one = board.start()
    assert work(one, 0, 30 * MINUTE, heard=False) == config.TRIAL_MS
    assert board.start().settings["gateway"] == "gw:5683"


def test_gateway_heard_once_and_lost_again_confirms_nothing():
    board = Board()
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    one = board.start()
    failed = None
    for now in range(0, 30 * MINUTE, 10000):
        heard_at = 30000 if now >= 30000 else None
        if one.step(now, heard_at):
            failed = now
            break
    assert failed == config.TRIAL_MS
    assert one.on_trial


def test_time_with_the_gateway_counts_anew_after_it_was_lost():
    board = Board()
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    one = board.start()
    work(one, 0, MINUTE)
    work(one, 2 * MINUTE, 4 * MINUTE, heard=False)
    one.step(5 * MINUTE, 5 * MINUTE)
    assert one.on_trial
    assert not one.step(7 * MINUTE, 7 * MINUTE)
    assert not one.on_trial


def test_cut_or_broken_bit_at_any_byte_leaves_a_valid_configuration():
    board = Board()
    board.confirmed("period", "5")
    board.confirmed("period", "7")
    assert board.files() == ["config-a", "config-b"]
    for name in board.files():
        whole = board.read(name)
        damages = [whole[:size] for size in range(len(whole))]
        for at in range(len(whole)):
            broken = bytearray(whole)
            broken[at] ^= 1 << at % 8
            damages.append(bytes(broken))
        for data in damages:
            board.write(name, data)
            found = board.start()
            assert found.settings["period"] in (5.0, 7.0)
            assert (found.fault, found.on_trial) == ("", False)
        board.write(name, whole)
    assert board.start().settings["period"] == 7.0


def test_cut_while_a_change_is_written_leaves_the_old_or_the_new():
    board = Board()
    board.confirmed("period", "5")
    before = board.files()
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    changed = next(name for name in board.files() if name not in before)
    whole = board.read(changed)
    os.remove(board.folder + "/" + changed)
    for size in range(len(whole) + 1):
        # As `kv` writes: beside, then renamed.
        board.write(changed + ".new", whole[:size])
        assert board.start().settings["period"] == 5.0
    board.write(changed, whole)
    assert board.start().settings["period"] == 9.0


def test_both_slots_gone_is_a_loud_fault_with_the_factorys_settings():
    board = Board()
    board.confirmed("period", "5")
    board.confirmed("period", "7")
    for name in board.files():
        board.write(name, board.read(name)[:-1])
    one = board.start()
    assert one.settings["period"] == 2.0
    assert one.fault == ("config-a: wrong checksum; config-b: wrong checksum; the factory's settings are used")
    assert board.events.of("error")[-1]["message"] == one.fault
    assert "fault: " + one.fault in say(one, "config show")


def test_last_resort_is_a_configuration_that_was_never_confirmed():
    board = Board()
    board.confirmed("period", "5")
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    board.start()
    good = next(name for name in board.files() if board.read(name)[8] == config.GOOD)
    board.write(good, b"")
    one = board.start()
    assert one.settings["period"] == 9.0
    assert "never confirmed" in one.fault


def test_configuration_that_this_firmware_refuses_is_told_and_not_used():
    board = Board()
    board.confirmed("period", "5")
    board.store.put("config-b", b"\x63\0\0\0\x03colour=red\n")
    one = board.start()
    assert one.settings["period"] == 5.0
    assert board.events.of("error")[-1]["message"][:24] == "config-b: colour: unknow"


def test_wrong_change_is_refused_and_keeps_nothing():
    board = Board()
    one = board.start()
    rows = [
        ("config set period 0", "config: period: 0.1 to 86400, not 0"),
        ("config set level-1 30", "config: level-1: 5 to 25, not 30"),
        ("config set colour red", "config: colour: unknown; known are "),
        ("config set ring", "config: ring is not set"),
        ("config", "config: say config show, "),
        ("config set", "config: say config show, "),
        ("config apply now", "config: say config show, "),
        ("config apply", "config: nothing was changed"),
        ("config revert", "config: nothing to revert"),
    ]
    for line, answer in rows:
        assert say(one, line)[0][: len(answer)] == answer, (line, say(one, line))
    say(one, "config set gateway none")
    assert say(one, "config apply")[0][:21] == "config: gateway none:"
    assert board.files() == []
    say(one, "config set modbus 1")
    assert say(one, "config apply")[0][:4] == "kept"


def test_setting_without_a_value_returns_to_its_default():
    board = Board()
    one = board.confirmed("ring", "5")
    assert say(one, "config set ring") == ["ring = (default); config apply to try it"]
    say(one, "config apply")
    assert board.start().settings["ring"] == 128


def test_kept_change_can_be_taken_back_before_its_start():
    board = Board()
    one = board.start()
    say(one, "config set period 9")
    assert say(one, "config revert") == ["the changes are dropped"]
    assert say(one, "config apply") == ["config: nothing was changed"]
    say(one, "config set period 9")
    say(one, "config apply")
    assert say(one, "config revert") == ["the kept configuration will not be tried"]
    assert (board.start().settings["period"], one.restart) == (2.0, False)


def test_trial_can_be_ended_by_hand():
    board = Board()
    one = board.start()
    say(one, "config set period 9")
    say(one, "config apply")
    one = board.start()
    say(one, "config set period 8")
    assert say(one, "config apply")[0][:24] == "config: one is on trial;"
    say(one, "config revert")
    assert say(one, "config revert") == ["the previous configuration returns with the next start"]
    assert one.restart
    assert board.start().settings["period"] == 2.0


def test_secret_is_never_shown():
    board = Board()
    one = board.start()
    answers = say(one, "config set wifi-key hunter2hunter2")
    answers += say(one, "config show")
    answers += say(one, "config set wifi-key hunter2")
    say(one, "config apply")
    one = board.start()
    answers += say(one, "config show")
    assert one.settings["wifi-key"] == "hunter2hunter2"
    assert not [line for line in answers if "hunter2" in line]
    assert [line for line in answers if "wifi-key" in line] == [
        "wifi-key = (set); config apply to try it",
        "wifi-key = (not set)",
        "changed: wifi-key = (set)",
        "config: wifi-key: a passphrase has 8 to 63 characters (WPA2)",
        "wifi-key = (set)",
    ]


class Full:
    """A store whose flash is full."""

    def __init__(self, store):
        self.get = store.get

    def put(self, _name, _value):
        raise OSError(28)


def test_full_flash_refuses_the_change_and_tries_nothing():
    board = Board()
    board.confirmed("period", "5")
    one = board.start()
    say(one, "config set period 9")
    one._store = Full(board.store)
    assert say(one, "config apply")[0][:27] == "config: the flash refuses i"
    one._store = board.store
    say(one, "config apply")
    stuck = config.Config(Full(board.store), dict(FACTORY), board.events)
    assert (stuck.settings["period"], stuck.on_trial) == (5.0, False)
    assert board.start().settings["period"] == 9.0
