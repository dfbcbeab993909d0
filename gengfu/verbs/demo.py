"""``gengfu demo [run|leak|clear|reopen|status]``."""

import argparse
import json
import os
from pathlib import Path

import gengfu
from gengfu.demo import control
from gengfu.folder import DataFolder

FOLDER = Path("gengfu-data/demo")
AFTER = {"clear": "Its alarm ends after a minute of clean air. A valve that is opened before closes again."}
"""What a person should know once it is done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "what",
        nargs="?",
        default="run",
        choices=("run", "leak", "clear", "reopen", "status"),
        help="run the demo (default); or act on the running one: raise the gas, clear it, open the valve by hand "
        "at the board (it stays open once the board's alarm has ended, a minute after the gas), show the boards",
    )
    parser.add_argument("--data", type=Path, default=FOLDER, help=f"data folder (default {FOLDER})")
    parser.add_argument("--host", default="127.0.0.1", help="address of the page; loopback only")
    parser.add_argument("--port", type=int, default=8080, help="port of the page (default 8080; 0 takes a free one)")
    parser.add_argument("--coap-port", type=int, default=5683, help="UDP port of the gateway (default 5683; 0: free)")
    parser.add_argument("--device", help="the board that leak, clear and reopen act on")
    parser.add_argument("--slow", action="store_true", help="leak: level 1 first, level 2 after 20 s")
    parser.add_argument("--json", action="store_true", help="status: for scripts")


def run(options: argparse.Namespace) -> int:
    """Run the demo, or speak to the running one."""
    if options.what == "run":
        return _run(options)
    request = {"verb": options.what, "device": options.device, "slow": options.slow}
    answer = control.call(options.data, request)
    if options.what != "status":
        print(f"{answer['done']}: {answer['device']}")
        if options.what in AFTER:
            print(AFTER[options.what])
    elif options.json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for board in answer["boards"]:
            print(f"{board['device']:<16} pid {board['pid'] or '-'}  starts {board['starts']}")
    return 0


def _run(options: argparse.Namespace) -> int:
    print(f"Gengfu {gengfu.__version__} demo, data in {os.path.relpath(options.data)}", flush=True)
    with DataFolder(options.data, "demo"):
        from gengfu.demo.run import run_demo  # noqa: PLC0415 - seconds of imports, after the first line is out

        run_demo(options)
    print("Stopped.")
    return 0
