"""Which message a packet number means: when it comes again, after a start, and after a long time."""

from gateway.transports.mqtt.numbers import MOST_NUMBERS, Arrival, Numbers
from protocols.moment import SECOND
from protocols.mqtt import Publish

LONG = 3600
"""More than the 247 s for which a message is known by number and payload alone."""


def message(payload: bytes = b"1", *, again: bool = False, number: int = 7) -> Publish:
    return Publish("t", payload, 1, number, again, False, "")


def arrived(numbers: Numbers, seconds: int, publish: Publish, *, is_old: bool = False) -> Arrival:
    return numbers.arrived("c", publish, seconds * SECOND, is_old=is_old)


def test_message_that_is_repeated_after_a_start_is_the_same_whatever_its_number_carried_before() -> None:
    one, other = (message(payload) for payload in (b"1", b"2"))
    before, after = Numbers(), Numbers()
    first, second, third, fourth = (
        arrived(before, turn, publish).source for turn, publish in enumerate((one, other, one, other))
    )
    assert len({first, second, third, fourth}) == 4
    assert arrived(before, 5, message(b"2", again=True)).source == fourth
    assert arrived(after, 6, message(b"2", again=True)).source == second
    assert arrived(after, 6, message(b"1", again=True)).source == first


def test_repeated_message_is_as_old_as_it_was_when_it_came_first() -> None:
    numbers = Numbers()
    first = arrived(numbers, 10, message(), is_old=True)
    assert arrived(numbers, 200, message(again=True)) == first._replace(is_known=True)
    assert arrived(numbers, 400, message(again=True)).received_at == 10 * SECOND
    new = arrived(numbers, 401, message())
    assert (new.received_at, new.is_old, new.is_known) == (401 * SECOND, False, False)


def test_message_that_the_broker_may_not_know_to_be_acknowledged_is_the_same_however_late_it_comes_again() -> None:
    numbers = Numbers()
    numbers.pinged()
    first = arrived(numbers, 10, message())
    numbers.acknowledged(7)
    numbers.answered()  # the ping left before the acknowledgement, and says nothing of it
    assert arrived(numbers, 10 + LONG, message(again=True)) == first._replace(is_known=True)


def test_message_that_was_never_acknowledged_is_the_same_however_late_it_comes_again() -> None:
    numbers = Numbers()
    first = arrived(numbers, 10, message())
    numbers.pinged()
    numbers.answered()
    assert arrived(numbers, 10 + LONG, message(again=True)) == first._replace(is_known=True)


def test_number_whose_acknowledgement_the_broker_knows_means_a_new_message_after_a_long_time() -> None:
    numbers = Numbers()
    arrived(numbers, 10, message())
    numbers.acknowledged(7)
    numbers.pinged()
    numbers.answered()
    assert arrived(numbers, 20, message(again=True)).is_known  # the same for 247 s, as after a start
    numbers.acknowledged(7)
    numbers.pinged()
    numbers.answered()
    late = arrived(numbers, 20 + LONG, message(again=True))
    assert (late.is_known, late.received_at) == (False, (20 + LONG) * SECOND)


def test_number_that_carried_another_message_in_between_means_a_new_one_after_a_long_time() -> None:
    numbers = Numbers()
    arrived(numbers, 10, message(b"1"))
    arrived(numbers, 11, message(b"2"))
    assert not arrived(numbers, 10 + LONG, message(b"1", again=True)).is_known


def test_broker_that_has_no_session_repeats_nothing() -> None:
    numbers = Numbers()
    arrived(numbers, 10, message())
    numbers.forgotten()
    assert not arrived(numbers, 10 + LONG, message(again=True)).is_known


def test_numbers_are_remembered_in_bounds() -> None:
    numbers = Numbers()
    for turn in range(MOST_NUMBERS + 1):
        arrived(numbers, 1, message(b"%d" % turn))
    assert len(numbers) == MOST_NUMBERS
