"""What a changed configuration may not do: say what the board is, weaken it alone, or change over in an alarm; and what
a board does whose factory settings are damaged."""

import config
import kv
import rig
import settings

GAS = "product=gas-alarm\ndevice=t:1\ngateway=gw:5683\nperiod=2\ntrip-after=10\nfan=none\n"


class Board:
    """A flash that outlives the starts of its board, and the settings that came with its firmware."""

    def __init__(self, text=GAS):
        self.store = rig.store()
        self.text = text
        self.events = rig.Events()

    def start(self):
        given, fault = settings.flashed(self.text)
        return config.Config(self.store, given, self.events, fault)

    def keep(self, line):
        """Change a setting, and let it be confirmed."""
        one = self.start()
        say(one, "config set " + line)
        assert say(one, "config apply")[0][:4] == "kept", line
        one = self.start()
        for now in range(0, 130000, 10000):
            one.step(now, now)
        assert not one.on_trial
        return one


def say(one, line, forbidden=""):
    return one.console(line.split(), forbidden)


def test_what_the_board_is_cannot_be_set():
    one = Board().start()
    wiring = ("lfl-basis nfpa", "lfl-basis iec", "valve hold", "valve", "power-loss closed", "power-loss last")
    for line in ("product smart-bin", "gas lpg", "parts rig", "parts", "gas") + wiring:  # noqa: RUF005 - MicroPython
        name = line.split()[0]
        assert say(one, "config set " + line)[0][: 10 + len(name)] == "config: " + name + ": "
    assert say(one, "config apply") == ["config: nothing was changed"]


def test_what_the_board_is_comes_from_the_factory_even_if_a_kept_configuration_says_otherwise():
    board = Board()
    text = "product=gas-alarm\ndevice=t:1\ngateway=gw:5683\nperiod=7\ngas=lpg\nparts=rig\n"
    board.store.put("config-a", b"\x01\0\0\0\x03" + text.encode())
    found = board.start().settings
    assert (found["period"], found["gas"], found["parts"]) == (7.0, "methane", "board")
    board.text = GAS + "valve=hold\npower-loss=closed\nlfl-basis=nfpa\n"
    wired = text.replace("gas=lpg", "valve=pulse\npower-loss=last\nlfl-basis=iec")
    board.store.put("config-a", b"\x01\0\0\0\x03" + wired.encode())
    found = board.start().settings
    assert (found["valve"], found["power-loss"], found["lfl-basis"]) == ("hold", "closed", "nfpa")
    told = "config-a: parts rig, lfl-basis iec, valve pulse, power-loss last: not used; the factory's settings say it"
    assert board.events.of("error")[-1] == {"message": told}
    # A firmware for another product was flashed: the old configuration is not its own.
    board.store.put("config-a", b"\x01\0\0\0\x03" + (text + "level-1=20\n").encode())
    board.text = GAS.replace("gas-alarm", "smart-bin").replace("trip-after=10\nfan=none\n", "")
    one = board.start()
    assert one.settings["product"] == "smart-bin"
    assert "only for gas-alarm" in one.fault


def test_kept_configuration_that_says_of_the_board_what_the_factory_says_or_implies_is_not_told():
    board = Board()
    board.keep("period 5")
    text = "product=gas-alarm\ndevice=t:1\ngateway=gw:5683\nperiod=7\nvalve=pulse\nparts=board\n"
    board.store.put("config-b", b"\x63\0\0\0\x03" + text.encode())
    assert board.start().settings["period"] == 7.0
    assert board.events.of("error") == []


def test_nothing_changes_over_while_the_board_forbids_it():
    board = Board()
    one = board.start()
    say(one, "config set period 5")
    assert say(one, "config apply", "the trip is latched") == ["config: not now: the trip is latched"]
    assert not one.restart
    assert board.start().settings["period"] == 2.0
    assert say(one, "config apply")[0][:4] == "kept"
    assert one.restart


def test_weaker_protection_needs_a_second_person_who_is_told():
    board = Board()
    one = board.start()
    say(one, "config set trip-after 60")
    say(one, "config set warm-up 180")
    expected = "config: it protects less (trip-after, warm-up); a second person says config apply confirmed-by NAME"
    assert say(one, "config apply") == [expected]
    assert say(one, "config apply confirmed-by")[0][:11] == "config: say"
    assert (one.restart, board.start().settings["trip-after"]) == (False, 10.0)
    assert say(one, "config apply confirmed-by Li Wei", "gas")[0] == "config: not now: gas"
    assert say(one, "config apply confirmed-by Li Wei")[0][:4] == "kept"
    assert board.events.of("config")[-1] == {"weaker": "trip-after, warm-up", "confirmed_by": "Li Wei"}
    assert board.start().settings["trip-after"] == 60.0


