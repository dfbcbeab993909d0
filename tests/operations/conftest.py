"""A site for each test, closed after it; what concerns the store runs on SQLite and on a real PostgreSQL server."""

import pytest

from tests.operations.story import Site

ON_BOTH = ("test_plan_runs", "test_plan_store", "test_plan_workers")


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames and metafunc.module.__name__.endswith(ON_BOTH):
        metafunc.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])


@pytest.fixture
def kind():
    """Of database; both in the files of `ON_BOTH`."""
    return "sqlite"


@pytest.fixture
def url(kind, request, tmp_path):
    """Of an empty database."""
    if kind == "postgresql":
        return request.getfixturevalue("postgres").database()
    return f"sqlite:///{tmp_path / 'operations.db'}"


@pytest.fixture
def site(tmp_path, url):
    site = Site(tmp_path, url=url)
    yield site
    site.close()
