"""``gengfu user add NAME --role ROLE | passwd NAME``: accounts of a site whose process is stopped or running."""

import argparse
import getpass
import sys
import time
from pathlib import Path

from console.accounts import Accounts
from console.errors import ConsoleError
from console.roles import Role
from gengfu.errors import InputError, MissingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--data", type=Path, default=Path("gengfu-data/site"), help="data folder of the site")
    what = parser.add_subparsers(dest="what", required=True)
    add = what.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    add.add_argument("name")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.VIEWER.value)
    what.add_parser("passwd", help="set a password").add_argument("name")


def run(options: argparse.Namespace) -> int:
    """Add the user or set the password."""
    database = options.data / "console.db"
    if not database.is_file():
        raise MissingError(f"{database}: no accounts here yet; start gengfu once, or give --data DIR")
    accounts = Accounts(f"sqlite:///{database}", clock=time.time)
    try:
        password = _password()
        if options.what == "add":
            accounts.add_user(options.name, password, Role(options.role))
        else:
            accounts.set_password(options.name, password)
    except ConsoleError as error:
        raise InputError(str(error)) from None
    finally:
        accounts.close()
    print(f"{options.name}: {'added' if options.what == 'add' else 'password set'}")
    return 0


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise InputError("the two passwords differ")
    return first
