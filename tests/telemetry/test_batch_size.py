"""How many lines a request carries after good and bad answers."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry.batch_size import GROWTH, BatchSize

QUICK_S = 2.0
EVENTS = st.lists(
    st.tuples(st.sampled_from(["answered", "timed_out", "too_large"]), st.integers(1, 9000), st.floats(0, 99))
)


def after(size: BatchSize, events: list[tuple[str, int, float]]) -> list[int]:
    """The lines before the first event, and after each."""
    seen = [size.lines]
    for what, lines, elapsed_s in events:
        if what == "answered":
            size.answered(lines, elapsed_s)
        elif what == "timed_out":
            size.timed_out()
        else:
            size.too_large(lines)
        seen.append(size.lines)
    return seen


@given(most=st.integers(1, 50_000), least=st.integers(1, 500), events=EVENTS)
def test_it_stays_between_the_least_and_the_most(most: int, least: int, events: list[tuple[str, int, float]]) -> None:
    seen = after(BatchSize(most, QUICK_S, least), events)
    assert seen[0] == most
    assert min(seen) >= min(least, most)
    assert max(seen) <= most


@given(most=st.integers(1, 50_000), events=EVENTS)
def test_only_a_full_and_quick_answer_makes_it_more_and_only_trouble_makes_it_less(
    most: int, events: list[tuple[str, int, float]]
) -> None:
    seen = after(BatchSize(most, QUICK_S), events)
    for (what, lines, elapsed_s), before, behind in zip(events, seen[:-1], seen[1:], strict=True):
        if what == "answered":
            grows = lines >= before and elapsed_s <= QUICK_S and before < most
            assert (behind > before) is grows
        else:
            assert behind <= before


@given(most=st.integers(1, 50_000), events=EVENTS)
def test_quick_answers_bring_it_back_to_the_most(most: int, events: list[tuple[str, int, float]]) -> None:
    size = BatchSize(most, QUICK_S)
    after(size, events)
    for _ in range(GROWTH + 1):
        size.answered(size.lines, QUICK_S)
    assert size.lines == most


def test_time_outs_halve_it_down_to_the_least() -> None:
    size = BatchSize(5000, QUICK_S, 50)
    assert after(size, [("timed_out", 0, 0.0)] * 9) == [5000, 2500, 1250, 625, 312, 156, 78, 50, 50, 50]


def test_what_was_too_large_comes_in_halves_also_where_less_was_sent_than_allowed() -> None:
    size = BatchSize(5000, QUICK_S, 50)
    assert after(size, [("too_large", 3000, 0.0), ("too_large", 1500, 0.0), ("too_large", 60, 0.0)]) == [
        *(5000, 1500, 750, 50)
    ]


def test_a_bound_of_the_server_is_met_in_few_requests() -> None:
    """A server that takes 2600 lines and no more, given far more than it takes."""
    size, refused, sent = BatchSize(5000, QUICK_S), 0, 0
    for _ in range(1000):
        sent += 1
        if size.lines > 2600:
            refused += 1
            size.too_large(size.lines)
        else:
            size.answered(size.lines, 0.0)
    assert refused * 12 < sent
