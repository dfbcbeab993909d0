"""``gengfu sniff CONNECTION [--follow]`` or ``gengfu sniff /dev/ttyUSB0 --baud 9600``: what goes over a wire."""

import argparse
from functools import partial

from gengfu import site_client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "what",
        help="id of a connection of the running site; or the path of a serial line (it begins with /), on which Modbus "
        "RTU is listened to without a gateway and without sending a byte",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for scripts")
    parser.add_argument("--baud", type=int, default=9600, help="of a serial line (default 9600)")
    parser.add_argument("--parity", choices=("none", "even", "odd"), default="none", help="of a serial line")
    parser.add_argument("--stop-bits", type=int, choices=(1, 2), default=1, help="of a serial line")
    site_client.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show what goes over the wire."""
    from gengfu import sniff  # noqa: PLC0415 - imports the transports

    show = partial(sniff.show, as_json=options.json)
    if options.what.startswith("/"):
        import asyncio  # noqa: PLC0415 - for a serial line alone

        from gateway.transports.line import SerialLine  # noqa: PLC0415 - for a serial line alone

        line = SerialLine(
            options.what, baud=options.baud, parity=options.parity[0].upper(), stop_bits=options.stop_bits
        )

        async def listen() -> None:
            await sniff.LineSniffer(line, show).run()

        asyncio.run(listen())
        return 0
    try:
        for item in sniff.pieces(site_client.SiteClient(options), options.what, follow=options.follow):
            show(item)
    except KeyboardInterrupt:
        return 0
    return 0
