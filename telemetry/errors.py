"""Errors of the package.

    StoreError
    ├── StoreUnavailable    try the same call again later: disk full, server down, time-out
    ├── StoreRefused        the server will not have it until an operator changes a setting
    ├── StoreLocked         another process owns the file
    ├── StoreNewer          the file was written by a newer version
    ├── StoreDamaged        the file cannot be read; it is never deleted or repaired by us
    ├── ExtractBusy         too many read in bulk at the same time; ask again later
    └── QueryRefused        the question is wrong; the store is well

Retry is decided by these types, never by a message.
"""


class StoreError(Exception):
    """Anything a telemetry store refuses."""


class StoreUnavailable(StoreError):
    """Nothing is known to be stored; the same batch may be sent again (stores drop what they have).

    ``retry_after_s``: not before, because the server said so; 0.0 if it said nothing.
    """

    def __init__(self, message: str = "", *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreRefused(StoreError):
    """The server answered, and sending again cannot help: credentials, database name, not an InfluxDB."""


class StoreLocked(StoreError):
    """Another process owns the file. The message names it and says what to do."""


class StoreNewer(StoreError):
    """The file has a schema this version does not know. Install the newer version; the file is untouched."""


class StoreDamaged(StoreError):
    """The file is not readable as our store. It stays where it is; restore a copy or move it away."""


class ExtractBusy(StoreError):
    """As many extracts as may are being read; nothing is wrong with the store."""


class QueryRefused(StoreError):
    """A query argument is out of its range; the message names it."""


KEEP = "The file is left as it is: restore a copy, or move it away to start a new one"
"""What every `StoreDamaged` tells the operator."""
