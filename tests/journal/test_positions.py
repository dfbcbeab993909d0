"""The in-memory index against the plain list of what was stored."""

from hypothesis import given
from hypothesis import strategies as st

from journal.entry import PARTITIONS
from journal.positions import Plan, PositionIndex

Numbers = st.integers(0, 5)
Runs = st.lists(st.lists(Numbers, max_size=12).map(bytes), max_size=8)
OLD_BASE = 20


@st.composite
def _stored(draw):
    """(position, partition) of what an earlier run left, and an index that knows only its tails."""
    old = [(position, draw(Numbers)) for position in range(1, draw(st.integers(1, OLD_BASE)))]
    last = [0] * PARTITIONS
    for position, partition in old:
        last[partition] = position
    return old, PositionIndex(1, OLD_BASE, last, window=draw(st.integers(1, 10)))


@given(_stored(), Runs, st.dictionaries(Numbers, st.integers(0, 120)), st.sets(st.integers(0, PARTITIONS - 1)))
def test_plan_misses_nothing_and_count_is_exact(made, runs, after, partitions):
    stored, index = made
    for run in runs:
        stored += [(index.next + number, partition) for number, partition in enumerate(run)]
        index.note(run)
    beyond = [one for one in stored if one[1] in partitions and one[0] > after.get(one[1], 0)]
    plan = index.plan(partitions, after)
    known, start, end = index.count(partitions, after)
    assert (plan is None) == (not beyond)
    if plan is not None:
        assert plan.start <= beyond[0][0]
        assert plan.end == index.next
        assert not plan.exact or [one for one in stored if plan.start <= one[0] < plan.end] == beyond
    assert known + sum(start <= position < end for position, _ in beyond) == len(beyond)


def test_an_idle_partition_that_speaks_again_is_found_without_reading_the_rest():
    index = PositionIndex(1, 1, [0] * PARTITIONS)
    index.note(bytes([5]) + bytes([6]) * 1000 + bytes([5]))
    assert index.plan(range(PARTITIONS), {5: 1, 6: 1001}) == Plan(1002, 1003, exact=True)


def test_a_reader_behind_what_was_pruned_starts_at_the_first_entry_left():
    index = PositionIndex(1, 1, [0] * PARTITIONS)
    index.note(bytes([5, 6, 6]))
    index.pruned(2)
    assert index.plan([5], {}) is None
    assert index.plan([6], {}) == Plan(2, 4, exact=False)


def test_the_window_stays_bounded():
    index = PositionIndex(1, 1, [0] * PARTITIONS, window=10)
    for _ in range(100):
        index.note(bytes([1]))
    assert index.next == 101
    assert 10 <= index.count([1], {}).known <= 20
