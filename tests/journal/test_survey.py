"""What is read of a journal without its readings: entries of some kinds."""

from tests.journal.three_segments import ALL, DUE, MakeEntry, Open


async def test_entries_of_a_kind_are_found_over_all_segments_beyond_a_position(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    positions = []
    for number in range(3):
        alarm = entry(number)._replace(kind="alarm", body=b"%d" % number)
        positions.append(await journal.append([alarm]))
        await journal.append([entry(10 + number)])
        assert await journal.seal(now, DUE)
    newest = positions[-1] + 1
    assert journal.survey.of_kind("alarm", 0) == ([b"0", b"1", b"2"], newest)
    assert journal.survey.of_kind("alarm", positions[0]) == ([b"1", b"2"], newest)
    assert journal.survey.of_kind("alarm", newest) == ([], newest)
    assert journal.survey.of_kind("alarm", newest + 10**9) == ([b"0", b"1", b"2"], newest), "a position of another file"


async def test_entries_of_some_kinds_are_read_beyond_a_cursor_without_the_others(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    for number in range(30):
        kind = {0: "alarm", 1: "plan"}.get(number % 5, "reading")
        await journal.append([entry(number, number % 3, kind)])
        if number % 10 == 9:
            assert await journal.seal(now, DUE)
    wanted = [number for number in range(30) if number % 5 < 2]
    everything = journal.read(ALL, {}, 100)
    newest = everything[-1].position
    found, upto = journal.survey.of_kinds({"plan", "alarm"}, {}, 100)
    assert (found, upto) == ([one for one in everything if one.entry.at in wanted], newest)
    found, upto = journal.survey.of_kinds({"plan", "alarm"}, {}, 5)
    assert ([one.entry.at for one in found], upto) == (wanted[:5], found[-1].position)
    after = dict.fromkeys(ALL, everything[15].position) | {1: newest, 2: everything[4].position}
    beyond = [one for one in journal.read(ALL, after, 100) if one.entry.kind == "alarm"]
    assert beyond
    assert journal.survey.of_kinds({"alarm"}, after, 100) == (beyond, newest)
    assert journal.survey.of_kinds({"alarm"}, dict.fromkeys(ALL, newest), 100) == ([], newest)
    assert journal.survey.of_kinds({"trip"}, {}, 100) == ([], newest)
    found, upto = journal.survey.of_kinds({"alarm"}, dict.fromkeys(ALL, newest + 10**9), 100)
    assert (len(found), upto) == (6, newest), "a cursor of another journal"
