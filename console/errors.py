"""Errors of the package.

    ConsoleError
    ├── PageMissing         a file of the pages is not there: the installation is incomplete
    ├── AddressRefused      the system does not give us the address to listen on
    │   └── PortInUse           somebody else listens there
    ├── StartRefused        the web server ended before it began to serve
    ├── BadParameter        a value in a query is wrong; answered with 422
    ├── DemoRefused         a board of the demo cannot do this now; answered with 409
    ├── ReloadRefused       the site's document is not taken; answered with 409
    ├── NoSuchConsumer      the journal feeds no store of this name; answered with 404
    ├── MetricsBusy         enough people wait for alarm metrics already; answered with 503
    ├── ForgetRefused       forgetting this store makes no sense; answered with 409
    ├── DutyRefused         the duty desk cannot do this now; answered with 409
    ├── NoSuchHandOver      there is no shift hand-over of this number; answered with 404
    ├── LogbookUnusable     the desk's logbook takes nothing, or cannot be read; answered with 503
    └── AccountError        an account operation that cannot be done as asked
        ├── SchemaTooNew        the accounts file was written by a newer release
        ├── AccountsDamaged     the accounts file cannot be read
        ├── LoginRefused        wrong name or password; answered with 401
        └── LoginBlocked        too many failures; answered with 429

What the HTTP side answers with is `console.problem.Problem`, which is an answer and not part of this tree.
"""

from collections.abc import Sequence


class ConsoleError(Exception):
    """Anything this package refuses."""


class PageMissing(ConsoleError):
    """Files of the pages are missing. The message names each of them and what to do."""


class AddressRefused(ConsoleError):
    """The address cannot be listened on. The message says which, why and what to do."""


class PortInUse(AddressRefused):
    """Another process listens on the port."""


class StartRefused(ConsoleError):
    """The web server did not start."""


class BadParameter(ConsoleError):
    """``where`` names the parameter (``query.from``), ``what`` and ``what_zh`` say what is wrong with it."""

    def __init__(self, where: str, what: str, what_zh: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what
        self.what_zh = what_zh


class DemoRefused(ConsoleError):
    """The board cannot do it; the message says why."""


class ReloadRefused(ConsoleError):
    """The site's document is not taken, and what ran goes on. ``problems``: what is wrong, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class NoSuchConsumer(ConsoleError):
    """The journal feeds no store of this name. ``names``: those that it feeds."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"there are {', '.join(names)}")
        self.names = tuple(names)


class MetricsBusy(ConsoleError):
    """So many questions wait already that another one would only wait in vain."""


class ForgetRefused(ConsoleError):
    """The journal goes on waiting for the store; the message says why, and ``zh`` in Chinese."""

    def __init__(self, why: str, zh: str) -> None:
        super().__init__(why)
        self.zh = zh


class DutyRefused(ConsoleError):
    """The message says why, and ``zh`` in Chinese; nothing was written."""

    def __init__(self, why: str, zh: str) -> None:
        super().__init__(why)
        self.zh = zh


class NoSuchHandOver(ConsoleError):
    """There is no shift hand-over of this number."""


class LogbookUnusable(ConsoleError):
    """The database of the logbook does not do what was asked; nothing was written."""


class AccountError(ConsoleError):
    """An account operation cannot be done as asked; the message says why and holds no secret."""


class SchemaTooNew(AccountError):
    """The accounts database has a schema newer than this release knows."""


class AccountsDamaged(AccountError):
    """The accounts database cannot be read; it is neither deleted nor repaired here."""


class LoginRefused(AccountError):
    """Wrong name or password (which of them is not said)."""


class LoginBlocked(AccountError):
    """Too many failures of this name from this peer; try again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed sign-ins; wait {retry_after_s} s")
        self.retry_after_s = retry_after_s
