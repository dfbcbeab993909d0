"""How the verbs of the command line speak to a running site: its API over HTTP, with an API token."""

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from gengfu.errors import InputError, MissingError

URL = "http://127.0.0.1:8080"
TOKEN = "GENGFU_TOKEN"  # noqa: S105 - the name of the variable, not a token
TIMEOUT_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the site is, and the token."""
    parser.add_argument("--url", default=os.environ.get("GENGFU_URL", URL), help=f"the console (default {URL})")
    parser.add_argument(
        "--token-file", help=f"file with an API token (gengfu user token NAME makes one); else the variable {TOKEN}"
    )


class Refused(InputError):
    """The site answered with a problem. ``problem``: the members of RFC 9457."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        lines = [str(problem.get("detail") or problem.get("title") or "refused"), *problem.get("problems", ())]
        super().__init__("\n".join(lines))
        self.problem = problem


class SiteClient:
    """One site. Raises `InputError` for a wrong address or token, `Refused`, or `MissingError` when nobody answers."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._url = str(options.url).rstrip("/")
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise InputError(f"--url {self._url}: give http://HOST:PORT or https://HOST")
        self._token = _token(options.token_file)
        # no proxy of the environment: a token must not pass through one, and a site is near
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, **query: object) -> Any:
        """What the site answers to ``GET /api/v1/PATH``."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """What the site answers to ``POST /api/v1/PATH``."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self._url}/api/v1/{path}", body, headers, method=method
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise _refusal(error, self._url) from None
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise MissingError(f"{self._url} does not answer: {why}; is gengfu up running there? (--url)") from None
        except ValueError:
            raise InputError(f"{self._url} is not a Gengfu console; correct --url") from None


def _refusal(error: urllib.error.HTTPError, url: str) -> InputError:
    with error:
        body = error.read()
    if error.code == 401:
        return InputError(f"{url}: sign in: put an API token into {TOKEN} or --token-file (gengfu user token NAME)")
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    return Refused(problem) if isinstance(problem, dict) else InputError(f"{url}: HTTP {error.code}; correct --url")


def _token(file: str | None) -> str:
    if file is None:
        return os.environ.get(TOKEN, "")
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.readline().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file {file}: cannot be read: {error}") from None
