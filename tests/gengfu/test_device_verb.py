"""`gengfu device credential`: the token that it shows is the one whose digest belongs into the document."""

import json
import re
from collections.abc import Callable

from device_registry.credentials import digest, is_device_token
from tests.gengfu.conftest import Said


def test_token_and_its_digest_are_shown_for_people_and_for_scripts(gengfu: Callable[..., Said]) -> None:
    said = gengfu("device", "credential", "east:gas:0001")
    (token,) = re.findall(r"gfd_\S+", said.out)
    assert said.code == 0
    assert f'http = {{ token_sha256 = "{digest(token)}" }}' in said.out
    made = json.loads(gengfu("device", "credential", "east:gas:0001", "--json").out)
    assert (made["device"], made["token_sha256"]) == ("east:gas:0001", digest(made["token"]))
    assert is_device_token(made["token"])
    assert made["token"] != token


def test_what_is_no_device_id_is_refused(gengfu: Callable[..., Said]) -> None:
    said = gengfu("device", "credential", "east gas")
    assert (said.code, said.out) == (1, "")
    assert "'east gas' is no device id" in said.err
