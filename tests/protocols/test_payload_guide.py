"""The examples of payloads in the guide are profiles."""

import re
from pathlib import Path

import pytest

from gengfu.sites import GOLDEN
from protocols.profile.loader import load_profile

GUIDE = (Path(__file__).parents[2] / "docs/adding-a-device.md").read_text(encoding="utf-8")
EXAMPLES = {
    found["model"]: found["text"]
    for found in re.finditer(r'```toml payload\n(?P<text>.*?model = "(?P<model>[a-z-]+)".*?)```', GUIDE, re.DOTALL)
}


@pytest.mark.parametrize("model", ["bin-node", "co-node"])
def test_example_of_a_payload_in_the_guide_is_a_profile(model: str, tmp_path: Path) -> None:
    path = tmp_path / f"acme/{model}.toml"
    path.parent.mkdir()
    path.write_text(EXAMPLES[model], encoding="utf-8")
    assert load_profile(path, GOLDEN).id == f"acme/{model}"


def test_every_example_is_tried() -> None:
    assert sorted(EXAMPLES) == ["bin-node", "co-node"]
