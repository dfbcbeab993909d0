"""A board that has nothing but what `make flash` laid: ``plan_probe.py PORT NETWORK FOLDER``.

MicroPython only. ``FOLDER`` is the flash of the board: slot ``a``, ``settings.txt``, ``state``. ``NETWORK``: 1 for one
with a radio. The chip answers whatever it is asked; the board runs until its loop has fed the watchdog twice, and then
prints ``fed``.
"""

import io
import sys

PORT, NETWORK, FOLDER = sys.argv[1:]
TURNS = 2
# Of `py/stream.h`. What is no poll, such as the question for a file number, fails.
POLL = 3


class Quiet(io.IOBase):
    """A line, a console or a socket on which nothing ever arrives."""

    def __init__(self, *_args, **_kwargs):
        pass

    def ioctl(self, request, _argument):
        return 0 if request == POLL else -1

    def read(self):
        return None

    def write(self, data):
        return len(data)

    def txdone(self):
        return True

    def sendto(self, data, _peer):
        return len(data)

    def recvfrom(self, _size):
        raise OSError(11)

    def accept(self):
        raise OSError(11)

    def setsockopt(self, *_option):
        pass

    bind = listen = setblocking = setsockopt


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 2, 3

    def __init__(self, *_args, **_kwargs):
        pass

    def value(self, *_level):
        return 1


class ADC:
    ATTN_11DB = 3

    def __init__(self, *_args, **_kwargs):
        pass

    def read_u16(self):
        return 20000

    def read_uv(self):
        return 1000000


class I2C:
    def __init__(self, *_args, **_kwargs):
        pass

    def readfrom_mem(self, _address, _register, count):
        return b"\xc0" * count

    def writeto_mem(self, _address, _register, _data):
        pass


class WDT:
    def __init__(self, **_kwargs):
        self.turns = 0

    def feed(self):
        self.turns += 1
        if self.turns == TURNS:
            print("fed")
            sys.exit(0)


class machine:
    PWRON_RESET = 1
    Pin, ADC, UART, I2C, WDT = Pin, ADC, Quiet, I2C, WDT

    @staticmethod
    def reset_cause():
        return 1

    @staticmethod
    def reset():
        print("reset")
        sys.exit(1)


class Station:
    IF_STA = 0

    def __init__(self, _interface):
        pass

    def active(self, _on):
        pass

    def isconnected(self):
        return True


class network:
    WLAN = Station


class socket:
    AF_INET = SOCK_DGRAM = SOCK_STREAM = SOL_SOCKET = SO_REUSEADDR = 0
    socket = Quiet

    @staticmethod
    def getaddrinfo(host, port):
        return [(0, 0, 0, "", (host, port))]


class board_sys:
    """`sys` as the firmware sees it on the chip."""

    platform = PORT
    stdin = Quiet()


for name in ("argv", "exit", "implementation", "modules", "path", "print_exception", "stderr", "stdout"):
    setattr(board_sys, name, getattr(sys, name))
sys.modules["sys"] = board_sys
sys.modules["machine"] = machine
if NETWORK == "1":
    sys.modules["network"] = network
    sys.modules["socket"] = socket
sys.path[:] = [FOLDER + "/a", ".frozen"]

machine_port = __import__("hal.machine_port", None, None, ("FOLDER",))
machine_port.FOLDER = FOLDER + "/state"
machine_port.FACTORY = FOLDER + "/settings.txt"


def fatal(_board, error):
    raise error


# A board goes on without a link; here what is missing is looked for.
__import__("assembly").Board.failed = fatal
__import__("main").main()
