"""Our process, set up as the program sets up its own. Whoever imports this holds the whole program in memory."""

import sys

from bench.processes import many_sockets
from gengfu.main_loop import SWITCH_INTERVAL_S


def as_the_program() -> None:
    """The interpreter as the program sets it, and many sockets."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    many_sockets()
