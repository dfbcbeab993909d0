"""Agenda: one time per key, the earliest that was asked for."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.agenda import MOST_OVERTAKEN, ROW_BITS, Agenda


def test_empty_agenda_waits_for_nothing() -> None:
    agenda = Agenda()
    assert (agenda.due(), agenda.take(10**18)) == (None, [])


def test_keys_are_taken_in_order_of_time_and_once() -> None:
    agenda = Agenda()
    for key, mono in (("c", 30), ("a", 10), ("b", 20)):
        agenda.at(key, mono)
    assert (agenda.due(), agenda.take(20), agenda.due(), agenda.take(30), agenda.due()) == (
        10,
        ["a", "b"],
        30,
        ["c"],
        None,
    )


def test_earlier_time_overtakes_and_a_later_one_changes_nothing() -> None:
    agenda = Agenda()
    for mono in (50, 20, 80):
        agenda.at("a", mono)
    assert (agenda.due(), agenda.take(20), agenda.due()) == (20, ["a"], None)


def test_key_that_was_overtaken_can_wait_again() -> None:
    agenda = Agenda()
    agenda.at("a", 50)
    agenda.at("a", 20)
    agenda.take(20)
    agenda.at("a", 70)
    assert (agenda.take(60), agenda.due(), agenda.take(70)) == ([], 70, ["a"])


TIMES = st.integers(0, 100) | st.builds(lambda row, at: (row << ROW_BITS) + at, st.integers(0, 4), st.integers(-2, 2))


@given(st.lists(st.tuples(st.sampled_from("abcdef"), TIMES.map(abs), st.booleans(), st.booleans()), max_size=60))
def test_behaves_like_a_dictionary_of_earliest_times(calls: list[tuple[str, int, bool, bool]]) -> None:
    agenda, model = Agenda(), dict[str, int]()
    for key, mono, takes, looks in calls:
        if takes:
            expected = sorted((at, one) for one, at in model.items() if at <= mono)
            assert agenda.take(mono) == [one for _, one in expected]
            model = {one: at for one, at in model.items() if at > mono}
        else:
            agenda.at(key, mono)
            model[key] = min(model.get(key, mono), mono)
        if looks:
            assert agenda.due() == min(model.values(), default=None)
    assert agenda.due() == min(model.values(), default=None)


def test_asking_often_costs_no_memory() -> None:
    agenda = Agenda()
    for mono in range(100_000):
        agenda.at("device", mono + 5_000)
        agenda.take(mono)
    assert len(agenda) < 10


def test_time_far_ahead_that_is_overtaken_again_and_again_costs_no_memory() -> None:
    """As of a device that was put out of service for a week and swings about a limit."""
    agenda = Agenda()
    agenda.at("other", 10**15)
    for mono in range(10_000):
        agenda.at("device", 10**18)
        agenda.at("device", mono)
        assert agenda.take(mono) == ["device"]
    assert len(agenda) <= 2 + MOST_OVERTAKEN + 2
    assert agenda.take(10**18) == ["other"]
