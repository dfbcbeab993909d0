"""``gengfu opcua certificate | trust | browse``."""

import argparse
import asyncio
import socket
import time
from pathlib import Path

from gengfu.errors import InputError, MissingError

FIVE_YEARS = 1826


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest="what", required=True)
    make = what.add_parser("certificate", help="make the certificate and key by which servers know this gateway")
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for certificate.der and key.pem")
    make.add_argument("--uri", default="", help="name of this application (urn:gengfu:HOST)")
    make.add_argument("--days", type=int, default=FIVE_YEARS, help="how long it is valid (%(default)s)")
    trust = what.add_parser("trust", help="fetch a server's certificate, to trust it alone from now on")
    trust.add_argument("url", help="opc.tcp://host:port/path")
    trust.add_argument("file", type=Path, help="where to keep it")
    trust.add_argument("--replace", action="store_true", help="replace the one that is there")
    look = what.add_parser("browse", help="print the nodes of a server")
    look.add_argument("url", help="opc.tcp://host:port/path")
    look.add_argument("--node", default="i=85", help="begin at this node (the objects)")
    look.add_argument("--most", type=int, default=5000, help="print no more nodes (%(default)s)")
    look.add_argument("--certificate", type=Path, metavar="DIR", help="sign and encrypt with DIR/certificate.der")
    look.add_argument("--server-certificate", type=Path, metavar="FILE", help="the one that `trust` fetched")
    look.add_argument("--user", help="sign in as this user")
    look.add_argument("--password-file", type=Path, help="its password in one line")
    look.add_argument("--json", action="store_true", help="one JSON object a line")
    for one in (trust, look):
        one.add_argument("--timeout", type=float, default=4.0, help="seconds an answer may take (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Make a certificate, fetch one, or print nodes."""
    {"certificate": _certificate, "trust": _trust, "browse": _browse}[options.what](options)
    return 0


def _certificate(options: argparse.Namespace) -> None:
    from gateway.transports.opcua import security  # noqa: PLC0415 - what the help does not need

    host = socket.gethostname()
    uri = options.uri or f"urn:gengfu:{host}"
    if options.days < 1:
        raise InputError(f"--days {options.days}: give at least 1")
    try:
        files = security.make_certificate(options.out, uri, host, options.days, security.utc(time.time_ns()))
    except FileExistsError as error:
        raise InputError(f"{error.filename} is there already: name another folder, or move it away") from None
    except OSError as error:
        raise MissingError(f"{options.out} cannot be written: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"--uri {uri!r} is no name for an application: {error}") from None
    print(f"{files.certificate}: load it into each server's list of trusted clients")
    print(f"{files.key}: keep it here, readable by the gateway alone")
    print(f"application {uri}, SHA-256 {files.fingerprint}")


def _trust(options: argparse.Namespace) -> None:
    # seconds of imports that the help does not need
    from gateway.diagnostics import Diagnosis  # noqa: PLC0415 - what the help does not need
    from gateway.errors import TransportError  # noqa: PLC0415 - what the help does not need
    from gateway.transports.opcua import security  # noqa: PLC0415 - what the help does not need
    from gateway.transports.opcua.session import server_certificate  # noqa: PLC0415 - what the help does not need

    if options.file.exists() and not options.replace:
        raise InputError(f"{options.file} is there already: compare the fingerprints, then use --replace")
    diagnosis = Diagnosis("trust", "opcua", (), time.time_ns)
    try:
        found = asyncio.run(server_certificate(options.url, options.timeout, diagnosis))
    except TransportError as error:
        raise MissingError(str(error)) from None
    try:
        options.file.write_bytes(security.der(found))
    except OSError as error:
        raise MissingError(f"{options.file} cannot be written: {error.strerror}") from None
    print(f"{options.file}: {found.subject.rfc4514_string()}, valid until {found.not_valid_after_utc:%Y-%m-%d}")
    print(f"SHA-256 {security.fingerprint(found)}")
    print("Compare it with what the server itself shows before you use it.")


def _browse(options: argparse.Namespace) -> None:
    from gateway.transports.opcua.parts import Access  # noqa: PLC0415 - what the help does not need
    from gengfu.browse import print_nodes  # noqa: PLC0415 - what the help does not need

    folder = options.certificate
    for one, other in (("user", "password_file"), ("certificate", "server_certificate")):
        if (getattr(options, one) is None) != (getattr(options, other) is None):
            raise InputError(f"--{one} and --{other.replace('_', '-')} go together: give both, or neither")
    if options.user is not None and folder is None:
        raise InputError("--user without --certificate would send the password readable: give both")
    access = Access(
        options.url,
        options.timeout,
        None if folder is None else folder / "certificate.der",
        None if folder is None else folder / "key.pem",
        options.server_certificate,
        options.user,
        options.password_file,
    )
    print_nodes(access, options.node, options.most, as_json=options.json)
