"""Debian's archive beside the machine's own: packages and sources of two suites, without installing anything.

apt gets a configuration of its own whose source list is made from the machine's by writing another suite name into
it, so that the archive's signatures are checked as always.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from tools.test_servers import Failed, run

SUITE = "trixie"
"""Debian 13: MicroPython and what its rp2 port is linked with are in it."""


def codename(release: str) -> str:
    """The suite this machine runs, from the text of its `/etc/os-release`. Raises `Failed`."""
    fields = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    found = fields.get("VERSION_CODENAME", "").strip('"')
    if fields.get("ID", "").strip('"') != "debian" or not found:
        raise Failed("this machine is not Debian; the board image is built on Debian 12 or 13 (in a container will do)")
    return found


def derived(lists: Sequence[str], own: str, suite: str) -> str:
    """A deb822 source list of the suites ``own`` and ``suite``, with their sources, made from the first of the texts of
    the machine's lists (either format) that has ``own`` with the component main. Raises `Failed` if none has."""
    for text in lists:
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            wanted = own in fields.get("Suites", "").split() and "main" in fields.get("Components", "").split()
            if wanted and "URIs" in fields and fields.get("Enabled", "yes").lower() not in ("no", "false", "0"):
                return _stanza(fields["URIs"], fields.get("Signed-By", ""), own, suite)
        for options, uri in re.findall(rf"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+{own}\s(?:.*\s)?main\b", text, re.MULTILINE):
            signed = re.search(r"signed-by=(\S+)", options)
            return _stanza(uri, signed[1] if signed else "", own, suite)
    raise Failed(f"no package source of this machine names «{own}»; add one below /etc/apt")


def _stanza(uris: str, signed: str, own: str, suite: str) -> str:
    suites = own if own == suite else f"{own} {suite}"
    key_line = f"Signed-By: {signed}\n" if signed else ""
    return f"Types: deb deb-src\nURIs: {uris}\nSuites: {suites}\nComponents: main\n{key_line}"


class Apt:
    """apt with lists and a cache of its own below ``folder``; the machine's stay as they are. ``own``: the suite that
    this machine runs."""

    def __init__(self, folder: Path, own: str, lists: Sequence[str]):
        self.own = own
        self._config = folder / "apt.conf"
        for name in ("sources.list.d", "lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "sources.list.d" / "hil.sources").write_text(derived(lists, own, SUITE), encoding="utf-8")
        self._config.write_text(
            f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{folder}/sources.list.d";\n'
            f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n'
            'Acquire::Languages "none";\nAPT::Sandbox::User "root";\n',
            encoding="utf-8",
        )

    def update(self) -> None:
        """Fetch the lists. Raises `Failed`, also if the newer suite alone is not to be had."""
        try:
            run("apt-get", "-c", str(self._config), "update", "-qq", "--error-on=any")
        except Failed as error:
            raise Failed(f"Debian's suite {SUITE} cannot be reached: {error}") from error

    def sources(self, names: Sequence[str], folder: Path) -> None:
        """Download source packages, newest first."""
        run("apt-get", "-c", str(self._config), "source", "-qq", "--download-only", *names, cwd=folder)

    def packages(self, names: Sequence[str], suite: str, into: Path, *, excluded: Sequence[str] = ()) -> None:
        """Download packages and unpack them to ``into``, without what matches ``excluded``."""
        folder = into.with_name(into.name + ".debs")
        folder.mkdir(parents=True)
        into.mkdir(parents=True, exist_ok=True)
        run("apt-get", "-c", str(self._config), "download", "-qq", *[f"{name}/{suite}" for name in names], cwd=folder)
        for deb in sorted(folder.glob("*.deb")):
            content = folder / "content.tar"
            run("sh", "-c", 'dpkg --fsys-tarfile "$1" > "$2"', "sh", str(deb), str(content))
            run("tar", "xf", str(content), "-C", str(into), *[f"--exclude={pattern}" for pattern in excluded])
        shutil.rmtree(folder)


def machine_lists() -> list[str]:
    """The texts of the machine's package source lists, Debian's own first: others may name its suites, too."""
    parts = Path("/etc/apt/sources.list.d")
    own = [parts / "debian.sources", Path("/etc/apt/sources.list")]
    paths = [*own, *sorted({*parts.glob("*.sources"), *parts.glob("*.list")} - {*own})]
    return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]


def opened(folder: Path) -> Apt:
    """The archive as this machine can reach it, its lists fetched; ``folder`` is empty. Raises `Failed`."""
    apt = Apt(folder, codename(Path("/etc/os-release").read_text(encoding="utf-8")), machine_lists())
    apt.update()
    return apt
