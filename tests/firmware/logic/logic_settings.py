"""Settings: types, ranges and defaults, in both of their forms."""

import settings

GAS = {"product": "gas-alarm", "device": "t:1", "gateway": "gw.lan:5683", "period": "2"}


def told(function, argument):
    """What it refuses the argument with; empty if it takes it."""
    try:
        function(argument)
    except settings.SettingsError as error:
        return str(error)
    return ""


def refused(given):
    return told(settings.check, given)


def test_old_command_line_is_understood():
    line = "--product gas-alarm --device t:1 --gateway h:1 --period 0.2 --state /s --seed 3 --warm-up 0 "
    line += "--trip-after 1.5 --ring 9 --modbus /dev/x --unit 7 --ack-timeout 0.3"
    found = settings.parse(line.split())
    expected = (("period", 0.2), ("seed", 3), ("warm-up", 0.0), ("trip-after", 1.5), ("ring", 9), ("unit", 7))
    assert [found[name] for name, _ in expected] == [value for _, value in expected]
    assert (found["state"], found["modbus"], found["ack-timeout"], found["parts"]) == ("/s", "/dev/x", 0.3, "rig")


def test_defaults_are_those_of_the_product():
    gas = settings.check(GAS)
    assert (gas["level-1"], gas["lfl-basis"], gas["queue"], gas["baud"]) == (25.0, "iec", 65536, 9600)
    assert (gas["mute-for"], gas["life-years"], gas["parts"], gas["state"]) == (300.0, 3.0, "board", "")
    assert "height" not in gas
    bins = settings.check(dict(GAS, product="smart-bin"))
    assert (bins["overflow"], bins["fire"], "level-1" in bins) == (90.0, 70.0, False)


def test_wrong_setting_is_refused_with_its_name_and_what_is_allowed():
    rows = [
        ("product", "toaster", "product: 'toaster' is not one of gas-alarm, smart-bin, hydrogen-node"),
        ("device", "a b", "device: 1 to 64 of letters, digits and . _ : -"),
        ("device", "", "device: 1 to 64"),
        ("device", "x" * 65, "device: 1 to 64"),
        ("gateway", "host", "gateway: HOST:PORT"),
        ("gateway", "host:0", "gateway: HOST:PORT"),
        ("gateway", "host:65536", "gateway: HOST:PORT"),
        ("gateway", ":5683", "gateway: HOST:PORT"),
        ("gateway", "none", "gateway none: such a board needs modbus LINE"),
        ("period", "0.05", "period: 0.1 to 86400, not 0.05"),
        ("period", "nan", "period: 'nan' is not a number"),
        ("period", "", "period: '' is not a number"),
        ("period", "1e99", "period: 0.1 to 86400"),
        ("warm-up", "181", "warm-up: 0 to 180, not 181"),
        ("trip-after", "61", "trip-after: 0 to 60, not 61"),
        ("ring", "0", "ring: 1 to 10000"),
        ("ring", "1.5", "ring: '1.5' is not a whole number"),
        ("unit", "248", "unit: 1 to 247"),
        ("baud", "9601", "baud: 9601 is not one of 9600, 19200"),
        ("modbus", "ttyS0", "modbus: 'ttyS0' is neither the path of a serial line nor the number of a UART"),
        ("modbus-tcp", "65536", "modbus-tcp: 0 to 65535"),
        ("queue", "4096", "queue: 0 (none), or 8192 to 4194304, not 4096"),
        ("oscore", "../key", "oscore: the name of a credential file"),
        ("level-1", "25.1", "level-1: 5 to 25, not 25.1"),
        ("lfl-basis", "din", "lfl-basis: 'din' is not one of iec, nfpa"),
        ("valve", "open", "valve: 'open' is not one of pulse, hold"),
        ("power-loss", "open", "power-loss: 'open' is not one of closed, last"),
        ("height", "900", "height: only for smart-bin"),
        ("colour", "red", "colour: unknown; known are ack-timeout, "),
        ("device", "a\n", "device: at most 128 ASCII characters"),
        ("wifi", "\u706b", "wifi: at most 128 ASCII characters"),
        ("wifi-key", "short", "wifi-key: a passphrase has 8 to 63 characters"),
    ]
    for name, text, message in rows:
        given = dict(GAS)
        given[name] = text
        assert refused(given)[: len(message)] == message, (name, text, refused(given))
    for name in ("product", "device", "gateway", "period"):
        given = dict(GAS)
        given.pop(name)
        assert refused(given) == name + " is missing"


