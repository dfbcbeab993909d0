"""What windows of time do at the edges of what they hear: nothing yet, nothing for long, out of order, very many."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.judging import Judgement
from alarms.spans import MOST_SAMPLES, Lowest, Spans
from alarms.windows import Frozen, HighMean
from protocols.moment import SECOND
from protocols.picture import Picture
from protocols.quality import Quality
from tests.fixtures.stories import GAS, MONO, at, gas_reading, marked

OVER = 60 * SECOND
METHANE = GAS.by_name["methane"].index
turns = st.lists(
    st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 9)), min_size=1, max_size=40), min_size=1, max_size=8
)


@given(turns)
@settings(deadline=None, max_examples=60)
def test_samples_taken_together_say_the_same_as_one_by_one_also_out_of_order(told: list[list[tuple[int, int]]]) -> None:
    together, alone = Lowest(OVER), Lowest(OVER)
    mono = MONO
    for turn in told:
        times = []
        for wait, _ in turn:
            mono += wait * SECOND
            times.append(mono)
        times.sort()
        values = [float(value) for _, value in turn]
        together.extend(times, values)
        for one, value in zip(times, values, strict=True):
            alone.add(one, value)
        assert together.at(mono + 5 * SECOND) == alone.at(mono + 5 * SECOND)


def test_very_many_samples_taken_together_are_thinned_on_the_safe_side() -> None:
    lowest, spans = Lowest(OVER), Spans(OVER)
    times = [MONO + number * SECOND // 10 for number in range(500)]
    rising = [number / 10 for number in range(500)]
    lowest.extend(times, rising)
    spans.extend(times[:1], rising[:1])
    spans.extend(times[1:], rising[1:])
    assert len(lowest) <= MOST_SAMPLES
    assert len(spans) <= MOST_SAMPLES + 1
    found = lowest.at(times[-1] + OVER // 2)
    assert found is not None
    assert found <= rising[200]  # so far back the window reaches then: lower for longer, never shorter
    true_mean = sum(rising[:-1]) / 600  # the last has not held yet
    assert spans.mean(times[-1], 0.0).value >= true_mean - 1e-9


def test_a_mean_of_nothing_is_not_judged() -> None:
    window, picture = HighMean(METHANE, 10.0, 8.0, 0.0, OVER), Picture(GAS, MONO)
    reading = marked(gas_reading(2, methane=None), Quality.BAD_SENSOR_FAULT)
    picture.update(reading, at(2))
    assert window(picture, at(2).mono) is Judgement.HOLD
    assert window.due(at(2).mono) is None


def test_a_fault_before_the_first_value_is_no_time_that_was_watched() -> None:
    window, picture = HighMean(METHANE, 10.0, 8.0, 0.0, OVER), Picture(GAS, MONO)
    picture.update(gas_reading(2, fault=1.0, methane=float("nan")), at(2))
    assert window(picture, at(2).mono) is Judgement.HOLD
    picture.update(gas_reading(4, methane=1.0), at(4))
    assert window(picture, at(4).mono) is Judgement.HOLD


def test_one_that_was_silent_for_longer_than_the_window_is_looked_at_when_it_speaks() -> None:
    window = Frozen(METHANE, 0.5, OVER)
    window.take([MONO], [3.0])
    values = tuple(9.0 if index == METHANE else None for index in range(len(GAS.points)))
    assert window.stirs(values, MONO + 3 * OVER)
    picture = Picture(GAS, MONO)
    picture.update(gas_reading(180, methane=9.0), at(180))
    assert window(picture, at(180).mono) is Judgement.CLEAR
