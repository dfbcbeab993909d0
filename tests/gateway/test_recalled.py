"""What was stored before a start is known again when it comes again: that of the journal's end, which was read, and
that before it, of which only the names were."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.acceptance import MESSAGE_LIFETIME_NS
from protocols.moment import SECOND
from protocols.quality import Quality
from tests.fixtures.pipelines import GAS_1, GAS_2, Bench, counted, timed, untimed
from tests.fixtures.stories import WALL

LIFETIME_S = MESSAGE_LIFETIME_NS / SECOND
SHAPES = {"counted": counted(7, 3.0), "timed": timed(3.0, -1), "without time and number": untimed(3.0)}


@pytest.fixture(params=[1000, 1, 0])
async def before(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator["Before"]:
    """Of what was said before the start so many entries are read."""
    one = Before(tmp_path / "journal", request.param)
    yield one
    await one.bench.journal.close()


class Before:
    def __init__(self, folder: Path, tail: int) -> None:
        self.bench = Bench(folder)
        self._tail = tail

    async def restart(self) -> Bench:
        """The newest that is stored is of no interest."""
        await self.bench.durable()
        self.bench.say(counted(1, 1.0, device=GAS_2), 1, mid=9)
        await self.bench.durable()
        await self.bench.reopen(self._tail)
        return self.bench


def methane(bench: Bench) -> list[object]:
    return [one.values[0] for one in bench.readings() if one.device == GAS_1]


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_comes_again_after_a_start_is_stored_once_and_judged_by_its_first_time(
    before: Before, shape: str
) -> None:
    before.bench.say(SHAPES[shape], 0)
    (first,) = before.bench.judge.seen
    bench = await before.restart()
    for second in (20, 21):
        bench.say(SHAPES[shape], second)
    await bench.durable()
    assert methane(bench) == [3.0]
    assert bench.settled[-2:] == [None, None]
    assert [one.at for one in bench.judge.seen if one.device == GAS_1] == [first.at] * 3


@pytest.mark.parametrize(("first", "second"), [(counted(7, 3.0), counted(7, 4.0)), (timed(3.0, -1), timed(4.0, -1))])
async def test_another_payload_under_its_name_is_kept_in_doubt(before: Before, first: str, second: str) -> None:
    before.bench.say(first, 0)
    bench = await before.restart()
    for _ in range(2):
        bench.say(second, 20)
    await bench.durable()
    assert methane(bench) == [3.0, 4.0]
    assert [one.quality_of(0) for one in bench.readings() if one.device == GAS_1][-1] is Quality.UNCERTAIN_CLOCK


async def test_two_payloads_under_one_name_are_both_known(before: Before) -> None:
    for value in (3.0, 4.0):
        before.bench.say(counted(7, value), 0)
    bench = await before.restart()
    for value in (4.0, 3.0, 4.0):
        bench.say(counted(7, value), 20)
    await bench.durable()
    assert methane(bench) == [3.0, 4.0]


async def test_message_that_came_again_after_its_lifetime_is_known_by_its_second_time(before: Before) -> None:
    before.bench.say(untimed(3.0), 0)
    bench = await before.restart()
    for second in (1, 20, 246):
        bench.say(untimed(3.0), LIFETIME_S + second)
    await bench.durable()
    assert methane(bench) == [3.0, 3.0]
    assert bench.readings()[-1].at == WALL + int((LIFETIME_S + 1) * SECOND)


async def test_devices_of_one_message_are_told_apart(before: Before) -> None:
    pack = f'[{{"n":"{GAS_1}/methane","v":1}},{{"n":"{GAS_2}/methane","v":1}}]'
    before.bench.say(pack, 0, mid=3)
    bench = await before.restart()
    bench.say(pack, 20, mid=3)
    await bench.durable()
    assert (len(bench.readings()), methane(bench)) == (3, [1.0])


async def test_what_another_device_says_under_the_same_name_changes_nothing(before: Before) -> None:
    one, other = (f'[{{"n":"{device}/methane","v":1}}]' for device in (GAS_1, GAS_2))
    before.bench.say(one, 0)
    bench = await before.restart()
    for second, payload in enumerate((one, other, one)):
        bench.say(payload, LIFETIME_S + 1 + second)
    await bench.durable()
    assert methane(bench) == [1.0, 1.0]
