"""What lives in the heap of each product beside its modules."""

from pathlib import Path

import pytest

from tests.fixtures.programs import missing
from tests.hil import boards, memory
from tests.hil.story import PRODUCTS

pytestmark = pytest.mark.board
LIVE_MOST = 40 * 1024


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_lives_beside_the_code_fits(tmp_path: Path, product: str) -> None:
    parts = boards.parts()
    if not parts.small:
        missing("the 32-bit interpreter is published for x86-64 machines only")
    found = memory.measure(parts, product, tmp_path)
    print(f"{product}: {found.modules} bytes of modules, {found.live} bytes live beside them")
    assert 0 < found.live <= LIVE_MOST
