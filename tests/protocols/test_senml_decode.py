"""What SenML packs may not be, and how times, sums, base values and limits are read."""

import cbor2
import msgspec
import pytest

from protocols.errors import DecodeError
from protocols.senml.decode import MAX_BYTES, MAX_RECORDS, decode_cbor, decode_json
from protocols.senml.record import nanoseconds, seconds_text
from protocols.senml.resolve import Resolved, resolve

SECOND = 10**9
NOW = 1_700_000_000 * SECOND


def read(text: str) -> list[Resolved]:
    return resolve(decode_json(text.encode()), NOW)


def read_cbor(pack: object) -> list[Resolved]:
    return resolve(decode_cbor(cbor2.dumps(pack)), NOW)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", "syntax", "no JSON"),
        ('[{"n":"a","v":1}', "syntax", "no JSON"),
        ('[{"n":"a","v":1}] x', "syntax", "no JSON"),
        ('[{"x":' + "[" * 5000, "syntax", "no JSON"),
        ('{"n":"a","v":1}', "type", "no list of records"),
        ("[1]", "type", "record 1: Expected `object`"),
        ('[{"n":"a","v":1},{"n":"b","v":"1"}]', "type", "record 2: v: Expected `float`, got `str`"),
        ('[{"n":"a","v":null}]', "type", "record 1: v"),
        ('[{"n":"a","v":true}]', "type", "record 1: v"),
        ('[{"n":"a","v":1e400}]', "type", "record 1: v"),
        ('[{"n":"a","vb":1}]', "type", "record 1: vb"),
        ('[{"n":7,"v":1}]', "type", "record 1: n"),
        ('[{"n":"a","v":1,"t":"5"}]', "type", "record 1: t must be a number of seconds"),
        ('[{"n":"a","v":1,"bt":null}]', "type", "record 1: bt must be a number of seconds"),
        ('[{"n":"a","v":1,"t":1e30}]', "time", "record 1: t is beyond the year 2262"),
        ('[{"n":"a","v":1,"t":1e9999999999999999999999}]', "time", "record 1: t is no time"),
        ('[{"n":"a","v":1,"t":1' + "0" * 60 + "}]", "time", "record 1: t has more than 40 characters"),
        ('[{"n":"a","v":1,"bt":9000000000,"t":9000000000}]', "time", "record 1: its time is beyond the year 2262"),
        ('[{"n":"a","v":1,"ut":"x"}]', "type", "record 1: ut"),
        ('[{"bver":11,"n":"a","v":1}]', "version", "record 1: SenML version 11; up to 10"),
        ('[{"bver":0,"n":"a","v":1}]', "version", "record 1: SenML version 0"),
        ('[{"n":"a","v":1},{"bver":5,"n":"b","v":1}]', "version", "record 2: version 5 in a pack of version 10"),
        ('[{"n":"a"}]', "value", "record 1: it has neither a value"),
        ('[{"n":"a","v":1,"vs":"x"}]', "value", "record 1: more than one of"),
        ('[{"n":"a","vb":true,"vs":"x"}]', "value", "record 1: more than one of"),
        ('[{"n":"a","vd":"a*b"}]', "value", "record 1: vd is no base64url"),
        ('[{"v":1}]', "name", "record 1: name ''"),
        ('[{"n":"-a","v":1}]', "name", "record 1: name '-a'"),
        ('[{"n":"a b","v":1}]', "name", "record 1: name 'a b'"),
        ('[{"n":"气","v":1}]', "name", "record 1: name '气'"),
        ('[{"n":"a","v":1},{"n":"b","v":1,"foo_":2}]', "field", "record 2: field 'foo_' must be understood"),
        ('[{"n":"a","v":1,"foo\\u005f":2}]', "field", "record 1: field 'foo_' must be understood"),
    ],
)
def test_wrong_json_is_refused_with_its_record(text: str, kind: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(text)
    assert (caught.value.kind, message in str(caught.value)) == (kind, True), str(caught.value)


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        (b"", "syntax", "no CBOR"),
        (b"\x81", "syntax", "no CBOR"),
        (b"\x80\x80", "syntax", "ends at byte 1 of 2"),
        (b"\x9b" + b"\xff" * 8, "syntax", "no CBOR"),
        (b"\x81" * 300 + b"\x01", "syntax", "no CBOR"),
        (bytes.fromhex("81a20061610061620201"), "syntax", "no CBOR"),
        (cbor2.dumps([{0: "a", 2: cbor2.CBORTag(35, "abc")}]), "syntax", "no CBOR"),
        (cbor2.dumps([{0: "a", 2: cbor2.CBORTag(5, [10**9, 1])}]), "syntax", "no CBOR"),
        (cbor2.dumps([{0: "a", 6: cbor2.CBORTag(4, [10**9, 1])}]), "syntax", "no CBOR"),
        (cbor2.dumps([{0: "a", 6: cbor2.CBORTag(4, [1, 1 << 500])}]), "syntax", "no CBOR"),
        (cbor2.dumps([{0: "a", 6: cbor2.CBORTag(4, [1])}]), "syntax", "no CBOR"),
        (cbor2.dumps({0: "a", 2: 1}), "type", "no list of records but dict"),
        (cbor2.dumps([5]), "type", "record 1: expected a map, got int"),
        (cbor2.dumps([{0: "a", 2: 1}, {0: "b", 2: "1"}]), "type", "record 2: v must be a number, not str"),
        (cbor2.dumps([{0: "a", 2: True}]), "type", "record 1: v must be a number, not bool"),
        (cbor2.dumps([{0: "a", 2: 1 << 2000}]), "type", "record 1: v must be a number"),
        (cbor2.dumps([{0: "a", 2: cbor2.CBORTag(4, [400, 1])}]), "type", "record 1: v must be a number"),
        (cbor2.dumps([{0: "a", 4: 1}]), "type", "record 1: vb must be a boolean, not int"),
        (cbor2.dumps([{0: "a", 8: "aa"}]), "type", "record 1: vd must be a byte string, not str"),
        (cbor2.dumps([{0: "a", 2: 1, 6: True}]), "type", "record 1: t must be a number of seconds"),
        (cbor2.dumps([{0: "a", 2: 1, 6: float("nan")}]), "type", "record 1: t must be a number of seconds"),
        (cbor2.dumps([{0: "a", 2: 1, 6: 1 << 80}]), "type", "record 1: t must be a number of seconds"),
        (cbor2.dumps([{0: "a", 2: 1, -1: -5}]), "type", "record 1: bver must be an unsigned integer"),
        (cbor2.dumps([{0: "a", 2: 1, -1: 11}]), "version", "record 1: SenML version 11"),
        (cbor2.dumps([{0: "a", 2: 1, "x_": 1}]), "field", "record 1: field 'x_' must be understood"),
        (cbor2.dumps([{"n": "a", "v": 1}]), "field", "record 1: in CBOR the label 'n' is 0"),
    ],
)
def test_wrong_cbor_is_refused_with_its_record(payload: bytes, kind: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        resolve(decode_cbor(payload), NOW)
    assert (caught.value.kind, message in str(caught.value)) == (kind, True), str(caught.value)


@pytest.mark.parametrize("pack", [[{"n": "a", "v": 1, "x": {"y_": 1}, "z": None}], [{"n": "a", "v": 1, "b_c": 2}]])
def test_unknown_field_is_ignored(pack: list[dict[str, object]]) -> None:
    in_cbor = [{{"n": 0, "v": 2}.get(label, label): value for label, value in record.items()} for record in pack]
    expected = [Resolved(1, "a", NOW, 1.0)]
    assert (resolve(decode_json(msgspec_json(pack)), NOW), read_cbor(in_cbor)) == (expected, expected)


def msgspec_json(pack: object) -> bytes:
    return msgspec.json.encode(pack)


def test_integer_that_equals_a_boolean_key_is_no_label() -> None:
    assert read_cbor([{0: "a", 2: 1, True: "Cel", 1.5: 2}]) == [Resolved(1, "a", NOW, 1.0)]


@pytest.mark.parametrize(
    ("base", "time", "expected"),
    [
        ("1700000000", "0", 1_700_000_000 * SECOND),
        ("1700000000.123456789", "0", 1_700_000_000_123_456_789),
        ("1700000000.1", "0.000000001", 1_700_000_000_100_000_001),
        ("1.7e9", "-1e-3", 1_699_999_999_999_000_000),
        ("0", "-5", NOW - 5 * SECOND),
        ("0", "-0.25", NOW - 250_000_000),
        ("0", "268435455.5", NOW + 268_435_455_500_000_000),
        ("0", "268435456", 268_435_456 * SECOND),
        ("268435455", "1", 268_435_456 * SECOND),
        ("0", "0.0000000005", NOW),
        ("0", "0.0000000015", NOW + 2),
        ("0", "-0", NOW),
    ],
)
def test_decimal_seconds_become_exact_nanoseconds(base: str, time: str, expected: int) -> None:
    assert read(f'[{{"n":"a","v":1,"bt":{base},"t":{time}}}]')[0].at == expected


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, b"0"),
        (1, b"0.000000001"),
        (-1, b"-0.000000001"),
        (500_000_000, b"0.5"),
        (-1_500_000_000, b"-1.5"),
        (NOW, b"1700000000"),
        (NOW + 120, b"1700000000.00000012"),
        (2**63 - 1, b"9223372036.854775807"),
    ],
)
def test_nanoseconds_are_written_as_the_shortest_exact_text(at: int, text: bytes) -> None:
    assert (bytes(seconds_text(at)), nanoseconds(seconds_text(at), 1, "t")) == (text, at)


