"""Node ids: what is one, when two texts mean one node, and what fills the braces."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.profile.node_ids import NodeIdError, NodeKey, fill, names_in, parse, resolve

GUID = "09087e75-8e5e-499b-954f-f2a9603db28a"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("i=85", NodeKey(0, "i", 85)),
        ("ns=0;i=85", NodeKey(0, "i", 85)),
        ("ns=2;s=A=1;B", NodeKey(2, "s", "A=1;B")),
        ("ns=2;s= a ", NodeKey(2, "s", " a ")),
        (f"ns=3;g={GUID.upper()}", NodeKey(3, "g", uuid.UUID(GUID))),
        ("ns=1;b=AQID", NodeKey(1, "b", b"\1\2\3")),
        ("nsu=http://maker/plc;s=H2", NodeKey("http://maker/plc", "s", "H2")),
    ],
)
def test_texts_of_one_node_are_equal(text: str, key: NodeKey) -> None:
    assert parse(text) == key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no node id"),
        ("ns=2", "is no node id"),
        ("x=2", "is no node id"),
        ("ns=65536;i=1", "a number of 0 to 65535"),
        ("i=4294967296", "a whole number of 0 to 4294967295"),
        ("i=-1", "a whole number"),
        ("i=²", "a whole number"),
        ("g=12", "stands a GUID"),
        ("b=A", "stands base64"),
        ("s=" + "x" * 4097, "at most 4096"),
    ],
)
def test_what_is_no_node_id_is_told(text: str, why: str) -> None:
    with pytest.raises(NodeIdError, match=why):
        parse(text)


@given(st.text())
def test_any_text_is_a_node_id_or_refused(text: str) -> None:
    try:
        parse(text)
    except NodeIdError:
        return


def test_names_are_filled_and_the_missing_one_is_told() -> None:
    template = "nsu={maker};s={station}.{station}"
    assert names_in(template) == {"maker", "station"}
    assert fill(template, {"maker": "urn:x", "station": "A{B}"}) == "nsu=urn:x;s=A{B}.A{B}"
    with pytest.raises(NodeIdError, match=r"needs a value for \{station\}"):
        fill(template, {"maker": "urn:x"})


def test_uri_is_found_wherever_the_server_has_it_by_now() -> None:
    key = parse("nsu=urn:x;s=A")
    assert resolve(key, ("ua", "urn:x")) == parse("ns=1;s=A")
    assert resolve(key, ("ua", "urn:own", "urn:x")) == parse("ns=2;s=A")
    with pytest.raises(NodeIdError, match=r"has no namespace 'urn:x'; it has ua, urn:own"):
        resolve(key, ("ua", "urn:own"))
