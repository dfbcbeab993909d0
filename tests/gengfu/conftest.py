"""The command line, called as `main` with a captured terminal."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from gengfu.cli import main


class Said(NamedTuple):
    """What a verb did: its exit code and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def gengfu(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """``gengfu("check", path)``. A usage error of argparse is its exit code, as the shell sees it."""
    for name in ("GENGFU_ADMIN_PASSWORD", "GENGFU__SITE", "GENGFU__DATA"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Said(code, *capsys.readouterr())

    return call
