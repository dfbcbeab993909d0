"""Rules for the pages' files: texts in both languages, nothing inline, nothing from elsewhere, short modules."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

import pytest

from alarms.actions import Verb
from alarms.metrics.figures import NumberName, Target
from alarms.states import AlarmState
from console.api.shapes_commands import StatusWord
from console.api.shapes_connections import ConnectionState, LinkState
from console.api.shapes_plans import ActionWord, StageWord
from console.duty.alarm_board import PRIORITIES
from console.present import quality_text
from interlocks.matrix import Effect
from interlocks.record import Status
from interlocks.states import InterlockState
from interlocks.zone import FanPermissives
from operations.events import EventName
from operations.states import StepState
from protocols.quality import Quality
from protocols.reading import Origin

CONSOLE = Path(__file__).parents[3] / "console"
STATIC = CONSOLE / "static"
PAGES = sorted((CONSOLE / "pages").glob("*.html"))
MODULES = sorted((STATIC / "js").glob("*.js"))
OURS = [*PAGES, *MODULES, *sorted((STATIC / "css").glob("*.css")), STATIC / "icon.svg"]
MODULE_LINES = 200
# Keys that are put together from a value: every one of them, as the modules make them.
MADE = re.compile(
    r"(stream\.(connecting|live|lost)|range\.\w+|every\.\w+|chart\.legend-\w+|login\.reason-\w+|quality\..+|flag\.\w+"
    r"|missing\.\w+|origin\.\w+|alarm\.(state|priority|act)\..+|alarm\.(shelve|out-of-service)\.hint"
    r"|interlock\.state\.\w+|effect\..+|held\..+|run\.(stage|event)\..+|run\.(ended|waiting)"
    r"|connections\.head\.\w+|(connection|link)\.state\.\w+|connection\.error\..+|commands\.status\..+"
    r"|step\.(state|mark|act)\..+|permissive\..+|metrics\.(number|compare)\..+|demo\.(leak|leak-slowly|clear|reopen))"
)
WORDS: Mapping[str, Iterable[str]] = {
    "alarm.state.": [state.word for state in AlarmState if state is not AlarmState.NORMAL],
    "alarm.priority.": PRIORITIES,
    "alarm.act.": get_args(Verb),
    "origin.": [origin.name.lower() for origin in Origin if origin is not Origin.LIVE],
    "interlock.state.": [state.word for state in InterlockState],
    "effect.valve.": ["done"],
    "effect.fan.": ["done"],
    "effect.": set(get_args(Status)) - {"done"},
    "effect.action.": get_args(Effect.model_fields["action"].annotation),
    "held.": [*FanPermissives._fields, "person-decides"],
    "run.stage.": get_args(StageWord),
    "run.event.": get_args(EventName),
    "step.state.": [state.word for state in StepState],
    "step.act.": get_args(ActionWord),
    "step.mark.": ["S", "P"],
    "connection.state.": get_args(ConnectionState),
    "link.state.": get_args(LinkState),
    "commands.status.": get_args(StatusWord),
    "metrics.number.": get_args(NumberName),
    "metrics.compare.": get_args(Target.model_fields["compare"].annotation),
    "permissive.": ["held", "not-held", "unknown", "advisory"],
}


def texts(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((STATIC / f"i18n/{language}.json").read_text())
    return loaded


def used_keys() -> set[str]:
    """Keys that the pages and modules name in full."""
    found: set[str] = set()
    for path in (*PAGES, *MODULES):
        source = path.read_text()
        found |= set(re.findall(r'data-i18n(?:-label)?="([^"]+)"', source))
        found |= set(re.findall(r'(?<!\w)t\("([^"]+)"', source))
        found |= set(re.findall(r'"(error\.[a-z]+)"', source))
        found |= set(re.findall(r'"((?:devices|flag)\.[a-z-]+)"', source))
    return found


def quoted() -> set[str]:
    """Every text in quotes that the modules have: what may be a key."""
    return {word for path in MODULES for word in re.findall(r'"([\w.-]+)"', path.read_text())}


def placeholders(dictionary: Mapping[str, str]) -> dict[str, set[str]]:
    return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in dictionary.items()}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(texts("zh")) == list(texts("en"))


def test_both_languages_have_the_same_values_in_a_text() -> None:
    assert placeholders(texts("zh")) == placeholders(texts("en"))


def test_no_text_is_empty() -> None:
    assert [key for language in ("zh", "en") for key, text in texts(language).items() if not text.strip()] == []


def test_every_key_that_is_used_has_a_text() -> None:
    assert sorted(used_keys() - set(texts("zh"))) == []


def test_every_text_is_used() -> None:
    used = used_keys() | quoted()
    assert [key for key in texts("zh") if key not in used and not MADE.fullmatch(key)] == []


def test_every_word_of_alarms_interlocks_and_plans_has_a_text() -> None:
    wanted = {f"{prefix}{word}" for prefix, words in WORDS.items() for word in words}
    assert sorted(wanted - set(texts("zh"))) == []


def test_nothing_offers_to_open_a_valve() -> None:
    """Safety rule S2. The demo's button is what a person does at the board, and is worded so."""
    acts = {
        key: text for key, text in texts("en").items() if ".act." in key or key.startswith(("demo.", "interlock.re"))
    }
    offers = [key for key, text in acts.items() if re.search(r"\bopens? (the )?valve|\bopens? it", text, re.IGNORECASE)]
    assert offers == ["interlock.reset.moves-nothing", "demo.reopen"]
    assert acts["demo.reopen"] == "A person at the board opens the valve by hand"


@pytest.mark.parametrize("quality", Quality)
def test_every_quality_has_words(quality: Quality) -> None:
    assert f"quality.{quality_text(quality).replace(':', '.')}" in texts("zh")


@pytest.mark.parametrize("code", [0x7F, 0xBF])
def test_a_quality_of_a_later_release_has_words(code: int) -> None:
    assert f"quality.{quality_text(code).replace(':', '.')}" in texts("en")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_has_nothing_inline(page: Path) -> None:
    source = page.read_text()
    assert re.findall(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)", source) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_never_makes_markup_from_text(module: Path) -> None:
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", module.read_text()
    )
    assert found == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_is_short(module: Path) -> None:
    assert len(module.read_text().splitlines()) < MODULE_LINES


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_comes_from_another_host(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[\w./-]*", path.read_text()))
    assert addresses - {"http://www.w3.org/2000/svg"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r'(?:src|href)="/static/([^"]+)"', page.read_text())
    assert named
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_vendored_files_carry_their_licence_and_no_source_map() -> None:
    folders = [path for path in sorted((STATIC / "vendor").iterdir()) if path.is_dir()]
    assert [path.name for path in folders if not (path / "LICENSE").is_file()] == []
    listed = (STATIC / "vendor/VENDORED.md").read_text()
    assert [path.name for path in folders if f"`{path.name}/`" not in listed] == []
    code = [path for path in (STATIC / "vendor").rglob("*") if path.suffix in {".js", ".css"}]
    assert [path.name for path in code if "sourceMappingURL" in path.read_text()] == []
