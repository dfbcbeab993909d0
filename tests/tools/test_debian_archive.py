"""Source lists of a newer suite, made from the machine's."""

import pytest

from tools.debian_archive import codename, derived
from tools.test_servers import Failed

DEB822 = """\
Types: deb
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
"""
WANTED = """\
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm trixie
Components: main
Signed-By: /usr/share/keyrings/archive.gpg
"""
ONE_LINE = "deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://archive.example/debian bookworm main\n"


@pytest.mark.parametrize("text", [DEB822, ONE_LINE])
def test_list_of_the_newer_suite_keeps_archive_and_key(text: str) -> None:
    assert derived(["deb http://other.example/x stable main\n", text], "bookworm", "trixie") == WANTED


def test_machine_of_the_wanted_suite_asks_for_it_once() -> None:
    text = DEB822.replace("bookworm", "trixie")
    assert derived([text], "trixie", "trixie") == WANTED.replace("bookworm ", "")


def test_list_of_somebody_else_and_one_that_is_off_are_passed_over() -> None:
    other = "deb [signed-by=/x.gpg] http://other.example/linux bookworm stable\n"
    disabled = DEB822.replace("Types: deb\n", "Types: deb\nEnabled: no\n", 1).replace("archive.example", "off.example")
    assert derived([other, disabled, ONE_LINE], "bookworm", "trixie") == WANTED


def test_machine_without_a_list_of_its_own_suite_is_refused() -> None:
    with pytest.raises(Failed, match="names «bookworm»"):
        derived([DEB822.replace("bookworm", "sid")], "bookworm", "trixie")


def test_other_distribution_is_refused_with_a_way_out() -> None:
    assert codename('ID=debian\nVERSION_CODENAME="bookworm"\n') == "bookworm"
    with pytest.raises(Failed, match="container"):
        codename("ID=ubuntu\nVERSION_CODENAME=noble\n")
