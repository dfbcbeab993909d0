"""Modbus TCP without a network: streams in any pieces, units, and who gets the few places there are."""

import asyncio
import gc

import rig
from links.modbus_slave import ModbusSlave
from links.modbus_tcp import ModbusTcp, Server

from protocols.wire import modbus_pdu, modbus_rtu
from protocols.wire.modbus_tcp import frame

UNIT = 5
READ = modbus_pdu.read_request(4, 0, 2)
ROWS = tuple([(at, f"p{at}", "int16", 1, 10, 0, -32768) for at in range(60)])


class Tables:
    INPUT = ROWS
    INPUT_BITS = ()
    INPUT_COUNT = 60
    HOLDING = HOLDING_BITS = COIL = DISCRETE = HOLDING_COMMANDS = ()
    HOLDING_COUNT = DISCRETE_COUNT = 0
    COIL_COMMANDS = ((0, "close-valve", 1),)
    COIL_COUNT = 1


class Product:
    def __init__(self):
        self.values = {row[1]: 1.5 for row in ROWS}
        self.done = []

    def snapshot(self):
        return self.values

    def command(self, name, now):
        self.done.append(name)
        return True


def slave(product=None):
    return ModbusSlave(product or Product(), Tables, UNIT, rig.Events())


def test_requests_are_answered_with_their_transaction_in_any_pieces():
    stream = frame(7, UNIT, READ) + frame(8, UNIT, modbus_pdu.read_request(4, 59, 1)) + frame(9, UNIT, b"\x2b\x0e")
    whole = ModbusTcp(slave()).feed(0, stream)
    assert whole[0] == frame(7, UNIT, b"\x04\x04\x00\x0f\x00\x0f")
    assert whole[1] == frame(8, UNIT, b"\x04\x02\x00\x0f")
    assert whole[2] == frame(9, UNIT, b"\xab\x01")
    single = ModbusTcp(slave())
    found = []
    for at in range(len(stream)):
        found += single.feed(0, stream[at : at + 1])
    assert found == whole


def test_device_itself_is_its_unit_0_or_255_and_others_are_told_that_nobody_is_there():
    for unit in (UNIT, 0, 255):
        assert ModbusTcp(slave()).feed(0, frame(1, unit, READ)) == [frame(1, unit, b"\x04\x04\x00\x0f\x00\x0f")]
    product = Product()
    close = modbus_pdu.write_coil_request(0, True)
    assert ModbusTcp(slave(product)).feed(0, frame(1, 6, close)) == [frame(1, 6, b"\x85\x0b")]
    assert product.done == []
    assert ModbusTcp(slave(product)).feed(0, frame(1, UNIT, close)) == [frame(1, UNIT, close)]
    assert product.done == ["close-valve"]


def test_opening_value_is_refused_on_the_network_too():
    product = Product()
    reply = ModbusTcp(slave(product)).feed(0, frame(1, UNIT, modbus_pdu.write_coil_request(0, False)))
    assert reply == [frame(1, UNIT, b"\x85\x03")]
    assert product.done == []


def test_other_protocols_end_the_stream():
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\1\5", b"\0\1\0\0\1\0\5\4"):
        ended = False
        try:
            ModbusTcp(slave()).feed(0, data)
        except modbus_pdu.FrameError:
            ended = True
        assert ended


def test_request_for_20_of_60_registers_takes_little_memory():
    if not hasattr(gc, "mem_alloc"):
        return
    one = slave()
    request = modbus_rtu.frame(UNIT, modbus_pdu.read_request(4, 20, 20))
    one.receive(0, request)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    replies = one.receive(0, request)
    taken = gc.mem_alloc() - before
    gc.enable()
    assert len(replies[0]) == 45
    # 64-bit blocks of 32 bytes; 16 on a microcontroller. Packing all 60 rows took 12992.
    assert taken < 4096, taken


def test_snapshot_with_infinity_or_no_number_is_answered():
    product = Product()
    product.values["p0"] = float("nan")
    product.values["p1"] = float("inf")
    assert ModbusTcp(slave(product)).feed(0, frame(1, UNIT, READ)) == [frame(1, UNIT, b"\x04\x04\x80\x00\x7f\xff")]


class Mixed(Tables):
    INPUT = (
        (0, "a", "int16", 1, 10, 0, -32768),
        (1, "b", "uint32", 1, 1, 0, None),
        (3, "c", "uint32-swapped", 1, 1, 0, None),
        (6, "d", "float64", 1, 1, 0, None),
        (10, "e", "uint16", 5, 1, 2, 65535),
    )
    INPUT_BITS = ((5, 0, "low"), (5, 15, "high"))
    INPUT_COUNT = 11
    DISCRETE = ((0, "low"), (3, "off"), (9, "high"))
    DISCRETE_COUNT = 12


