"""What ``[payload]`` and its parts must mean: each form has what it reads by, and nothing of another form."""

import math
from collections.abc import Collection, Iterable, Iterator

from protocols.decoders.registry import DECODERS
from protocols.profile.parts_payload import BytesPart, GoldenPayload, JsonPart
from protocols.profile.problem import Problem
from protocols.profile.schema import GoldenPart, PointPart, ProfileFile

_WIDTH = {
    **{f"{kind}{bits}": bits // 8 for kind in ("int", "uint") for bits in (8, 16, 24, 32, 64)},
    "float32": 4,
    "float64": 8,
    "bcd8": 1,
    "bcd16": 2,
    "bcd32": 4,
}
_TEXTS = ("utf8", "gbk")
_LARGEST = 1e30
"""So that no integer of 64 bits becomes infinite by its scale."""


def width_of(place: BytesPart) -> int:
    """Bytes that a point of the table takes."""
    return place.length or 1 if place.type in _TEXTS else _WIDTH[place.type]


def check_payload(file: ProfileFile) -> Iterator[Problem]:
    """Problems of ``[payload]``, of the points' ``in_json`` and ``in_bytes``, and of the golden payloads."""
    yield from _form(file)
    yield from _head(file)
    for point in file.point:
        if point.in_json is not None:
            for key, what in _json(point, point.in_json):
                yield f"point[{point.name}].in_json{key}", what
        if point.in_bytes is not None:
            for key, what in _bytes(point, point.in_bytes):
                yield f"point[{point.name}].in_bytes{key}", what
    yield from _overlaps(file.point)
    yield from _goldens(file)


def _form(file: ProfileFile) -> Iterator[Problem]:
    form = file.payload.form
    paths = [point for point in file.point if point.in_json is not None]
    places = [point for point in file.point if point.in_bytes is not None]
    if form == "json":
        if not paths:
            yield "payload.form", "json needs in_json = { path = ... } at the points that are sent"
        yield from _never_sent(file, {point.name for point in paths}, "no in_json says where it stands")
    if form == "bytes":
        yield from _reader(file, places)
    if form != "bytes" and file.payload.decoder is not None:
        yield "payload.decoder", f"means nothing to form {form}: remove it, or say form = 'bytes'"
    for points, key, needed in ((paths, "in_json", "json"), (places, "in_bytes", "bytes")):
        if form != needed:
            for point in points:
                yield f"point[{point.name}].{key}", f"means nothing to form {form}: say form = '{needed}' in [payload]"


def _reader(file: ProfileFile, places: list[PointPart]) -> Iterator[Problem]:
    name = file.payload.decoder
    if name is None:
        if not places:
            yield "payload.form", "bytes needs a decoder, or in_bytes = { at = ... } at the points that are sent"
        yield from _never_sent(file, {point.name for point in places}, "no in_bytes says where it stands")
        return
    decoder = DECODERS.get(name)
    if decoder is None:
        yield "payload.decoder", f"there is no decoder {name!r}; one of {', '.join(DECODERS)}"
        return
    for point in places:
        yield f"point[{point.name}].in_bytes", f"the decoder {name} reads the bytes: remove one of the two"
    yield from _never_sent(file, decoder.names, f"the decoder {name} gives only {', '.join(sorted(decoder.names))}")


def _never_sent(file: ProfileFile, sent: Collection[str], why: str) -> Iterator[Problem]:
    """Points that no message and no poll would ever bring."""
    for point in file.point:
        if sent and point.name not in sent and point.modbus is None and point.opcua is None:
            yield f"point[{point.name}]", f"is never sent: {why}"


def _head(file: ProfileFile) -> Iterator[Problem]:
    part = file.payload
    if part.form != "bytes":
        for key in ("ports", "length"):
            if getattr(part, key):
                yield f"payload.{key}", "only a payload of bytes has it: remove it"
        if part.envelope != "none":
            yield "payload.envelope", "a network server sends bytes: say form = 'bytes', or remove it"
    if part.form != "json" and part.time is not None:
        yield "payload.time", "only a JSON payload has a path to its time: remove it"
    if part.utc_offset is not None and part.time is None:
        yield "payload.utc_offset", "name the time that it is of"
    if part.form == "bytes" and part.length is not None and part.decoder is not None:
        yield "payload.length", "the decoder knows the length: remove it"


def _linear(scale: float, offset: float) -> Iterator[Problem]:
    if scale == 0 or not math.isfinite(scale) or abs(scale) > _LARGEST:
        yield ".scale", f"must be a number other than 0, not {scale}"
    if not math.isfinite(offset) or abs(offset) > _LARGEST:
        yield ".offset", f"must be a number, not {offset}"


def _codes(point: PointPart) -> tuple[int, ...]:
    return (0, 1) if point.type == "flag" else tuple(state.code for state in point.state)


def _json(point: PointPart, part: JsonPart) -> Iterator[Problem]:
    is_number = point.type in ("number", "counter")
    if not is_number and (part.scale, part.offset) != (1.0, 0.0):
        yield "", f"only a number has scale and offset, this is of type {point.type}: remove them"
    yield from _linear(part.scale, part.offset)
    if point.type == "text" and (part.words or part.quoted):
        yield "", "a text is kept as it is: remove words and quoted"
    elif not is_number:
        for word, code in part.words.items():
            if code not in _codes(point):
                listed = ", ".join(str(one) for one in _codes(point))
                yield f".words.{word}", f"{point.name!r} is never {code}: use one of {listed}"


def _bytes(point: PointPart, place: BytesPart) -> Iterator[Problem]:
    if (point.type == "text") != (place.type in _TEXTS):
        yield ".type", f"a point of type {point.type} cannot be {place.type}"
        return
    if (place.type in _TEXTS) != (place.length is not None):
        yield ".length", "a text, and nothing else, needs its number of bytes"
    yield from _linear(place.scale, place.offset)
    if point.type not in ("number", "counter") and (place.scale, place.offset) != (1.0, 0.0):
        yield "", f"only a number has scale and offset, this is of type {point.type}: remove them"
    yield from _bits(point, place)
    if place.missing and (place.type.startswith("float") or place.type in _TEXTS):
        yield ".missing", f"{place.type} has no codes: NaN is no value already"


def _bits(point: PointPart, place: BytesPart) -> Iterator[Problem]:
    is_whole = place.type.startswith(("int", "uint"))
    if point.type == "flag":
        if place.bit is None or place.bits is not None or not is_whole:
            yield ".bit", "a flag is one bit of a whole number: give bit, and not bits"
            return
    elif place.bits is None and place.bit is not None:
        yield ".bits", "say how many bits from bit on make the value"
    if place.bits is not None and (place.bit is None or not place.type.startswith("uint")):
        yield ".bits", "some bits are cut from an unsigned number: give bit, and a type uint8 to uint64"
    if place.bit is not None and place.bit + (place.bits or 1) > 8 * width_of(place):
        yield ".bit", f"{place.type} has {8 * width_of(place)} bits"


def _overlaps(points: Iterable[PointPart]) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for point in points:
        if point.in_bytes is None:
            continue
        taken = {owners.setdefault(bit, point.name) for bit in _claimed(point.in_bytes)} - {point.name}
        for other in sorted(taken):
            yield f"point[{point.name}].in_bytes.at", f"point {other!r} has these bits already: give each its own"


def _claimed(place: BytesPart) -> range | list[int]:
    """Numbers of the bits that the point takes, over the whole payload."""
    width = width_of(place)
    if place.bit is None:
        return range(8 * place.at, 8 * (place.at + width))
    bits = range(place.bit, min(place.bit + (place.bits or 1), 8 * width))
    is_little = place.byte_order == "little"
    return [8 * (place.at + (bit // 8 if is_little else width - 1 - bit // 8)) + bit % 8 for bit in bits]


def _goldens(file: ProfileFile) -> Iterator[Problem]:
    form = file.payload.form
    if form != "senml" and all(golden.payload is None for golden in file.golden):
        yield "golden", f"form {form} needs a golden part with a payload: record what a real device sends"
    for golden in file.golden:
        if golden.payload is not None:
            for key, what in _golden(golden.payload, file):
                yield f"golden[{golden.name}].payload{key}", what


def _golden(part: GoldenPayload, file: ProfileFile) -> Iterator[Problem]:
    form = file.payload.form
    if form == "senml":
        yield "", "a SenML payload is the golden part's senml: move it there"
    elif (part.hex is None) == (part.text is None):
        yield "", "give hex or text: one of the two"
    elif part.hex is not None and form == "json":
        yield ".hex", "a JSON payload is text: give text"
    elif part.text is not None and form == "bytes" and file.payload.envelope == "none":
        yield ".text", "bytes without an envelope are hex: give hex"
    if part.hex is not None and not _is_hex(part.hex):
        yield ".hex", "is no hexadecimal text"
    if part.port is not None and part.hex is None:
        yield ".port", "the envelope says it: remove it"


def _is_hex(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True


def may_mark(golden: GoldenPart, name: str) -> bool:
    """Whether a golden part may name the quality of this point: of one that has a value, or of one that a payload says
    is no value."""
    return name in golden.values or golden.payload is not None
