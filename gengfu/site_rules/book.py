"""The rulebook of a site: shipped, changed, added, and checked as a whole.

Nothing of it is used unless everything about it is right; what is wrong is told at once, by file and key.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from device_registry.devices import Site
from gengfu.errors import InputError
from gengfu.rules import Rulebook, shipped
from gengfu.site_rules import scope as scopes
from gengfu.site_rules.bindings import check_bindings
from gengfu.site_rules.figures import check_figures
from gengfu.site_rules.files import SiteFiles, read_alone, read_beside
from gengfu.site_rules.finding import Finding, errors, warnings
from gengfu.site_rules.held import held
from gengfu.site_rules.laid import Laid, lay
from gengfu.site_rules.opposites import check_opposites
from gengfu.site_rules.order import check_order
from gengfu.site_rules.scope import Scope
from protocols.profile.model import Profile


class Checked(NamedTuple):
    """``book`` is to be used only where there are no ``errors``; ``warnings`` refuse nothing. ``laid``: where each part
    comes from; ``findings``: what ``errors`` and ``warnings`` say."""

    book: Rulebook
    errors: list[str]
    warnings: list[str]
    laid: Laid
    findings: list[Finding]


def check_site(document: Path, site: Site | None, profiles: Mapping[str, Profile]) -> Checked:
    """The rules of a site, from what stands beside its document.

    ``site``: ``None`` where the document itself is wrong; then they are held against all ``profiles``.
    """
    scope = scopes.of_profiles(profiles) if site is None else scopes.of_site(site)
    return check(shipped(), read_beside(document), scope)


def check_file(file: Path, profiles: Mapping[str, Profile]) -> Checked:
    """One file of a site by itself, held against the shipped rules and every known profile."""
    return check(shipped(), read_alone(file), scopes.of_profiles(profiles))


def check(base: Rulebook, files: SiteFiles, scope: Scope) -> Checked:
    """``base`` with what the files change and add, held against the devices of ``scope``.

    Without a site nothing is said of the shipped ones: no site has every device.
    """
    laid = lay(base, files, scope)
    parts = held(laid)
    findings: list[Finding] = [
        *laid.findings,
        *check_bindings(laid, scope),
        *check_figures(parts, scope),
        *check_order(parts, scope),
        *check_opposites(laid, scope),
    ]
    told = [one for one in findings if scope.has_site or not one.where.is_shipped]
    return Checked(laid.book, errors(told), warnings(told), laid, told)


def read_book(document: Path | None, site: Site) -> Rulebook:
    """What the site is watched by; without a document what is shipped. Raises `InputError` naming every mistake."""
    if document is None:
        return shipped()
    found = check_site(document, site, {})
    if found.errors:
        raise InputError("\n" + "\n".join(found.errors))
    return found.book
