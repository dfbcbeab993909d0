"""What runs at a site beside what is shipped, and whether it is what its files approve (S11).

The rules that run were read at the start. Files are changed while they run, by whoever may write them: that is found
here, and nothing is put right. That an approval is true cannot be seen (`gengfu.site_rules.approval`).
"""

from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from device_registry.devices import Site
from gengfu.rules import Rulebook, shipped
from gengfu.site_rules import scope as scopes
from gengfu.site_rules.book import Checked, check
from gengfu.site_rules.differences import Difference, differences
from gengfu.site_rules.files import SiteFiles, read_beside
from gengfu.site_rules.finding import Finding
from gengfu.site_rules.laid import Origin
from protocols.document import Text

Place: TypeAlias = tuple[str, str]
"""Id and key."""


class Row(NamedTuple):
    """One key of a rule or matrix that is not as shipped. ``key`` is empty where the whole is the site's own, or gone.

    ``shipped``, ``approved``, ``running``: the value in each, ``None`` where it has none. ``approved_by``,
    ``approved_on``, ``why``: as written in ``file``; empty where no file of the site speaks of it.
    """

    id: str
    kind: Literal["rule", "matrix"]
    title: Text | None
    key: str
    shipped: object
    approved: object
    running: object
    is_approved: bool
    approved_by: tuple[str, ...] = ()
    approved_on: date | None = None
    why: str = ""
    file: str = ""

    def __str__(self) -> str:
        """For a message."""
        return f"{self.id} {self.key}: {self.running} runs, {self.approved} is approved".replace(" :", ":")


class Register(NamedTuple):
    """``problems``: what is wrong in the files now, file and key named; a start would be refused for it."""

    rows: list[Row]
    problems: list[str]

    @property
    def deviations(self) -> list[str]:
        """What runs and is not what is approved, and what keeps anybody from telling; empty: all is as approved."""
        return [*self.problems, *(str(row) for row in self.rows if row.approved != row.running)]


def compare(document: Path | None, site: Site, running: Rulebook, started: Rulebook | None = None) -> Register:
    """Read the files beside the site's document now. ``running``: what the engines were given. ``started``: what is
    approved where there is no document, else what is shipped. Blocks on the disk."""
    files = SiteFiles() if document is None else read_beside(document)
    base = started if document is None and started is not None else shipped()
    found = check(base, files, scopes.of_site(site))
    rows = _Rows(base, found, running, None if document is None else document.parent)
    return Register(rows.rows(), found.errors)


class _Rows:
    def __init__(self, base: Rulebook, found: Checked, running: Rulebook, folder: Path | None) -> None:
        self._base = base
        self._found = found
        self._running = running
        self._folder = folder
        books = (base, found.book, running)
        self._rules = {name: rule.title for book in books for name, rule in book.alarms.items()}
        self._matrices = {one.id: one.title for book in books for one in book.matrices}

    def rows(self) -> list[Row]:
        """Those of the rules before those of the matrices."""
        book = self._found.book
        approved = _by_place(differences(self._base, book))
        running = _by_place(differences(self._base, self._running))
        rows = [
            self._row(place, one.shipped, approved[place].running if place in approved else one.shipped, one.running)
            for place, one in running.items()
        ]
        rows += [
            self._row(place, one.shipped, one.running, one.shipped)
            for place, one in approved.items()
            if place not in running
        ]
        rows += [  # of the site's own, what was changed since the start
            self._row(place, None, one.shipped, one.running)
            for place, one in _by_place(differences(book, self._running)).items()
            if place not in running and place not in approved
        ]
        order = [*self._rules, *self._matrices]
        return sorted(rows, key=lambda row: order.index(row.id))

    def _row(self, place: Place, shipped_: object, approved: object, running: object) -> Row:
        name, key = place
        is_matrix = name in self._matrices
        title = self._matrices[name] if is_matrix else self._rules[name]
        agrees = approved == running
        row = Row(name, "matrix" if is_matrix else "rule", title, key, shipped_, approved, running, agrees)
        origin = (self._found.laid.matrices if is_matrix else self._found.laid.rules).get(name)
        if origin is None:
            return row
        is_wrong = any(not said.warning and _is_of(said, origin) for said in self._found.findings)
        row = row._replace(is_approved=agrees and not is_wrong, file=self._name(origin.where.file))
        told = origin.override
        if told is None:
            return row
        return row._replace(approved_by=told.approved_by, approved_on=told.approved_on, why=told.why)

    def _name(self, file: str) -> str:
        path = Path(file)
        return str(path.relative_to(self._folder)) if self._folder and path.is_relative_to(self._folder) else file


def _by_place(found: list[Difference]) -> dict[Place, Difference]:
    return {(one.id, one.key): one for one in found}


def _is_of(said: Finding, origin: Origin) -> bool:
    return said.where.file == origin.where.file and said.where.key.startswith(origin.where.key)
