"""Verbs, usage and exit codes: 0 ok, 1 the input is wrong, 2 usage, 3 something it needs is not there."""

import json
import subprocess
import sys

import pytest

import gengfu as package
from gengfu.cli import VERBS


def test_version_is_told_for_people_and_for_scripts(gengfu):
    assert gengfu("version").out.startswith(f"gengfu {package.__version__} (Python 3.")
    assert json.loads(gengfu("version", "--json").out)["gengfu"] == package.__version__


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_lists_every_verb(gengfu, word):
    said = gengfu(word)
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")] == list(VERBS)


@pytest.mark.parametrize("words", [[], ["leak"], ["--port", "1"]])
def test_a_wrong_verb_is_a_usage_error_that_lists_the_right_ones(gengfu, words):
    said = gengfu(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"gengfu: no verb {words[0]!r}\n" if words else "gengfu 0")
    assert "  demo " in said.err


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(gengfu, verb):
    said = gengfu(verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: gengfu {verb}")
    assert VERBS[verb].help.split(",")[0] in " ".join(said.out.split())


@pytest.mark.parametrize(
    "words",
    [["demo", "explode"], ["demo", "--port", "eighty"], ["check"], ["profile"], ["user", "add"], ["version", "now"]],
)
def test_wrong_options_are_usage_errors(gengfu, words):
    said = gengfu(*words)
    assert said.code == 2
    assert said.err.startswith(f"usage: gengfu {words[0]}")


def test_the_first_answer_needs_no_heavy_library():
    code = "import sys, gengfu.cli; gengfu.cli.main(['version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"duckdb", "fastapi", "numpy", "pydantic", "sqlalchemy"} == set()