def test_default_of_a_desk_is_not_that_of_real_sensors():
    desk, board = settings.check(dict(GAS, parts="rig")), settings.check(GAS)
    assert (desk["warm-up"], desk["fan"]) == (2.0, "permitted")
    assert (board["warm-up"], board["fan"]) == (60.0, "none")
    given = dict(GAS, fan="permitted")
    given["warm-up"] = "5"
    assert (settings.check(given)["warm-up"], settings.check(given)["fan"]) == (5.0, "permitted")
    assert refused(dict(GAS, fan="on")) == "fan: 'on' is not one of none, permitted"


def test_bin_looks_at_its_contacts_at_least_every_ten_minutes():
    bins = dict(GAS, product="smart-bin")
    assert settings.check(dict(bins, wake="600"))["wake"] == 600.0
    assert refused(dict(bins, wake="601"))[:15] == "wake: 1 to 600,"


def test_limits_of_a_bin_cannot_be_raised_above_the_rules():
    bins = dict(GAS, product="smart-bin")
    for name, text in (("overflow", "91"), ("fire", "71")):
        given = dict(bins)
        given[name] = text
        assert refused(given)[: len(name) + 1] == name + ":"


def test_two_links_cannot_share_a_line():
    given = dict(GAS, modbus="1", gateway="none")
    given["serial-link"] = "1"
    assert refused(given) == "serial-link: 1 is the line of modbus; give another"
    given["serial-link"] = "0"
    assert settings.check(given)["serial-link"] == "0"


def test_polled_board_needs_no_gateway():
    for name, text in (("modbus", "/dev/x"), ("modbus-tcp", "502"), ("serial-link", "1")):
        given = dict(GAS, gateway="none")
        given[name] = text
        assert settings.check(given)["gateway"] == settings.NO_GATEWAY


def test_command_line_that_is_no_pairs_is_refused():
    for words, message in (
        (["--device"], "every --name needs a value"),
        (["--colour", "red"], "--colour: unknown; known are --ack-timeout"),
        (["device", "t:1"], "device: unknown"),
        (["--product", "gas-alarm"], "--state is missing"),
        (["--state", "/s", "--product", "gas-alarm", "--period", "0"], "--period: 0.1 to 86400, not 0"),
    ):
        assert told(settings.parse, words)[: len(message)] == message, words


def test_readings_go_to_one_gateway():
    given = dict(GAS)
    given["serial-link"] = "1"
    assert refused(given)[:55] == "serial-link: its readings go to one gateway; say gatewa"


def test_wrong_value_of_the_command_line_is_named():
    line = "--product gas-alarm --device a:1 --gateway 127.0.0.1:5683 --period 2 --state s"
    assert told(settings.parse, line.split()) == ""
    for words in ("--seed x", "--ring 0", "--device a/b", "--gateway nowhere", "--period nan", "--oscore ../key"):
        name = words.split()[0]
        given = f"{line} {words}".split()
        assert told(settings.parse, given)[: len(name) + 2] == name + ": ", words


def test_text_and_pairs_are_each_others_reverse():
    given = dict(GAS, wifi="a=b # c", oscore="key")
    assert settings.pairs_of(settings.text_of(given)) == given
    assert settings.pairs_of("# note\n\n device=t:1 \n") == {"device": "t:1"}
    for text, message in (("device", "line 1: it must be name=value"), ("a=1\na=2", "line 2: a a second time")):
        assert told(settings.pairs_of, text) == message


def test_secret_is_shown_neither_in_the_list_nor_in_an_error():
    given = dict(GAS)
    given["wifi-key"] = "hunter2hunter2"
    lines = settings.shown(settings.check(given))
    assert "wifi-key = (set)" in lines
    assert "device = t:1" in lines
    for text in ("hunter2", "hunter2\x00hunter2", "hunter2" * 30):
        given["wifi-key"] = text
        assert "hunter2" not in refused(given)
        assert refused(given)
