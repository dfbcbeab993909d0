"""The quality of a whole reading is the quality of each of its values, whatever they are."""

import math

from hypothesis import given
from hypothesis import strategies as st

from protocols.profile.compile import compile_profile
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Point, Profile
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality
from protocols.reading import Value
from tests.fixtures.modbus_profiles import profile

PROFILES = sorted(shipped_profiles().values(), key=lambda one: one.id)


def bare(device_type: Profile) -> Profile:
    """Without what its flags say of other points."""
    return compile_profile(ProfileFile.model_validate(device_type.file.model_copy(update={"quality": ()})))


TEXTS = profile(
    {"name": "note", "type": "text"}, {"name": "starts", "type": "counter"}, {"name": "level", "range": [0.0, 9.5]}
)
BARE = [*(bare(one) for one in PROFILES), TEXTS]


def edges(point: Point) -> list[float]:
    """The ends of the range, and the numbers next to them."""
    ends = (point.low, point.high)
    return [*ends, *(math.nextafter(end, to) for end in ends for to in (-math.inf, math.inf)), *sorted(point.codes)]


def values_of(point: Point) -> st.SearchStrategy[Value]:
    return st.one_of(
        st.none(), st.floats(), st.integers(-3, 3), st.text(max_size=2), st.sampled_from(edges(point)), st.booleans()
    )


READINGS = st.sampled_from(BARE).flatmap(
    lambda bare: st.tuples(st.just(bare), st.tuples(*(values_of(point) for point in bare.points)))
)


@given(READINGS)
def test_each_value_has_the_quality_its_point_gives_it(reading: tuple[Profile, tuple[Value, ...]]) -> None:
    device_type, values = reading
    told = device_type.qualify(values)
    assert told == tuple(int(point.quality_of(value)) for point, value in zip(device_type.points, values, strict=True))


def test_every_type_of_point_is_among_the_profiles() -> None:
    assert {point.type for one in BARE for point in one.points} == {"number", "counter", "flag", "enum", "text"}


def test_a_number_in_a_text_point_is_of_the_wrong_type() -> None:
    assert TEXTS.qualify((0.0, None, None)) == (Quality.BAD_TYPE, Quality.GOOD, Quality.GOOD)
