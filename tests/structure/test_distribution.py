"""What is installed and shipped: names that are ours alone, and locks that pin without an address."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions

import pytest

from tests.structure.tree import OTHER_ROOTS, ROOT, packages, settings

LOCKS = ("requirements/dev.lock", "requirements/runtime.lock")


def taken_names(ours: Sequence[str], distributions: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of ours that another installed distribution provides too."""
    return [
        f"{name} is provided by {other}" for name in ours for other in distributions.get(name, ()) if other != "gengfu"
    ]


def lock_faults(text: str) -> list[str]:
    """Addresses and index options in a lock file, and requirements without a hash."""
    found = [line for line in text.splitlines() if re.search(r"://|^--|\bindex-url|\bfind-links", line)]
    for requirement in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        head = requirement.splitlines()[0]
        if not re.match(r"[A-Za-z0-9._-]+==\S+", head) or "--hash=sha256:" not in requirement:
            found.append(f"{head}: not pinned with a hash")
    return found


def pinned(text: str) -> dict[str, str]:
    """Name and version of each requirement of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_no_other_distribution_provides_our_names() -> None:
    assert taken_names([*packages(), *OTHER_ROOTS], packages_distributions()) == []


def test_a_taken_name_is_found() -> None:
    installed = {"alarms": ["gengfu", "alarm-kit"], "journal": ["gengfu"]}
    assert taken_names(["alarms", "journal", "console"], installed) == ["alarms is provided by alarm-kit"]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_every_requirement_by_hash_and_name_no_address(name: str) -> None:
    assert lock_faults((ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "--index-url something\na==1 \\\n    --hash=sha256:00",
        "a==1 \\\n    --hash=sha256:00\n    # from https://example.invalid",
        "a==1\nb==2 \\\n    --hash=sha256:00",
        "a>=1 \\\n    --hash=sha256:00",
    ],
)
def test_a_loose_lock_is_found(text: str) -> None:
    assert len(lock_faults(text)) >= 1
    assert lock_faults("a==1 ; python_version > '3' \\\n    --hash=sha256:00\n    # via b\n") == []


def test_development_runs_on_the_versions_that_are_shipped() -> None:
    runtime, dev = (pinned((ROOT / name).read_text()) for name in reversed(LOCKS))
    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_dependency_is_locked() -> None:
    declared = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in settings()["project"]["dependencies"]}
    assert declared - set(pinned((ROOT / LOCKS[1]).read_text())) == set()


def test_the_licence_that_is_named_is_there() -> None:
    assert settings()["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()
