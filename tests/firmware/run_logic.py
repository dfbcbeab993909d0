"""Runs one logic suite under the interpreter that executes this file: ``run_logic.py SUITE FOLDER``.

MicroPython has no pytest. Prints the name of each test function that passed; the first failure ends the run with its
traceback and exit code 1. ``FOLDER`` takes the records of the stores.
"""

import sys

sys.path.append(__file__.rpartition("/")[0] + "/logic")


def run(suite: str, folder: str) -> None:
    __import__("rig").FOLDER = folder
    module = __import__(suite)
    for name in sorted(dir(module)):
        if name.startswith("test_"):
            getattr(module, name)()
            print(name)


run(sys.argv[1], sys.argv[2])
