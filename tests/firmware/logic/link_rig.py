"""What the suites of the serial link share: one frame at a time between a node and a master, without a wire."""

from protocols.wire import link
from protocols.wire.link_master import Master
from protocols.wire.link_node import Node

AT = 5
NAME = b"t:5"
BOOT = 77


def raises(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return True
    return False


def said(frames):
    """(kind, fields, tail) of the one frame on the wire."""
    kind, address, _, fields, tail = link.decode(frames.strip(b"\0"))
    assert address == AT
    return kind, fields, tail


def ask(node, turn, kind=link.POLL, fields=(0,), tail=b"", now=0):
    """One question of a master and the board's answer; the events are dropped."""
    node.feed(now, link.encode(kind, AT, turn, fields, tail))
    return said(node.poll(now))


def greeted(**options):
    node = Node(AT, NAME, BOOT, **options)
    ask(node, 0)
    ask(node, 1, link.ACK, (BOOT, 0))
    return node


def meet(node):
    """A master that has heard the node's HELLO and acknowledged it; the time then."""
    master = Master(1, baud=115200)
    master.add(0, AT, NAME)
    now = 0
    while master.unit(AT).boot < 0 or master.unit(AT).verdict:
        now += 10
        exchange(master, node, now)
    return master, now


def exchange(master, node, now):
    """Carry a question and its answer; the node's events."""
    frame = master.poll(now)
    events = []
    if frame is not None:
        events = node.feed(now, frame)
        answer = node.poll(now)
        if answer is not None:
            master.feed(now, answer)
    return events


def carry_data(master, node, now):
    """Ask until the master has heard the message that the node sent."""
    while not master.unit(AT).pending:
        now += 10
        exchange(master, node, now)
    return now


def kinds(events):
    return [event.kind for event in events]
