"""Golden bytes: what a profile file says it decodes must be what it decodes."""

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from protocols.errors import ProtocolError
from protocols.profile.compile import QUALITY_WORDS
from protocols.profile.draft import Decoded, fill
from protocols.profile.model import Profile
from protocols.profile.problem import Problem
from protocols.profile.schema import GoldenPart
from protocols.quality import Quality
from protocols.reading import Value
from protocols.senml.decode import decode_json
from protocols.senml.resolve import resolve

Sample: TypeAlias = tuple[tuple[Value, ...], tuple[int, ...]]
GoldenDecoder: TypeAlias = Callable[[Profile, GoldenPart], Sample]
"""Values and quality, in point order, of the bytes of its kind in a golden part; raises `ProtocolError`."""


def decode_golden_senml(profile: Profile, part: GoldenPart) -> Decoded:
    """The sample in ``part.senml``, by the decoder of the uplink."""
    return fill(profile, resolve(decode_json((part.senml or "").encode()), now=0))


SENML_ONLY: Mapping[str, GoldenDecoder] = MappingProxyType({"senml": decode_golden_senml})


def check_golden(profile: Profile, decoders: Mapping[str, GoldenDecoder] = SENML_ONLY) -> Iterator[Problem]:
    """Decode every golden part with each decoder it has bytes for (``senml``, ``modbus``) and compare.

    Kinds without a decoder are passed over, so that the caller who has one can add it. Numbers compare to 9 digits
    (a scaled register is a product of doubles), everything else exactly.
    """
    for part in profile.file.golden:
        for kind, decode in decoders.items():
            if not getattr(part, kind):
                continue
            path = f"golden[{part.name}]"
            try:
                decoded = decode(profile, part)
            except ProtocolError as error:
                yield f"{path}.{kind}", f"does not decode: {error}"
                continue
            yield from _differences(profile, part, decoded, path, kind)


def _differences(profile: Profile, part: GoldenPart, decoded: Sample, path: str, kind: str) -> Iterator[Problem]:
    for point, value, quality in zip(profile.points, *decoded, strict=True):
        wanted = part.values.get(point.name)
        if not _same(value, wanted):
            yield f"{path}.values.{point.name}", f"{kind} decodes to {_shown(value)}, the file says {_shown(wanted)}"
        elif wanted is not None or point.name in part.quality:
            word = part.quality.get(point.name, "good")
            if quality != QUALITY_WORDS[word]:
                got = _word(Quality(quality))
                yield f"{path}.quality.{point.name}", f"{kind} decodes to {got!r}, the file says {word!r}"


def _same(value: Value, wanted: Value) -> bool:
    if isinstance(value, float) and isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return value == wanted


def _shown(value: Value) -> str:
    return "no value" if value is None else repr(value)


def _word(quality: Quality) -> str:
    return next(word for word, one in QUALITY_WORDS.items() if one is quality)
