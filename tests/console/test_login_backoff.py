"""The back-off of sign-ins, as rows of time and answer."""

from console.backoff import FORGET_AFTER_S, PAIRS_MAX, LoginBackoff
from tests.console.conftest import Clock


def test_waits_begin_after_five_failures_and_double_to_fifteen_minutes(clock: Clock) -> None:
    backoff, waits = LoginBackoff(clock.seconds), []
    for _ in range(12):
        wait_s = backoff.begin("a", "p")
        waits.append(wait_s)
        if wait_s:
            clock.advance(wait_s)
            assert backoff.begin("a", "p") == 0.0
    assert waits == [0.0] * 5 + [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0]


def test_attempts_at_the_same_moment_all_count(clock: Clock) -> None:
    backoff = LoginBackoff(clock.seconds)
    assert [backoff.begin("a", "p") for _ in range(7)] == [0.0] * 5 + [30.0, 30.0]


def test_user_and_peer_are_counted_together(clock: Clock) -> None:
    backoff = LoginBackoff(clock.seconds)
    for _ in range(5):
        backoff.begin("a", "p")
    assert [backoff.begin(*pair) for pair in (("a", "p"), ("a", "q"), ("b", "p"))] == [30.0, 0.0, 0.0]


def test_a_success_forgets_the_failures(clock: Clock) -> None:
    backoff = LoginBackoff(clock.seconds)
    for _ in range(5):
        backoff.begin("a", "p")
    backoff.succeed("a", "p")
    assert [backoff.begin("a", "p") for _ in range(6)] == [0.0] * 5 + [30.0]


def test_failures_are_forgotten_after_an_hour(clock: Clock) -> None:
    backoff = LoginBackoff(clock.seconds)
    for _ in range(5):
        backoff.begin("a", "p")
    clock.advance(FORGET_AFTER_S + 1)
    assert [backoff.begin("a", "p") for _ in range(2)] == [0.0, 0.0]


def test_guessing_with_many_names_does_not_grow_memory(clock: Clock) -> None:
    backoff = LoginBackoff(clock.seconds)
    for n in range(PAIRS_MAX + 50):
        backoff.begin(str(n), "p")
    assert len(backoff) == PAIRS_MAX
