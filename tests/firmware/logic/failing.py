"""A suite whose second function fails: the runner must say so."""


def test_a_passes():
    assert 1 + 1 == 2


def test_b_fails():
    raise AssertionError("on purpose")
