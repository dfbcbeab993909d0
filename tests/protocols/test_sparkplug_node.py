"""What a host makes of an edge node: births, aliases, gaps, deaths."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from protocols.sparkplug.node import NODE, Heard, Node
from protocols.sparkplug.payload import DOUBLE, UINT64, Metric, Payload

DEVICE = "boiler"
NOTHING = Heard(is_taken=False)
REBIRTH = Heard(wants_rebirth=True, is_taken=False)


def metric(value: float | None, name: str | None = None, alias: int | None = None, **more: Any) -> Metric:
    raw = None if value is None else (11, int(value), b"")
    given = {"timestamp": 1000, "datatype": UINT64, "is_historical": False, "is_null": value is None, "quality": None}
    return Metric(name=name, alias=alias, raw=raw, **{**given, **more})


def said(seq: int | None, *metrics: Metric) -> Payload:
    return Payload(2000, seq, metrics)


def born(**aliases: int) -> Node:
    """A node with one device, both born; the next sequence number is 2."""
    node = Node([DEVICE])
    node.take("NBIRTH", NODE, said(0, metric(7, "bdSeq")))
    node.take("DBIRTH", DEVICE, said(1, *(metric(0, name, alias) for name, alias in aliases.items())))
    return node


def values(heard: Heard) -> dict[str, object]:
    return {one.name: one.value for one in heard.samples}


def test_data_before_the_birth_is_not_guessed_at() -> None:
    node = Node([DEVICE])
    for kind in ("NDATA", "DDATA", "DBIRTH", "DDEATH"):
        assert node.take(kind, DEVICE, said(5, metric(3, "methane"))) == REBIRTH


def test_alias_of_the_birth_names_the_data() -> None:
    node = born(methane=10, valve=11)
    assert values(node.take("DDATA", DEVICE, said(2, metric(3, alias=10), metric(2, alias=11)))) == {
        "methane": 3.0,
        "valve": 2.0,
    }
    assert values(node.take("DDATA", DEVICE, said(3, metric(4, "methane")))) == {"methane": 4.0}


def test_unknown_alias_asks_for_a_birth_and_the_known_ones_count() -> None:
    heard = born(methane=10).take("DDATA", DEVICE, said(2, metric(3, alias=10), metric(9, alias=99)))
    assert (values(heard), heard.wants_rebirth, heard.is_taken) == ({"methane": 3.0}, True, False)


def test_alias_of_another_device_is_not_taken() -> None:
    node = Node([DEVICE, "other"])
    node.take("NBIRTH", NODE, said(0))
    node.take("DBIRTH", DEVICE, said(1, metric(0, "methane", 10)))
    node.take("DBIRTH", "other", said(2, metric(0, "valve", 11)))
    assert values(node.take("DDATA", "other", said(3, metric(50, alias=10)))) == {}


def test_sequence_goes_round_after_255() -> None:
    node = born(methane=10)
    for turn in range(2, 600):
        assert node.take("DDATA", DEVICE, said(turn % 256, metric(turn, alias=10))).is_taken


def test_gap_makes_everything_doubtful_until_the_next_birth() -> None:
    node = born(methane=10)
    assert node.take("DDATA", DEVICE, said(3, metric(3, alias=10))) == REBIRTH
    assert node.take("DDATA", DEVICE, said(4, metric(3, alias=10))) == REBIRTH
    assert node.datatype(DEVICE, "methane") is None
    node.take("NBIRTH", NODE, said(0))
    assert node.take("DDATA", DEVICE, said(1, metric(3, alias=10))).wants_rebirth  # the device is not born yet
    node.take("NBIRTH", NODE, said(0))
    node.take("DBIRTH", DEVICE, said(1, metric(5, "methane", 20)))
    assert values(node.take("DDATA", DEVICE, said(2, metric(6, alias=20)))) == {"methane": 6.0}
    assert node.take("DDATA", DEVICE, said(3, metric(6, alias=10))).wants_rebirth  # an alias of before


def test_death_counts_for_the_birth_it_belongs_to() -> None:
    node = born(methane=10)
    assert node.take("NDEATH", NODE, said(None, metric(6, "bdSeq"))) == NOTHING
    assert node.take("NDEATH", NODE, said(None, metric(7, "bdSeq"))).lost == (NODE, DEVICE)
    assert not node.is_born
    assert node.take("NDEATH", NODE, said(None, metric(7, "bdSeq"))) == NOTHING


def test_dead_device_is_lost_alone_and_comes_back_with_its_birth() -> None:
    node = born(methane=10)
    assert node.take("DDEATH", DEVICE, said(2)).lost == (DEVICE,)
    assert node.take("DDATA", DEVICE, said(3, metric(3, alias=10))) == REBIRTH
    node.take("DBIRTH", DEVICE, said(4, metric(0, "methane", 10)))
    assert node.take("DDATA", DEVICE, said(5, metric(3, alias=10))).is_taken


def test_devices_of_others_only_count_in_the_sequence() -> None:
    node = born(methane=10)
    assert node.take("DBIRTH", "stranger", said(2, metric(1, "x", 77))) == Heard("stranger")
    assert node.take("DDATA", DEVICE, said(3, metric(3, alias=10))).is_taken


def test_rebirth_says_nothing_twice() -> None:
    node = born(methane=10, valve=11)
    node.take("DDATA", DEVICE, said(2, metric(3, alias=10, timestamp=1500)))
    node.take("NBIRTH", NODE, said(0))
    heard = node.take("DBIRTH", DEVICE, said(1, metric(3, "methane", 10, timestamp=1500), metric(1, "valve", 11)))
    assert values(heard) == {"valve": 1.0}


def test_time_null_history_and_quality_are_those_of_the_metric() -> None:
    node = born(methane=10)
    one, two = node.take(
        "DDATA",
        DEVICE,
        said(2, metric(None, alias=10, quality=0, is_historical=True), metric(4, alias=10, timestamp=None)),
    ).samples
    assert (one.value, one.is_null, one.quality, one.is_historical, one.timestamp) == (None, True, 0, True, 1000)
    assert (two.value, two.is_null, two.timestamp) == (4.0, False, 2000)


def test_value_of_another_type_than_in_the_birth_is_none_and_not_null() -> None:
    node = Node([DEVICE])
    node.take("NBIRTH", NODE, said(0))
    node.take("DBIRTH", DEVICE, said(1, metric(None, "methane", 10, datatype=DOUBLE)))
    (sample,) = node.take("DDATA", DEVICE, said(2, metric(3, alias=10))).samples
    assert (sample.value, sample.is_null) == (None, False)


def test_death_after_a_gap_is_told() -> None:
    node = born(methane=10)
    assert node.take("DDATA", DEVICE, said(9)) == REBIRTH
    assert node.take("NDEATH", NODE, said(None, metric(6, "bdSeq"))) == NOTHING
    assert node.take("NDEATH", NODE, said(None, metric(7, "bdSeq"))).lost == (NODE, DEVICE)


def test_alias_that_the_last_birth_of_its_device_did_not_name_means_nothing() -> None:
    node = born(methane=10)
    node.take("DBIRTH", DEVICE, said(2, metric(0, "methane", 20), metric(0, "valve", 11)))
    heard = node.take("DDATA", DEVICE, said(3, metric(50, alias=10), metric(3, alias=20)))
    assert (values(heard), heard.wants_rebirth) == ({"methane": 3.0}, True)


def test_rebirth_with_another_quality_is_told() -> None:
    node = born(methane=10)
    node.take("DDATA", DEVICE, said(2, metric(3, alias=10, quality=192)))
    node.take("NBIRTH", NODE, said(0))
    heard = node.take("DBIRTH", DEVICE, said(1, metric(3, "methane", 10, quality=0)))
    assert [(one.value, one.quality) for one in heard.samples] == [(3.0, 0)]


@given(st.randoms(use_true_random=False))
def test_no_story_raises_or_takes_data_while_unborn(dice: random.Random) -> None:
    node = Node([DEVICE])
    kinds = ("NBIRTH", "NDEATH", "DBIRTH", "DDEATH", "NDATA", "DDATA", "NCMD", "")
    for _ in range(40):
        metrics = [
            metric(dice.randrange(9), dice.choice([None, "bdSeq", "a"]), dice.choice([None, 1, 2])) for _ in range(2)
        ]
        was_born = node.is_born
        kind = dice.choice(kinds)
        heard = node.take(kind, dice.choice([NODE, DEVICE]), said(dice.choice([None, 0, 1, 2]), *metrics))
        if not was_born and kind != "NBIRTH":
            assert not heard.samples
