"""SenML packs to records: JSON (RFC 8428 section 5, media type 110) and CBOR (section 6, media type 112).

For any bytes these return records or raise `DecodeError`, whose message names the record (counted from 1). A pack
is refused as a whole: its records are acknowledged together.
"""

import base64
import io
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NoReturn

import cbor2
import msgspec
from msgspec import Raw

from protocols.errors import DecodeError
from protocols.senml.record import Record

MAX_BYTES = 64 * 1024
MAX_RECORDS = 1000

_JSON = msgspec.json.Decoder(list[Record])
_RECORD_IN_PATH = re.compile(r"(?P<what>.*) - at `\$\[(?P<index>\d+)\](?:\.(?P<label>\w+))?")


def decode_json(payload: bytes, *, max_bytes: int = MAX_BYTES, max_records: int = MAX_RECORDS) -> list[Record]:
    """The records of a JSON pack. Raises `DecodeError`."""
    _check_size(payload, max_bytes)
    try:
        records = _JSON.decode(payload)
        if not payload.isascii():
            payload.decode("utf-8")
        if b'_"' in payload or b"\\" in payload:
            _refuse_must_understand(msgspec.json.decode(payload))
    except msgspec.ValidationError as error:
        raise _type_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("syntax", f"the pack is no JSON: {error}") from None
    _check_count(len(records), max_records)
    return records


def _check_size(payload: bytes, max_bytes: int) -> None:
    if len(payload) > max_bytes:
        raise DecodeError("size", f"the pack has {len(payload)} bytes; at most {max_bytes} are taken, split it")


def _check_count(count: int, max_records: int) -> None:
    if count > max_records:
        raise DecodeError("size", f"the pack has {count} records; at most {max_records} are taken, split it")


def _refuse_must_understand(pack: list[dict[str, object]]) -> None:
    for number, record in enumerate(pack, 1):
        for label in record:
            _check_label(label, number)


def _check_label(label: str, number: int) -> None:
    """A field whose name ends in ``_`` must be understood or the pack refused (RFC 8428 section 4.4)."""
    if label.endswith("_"):
        raise DecodeError("field", f"record {number}: field {label[:32]!r} must be understood, and is not")


def _type_error(message: str) -> DecodeError:
    found = _RECORD_IN_PATH.match(message)
    if found is None:
        return DecodeError("type", f"the pack is no list of records: {message}")
    label = f"{found['label']}: " if found["label"] else ""
    return DecodeError("type", f"record {int(found['index']) + 1}: {label}{found['what']}")


# CBOR. Integer labels are those of table 4; every tag but 2 to 4 is refused before anything is made of it.


def _number(item: object) -> float | None:
    if isinstance(item, bool) or not isinstance(item, int | float | Decimal):
        return None
    try:
        number = float(item)
    except OverflowError:
        return None
    return None if math.isinf(number) and not isinstance(item, float) else number


def _time(item: object) -> Raw | None:
    if isinstance(item, bool) or not isinstance(item, int | float | Decimal):
        return None
    if isinstance(item, int) and item.bit_length() > 64:
        return None
    return Raw(repr(item) if isinstance(item, float) else str(item))


def _text(item: object) -> str | None:
    return item if isinstance(item, str) else None


def _flag(item: object) -> bool | None:
    return item if isinstance(item, bool) else None


def _version(item: object) -> int | None:
    return item if isinstance(item, int) and not isinstance(item, bool) and item >= 0 else None


def _data(item: object) -> str | None:
    return base64.urlsafe_b64encode(item).rstrip(b"=").decode() if isinstance(item, bytes) else None


_Reader = Callable[[object], float | int | str | bool | Raw | None]

_LABELS: Mapping[int, tuple[str, _Reader, str]] = {
    -6: ("bs", _number, "a number"),
    -5: ("bv", _number, "a number"),
    -4: ("bu", _text, "a text"),
    -3: ("bt", _time, "a number of seconds"),
    -2: ("bn", _text, "a text"),
    -1: ("bver", _version, "an unsigned integer"),
    0: ("n", _text, "a text"),
    1: ("u", _text, "a text"),
    2: ("v", _number, "a number"),
    3: ("vs", _text, "a text"),
    4: ("vb", _flag, "a boolean"),
    5: ("s", _number, "a number"),
    6: ("t", _time, "a number of seconds"),
    7: ("ut", _time, "a number of seconds"),
    8: ("vd", _data, "a byte string"),
}
_LABEL_OF = {name: label for label, (name, _, _) in _LABELS.items()}

_MAX_EXPONENT = 400
_MAX_DEPTH = 8
_REFUSED_TAGS = (0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def _refuse_tag(_item: object, _immutable: object) -> NoReturn:
    raise ValueError("only the tags 2 to 4 (numbers) are taken")


def _decimal_fraction(item: object, _immutable: object) -> Decimal:
    """Tag 4: [exponent, mantissa]."""
    if not isinstance(item, list | tuple) or len(item) != 2:
        raise ValueError("a decimal fraction is [exponent, mantissa]")
    exponent, mantissa = item
    if type(exponent) is not int or type(mantissa) is not int or abs(exponent) > _MAX_EXPONENT:
        raise ValueError(f"a decimal fraction has two integers, the exponent within {_MAX_EXPONENT}")
    if mantissa.bit_length() > _MAX_EXPONENT:
        raise ValueError("the mantissa of a decimal fraction is too long")
    return Decimal(mantissa).scaleb(exponent)


_TAGS: Mapping[int, Callable[[object, bool], object]] = {
    4: _decimal_fraction,
    **dict.fromkeys(_REFUSED_TAGS, _refuse_tag),
}


def decode_cbor(payload: bytes, *, max_bytes: int = MAX_BYTES, max_records: int = MAX_RECORDS) -> list[Record]:
    """The records of a CBOR pack. Raises `DecodeError`."""
    _check_size(payload, max_bytes)
    pack = _loads(payload)
    if not isinstance(pack, list):
        raise DecodeError("type", f"the pack is no list of records but {type(pack).__name__}")
    _check_count(len(pack), max_records)
    return [_record(item, number) for number, item in enumerate(pack, 1)]


def _loads(payload: bytes) -> object:
    source = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(
        source, tag_hook=_refuse_tag, semantic_decoders=_TAGS, max_depth=_MAX_DEPTH, allow_duplicate_keys=False
    )
    try:
        pack: object = decoder.decode()
    except cbor2.CBORDecodeError as error:
        raise DecodeError("syntax", f"the pack is no CBOR: {error}") from None
    if source.tell() != len(payload):
        raise DecodeError("syntax", f"the pack ends at byte {source.tell()} of {len(payload)}")
    return pack


def _record(item: object, number: int) -> Record:
    if not isinstance(item, dict):
        raise DecodeError("type", f"record {number}: expected a map, got {type(item).__name__}")
    record = Record()
    for key, value in item.items():
        if isinstance(key, str):
            _check_label(key, number)
            if key in _LABEL_OF:
                raise DecodeError("field", f"record {number}: in CBOR the label {key!r} is {_LABEL_OF[key]}")
            continue
        known = _LABELS.get(key) if type(key) is int else None
        if known is None:
            continue
        name, read, expected = known
        field = read(value)
        if field is None:
            raise DecodeError("type", f"record {number}: {name} must be {expected}, not {type(value).__name__}")
        setattr(record, name, field)
    return record
