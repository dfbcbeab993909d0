"""Fixtures of all tests stand in `tests/fixtures/`, one file for each subject."""

pytest_plugins = ["tests.fixtures.waiting", "tests.fixtures.programs", "tests.fixtures.influx"]
