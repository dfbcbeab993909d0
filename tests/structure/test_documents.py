"""Documents stay true: headings of the package pages, links, commands, sources of the vectors."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.structure.tree import OTHER_ROOTS, ROOT, files, packages

HEADINGS = ["What it does", "May import", "Add one", "Words", "Run its tests"]
NEED_A_PAGE = (*packages(), "bench", "dashboards/grafana", "sites", "tests")
PYTEST = re.compile(r"^[`$ ]*\.venv/bin/pytest ([^`\n]+)", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)[^)]*\)")
COMMAND = re.compile(r"`make ([a-z-]+)|^\s*make ([a-z-]+)", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file of ours."""
    return [*sorted(ROOT.glob("*.md")), *files("*.md")]


def pages() -> list[str]:
    """Every folder that has a page, or needs one."""
    found = {path.parent.relative_to(ROOT).as_posix() for path in files("README.md", *packages(), *OTHER_ROOTS)}
    return sorted({name for name in found if not name.startswith("docs")} | set(NEED_A_PAGE))


def without_code(text: str) -> str:
    """The text without code blocks and code spans."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def headings(text: str, level: str = "##") -> list[str]:
    """The headings of a level, code blocks left out."""
    return re.findall(rf"^{level} +(.+?) *$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that a heading gets on the forge: lower case, punctuation gone, spaces to hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path) -> list[str]:
    """Relative links of a page whose file or heading is not there."""
    found = []
    for match in LINK.finditer(without_code(page.read_text())):
        link = match[1] or match[2]
        if re.match(r"[a-z+]+:", link):
            continue
        name, _, fragment = unquote(link).partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            found.append(f"{page.name}: {link} leads nowhere")
        elif fragment and fragment not in map(anchor, headings(target.read_text(), "#{1,6}")):
            found.append(f"{page.name}: {link} names no heading")
    return found


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def unknown_commands(text: str, known: set[str]) -> list[str]:
    """`make` targets that a document names and the Makefile does not have."""
    return [name for match in COMMAND.finditer(text) if (name := match[1] or match[2]) not in known]


def missing_tests(text: str) -> list[str]:
    """Paths that a page hands to pytest and that are not there."""
    named = [word for match in PYTEST.finditer(text) for word in match[1].split() if not word.startswith("-")]
    return [name for name in named if not (ROOT / name.partition("::")[0]).exists()]


def has_source(vectors: Any) -> bool:
    """Whether a file of vectors says where its bytes come from, as a whole or set by set, or that they were
    computed."""
    if vectors.get("source") or str(vectors.get("status", "")).startswith(("computed", "derived", "published")):
        return True
    return bool(vectors.get("sets")) and all(part.get("source") for part in vectors["sets"])


@pytest.mark.parametrize("folder", pages())
def test_each_package_has_a_page_with_the_five_headings(folder: str) -> None:
    page = ROOT / folder / "README.md"
    assert page.is_file(), f"{folder}/README.md is missing"
    assert headings(page.read_text()) == HEADINGS


def test_the_firmware_has_a_page() -> None:
    assert [name for name in pages() if name.startswith("firmware")] != []


def test_wrong_headings_are_found() -> None:
    page = "# x\n## What it does\n```\n## May import\n```\n## Words\n"
    assert headings(page) == ["What it does", "Words"]


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# One two!\n[ok](a.md) [ok](#one-two) [ok](https://x.invalid/y) `[code](no.md)`\n"
        "[no](b.md) [no](#three) ![no](c.png)\n"
    )
    assert broken_links(page) == [
        "a.md: b.md leads nowhere",
        "a.md: #three names no heading",
        "a.md: c.png leads nowhere",
    ]


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_documented_make_targets_exist(page: Path) -> None:
    assert unknown_commands(page.read_text(), targets()) == []


def test_an_unknown_target_is_found() -> None:
    assert unknown_commands("run `make test` or `make soup`, or\n    make bread", {"test"}) == ["soup", "bread"]


@pytest.mark.parametrize("folder", pages())
def test_the_tests_that_a_page_names_exist(folder: str) -> None:
    assert missing_tests((ROOT / folder / "README.md").read_text()) == []


def test_tests_that_are_named_and_missing_are_found() -> None:
    assert missing_tests("`.venv/bin/pytest -q tests/structure tests/nowhere`") == ["tests/nowhere"]


@pytest.mark.parametrize("path", list(files("*.json", "tests/vectors")), ids=lambda path: path.stem)
def test_vectors_name_their_source(path: Path) -> None:
    assert has_source(json.loads(path.read_text()))


def test_vectors_without_a_source_are_found() -> None:
    assert not has_source({"vectors": []})
    assert not has_source({"sets": [{"source": {"repo": "x"}}, {"vectors": []}]})
    assert not has_source({"source": {}, "sets": []})
