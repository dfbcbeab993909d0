"""A site for each test, closed after it."""

import pytest

from tests.operations.story import Site


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()
