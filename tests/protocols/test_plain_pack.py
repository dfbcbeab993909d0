"""The short way through a plain pack leads where the long one leads, and usual packs do take it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import uplink
from protocols.errors import DecodeError
from protocols.plain_pack import read_plain
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from protocols.senml.decode import MAX_BYTES, MAX_RECORDS
from tests.fixtures.modbus_profiles import enum, profile

NOW = 1_700_000_000 * 10**9
TEXTS = profile({"name": "note", "type": "text"}, {"name": "seq", "type": "text"}, {"name": "level", "unit": "m"})
TELLING = profile(
    {"name": "level", "unit": "m"},
    {"name": "dry", "type": "flag"},
    enum("mode", 0, 1, 2),
    quality=[
        {"point": "mode", "equals": 1, "affects": ["level"], "quality": "bad:sensor-fault"},
        {"point": "dry", "equals": 0, "affects": ["mode"], "quality": "uncertain:warm-up"},
        {"point": "dry", "equals": 1, "affects": ["level"], "quality": "uncertain:warm-up"},
    ],
)
SITE: dict[str, Profile] = {
    "t:1": shipped_profiles()["gengfu/gas-alarm"],
    "t:2": TEXTS,
    "t:3": TELLING,
    "_t": TEXTS,
}
LABELS = ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "s", "t", "ut", "x_"]
NAMES = st.sampled_from(
    [
        "t:1/",
        "t:2/",
        "_t/level",
        "t:1/methane",
        "t:2/level",
        "methane",
        "valve",
        "alarm",
        "fault",
        "warm_up",
        "seq",
        "boot",
        "level",
        "note",
    ]
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 40, -0.0, 1.5, 2**53, -5, 2**28, 1_600_000_000, 2**63]), st.floats(allow_nan=False)
)
FIELDS = {
    "n": NAMES,
    "bn": st.sampled_from(["t:1/", "t:2/", "t:1", "t:1/x", "", "_t/"]),
    "v": NUMBERS,
    "vb": st.booleans(),
    "u": st.sampled_from(["%LEL", "m", "ppm", ""]),
    "bt": NUMBERS,
}
USUAL = st.fixed_dictionaries({"n": NAMES}, optional={"v": NUMBERS, "vb": st.booleans(), "u": FIELDS["u"]})
ODD = st.dictionaries(st.sampled_from(LABELS), st.one_of(NUMBERS, st.booleans(), st.none(), NAMES), max_size=3)
FIRST = st.fixed_dictionaries({}, optional=FIELDS)
PACKS = st.tuples(FIRST, st.lists(st.one_of(USUAL, USUAL, ODD), max_size=4)).map(lambda parts: [parts[0], *parts[1]])


def short(payload: bytes) -> Reading | None:
    return read_plain(
        payload,
        received_at=NOW,
        origin=Origin.LIVE,
        find_profile=SITE.get,
        max_bytes=MAX_BYTES,
        max_records=MAX_RECORDS,
    )


def long(payload: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Reading] | str:
    """What the whole way says: readings, or the error."""
    monkeypatch.setattr(uplink, "read_plain", lambda *_given, **_named: None)
    try:
        return uplink.decode_pack(payload, 110, received_at=NOW, origin=Origin.LIVE, find_profile=SITE.get)
    except DecodeError as error:
        return str(error)


@given(PACKS)
@settings(deadline=None, max_examples=500)
def test_what_is_taken_the_short_way_is_what_the_long_way_takes(pack: list[dict[str, Any]]) -> None:
    payload = json.dumps(pack).encode()
    taken = short(payload)
    if taken is not None:
        with pytest.MonkeyPatch.context() as patch:
            assert long(payload, patch) == [taken]


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"bn":"t:1/","n":"boot","v":3},{"n":"seq","v":7},{"n":"methane","v":1.25},{"n":"alarm","vb":false}]',
        b'[{"bn":"t:1/","bt":1699999990.500,"n":"boot","v":3},{"n":"valve","v":1},{"n":"alarm","vb":true}]',
        b'[{"bn":"t:1/","bt":-12.5,"n":"boot","v":3},{"n":"methane","v":-0.0}]',
        b'[{"n":"t:1/methane","v":1.2}]',
        b'[{"n":"t:1/methane","v":1.2,"u":"%{LEL}"},{"n":"t:1/seq","v":3}]',
        b'[{"bn":"t:1/","bt":1700000000},{"n":"methane","v":101}]',
        b'[{"bn":"t:1/","bt":4000000000},{"n":"valve","v":9}]',
        b'[{"bn":"t:1/","n":"methane","v":3},{"n":"co","v":4},{"n":"fault","vb":true}]',
        b'[{"bn":"t:3/","n":"level","v":3},{"n":"mode","v":1}]',
        b'[{"bn":"t:3/","n":"level","v":3},{"n":"mode","v":2}]',
        b'[{"bn":"t:3/","n":"mode","v":2},{"n":"dry","vb":false}]',
        b'[{"bn":"t:3/","n":"level","v":3},{"n":"dry","vb":true}]',
        b'[{"bn":"t:1/","n":"methane","v":3},{"n":"over_range","v":1},{"n":"warm_up","vb":true}]',
    ],
)
def test_usual_packs_take_the_short_way(payload: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = short(payload)
    assert taken is not None
    assert long(payload, monkeypatch) == [taken]


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"bn":"t:1/","n":"methane","v":1,"t":5}]',
        b'[{"bn":"t:1/","n":"methane","v":1,"bv":2}]',
        b'[{"bn":"t:1/","n":"undated","vb":true},{"n":"methane","v":1}]',
        b'[{"bn":"t:1/","n":"methane","v":1},{"n":"methane","v":2}]',
        b'[{"bn":"t:1/","n":"methane","v":1},{"bn":"t:2/","n":"level","v":2}]',
        b'[{"bn":"t:1/","n":"methane","v":1},{"bt":1700000000,"n":"valve","v":1}]',
        b'[{"n":"t:1/methane","v":1},{"bn":"","n":"t:1/valve","v":1}]',
        b'[{"n":"t:1/methane","v":1},{"n":"t:2/level","v":2}]',
        b'[{"n":"t:1/methane","v":1},{"n":"t:2/valve","v":2}]',
        b'[{"bn":"t:1/","n":"methane","v":1,"u":"ppm"}]',
        b'[{"bn":"t:1/","n":"m\\u0065thane","v":1}]',
        b'[{"bn":"t:1/","n":"boot","v":1}]',
        b'[{"bn":"t:1/","n":"boot","v":9007199254740992},{"n":"methane","v":1}]',
        b'[{"bn":"t:1/","n":"seq","v":-1},{"n":"methane","v":1}]',
        b'[{"bn":"t:1/","n":"alarm","v":2}]',
        b'[{"bn":"_t/","n":"level","v":1}]',
        b'[{"bn":"t:2/","n":"seq","vs":"a"}]',
        b'[{"bn":"t:1/","n":"methane","v":1,"x_":1}]',
        b"[]",
        b"nonsense",
    ],
)
def test_what_is_not_plain_is_left_to_the_long_way(payload: bytes) -> None:
    assert short(payload) is None
