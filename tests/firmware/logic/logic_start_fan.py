"""Starting the fan, over every link, where it is not permitted or carbon monoxide stands (S1, S20)."""

import rig
from gas_parts import Bench
from links.coap_server import CoapServer
from links.modbus_slave import ModbusSlave
from links.modbus_tcp import ModbusTcp
from logic_link_serial import Line
from registers import gas_alarm

from protocols.wire import coap, link, modbus_rtu
from protocols.wire.modbus_tcp import frame

GATEWAY = b"gateway"
UNIT = 5
COILS = {name: address for address, name, _ in gas_alarm.COIL_COMMANDS}
START = b"\x05" + bytes((0, COILS["start-fan"])) + b"\xff\x00"
# Write multiple coils, both: first the closing.
CLOSE_AND_START = b"\x0f" + bytes((0, COILS["close-valve"], 0, 2, 1, 3))
REFUSED = b"\x85\x04"


def slave(alarm, events):
    return ModbusSlave(alarm, gas_alarm, UNIT, events)


def over_rtu(alarm, events):
    """Whether it is obeyed."""
    answers = slave(alarm, events).receive(0, modbus_rtu.frame(UNIT, START))
    assert answers in ([modbus_rtu.frame(UNIT, START)], [modbus_rtu.frame(UNIT, REFUSED)])
    return answers == [modbus_rtu.frame(UNIT, START)]


def over_broadcast(alarm, events):
    assert slave(alarm, events).receive(0, modbus_rtu.frame(modbus_rtu.BROADCAST, START)) == []
    return events.of("refused") == []


def over_tcp(alarm, events):
    answers = ModbusTcp(slave(alarm, events)).feed(0, frame(1, UNIT, START))
    assert answers in ([frame(1, UNIT, START)], [frame(1, UNIT, REFUSED)])
    return answers == [frame(1, UNIT, START)]


def over_coap(alarm, events):
    door = CoapServer(alarm, events, lambda: 500, GATEWAY)
    answer = coap.decode(door.answer(0, GATEWAY, rig.request(coap.PUT, b"fan", b"start")))
    assert (answer[1], answer[5]) in ((coap.CHANGED, b""), (coap.FORBIDDEN, b"the board refuses it now"))
    return answer[1] == coap.CHANGED


def over_serial(alarm, events):
    line = Line(product=alarm)
    results = line.command(b"start-fan")
    assert results in ([link.DONE], [link.REFUSED])
    events.seen.extend(line.events.seen)
    return results == [link.DONE]


LINKS = (over_rtu, over_broadcast, over_tcp, over_coap, over_serial)


def carbon_monoxide():
    bench = Bench()
    bench.parts.co.value = 400.0
    bench.until(lambda: bench.alarm.snapshot()["co_alarm"])
    return bench


def test_it_is_obeyed_over_every_link_where_it_is_permitted():
    for asked in LINKS:
        bench, events = Bench(), rig.Events()
        assert asked(bench.alarm, events), asked
        assert bench.parts.fan_relay.seen == [True]
        assert [event["name"] for event in events.of("command")] == ["start-fan"]
        assert events.of("refused") == []


def test_it_is_refused_over_every_link_and_told_where_it_is_not_permitted_or_carbon_monoxide_stands():
    for asked in LINKS:
        for make in (lambda: Bench(fan="none"), carbon_monoxide):
            bench, events = make(), rig.Events()
            assert not asked(bench.alarm, events), asked
            bench.run(1)
            assert bench.parts.fan_relay.seen == [], asked
            assert len(events.of("refused")) == 1, asked
            assert events.of("command") == [], asked


def test_closing_in_the_same_write_is_done_though_the_fan_is_refused():
    bench, events = Bench(fan="none"), rig.Events()
    assert slave(bench.alarm, events).answer(0, CLOSE_AND_START) == b"\x8f\x04"
    bench.shows(valve=3)
    assert [event["name"] for event in events.of("command")] == ["close-valve"]
    assert bench.parts.fan_relay.seen == []
