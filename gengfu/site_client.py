"""How the verbs of the command line speak to a running site: its API over HTTP, with an API token."""

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from gengfu.errors import InputError, MissingError

URL = "http://127.0.0.1:8080"
TOKEN = "GENGFU_TOKEN"  # noqa: S105 - the name of the variable, not a token
TIMEOUT_S = 60.0
PIECE = 1 << 16


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

    @contextmanager
    def stream(self, path: str, query: Sequence[tuple[str, str]]) -> Iterator[Iterator[bytes]]:
        """The bytes that the site answers to ``GET /api/v1/PATH``, as they come. Raises `MissingError` where the answer
        breaks off, while they are taken."""
        with self._opened("GET", f"{path}?{urlencode(query)}", None) as answer:
            yield self._pieces(answer)

    def _pieces(self, answer: HTTPResponse) -> Iterator[bytes]:
        try:
            # of an answer in chunks, `read` tells when it has no end; `read1` takes the hang-up for the end
            while piece := answer.read(PIECE):
                yield piece
        except (OSError, HTTPException) as error:
            raise MissingError(f"{self._url} broke off: {error or type(error).__name__}; ask again") from None

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        with self._opened(method, path, body) as answer:
            try:
                return json.loads(answer.read() or b"null")
            except ValueError:
                raise InputError(f"{self._url} is not a Gengfu console; correct --url") from None
            except (OSError, HTTPException) as error:
                raise self._silent(error) from None

    def _opened(self, method: str, path: str, body: bytes | None) -> HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self._url}/api/v1/{path}", body, headers, method=method
        )
        try:
            answer: HTTPResponse = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            raise _refusal(error, self._url) from None
        except (OSError, HTTPException) as error:
            raise self._silent(error) from None
        return answer

    def _silent(self, error: OSError | HTTPException) -> MissingError:
        why = getattr(error, "reason", None) or error
        return MissingError(f"{self._url} does not answer: {why}; is gengfu up running there? (--url)")


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
