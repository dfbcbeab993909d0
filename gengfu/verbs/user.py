"""``gengfu user add NAME --role ROLE | passwd NAME | token NAME``: accounts of a site, running or not."""

import argparse
import getpass
import sys
import time
from pathlib import Path

from console.accounts import Accounts
from console.errors import ConsoleError
from console.roles import Principal, Role
from gengfu.errors import InputError, MissingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--data", type=Path, default=Path("gengfu-data/site"), help="data folder of the site")
    what = parser.add_subparsers(dest="what", required=True)
    add = what.add_parser("add", help="add a user; the password is asked for, or read from standard input")
    add.add_argument("name")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.VIEWER.value)
    what.add_parser("passwd", help="set a password").add_argument("name")
    token = what.add_parser("token", help="make an API token that acts for a user; it is printed this once")
    token.add_argument("name")
    token.add_argument("--role", choices=[role.value for role in Role], help="less than the user's own")


def run(options: argparse.Namespace) -> int:
    """Add the user, set the password or make the token."""
    database = options.data / "console.db"
    if not database.is_file():
        raise MissingError(f"{database}: no accounts here yet; start gengfu once, or give --data DIR")
    accounts = Accounts(f"sqlite:///{database}", clock=time.time)
    try:
        if options.what == "token":
            print(_token(accounts, options))
            return 0
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


def _token(accounts: Accounts, options: argparse.Namespace) -> str:
    role = dict(accounts.users()).get(options.name)
    if role is None:
        raise InputError(f"there is no user {options.name!r}; gengfu user add {options.name}")
    who = Principal(options.name, role, "session", "")
    _, secret = accounts.create_token(who, "command line", Role(options.role) if options.role else None)
    return secret


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise InputError("the two passwords differ")
    return first
