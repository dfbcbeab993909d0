"""The command line. Exit codes: 0 ok, 1 the input is wrong, 2 usage, 3 something it needs is not there, 130 broken
off by Ctrl-C (what runs until Ctrl-C ends with 0).

Heavy libraries are imported by the verb that needs them, so that ``gengfu version`` answers at once.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gengfu
from gengfu.errors import GengfuError


class Verb(NamedTuple):
    """A verb of the command line: where it lives and what it does in one line."""

    module: str
    help: str


VERBS = {
    "demo": Verb("gengfu.verbs.demo", "a small site on this machine, its boards running the real firmware"),
    "up": Verb("gengfu.verbs.up", "gateway and console in one process"),
    "check": Verb("gengfu.verbs.check", "validate settings, sites and profiles; every wrong key is named"),
    "opcua": Verb("gengfu.verbs.opcua", "make our OPC UA certificate, trust a server's, browse a server's nodes"),
    "profile": Verb("gengfu.verbs.profile", "list, show, decode with, and emit registers of device profiles"),
    "device": Verb("gengfu.verbs.device", "make the token of a device that pushes over HTTP"),
    "simulate": Verb("gengfu.verbs.simulate", "a virtual fleet over the real protocols, on this machine"),
    "reload": Verb("gengfu.verbs.reload", "let the running site take its changed document, without a restart"),
    "alarms": Verb("gengfu.verbs.alarms", "replay stored readings through changed alarm rules"),
    "plan": Verb("gengfu.verbs.plan", "response plans: list, check, show, print, and start one by hand"),
    "evidence": Verb("gengfu.verbs.evidence", "list and show what was kept around life-safety alarms"),
    "sniff": Verb("gengfu.verbs.sniff", "show what goes over a connection or a serial line, in hex and in words"),
    "journal": Verb("gengfu.verbs.journal", "how full the journal is; forget a store that never comes back"),
    "export": Verb("gengfu.verbs.export", "what was measured, as CSV or Parquet"),
    "import": Verb("gengfu.verbs.import_", "history of another system, from CSV, into a site that does not run"),
    "user": Verb("gengfu.verbs.user", "add a user, set a password, make an API token"),
    "version": Verb("gengfu.verbs.version", "print the version"),
}


INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = words[0] if words else ""
    if verb not in VERBS:
        return _usage(verb)
    try:
        return _run(verb, words[1:])
    except GengfuError as error:
        print(f"gengfu {verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"gengfu {verb}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(verb: str, words: Sequence[str]) -> int:
    module = importlib.import_module(VERBS[verb].module)
    parser = argparse.ArgumentParser(prog=f"gengfu {verb}", description=VERBS[verb].help)
    module.add_arguments(parser)
    run: Callable[[argparse.Namespace], int] = module.run
    return run(parser.parse_args(words))


def _usage(verb: str) -> int:
    asked = verb in ("-h", "--help", "help")
    out = sys.stdout if asked else sys.stderr
    if verb and not asked:
        print(f"gengfu: no verb {verb!r}", file=out)
    print(f"gengfu {gengfu.__version__}: usage: gengfu VERB [OPTIONS]\n", file=out)
    for name, about in VERBS.items():
        print(f"  {name:<9}{about.help}", file=out)
    print("\n`gengfu VERB --help` lists the options of a verb.", file=out)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
