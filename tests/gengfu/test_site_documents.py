"""The site of a process: a document, or none yet."""

from pathlib import Path

import pytest

from gengfu.errors import InputError
from gengfu.sites import empty_site, read_site


def test_without_a_document_there_is_a_door_and_nobody_registered() -> None:
    site = empty_site()
    assert [part.transport for part in site.connections.values()] == ["coap"]
    assert not site.devices
    assert site.find_profile("any:1") is None


def test_a_wrong_document_names_every_wrong_key(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[site]\nid = "x"\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_site(path)
    assert "site.colour" in str(refused.value)
    assert "area" in str(refused.value)
