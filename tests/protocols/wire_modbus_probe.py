"""Runs rows of [operation, arguments] through the shared Modbus codec; the same file under both interpreters.

Stdin: one JSON array of rows; stdout: one JSON array of results. Bytes travel as hex. An error is its class
name (and code), so that both interpreters can be compared.
"""

import json
import sys

from protocols.wire import modbus_pdu as pdu
from protocols.wire import modbus_rtu as rtu
from protocols.wire import modbus_tcp as tcp
from protocols.wire.crc import crc16
from protocols.wire.modbus_reply import RtuReply


def crc(data):
    return crc16(bytes.fromhex(data))


def request(text):
    one = pdu.parse_request(bytes.fromhex(text))
    return [one.function, one.address, one.count, list(one.values)]


def response(asked, answer):
    return pdu.parse_response(bytes.fromhex(asked), bytes.fromhex(answer)).hex()


def encode(function, address, payload):
    if function in pdu.READS:
        return pdu.read_request(function, address, payload).hex()
    make = {5: pdu.write_coil_request, 6: pdu.write_register_request}
    many = {15: pdu.write_coils_request, 16: pdu.write_registers_request}
    if function in make:
        return make[function](address, payload).hex()
    return many[function](address, tuple(payload)).hex()


def rtu_frame(unit, text):
    return rtu.frame(unit, bytes.fromhex(text)).hex()


def rtu_requests(*chunks):
    """Chunks arrive one by one; then the line is silent."""
    parser = rtu.RtuRequests()
    found = []
    for chunk in chunks:
        found += parser.feed(bytes.fromhex(chunk))
    found += parser.silence()
    return [[[unit, one.hex()] for unit, one in found], parser.noise]


def rtu_reply(unit, asked, *chunks):
    parser = RtuReply(unit, bytes.fromhex(asked))
    found = None
    for chunk in chunks:
        if found is None:
            found = parser.feed(bytes.fromhex(chunk))
    if found is None:
        found = parser.finish()
    return [found.hex() if found else None, parser.noise, parser.wrong_unit, parser.bad_crc]


def tcp_frame(transaction, unit, text):
    return tcp.frame(transaction, unit, bytes.fromhex(text)).hex()


def tcp_frames(*chunks):
    parser = tcp.MbapFrames()
    found = []
    for chunk in chunks:
        parser.feed(bytes.fromhex(chunk))
        one = parser.next()
        while one is not None:
            found.append([one[0], one[1], one[2].hex()])
            one = parser.next()
    return found


def unpack(text, count):
    return list(pdu.unpack_bits(bytes.fromhex(text), count))


def pack(bits):
    return pdu.pack_bits(tuple(bits)).hex()


OPERATIONS = {
    "crc": crc,
    "request": request,
    "response": response,
    "encode": encode,
    "rtu_frame": rtu_frame,
    "rtu_requests": rtu_requests,
    "rtu_reply": rtu_reply,
    "tcp_frame": tcp_frame,
    "tcp_frames": tcp_frames,
    "unpack": unpack,
    "pack": pack,
}


def run(rows):
    results = []
    for name, arguments in rows:
        try:
            results.append(OPERATIONS[name](*arguments))
        except pdu.ModbusError as error:
            results.append([type(error).__name__, getattr(error, "code", None)])
    return results


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.stdin.read()))))
