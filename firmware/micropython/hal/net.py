"""The network of a port, chosen here as `hal` chooses the rest; loaded by who needs it, not by each board.

join(settings)          awaitable: keep the board on its network, for ever
Udp(host, port)         send(peer, data), receive() -> (peer, data) | None, wait(); gateway: its peer
TcpListener(port, host)     wait(), accept() -> TcpConnection | None, with wait(), read(), write(), close()
"""

import sys

if sys.platform == "linux":
    from hal.linux_net import Udp, join
    from hal.tcp import TcpListener
else:
    try:
        from hal.tcp import TcpListener
        from hal.wlan import Udp, join
    except ImportError:
        from hal.no_network import TcpListener, Udp, join

__all__ = ("TcpListener", "Udp", "join")
