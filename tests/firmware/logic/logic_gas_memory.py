"""What a gas alarm does when its flash, or its memory, refuses a record; and how seldom it writes one."""

from gas_parts import Bench
from products import self_test, valve


class Full:
    """A flash that holds nothing and takes nothing."""

    def get(self, _name):
        return None

    def put(self, _name, _value):
        raise OSError(28)


def test_flash_that_refuses_does_not_keep_the_valve_open():
    bench = Bench(Full())
    bench.gas(55.0, 10)
    bench.shows(valve=valve.CLOSED, trip_latched=True)


class Refusing:
    """A store that can be made to refuse the records of a name, and counts who asks."""

    def __init__(self, store):
        self._store = store
        self.refused = ""
        self.asked = 0

    def get(self, name):
        return self._store.get(name)

    def put(self, name, value):
        if name == self.refused:
            self.asked += 1
            raise OSError(28)
        self._store.put(name, value)


def test_refused_record_is_shown_sounds_and_is_asked_for_once_a_second_until_it_is_taken():
    for name, act in (("latch", lambda bench: bench.gas(30.0)), ("life", lambda bench: bench.run(3601, step=1000))):
        store = Refusing(Bench().store)
        bench = Bench(store)
        bench.run(1)
        bench.shows(memory_fault=False)
        store.refused = name
        act(bench)
        before = store.asked
        bench.run(20)
        bench.shows(memory_fault=True, fault=False)
        assert bench.parts.lamp_yellow.level
        assert 19 <= store.asked - before <= 21, (name, store.asked)
        store.refused = ""
        bench.run(1.1)
        bench.shows(memory_fault=False)
        assert not bench.parts.lamp_yellow.level
        bench.reset()
        assert bench.alarm.gas.level == (1 if name == "latch" else 0)
        assert bench.alarm.life.hours == (1 if name == "life" else 0)


def test_record_for_which_there_is_no_memory_is_refused_and_the_board_goes_on():
    bench = Bench()
    bench.run(1)
    put = bench.store.put

    def no_memory(_name, _value):
        raise MemoryError

    bench.store.put = no_memory
    bench.gas(60.0, 10)
    bench.shows(memory_fault=True, trip_latched=True, valve=valve.CLOSED)
    bench.store.put = put
    bench.run(1.1)
    bench.shows(memory_fault=False)
    assert bench.reset()["trip_latched"]


def test_self_test_fails_where_the_flash_refuses():
    store = Refusing(Bench().store)
    store.refused = "latch"
    bench = Bench(store)
    bench.gas(6.0, 1)
    bench.alarm.command("self-test", bench.now)
    bench.run(3.1)
    bench.shows(self_test=self_test.FAILED, memory_fault=True)


class Counting:
    """A store that counts its writes."""

    def __init__(self, store):
        self._store = store
        self.puts = 0

    def get(self, name):
        return self._store.get(name)

    def put(self, name, value):
        self.puts += 1
        self._store.put(name, value)


def test_quiet_day_wears_nothing_but_the_hours():
    bench = Bench()
    counting = Counting(bench.store)
    bench = Bench(counting, bench.parts)
    for _ in range(24):
        bench.run(3600, step=1000)
    assert counting.puts == 24


def test_gas_that_comes_and_goes_below_the_alarm_wears_little():
    bench = Bench()
    counting = Counting(bench.store)
    bench = Bench(counting, bench.parts)
    bench.run(1)
    before = counting.puts
    for _ in range(300):
        bench.gas(6.0, 1)
        bench.gas(1.0, 1)
    assert counting.puts == before + 1
