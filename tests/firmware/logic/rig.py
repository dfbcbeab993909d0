"""What the logic suites share: a store on the disk, a recorder of events, a gateway's end of the wire."""

import kv
from noise import Noise

from protocols.wire import coap

FOLDER = ""
_made = [0]


def store() -> kv.Store:
    """A new, empty store."""
    _made[0] += 1
    return kv.Store(f"{FOLDER}/{_made[0]}")


def noise() -> Noise:
    return Noise(7)


class Events:
    """Recorder for ``emit``."""

    def __init__(self):
        self.seen = []

    def __call__(self, event, **fields):
        self.seen.append((event, fields))

    def of(self, event):
        return [fields for name, fields in self.seen if name == event]


def request(code, path, payload=b"", *, mid=1, kind=coap.CON, token=b"t"):
    """A decoded request of the gateway."""
    options = [(coap.URI_PATH, segment) for segment in path.split(b"/")]
    return coap.decode(coap.encode(kind, code, mid, token, options, payload=payload))


def response(code, sent, *, kind=coap.ACK, mid=None, options=(), payload=b""):
    """A decoded response to the datagram ``sent``."""
    _, _, sent_mid, token, _, _ = coap.decode(sent)
    mid = sent_mid if mid is None else mid
    return coap.decode(coap.encode(kind, code, mid, token, options, payload=payload))


def run(product, start, end, step=100):
    """Sample from ``start`` to ``end`` (ms); returns the end."""
    for now in range(start, end + 1, step):
        product.sample(now)
    return end
