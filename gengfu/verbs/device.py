"""``gengfu device credential ID``: a token for a device that pushes over HTTP."""

import argparse
import json

from pydantic import TypeAdapter, ValidationError

from device_registry.credentials import digest, new_token
from device_registry.site import DeviceId
from gengfu.errors import InputError

_SHOWN = """{device}: a new token. It is shown this once; give it to the device.

    {token}

In the device's table of the site document:

    http = {{ token_sha256 = "{digest}" }}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True)
    credential = what.add_parser("credential", help="make a token for a device on an http connection")
    credential.add_argument("id", help="the device")
    credential.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Make a token and print it with the line that belongs into the site document."""
    try:
        device = TypeAdapter(DeviceId).validate_python(options.id)
    except ValidationError:
        raise InputError(f"{options.id!r} is no device id: 1 to 64 of A-Z a-z 0-9 . _ : -") from None
    token = new_token()
    if options.json:
        print(json.dumps({"device": device, "token": token, "token_sha256": digest(token)}))
    else:
        print(_SHOWN.format(device=device, token=token, digest=digest(token)), end="")
    return 0
