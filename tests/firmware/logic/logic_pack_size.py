"""The longest pack that each product can make, through delivery and composer, against what a serial frame carries."""

from backlog import Entry
from composer import Composer
from delivery import Delivery
from registers import gas_alarm, hydrogen_node, lpg_alarm, smart_bin
from reporting import ReportGate
from senml import number

from protocols.wire import link

TABLES = {"gas-alarm": gas_alarm, "lpg-alarm": lpg_alarm, "smart-bin": smart_bin, "hydrogen-node": hydrogen_node}
RANGES = {"int16": (-32768, 32767), "uint16": (0, 65535), "int32": (-2147483648, 2147483647), "uint32": (0, 4294967295)}
# The longest that a setting, a start's number, a count and a time can be.
DEVICE = "d" * 64
BOOT = 2147483647
SEQ = 4294967295
AGE = "-4102444800.125"


class Clock:
    def look(self, _now):
        pass


class Waiting:
    """A backlog that only keeps what it is given, and a link at once."""

    waiting = 0
    taken = 0

    def __init__(self):
        self.bodies = []

    def offer(self, _now, _seq, body, _urgent):
        self.bodies.append(body)

    def poll(self, _now):
        return None


def longest_values(tables):
    """Every point of a profile with the value whose text is longest, of all that its register can carry."""
    values = {row[2]: False for row in tables.INPUT_BITS}
    states = dict(tables.STATES)
    for _, name, kind, multiply, divide, offset, _ in tables.INPUT:
        if name in states:
            found = [code for code, _ in states[name]]
        else:
            found = [raw if multiply == divide else raw * multiply / divide + offset for raw in RANGES[kind]]
        values[name] = max(found, key=lambda value: len(number(value)))
    return values


def longest_packs(product):
    """What leaves of a sample that is due together with the board's own points: a list of packs."""
    values = longest_values(TABLES[product])
    waiting = Waiting()
    composer = Composer(DEVICE, product, values)
    delivery = Delivery(ReportGate(1000, (), {}), Clock(), composer, waiting, waiting, None)
    # The second sample is periodic: the board's own points go with it.
    delivery.report(0, values)
    delivery.report(1000, values)
    return [composer.message(Entry(BOOT, SEQ, 0, body, False), AGE, True) for body in waiting.bodies]


def test_points_of_a_product_and_of_its_board_leave_in_packs_that_a_frame_carries():
    for product, tables in TABLES.items():
        packs = longest_packs(product)
        assert len(packs) == 3, product
        names = {name for name in longest_values(tables) for pack in packs if f'"n":"{name}"' in pack.decode()}
        assert names == set(longest_values(tables)), product
        sizes = [len(pack) for pack in packs]
        assert max(sizes) <= link.MAX_PAYLOAD, (product, sizes)


def test_values_are_written_at_their_longest():
    h2 = '"h2_1","v":' + number(longest_values(hydrogen_node)["h2_1"])
    text = longest_packs("hydrogen-node")[0].decode()
    for shown in (h2, '"pressure_trailer","v":-327.6', '"vb":false', '"undated","vb":true', AGE):
        assert shown in text, shown
