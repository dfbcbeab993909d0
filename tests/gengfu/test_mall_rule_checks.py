"""What `gengfu check` says of the matrices of a mall, and of what a site writes about them."""

from pathlib import Path

import pytest

from tests.fixtures.malls import mall_site
from tests.fixtures.rule_site import checked, matrix, matrix_override

START = '{ id = "E3", action = "start-fan" }'
CLOSE = '{ id = "E1", action = "close-valve" }'
NEAR = 'kind = "lost-near-gas", role = "gas", where = "neighbour"'


def said(folder: Path, text: str) -> list[str]:
    """The mistakes in one file beside the mall's document."""
    return checked(folder, {"interlocks/own.toml": text}, mall_site()).errors


@pytest.mark.parametrize(("kind", "holds"), [("mall", "mall-tenant (ML-2"), ("mall-building", "mall-building (ML-2")])
def test_matrix_that_starts_fans_where_the_mall_s_leave_them_to_a_person_is_refused(
    tmp_path: Path, kind: str, holds: str
) -> None:
    told = said(tmp_path, matrix("own", kind, START))
    assert [line for line in told if f"starts the fan of a zone of kind {kind} that {holds}" in line] == told != []


def test_matrix_that_closes_too_is_no_contradiction(tmp_path: Path) -> None:
    assert said(tmp_path, matrix("own", "mall-building", CLOSE)) == []


def test_limit_of_the_whole_mall_speaks_of_the_devices_in_its_areas(tmp_path: Path) -> None:
    row = 'cause = [{ id = "ML-2", when = [{ kind = "high", role = "gas", limit = %s }] }]'
    assert said(tmp_path, matrix_override("mall-building", row % 40)) == []
    assert ".cause[ML-2].when[high gas].limit: ML-2: no highest" in "".join(
        said(tmp_path, matrix_override("mall-building", row % 60, by='"li", "wang"'))
    )


def test_neighbour_in_alarm_at_more_is_weaker(tmp_path: Path) -> None:
    row = f'cause = [{{ id = "ML-5", when = [{{ {NEAR}, limit = %s }}] }}]'
    assert said(tmp_path, matrix_override("mall-tenant", row % 20)) == []
    told = said(tmp_path, matrix_override("mall-tenant", row % 30))
    assert [line for line in told if "when[lost-near-gas gas neighbour].limit: 25 -> 30 makes" in line] != []


def test_fire_waits_no_longer_than_level_2(tmp_path: Path) -> None:
    told = said(tmp_path, matrix_override("mall-building", 'cause = [{ id = "ML-6", delay_s = 6 }]', by='"li", "wang"'))
    assert [line for line in told if "cause[ML-6].delay_s: 6 s" in line and "at most 5 (S8)" in line] != []
