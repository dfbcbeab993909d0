"""The two ways to write to an InfluxDB, and which of them a server takes. It sends nothing.

    v1   POST /write          ?db=..&precision=ns           1.x; user and password, or a token; &rp=.. for roll-ups
    v2   POST /api/v2/write   ?org=..&bucket=..&precision=ns   1.8 and later, 2.x, 3; a token

What a server is, it says to ``GET /ping``: in the header ``X-Influxdb-Version`` (1.x; 2.1 and later; 3), else in the
JSON it answers (3.0); 2.0 says it to ``GET /health`` alone. (1.6.7 was asked; the others are as their documents and
issue threads show them.)
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from telemetry.influx_settings import InfluxKeys

Api = Literal["v1", "v2"]
Class = Literal["raw", "1m", "1h"]
"""What is written: every value, or what each minute or hour brought."""

_VERSION = re.compile(r"\s*v?(\d+)\.")
_JSON_WEB_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
"""RFC 7519, section 3: three parts. 1.x takes these as `Bearer`; tokens of 2.x and 3 have no dots."""
_HINTS = {
    ("v1", 401): "check username and password_file, or token_file",
    ("v2", 401): "check token_file: InfluxDB 2 and 3 take a token, and no username",
    ("v1", 403): "the user may not write to this database",
    ("v2", 403): "the token may not write to this bucket",
    ("v1", 404): "create the database, or check that the url is that of an InfluxDB",
    ("v2", 404): "create the bucket, and check org, bucket and url",
}
_HINT = "a line is stored only on 204: check that the url is that of an InfluxDB, and write_api"


class Access(NamedTuple):
    """How to write: the endpoint, and who we are. ``secrets``: what must not be shown, ``authorization`` included."""

    api: Api
    path: str
    fields: dict[str, str]
    authorization: str | None
    secrets: tuple[str, ...]

    @property
    def place(self) -> str:
        """What is written to, for messages."""
        if self.api == "v1":
            policy = f", retention policy {self.fields['rp']!r}" if "rp" in self.fields else ""
            return f"database {self.fields['db']!r}{policy}"
        return f"org {self.fields['org']!r}, bucket {self.fields['bucket']!r}"

    def hint(self, status: int) -> str:
        """What an operator does about a refusal."""
        return _HINTS.get((self.api, status), _HINT)


def make_access(api: Api, keys: InfluxKeys, what: Class = "raw") -> Access:
    """How to write by ``api``, with the secrets as they are now. Raises `StoreRefused` if their file is unreadable."""
    named = {"1m": keys.minutes_to, "1h": keys.hours_to}.get(what)
    token, password = keys.read_token(), keys.read_password()
    authorization = _authorization(api, keys.username, password, token)
    secrets = tuple(secret for secret in (authorization and authorization.split(" ", 1)[1], password, token) if secret)
    if api == "v1":
        policy = {} if what == "raw" else {"rp": named or f"rp_{what}"}
        return Access(api, "/write", {"db": keys.database, **policy, "precision": "ns"}, authorization, secrets)
    raw = keys.bucket or keys.database
    fields = {"org": keys.org, "bucket": raw if what == "raw" else named or f"{raw}_{what}", "precision": "ns"}
    return Access(api, "/api/v2/write", fields, authorization, secrets)


def api_of(versions: Iterable[str | None]) -> Api | None:
    """The way of the first version that is one; ``None`` when none is."""
    for version in versions:
        found = _VERSION.match(version or "")
        if found:
            return "v1" if int(found[1]) < 2 else "v2"
    return None


def version_in(body: bytes) -> str | None:
    """``version`` of a JSON object, as 3 answers to ``/ping`` and 2.x to ``/health``."""
    try:
        return msgspec.json.decode(body, type=_Version).version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Version(msgspec.Struct):
    version: str


def _authorization(api: Api, username: str | None, password: str, token: str) -> str | None:
    if token:
        is_bearer = api == "v1" and _JSON_WEB_TOKEN.fullmatch(token)
        return f"Bearer {token}" if is_bearer else f"Token {token}"
    if username is not None:
        return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"
    return None
