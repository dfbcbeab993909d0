"""The data folder: one process at a time, a demo's or a site's, and told in one line when it cannot be had."""

import os

import pytest

from gengfu.errors import MissingError
from gengfu.folder import DataFolder


def test_a_new_folder_is_made_and_stamped(tmp_path):
    path = tmp_path / "a" / "b"
    with DataFolder(path, "site") as folder:
        assert folder.path == path
    assert (path / "stamp").read_text() == "site\n"


def test_a_second_process_is_told_who_has_the_folder(tmp_path):
    with DataFolder(tmp_path, "demo"):
        with pytest.raises(MissingError) as refused, DataFolder(tmp_path, "demo"):
            pass
        assert str(refused.value) == (
            f"data folder {tmp_path} is in use by process {os.getpid()}; stop it or give another with --data DIR"
        )
        assert refused.value.exit_code == 3


def test_the_folder_is_free_again_after_use_and_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), DataFolder(tmp_path, "demo"):
        _ = 1 / 0
    with DataFolder(tmp_path, "demo"):
        pass


@pytest.mark.parametrize(
    ("first", "second", "hint"), [("demo", "site", 'data = "DIR" in the settings'), ("site", "demo", "--data DIR")]
)
def test_a_demo_never_opens_a_sites_folder_nor_a_site_a_demos(tmp_path, first, second, hint):
    with DataFolder(tmp_path, first):
        pass
    with pytest.raises(MissingError, match=f"belongs to a {first}, not a {second}; give another with {hint}"):
        DataFolder(tmp_path, second).__enter__()
    with DataFolder(tmp_path, first):
        pass


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match=r"data folder .*/file: File exists; give a writable folder with --data DIR"):
        DataFolder(tmp_path / "file", "demo").__enter__()
