"""The faults that are planted in the interlocks: each is a wrong program that can still be read, one place apart."""

import ast

from tools.mutants import faults, mutant

SOURCE = '''
def judge(yes: int, limit: float = 2.0) -> bool:
    """Never changed."""
    note(yes)
    if yes >= limit and not late:
        return True
    return yes + 1 is None
'''


def changed() -> set[tuple[str, str]]:
    found = (mutant(one, SOURCE) for one in faults("a.py", SOURCE))
    return {(one.was.split("\n")[0], one.became.split("\n")[0]) for one in found}


def test_each_thing_that_can_be_wrong_is_made_wrong() -> None:
    assert changed() == {
        ("2.0", "3.0"),
        ("note(yes)", "None"),
        ("if yes >= limit and (not late):", "if not (yes >= limit and (not late)):"),
        ("yes >= limit and (not late)", "yes >= limit or not late"),
        ("yes >= limit and (not late)", "not late and (not late)"),
        ("yes >= limit and (not late)", "yes >= limit and yes >= limit"),
        ("yes >= limit", "yes > limit"),
        ("not late", "not not late"),
        ("True", "False"),
        ("yes + 1 is None", "yes + 1 is not None"),
        ("yes + 1", "yes - 1"),
        ("1", "2"),
    }


def test_each_fault_is_a_file_of_its_own_that_can_be_read() -> None:
    sources = [mutant(one, SOURCE).source for one in faults("a.py", SOURCE)]
    assert len({*sources, ast.unparse(ast.parse(SOURCE))}) == len(sources) + 1
    assert all("Never changed" in source for source in sources)
