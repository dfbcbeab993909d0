"""Interlocks that would command one point to opposite ends, and commands where we only watch.

There is no effect that opens a valve or stops a fan, so that two matrices can only differ about starting a fan. A row
that leaves the fans to a person stands above one that starts them, between two matrices too. Of one kind of area the
two would be a contradiction all the same; a whole mall may hold the fans that its kitchens start.
"""

from collections.abc import Iterable, Iterator
from itertools import permutations

from gengfu.site_rules.finding import Finding
from gengfu.site_rules.laid import Laid
from gengfu.site_rules.scope import Scope
from interlocks.matrix import Cause, Matrix

STARTS = "start-fan"
HOLDS = frozenset({"hold-fan", "inhibit-fan"})
OBSERVED = "hydrogen-station"
ONLY_OBSERVED = f'a {OBSERVED} is only observed: write mode = "observe", and no effects (S15)'


def check_opposites(laid: Laid, scope: Scope) -> Iterator[Finding]:
    """Every two matrices that stand against each other in one zone, and every command to an observed one."""
    for matrix in laid.book.matrices:
        if commands_the_observed(matrix):
            yield Finding(laid.matrix_at(matrix.id).at("mode"), ONLY_OBSERVED)
    for one, other in permutations(laid.book.matrices, 2):
        for kind in one.areas:
            if kind in other.areas and kind in scope.kinds and _has_fan(scope, kind):
                yield from _against(laid, one, other, kind)


def commands_the_observed(matrix: Matrix) -> bool:
    """Whether it would act on what may only be watched."""
    return OBSERVED in matrix.areas and matrix.mode != "observe"


def _against(laid: Laid, starting: Matrix, holding: Matrix, kind: str) -> Iterator[Finding]:
    starts, holds = _with(starting, {STARTS}), _with(holding, HOLDS)
    if starting.mode != "act" or not starts or not holds:
        return
    what = (
        f"{starting.id} ({', '.join(starts)}) starts the fan of a zone of kind {kind} that {holding.id} "
        f"({', '.join(holds)}) leaves to a person: take one of the two out of that kind of area"
    )
    own = [one.id for one in (starting, holding) if (known := laid.matrices.get(one.id)) and known.override is None]
    for name in own or [starting.id]:
        yield Finding(laid.matrix_at(name).at("areas"), what)


def _with(matrix: Matrix, actions: Iterable[str]) -> list[str]:
    def has(cause: Cause) -> bool:
        return any(effect.action in actions for effect in cause.effect)

    return [cause.id for cause in matrix.cause if has(cause)]


def _has_fan(scope: Scope, kind: str) -> bool:
    return any(command.effect == STARTS for place in scope.within((kind,)) for command in place.profile.file.command)
