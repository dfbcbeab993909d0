"""Who is asked next on one bus: those that answer first, the dead when there is time, but never too late."""

from gateway.turns import PATIENCE, PolledUnit, Turn, Turns
from tests.fixtures.polling import unit


def settled(turns: Turns) -> Turns:
    """Everybody has answered once, but for the first unit, which is lost."""
    slot = max(turn.due for turn in turns.all)
    for _ in turns.all:
        turn = turns.first(slot)
        if turn is turns.all[0]:
            turn.failed(slot, None)
        else:
            turn.answered(slot)
        turns.put_back(slot)
    return turns


def one_dead(*others: PolledUnit) -> tuple[Turns, Turn]:
    turns = settled(Turns([unit(1), *others], 0))
    return turns, turns.all[0]


def test_a_dead_unit_lets_those_go_first_that_answer_and_are_due() -> None:
    turns, dead = one_dead(unit(2, 0.1), unit(3, 0.1))
    slot = dead.due + 1
    asked = []
    for _ in range(3):
        turn = turns.first(slot)
        asked.append(turn.unit.unit)
        if turn is dead:
            turn.failed(slot, None)
        else:
            turn.answered(slot)
        turns.put_back(slot)
    assert sorted(asked[:2]) == [2, 3]
    assert asked[2] == 1


def test_a_dead_unit_is_asked_at_its_time_when_nobody_else_is_due() -> None:
    turns, dead = one_dead(unit(2, 600.0))
    assert turns.first(dead.due) is dead
    assert turns.first(dead.due - 1) is dead


def test_patience_with_a_dead_unit_ends() -> None:
    turns, dead = one_dead(unit(2, 0.1), unit(3, 0.1))
    asked = [turns.first(dead.due + late) is dead for late in (5, PATIENCE - 1, PATIENCE)]
    assert asked == [False, False, True]


def test_however_many_are_dead_those_that_answer_are_asked_between_two_of_them() -> None:
    turns = Turns([unit(number, 0.1) for number in range(1, 41)], 0)
    live, slot, asked = turns.all[0], 100, []
    for _ in range(400):
        turn = turns.first(slot)
        asked.append(turn is live)
        if turn is live:
            turn.answered(slot)
            slot += 1
        else:
            slot += 50
            turn.failed(slot, None)
        turns.put_back(slot)
    assert sum(asked[200:]) > 100


def test_a_unit_that_answers_again_has_its_place_among_the_others() -> None:
    turns, dead = one_dead(unit(2, 600.0))
    turns.first(dead.due).answered(dead.due)
    turns.put_back(dead.due)
    assert not turns._failing
    assert {turn.unit.unit for _, _, turn in turns._well} == {1, 2}