def test_default_that_is_weaker_needs_a_second_person_too():
    one = Board().start()
    say(one, "config set trip-after")
    assert say(one, "config apply")[0][:34] == "config: it protects less (trip-aft"


def test_link_that_is_no_longer_secured_and_long_silence_need_a_second_person():
    one = Board(GAS + "oscore=key\n").start()
    say(one, "config set oscore")
    say(one, "config set period 86400")
    assert say(one, "config apply")[0][:42] == "config: it protects less (period, oscore);"


def test_stronger_protection_needs_one_person():
    board = Board()
    assert board.keep("trip-after 5").settings["trip-after"] == 5.0
    assert [list(fields) for fields in board.events.of("config")] == [["confirmed"]]


DAMAGED = (
    "",
    "# nothing\n",
    GAS[:30] + "???",
    "product",
    GAS + "period=3\n",
    "\n".join(["?"] * 9),
    GAS + "colour=red\n",
)


def test_kept_configuration_is_used_when_the_factory_settings_are_damaged():
    for text in DAMAGED:
        board = Board()
        board.keep("period 5")
        board.text = text
        one = board.start()
        assert (one.settings["period"], one.settings["trip-after"], one.settings["product"]) == (5.0, 10.0, "gas-alarm")
        assert one.fault[:14] == "settings.txt: "
        assert one.fault[-8:] == " is used"
        assert board.events.of("error")[-1]["message"] == one.fault
        assert "fault: " + one.fault in say(one, "config show")


def test_board_without_any_settings_is_a_gas_alarm_that_acts_and_speaks_to_nobody():
    for text in ("", "# nothing\n", "product=\n", "product=toaster\n"):
        one = Board(text).start()
        found = one.settings
        assert (found["product"], found["gateway"], found["level-1"], found["trip-after"]) == (
            "gas-alarm",
            settings.NO_GATEWAY,
            25.0,
            15.0,
        )
        assert (found["modbus"], found["serial-link"], found["modbus-tcp"], found["parts"]) == ("", "", 0, "board")
        # The basis on which a sensor's value counts for more.
        assert (found["fan"], found["warm-up"], found["lfl-basis"]) == ("none", 60.0, "nfpa")
        assert one.fault.endswith("; a safe default is used, without any link")
        assert one.fault[:14] == "settings.txt: "


def test_damaged_settings_still_say_what_is_wired_to_the_board():
    board = Board("product=gas-alarm\ngas=lpg\nvalve=hold\npower-loss=closed\nlevel-1=5\ntrip-after=60\nmodb")
    found = board.start().settings
    assert (found["gas"], found["valve"], found["power-loss"], found["trip-after"]) == ("lpg", "hold", "closed", 15.0)
    assert found["lfl-basis"] == "nfpa"
    assert Board("product=gas-alarm\nlfl-basis=iec\n???").start().settings["lfl-basis"] == "iec"
    assert Board("product=smart-bin\nvalve=hold\n???").start().settings["product"] == "smart-bin"
    assert Board("valve=hold\nvalve=pulse\n").start().settings["valve"] == "pulse"
    assert Board("valve=hold\nvalve=hold\n").start().settings["valve"] == "hold"


def test_board_on_its_safe_default_can_be_given_a_link_again():
    board = Board("")
    one = board.start()
    say(one, "config set gateway gw:5683")
    say(one, "config set device t:9")
    assert say(one, "config apply")[0][:4] == "kept"
    one = board.start()
    assert (one.settings["gateway"], one.settings["device"], one.on_trial) == ("gw:5683", "t:9", True)
    one = board.start()
    assert one.settings["gateway"] == settings.NO_GATEWAY


def test_unreadable_slot_beside_damaged_factory_settings_ends_in_the_safe_default():
    board = Board()
    board.keep("period 5")
    board.text = ""

    class Broken:
        def get(self, name):
            raise kv.Corrupt(name + ": cannot be read")

        def put(self, _name, _value):
            raise OSError(5)

    given, fault = settings.flashed("")
    one = config.Config(Broken(), given, board.events, fault)
    assert one.settings["gateway"] == settings.NO_GATEWAY
    assert one.fault[:35] == "config-a: cannot be read; config-b:"
