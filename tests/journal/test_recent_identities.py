"""What is sent twice is stored once."""

from hypothesis import given
from hypothesis import strategies as st

from journal.recent import STEP_NS, Accepted, Answer, RecentIdentities

KEY = "baiyun:gas:0001~0"


def test_the_same_payload_again_is_a_duplicate_and_another_payload_is_not():
    recent = RecentIdentities()
    recent.remember(KEY, "@100", 7, 100)
    assert recent.check(KEY, "@100", 7) is Answer.DUPLICATE
    assert recent.check(KEY, "@100", 8) is Answer.CONFLICT
    assert recent.check(KEY, "@101", 7) is Answer.FREE
    assert recent.check("baiyun:gas:0001~1", "@100", 7) is Answer.FREE


def test_samples_of_one_instant_are_spread_and_each_is_recognised_again():
    recent = RecentIdentities()
    stamps = []
    for digest in range(4):
        stamps.append(recent.free_time(KEY, 100))
        recent.remember(KEY, "@100", digest, stamps[-1])
    assert stamps == [100, 100 + STEP_NS, 100 + 2 * STEP_NS, 100 + 3 * STEP_NS]
    assert [recent.check(KEY, "@100", digest) for digest in range(5)] == [Answer.DUPLICATE] * 4 + [Answer.CONFLICT]


def test_the_stamp_of_an_accepted_sample_is_known():
    recent = RecentIdentities()
    recent.remember(KEY, "@100", 7, 105)
    assert recent.accepted_at(KEY, "@100", 7) == 105
    assert recent.accepted_at(KEY, "@100", 8) is None
    assert recent.accepted_at("other~0", "@100", 7) is None


def test_a_stamp_used_by_one_device_is_free_for_another():
    recent = RecentIdentities()
    recent.remember(KEY, "@100", 1, 100)
    assert recent.free_time("other~0", 100) == 100


def test_what_was_not_stored_is_free_again():
    recent = RecentIdentities()
    recent.remember(KEY, "@100", 1, 100)
    recent.remember(KEY, "@100", 2, 100 + STEP_NS)
    recent.forget(KEY, "@100", 1)
    assert recent.check(KEY, "@100", 1) is Answer.CONFLICT
    assert recent.check(KEY, "@100", 2) is Answer.DUPLICATE
    assert recent.free_time(KEY, 100) == 100
    recent.forget(KEY, "@100", 2)
    assert recent.check(KEY, "@100", 2) is Answer.FREE
    assert len(recent) == 0


def test_forgetting_what_is_unknown_changes_nothing():
    recent = RecentIdentities()
    recent.remember(KEY, "@100", 1, 100)
    recent.forget(KEY, "@100", 9)
    recent.forget(KEY, "@200", 1)
    recent.forget("other~0", "@100", 1)
    assert recent.check(KEY, "@100", 1) is Answer.DUPLICATE


def test_one_that_was_forgotten_leaves_room_for_one_more_and_the_oldest_still_goes_first():
    recent = RecentIdentities(per_key=3)
    for number in range(3):
        recent.remember(KEY, f"#1.{number}", number, 100 + number)
    recent.forget(KEY, "#1.1", 1)
    for number in (3, 4, 5):
        recent.remember(KEY, f"#1.{number}", number, 100 + number)
    known = [number for number in range(6) if recent.check(KEY, f"#1.{number}", number) is Answer.DUPLICATE]
    assert (known, len(recent)) == ([3, 4, 5], 3)


def test_one_told_apart_by_its_stamp_goes_before_younger_ones_with_a_name():
    recent = RecentIdentities(per_key=2)
    for identity, at in ((100, 100), ("#1.1", 200), ("#1.2", 300)):
        assert recent.take_new(KEY, identity, 7, at)
    assert [recent.check(KEY, one, 7) is Answer.DUPLICATE for one in (100, "#1.1", "#1.2")] == [False, True, True]


def test_each_device_keeps_its_newest():
    recent = RecentIdentities(per_key=3)
    for number in range(5):
        recent.remember(KEY, f"#{number}", 1, number)
    answers = [recent.check(KEY, f"#{number}", 1) for number in range(5)]
    assert answers == [Answer.FREE] * 2 + [Answer.DUPLICATE] * 3
    assert recent.free_time(KEY, 1) == 1
    assert recent.free_time(KEY, 2) == 2 + STEP_NS


