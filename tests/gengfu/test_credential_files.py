"""The file of a secret: read where it is right, refused with the reason and without the secret where it is not."""

from pathlib import Path

import pytest

from gengfu.credentials import read_secret
from gengfu.errors import InputError

SECRET = "000102030405060708090a0b0c0d0e0f"


@pytest.mark.parametrize("text", [SECRET, SECRET.upper() + "\n", SECRET * 2])
def test_hex_of_a_file_that_nobody_else_may_read_is_the_secret(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    file.chmod(0o600)
    assert read_secret(str(file), "key") == bytes.fromhex(text)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(mode)
    with pytest.raises(InputError, match=rf"key: .*others may read or write it \({mode:04o}\): chmod 600 ") as raised:
        read_secret(str(file), "key")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"00" * 15, "at least 16 bytes"),
        (b"abcde", "even number of hex digits"),
        (b"these are no hex digits at all..", "even number of hex digits"),
        (b"\xff\xfe", "is no text"),
        (b"", "at least 16 bytes"),
    ],
)
def test_wrong_content_is_told_without_showing_it(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(InputError, match=says) as raised:
        read_secret(str(file), "key")
    assert content.decode("latin-1") not in str(raised.value).replace(str(tmp_path), "") or not content


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"key: .*/absent: cannot be read: No such file"):
        read_secret(str(tmp_path / "absent"), "key")


def test_secret_in_the_place_of_its_file_is_not_repeated() -> None:
    with pytest.raises(InputError, match=r"key: must be the path of a file") as raised:
        read_secret(SECRET, "key")
    assert SECRET not in str(raised.value)