def test_any_part_of_a_table_reads_as_that_part_of_the_whole():
    product = Product()
    product.values = {"a": -1.2, "b": 66051, "c": 67438087, "d": 1.5, "e": 12, "low": True, "high": True, "off": False}
    one = ModbusSlave(product, Mixed, UNIT, rig.Events())
    whole = one.answer(0, modbus_pdu.read_request(4, 0, 11))
    assert whole == b"\x04\x16\xff\xf4\x00\x01\x02\x03\x06\x07\x04\x05\x80\x01\x3f\xf8\0\0\0\0\0\0\0\x02"
    for first in range(11):
        for count in range(1, 12 - first):
            part = whole[2 + 2 * first : 2 + 2 * (first + count)]
            assert one.answer(0, modbus_pdu.read_request(4, first, count))[2:] == part, (first, count)
    bits = one.answer(0, modbus_pdu.read_request(2, 0, 12))
    assert bits == b"\x02\x02\x01\x02"
    for first in range(12):
        for count in range(1, 13 - first):
            part = modbus_pdu.pack_bits(modbus_pdu.unpack_bits(bits[2:], 12)[first : first + count])
            asked = modbus_pdu.read_request(2, first, count)
            assert one.answer(0, asked) == modbus_pdu.read_response(2, part), (first, count)


class Connection:
    """A peer that has said ``chunks`` and then stays, or leaves if the last one is ``None``."""

    def __init__(self, *chunks, takes=True):
        self.chunks = list(chunks)
        self.sent = []
        self.closed = 0
        self.takes = takes

    async def wait(self):
        while not self.chunks:
            await asyncio.sleep(0)

    def read(self):
        return self.chunks.pop(0)

    def write(self, data):
        self.sent.append(data)
        return self.takes

    def close(self):
        self.closed += 1


class Network:
    """A server with places for two, and its clock. `connect` lets peers come and all tasks run."""

    def __init__(self):
        self.now = 0
        self.events = rig.Events()
        self.coming = []
        self.server = Server(slave(), self, lambda: self.now, self.events, connections=2, idle_ms=1000)

    async def wait(self):
        while not self.coming:
            await asyncio.sleep(0)

    def accept(self):
        return self.coming.pop(0)

    async def connect(self, *peers):
        self.coming += peers
        await self.settle()

    async def settle(self):
        for _ in range(30):
            await asyncio.sleep(0)

    def run(self, story):
        async def both():
            serving = asyncio.create_task(self.server.serve())
            await story(self)
            serving.cancel()
            ended = False
            try:
                await serving
            except asyncio.CancelledError:
                ended = True
            assert ended

        asyncio.run(both())


def test_peers_are_answered_each_on_its_own_connection():
    async def story(network):
        one, other = Connection(frame(1, UNIT, READ)), Connection(frame(2, UNIT, READ), b"")
        await network.connect(one, other)
        assert [len(one.sent), len(other.sent), network.server.connected] == [1, 1, 2]
        assert one.sent[0][:2] == b"\0\1"
        assert other.sent[0][:2] == b"\0\2"

    Network().run(story)


def test_peer_that_leaves_or_speaks_something_else_or_takes_nothing_frees_its_place():
    async def story(network):
        bad = Connection(b"GET / HTTP/1.1\r\n")
        deaf = Connection(frame(1, UNIT, READ), takes=False)
        for peer in (Connection(None), bad, deaf):
            await network.connect(peer)
            assert (peer.closed, network.server.connected) == (1, 0)
        assert bad.sent == []
        assert [event["code"] for event in network.events.of("refused")] == ["frame"]

    Network().run(story)


def test_full_house_refuses_a_newcomer_until_somebody_was_silent_too_long():
    async def story(network):
        quiet, busy, early, late = Connection(), Connection(), Connection(), Connection(frame(3, UNIT, READ))
        await network.connect(busy, quiet)
        network.now = 999
        await network.connect(early)
        assert (early.closed, quiet.closed, busy.closed, network.server.connected) == (1, 0, 0, 2)
        busy.chunks.append(frame(1, UNIT, READ))
        await network.settle()
        network.now = 1000
        await network.connect(late)
        assert (quiet.closed, busy.closed, len(late.sent), network.server.connected) == (1, 0, 1, 2)

    Network().run(story)


def test_byte_now_and_then_does_not_keep_a_place():
    async def story(network):
        drip, busy = Connection(), Connection()
        await network.connect(drip, busy)
        for at in range(4):
            network.now += 300
            drip.chunks.append(frame(1, UNIT, READ)[at : at + 1])
            busy.chunks.append(frame(2, UNIT, READ))
            await network.settle()
        late = Connection(frame(3, UNIT, READ))
        await network.connect(late)
        assert (drip.closed, busy.closed, len(busy.sent), len(late.sent)) == (1, 0, 4, 1)

    Network().run(story)


def test_master_is_heard_when_it_asked_this_board_what_it_could_answer():
    one = slave()
    stream = ModbusTcp(one)
    close = modbus_pdu.write_coil_request(0, True)
    beyond = modbus_pdu.read_request(4, 60, 1)
    for unit, pdu in ((6, READ), (UNIT, beyond), (0, close)):
        one.receive(1, modbus_rtu.frame(unit, pdu))
    stream.feed(1, frame(1, 6, READ) + frame(2, UNIT, beyond))
    assert (one.heard_at, one.network_heard_at) == (None, None)
    stream.feed(2, frame(1, UNIT, READ))
    assert (one.heard_at, one.network_heard_at) == (None, 2)
    one.receive(3, modbus_rtu.frame(UNIT, READ))
    assert (one.heard_at, one.network_heard_at) == (3, 2)


def test_end_of_the_server_hangs_up():
    peer = Connection()

    async def story(network):
        await network.connect(peer)

    Network().run(story)
    assert peer.closed == 1