def test_a_device_whose_clock_stands_still_takes_no_more_than_its_share():
    recent = RecentIdentities(per_key=3)
    for digest in range(10):
        recent.remember(KEY, "@100", digest, recent.free_time(KEY, 100))
    assert len(recent) == 3
    assert [digest for digest in range(10) if recent.check(KEY, "@100", digest) is Answer.DUPLICATE] == [7, 8, 9]


def test_the_longest_silent_device_is_dropped_at_the_total():
    recent = RecentIdentities(total=4)
    for key in ("a~0", "b~0", "a~0", "c~0", "d~0"):
        recent.remember(key, f"#{len(recent)}", 1, len(recent))
    assert len(recent) == 4
    assert [recent.check(key, identity, 1).value for key, identity in (("a~0", "#0"), ("b~0", "#1"))] == [
        "duplicate",
        "free",
    ]


def test_the_tail_of_the_journal_brings_it_all_back():
    recent = RecentIdentities()
    recent.rebuild([Accepted(KEY, "@100", 1, 100), Accepted(KEY, "@100", 2, 100 + STEP_NS)])
    assert recent.check(KEY, "@100", 2) is Answer.DUPLICATE
    assert recent.free_time(KEY, 100) == 100 + 2 * STEP_NS


Operations = st.lists(
    st.tuples(st.booleans(), st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 3)), max_size=60
)


@given(Operations, st.integers(1, 5), st.integers(1, 8))
def test_the_bounds_hold_and_no_two_samples_share_an_instant(operations, per_key, total):
    recent = RecentIdentities(per_key, total)
    live: dict[tuple[str, str, int], int] = {}
    for is_new, key, identity, digest in operations:
        if not is_new:
            recent.forget(key, identity, digest)
            live.pop((key, identity, digest), None)
        elif recent.check(key, identity, digest) is not Answer.DUPLICATE:
            at = recent.free_time(key, 0)
            known = [name for name in live if recent.check(*name) is Answer.DUPLICATE]
            assert (key, at) not in {(name[0], live[name]) for name in known}
            recent.remember(key, identity, digest, at)
            live[key, identity, digest] = at
            assert recent.check(key, identity, digest) is Answer.DUPLICATE
        kept = sum(recent.check(*name) is Answer.DUPLICATE for name in live)
        assert len(recent) == kept
        assert kept <= max(total, per_key)
        for one in "abc":
            assert sum(recent.check(*name) is Answer.DUPLICATE for name in live if name[0] == one) <= per_key


def test_a_stamp_that_another_sample_claimed_is_not_free():
    recent = RecentIdentities()
    assert recent.take_new(KEY, 105, 1, 100), "kept under another time than the one it came with"
    assert not recent.take_new(KEY, 105, 2, 105)
    assert recent.check(KEY, 105, 2) is Answer.CONFLICT
    assert recent.accepted_at(KEY, 105, 1) == 100


Stamped = st.lists(
    st.tuples(
        st.sampled_from(["take", "spread", "forget", "ask"]),
        st.sampled_from("ab"),
        st.integers(0, 12),
        st.none() | st.integers(0, 12),
        st.integers(0, 2),
    ),
    max_size=60,
)


@given(Stamped, st.integers(1, 5), st.integers(1, 8))
def test_samples_told_apart_by_their_stamps_are_known_as_if_each_had_a_name(
    operations: list[tuple[str, str, int, int | None, int]], per_key: int, total: int
) -> None:
    stamped, named = RecentIdentities(per_key, total), RecentIdentities(per_key, total)
    for what, key, at, claimed, digest in operations:
        identity = at if claimed is None else claimed
        name = f"@{identity}"
        if what == "take":
            assert stamped.take_new(key, identity, digest, at) == named.take_new(key, name, digest, at)
        elif what == "spread":
            free = stamped.free_time(key, at)
            assert free == named.free_time(key, at)
            stamped.remember(key, identity, digest, free)
            named.remember(key, name, digest, free)
        elif what == "forget":
            stamped.forget(key, identity, digest)
            named.forget(key, name, digest)
        assert stamped.accepted_at(key, identity, digest) == named.accepted_at(key, name, digest)
        assert stamped.check(key, identity, digest) is named.check(key, name, digest)
        assert len(stamped) == len(named)