def test_base_value_and_sum_are_added() -> None:
    pack = (
        '[{"bn":"a/","bv":100,"bs":1000,"n":"x","v":1.5,"s":2},{"n":"y","s":3},{"n":"z","vs":"q"},'
        '{"bv":0,"n":"w","v":1}]'
    )
    assert [(one.name, one.value, one.total) for one in read(pack)] == [
        ("a/x", 101.5, 1002),
        ("a/y", None, 1003),
        ("a/z", "q", 1000),
        ("a/w", 1, 1000),
    ]


def test_record_unit_wins_over_base_unit() -> None:
    pack = '[{"bn":"a/","bu":"V","n":"x","v":1},{"n":"y","u":"A","v":1},{"n":"z","v":1}]'
    assert [one.unit for one in read(pack)] == ["V", "A", "V"]


def test_later_base_name_replaces_the_earlier() -> None:
    assert [one.name for one in read('[{"bn":"a/","n":"x","v":1},{"bn":"b/","n":"x","v":1},{"bn":"c","v":2}]')] == [
        "a/x",
        "b/x",
        "c",
    ]


def test_half_float_and_decimal_fraction_are_numbers() -> None:
    payload = bytes.fromhex("81a3006161") + bytes.fromhex("02f95cb0") + bytes.fromhex("06c482221904d2")
    assert resolve(decode_cbor(payload), NOW) == [Resolved(1, "a", NOW + 1_234_000_000, 300.0)]


def test_pack_at_the_limits_is_taken_and_beyond_is_refused() -> None:
    record = '{"n":"a","v":1}'
    assert len(read(f"[{','.join([record] * MAX_RECORDS)}]")) == MAX_RECORDS
    with pytest.raises(DecodeError, match=f"{MAX_RECORDS + 1} records; at most {MAX_RECORDS}"):
        read(f"[{','.join([record] * (MAX_RECORDS + 1))}]")
    assert read(f"[{record}".ljust(MAX_BYTES - 1) + "]")[0].value == 1
    with pytest.raises(DecodeError, match=f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES}"):
        read(f"[{record}".ljust(MAX_BYTES) + "]")
    with pytest.raises(DecodeError, match="2 records; at most 1"):
        decode_cbor(cbor2.dumps([{0: "a", 2: 1}] * 2), max_records=1)


def test_json_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_json(b'[{"n":"a","v":1,"x":"\xff"}]')
    assert caught.value.kind == "syntax"
