"""The page of the cause-and-effect matrices: every row, effect and word, in both languages, for those who signed in."""

import re
from html import unescape
from typing import get_args

import httpx
import pytest

from console.matrix_page import matrices_page
from console.matrix_words import LANGUAGES, Language, has_word
from gengfu import rules
from interlocks.matrix import Effect, When
from interlocks.sheet import sheet
from protocols.document import Text
from tests.console.duty.conftest import Rig

MATRICES = rules.shipped().matrices
BY_ID = {one.id: one for one in MATRICES}


def rows(page: str, matrix: str) -> dict[str, list[str]]:
    """The cells of each row of a matrix, as text."""
    section = re.search(rf'<section id="{matrix}".*?</section>', page, re.DOTALL)
    assert section is not None
    found = re.findall(r'<tr data-cause="([^"]+)">(.*?)</tr>', section[0], re.DOTALL)
    return {
        cause: [
            unescape(re.sub(r"<[^>]+>", " ", cell)).split() for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)
        ]
        for cause, row in found
    }


def test_the_kitchen_is_laid_out_as_the_table_of_the_safety_rules() -> None:
    found = rows(matrices_page(MATRICES, {}, "en"), "restaurant-kitchen")
    assert [" ".join(cell) for cell in found["RK-1"]] == [
        "gas ≥ 25 %LEL the device's own alarm", "1ooN", "at once", "if E1 fails",
        "start the fan (with every permissive) at once", "verify",
    ]  # fmt: skip
    assert [" ".join(cell) for cell in found["RK-3"]][2:] == ["at once", "after 5 s", "–", "verify"]
    assert [" ".join(cell) for cell in found["RK-2"]][4:] == ["fan: left to a person at once", "full"]


def test_a_figure_is_beside_what_it_is_of_and_where() -> None:
    found = rows(matrices_page(MATRICES, {}, "en"), "mall-building")
    assert " ".join(found["ML-4"][0]).startswith("well near by: gas ≥ 35 %LEL well near by: gas over range")
    assert found["ML-5"][0][-8:] == ["a", "neighbour", "is", "in", "alarm", "(≥", "25", "%LEL)"]
    assert " ".join(found["ML-2b"][1]) == "2ooN within 60 s all failed: alarm only"
    assert " ".join(found["ML-3"][3]) == "after 5 s never by loss alone"


def test_a_row_that_only_backs_a_device_up_and_one_that_counts_an_exposure_say_so() -> None:
    page = unescape(re.sub(r"<[^>]+>", " ", matrices_page(MATRICES, {}, "en")))
    assert "stands for 15 s only while the own valve is not closed" in " ".join(page.split())
    assert "stands for 900 s in all, counted down while it does not" in " ".join(page.split())


def test_a_reset_of_seconds_is_told_in_seconds() -> None:
    page = matrices_page([BY_ID["household"].model_copy(update={"reset_after_s": 10.0})], {}, "en")
    assert "every cause gone for 10 s on good" in page
    assert "every cause gone for 10 min on good" in matrices_page([BY_ID["household"]], {}, "en")


def test_an_observed_station_shows_what_it_must_do_and_no_effect() -> None:
    page = matrices_page(MATRICES, {}, "en")
    assert " ".join(rows(page, "hydrogen-station")["HS-3"][2]) == (
        "dispenser stopped: shown, within 5 s inlet valve closed: shown, within 5 s"
    )
    assert " ".join(rows(page, "hydrogen-station")["HS-9"][0]) == "heartbeat of the safety PLC still for 10 s"
    assert sheet(BY_ID["hydrogen-station"]).columns == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_stands_on_the_page_with_its_title(language: Language) -> None:
    page = matrices_page(MATRICES, {}, language)
    for matrix in MATRICES:
        assert list(rows(page, matrix.id)) == [cause.id for cause in matrix.cause]
    assert "RK-1</strong> " + {"zh": "一级泄漏", "en": "Level 1 or"}[language] in page


def test_everything_that_a_matrix_may_say_has_words() -> None:
    kinds = [f"kind.{one}" for one in get_args(When.model_fields["kind"].annotation)]
    actions = [f"action.{one}" for one in get_args(Effect.model_fields["action"].annotation)]
    causes = [cause for matrix in MATRICES for cause in matrix.cause]
    roles = {when.role for cause in causes for when in cause.when} | {
        expect.role for cause in causes for expect in cause.expect
    }
    during = {when.during for cause in causes for when in cause.when if when.during}
    every = [*kinds, *actions, *(f"role.{one}" for one in sorted(roles | during))]
    assert [one for one in every if not has_word(one)] == []


def test_text_of_a_matrix_is_no_markup() -> None:
    kitchen = BY_ID["restaurant-kitchen"]
    wrong = kitchen.model_copy(update={"title": Text(zh="<script>", en="<script>")})
    assert "<script>" not in matrices_page([wrong], {}, "en")


async def test_the_page_is_for_those_who_signed_in_and_names_the_areas(
    rig: Rig, officer: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    answer = await officer.get("/matrices?lang=zh")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.index('id="restaurant-kitchen"') < answer.text.index('id="hydrogen-station"')
    assert any(area.title.zh in answer.text for area in rig.services.site.areas.values())
    assert "硬接线联锁必须保留" in answer.text
    away = await client.get("/matrices", follow_redirects=False)
    assert (away.status_code, away.headers["location"]) == (303, "/login")
