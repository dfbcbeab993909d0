"""Photos as evidence: kept whole by their hash or refused with the reason, whatever the bytes are."""

import hashlib
import os
import stat
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.errors import ActionRefused, StoreUnusable
from operations.photos import MAX_BYTES, PhotoStore, ending_of
from tests.fixtures.pictures import APP0, JPEG, PNG, WEBP, WHOLE, chunk, segment


@pytest.fixture
def store(tmp_path):
    return PhotoStore(tmp_path / "photos")


def files(store_folder):
    return sorted(one.name for one in store_folder.iterdir()) if store_folder.exists() else []


@pytest.mark.parametrize("ending", sorted(WHOLE))
def test_a_whole_picture_is_kept_once_under_its_hash_for_its_owner_only(store, tmp_path, ending):
    data = WHOLE[ending]
    name = hashlib.sha256(data).hexdigest()
    photo = store.keep(data)
    assert (photo.id, photo.file.read_bytes()) == (name, data)
    assert store.keep(data) == photo == store.find(name)
    assert files(tmp_path / "photos") == [f"{name}.{ending}"]
    assert stat.S_IMODE(photo.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(photo.file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"GIF89a" + bytes(20),
        b"%PDF-1.7\n",
        b"MZ" + bytes(100),
        PNG[:-1],
        PNG + b"<script>alert(1)</script>",
        PNG.replace(b"\x7f", b"\x7e") if b"\x7f" in PNG else PNG[:40] + b"\x00" + PNG[41:],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND"),
        b"\x89PNG\r\n\x1a\n<html>",
        b"\xff\xd8\xff<html><script>alert(1)</script>",
        JPEG[:-2],
        b"\xff\xd8" + APP0 + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\xff\xd9",
        WEBP + b"more than that",
        WEBP[:-3],
        b"RIFF" + struct.pack("<I", 12) + b"WEBPhtml" + bytes(4),
    ],
    ids=range(17),
)
def test_what_is_no_whole_picture_is_refused_and_leaves_nothing(store, tmp_path, data):
    with pytest.raises(ActionRefused, match="no whole PNG, JPEG or WebP picture") as caught:
        store.keep(data)
    assert "不是完整的" in caught.value.zh
    assert files(tmp_path / "photos") == []


def test_a_picture_that_is_too_large_is_refused_and_one_at_the_bound_is_kept(store, tmp_path):
    most = JPEG + bytes(MAX_BYTES - len(JPEG))
    assert store.keep(most).media_type == "image/jpeg"
    with pytest.raises(ActionRefused, match=r"a photo has at most 20 MB, this one has 20\.0"):
        store.keep(most + b"\x00")
    assert len(files(tmp_path / "photos")) == 1


@given(
    start=st.sampled_from([b"", PNG, JPEG, WEBP, PNG[:8], JPEG[:3], WEBP[:12]]), cut=st.integers(0, 90),
    tail=st.binary(max_size=60),
)  # fmt: skip
def test_any_bytes_are_a_whole_picture_or_none(start, cut, tail):
    data = start[: len(start) - cut] + tail if cut else start + tail
    ending = ending_of(data)
    assert ending in (None, "png", "jpg", "webp")
    if ending == "png":
        assert data.endswith(chunk(b"IEND"))


def test_no_name_leads_out_of_the_folder(store, tmp_path):
    kept = store.keep(PNG)
    (tmp_path / f"{'0' * 64}.png").write_bytes(PNG)
    for name in ("", "../" + "0" * 64, kept.id.upper(), f"{kept.id}.png", f"/{kept.id}", "\n" + kept.id, "0" * 64):
        assert store.find(name) is None


def test_evidence_names_only_photos_that_are_here(store):
    kept = store.keep(PNG)
    store.check({"photos": f"photo:{kept.id} the flange", "note": "photos will follow"})
    with pytest.raises(ActionRefused, match="there is no photo 'photo:0000"):
        store.check({"photos": f"photo:{kept.id} photo:{'0' * 64}"})


def test_a_disk_that_refuses_is_told_and_leaves_nothing(store, tmp_path, monkeypatch):
    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnusable, match="No space left on device; the photo is not stored"):
        store.keep(PNG)
    assert files(tmp_path / "photos") == []
