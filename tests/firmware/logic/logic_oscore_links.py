"""The board's CoAP link under OSCORE: what counts as an acknowledgement, and which command moves something."""

import rig
from links.coap_client import CoapClient
from links.coap_secure import CHALLENGE_EVERY_MS, SecureClient, SecureServer
from oscore_rig import ends, raised

from protocols.wire import coap, oscore, replay

PEER = b"anybody"
CLOSE = (coap.PUT, b"valve", b"close")
START = (coap.PUT, b"fan", b"start")


class Product:
    """Notes what it is told."""

    commands = ("close-valve", "start-fan")

    def __init__(self):
        self.done = []

    def command(self, name, now):
        self.done.append(name)
        return True


class Bench:
    """A board's two links and the gateway's keys."""

    def __init__(self, store=None, told_time=None):
        self.events = rig.Events()
        self.board, self.gateway = ends(store)
        inner = CoapClient(rig.noise(), self.events, ack_timeout_ms=2000, ring=4, told_time=told_time)
        self.client = SecureClient(inner, self.board, self.events)
        self.product = Product()
        self.server = SecureServer(self.product, self.events, self.client.next_mid, self.board)
        self._mid = 100

    def taken(self, datagram):
        """What the gateway reads from a request of the board: the plain parts, sequence and binding."""
        _, code, _, _, options, payload = coap.decode(datagram)
        assert code == coap.POST
        return oscore.unprotect_request(self.gateway.context, options, payload, replay.ReplayWindow())

    def reply(self, datagram, code, *, options=(), kind=coap.ACK, mid=None, sequence=None, payload=b""):
        """A protected response to a request of the board."""
        _, _, sent_mid, token, _, _ = coap.decode(datagram)
        binding = self.taken(datagram)[4]
        made = oscore.protect_response(self.gateway.context, binding, code, list(options), payload, sequence=sequence)
        mid = sent_mid if mid is None else mid
        return coap.decode(coap.encode(kind, made[0], mid, token, made[1], payload=made[2]))

    def request(self, command, *, echo=None, kind=coap.CON):
        """A protected command of the gateway as a message, and its binding."""
        code, path, payload = command
        options = [(coap.URI_PATH, path)]
        if echo is not None:
            options.append((oscore.ECHO, echo))
        sequence = self.gateway.sequence.next()
        made = oscore.protect_request(self.gateway.context, sequence, code, options, payload)
        self._mid += 1
        return coap.decode(coap.encode(kind, made[0], self._mid, b"g", made[1], payload=made[2])), made[3]

    def asked(self, message, binding, now=0):
        """The authenticated response to a command: code and options."""
        kind, code, mid, token, options, payload = coap.decode(self.server.answer(now, PEER, message))
        assert (kind, mid, token) == (coap.ACK, message[2], b"g")
        assert code == coap.CHANGED
        return oscore.unprotect_response(self.gateway.context, binding, options, payload)[:2]

    def ready(self):
        """With the replay window begun."""
        self.asked(*self.request(CLOSE, echo=self.board.echo))
        self.product.done.clear()
        return self


def _posted(bench):
    bench.client.offer(0, 1, b"[reading]", False)
    return bench.client.poll(0)


def test_reading_leaves_protected_and_its_acknowledgement_frees_it():
    bench = Bench()
    sent = _posted(bench)
    assert b"reading" not in sent
    code, options, payload, _, _ = bench.taken(sent)
    assert (code, payload) == (coap.POST, b"[reading]")
    assert options == [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
    assert bench.client.receive(10, bench.reply(sent, coap.CHANGED)) is None
    assert bench.client.waiting == 0
    assert bench.events.of("acknowledged")[0]["seq"] == 1


def test_a_plain_answer_is_no_acknowledgement():
    for code in (coap.CHANGED, coap.NOT_FOUND, coap.BAD_REQUEST, coap.SERVICE_UNAVAILABLE, coap.UNAUTHORIZED):
        bench = Bench()
        sent = _posted(bench)
        for _ in range(2):
            assert bench.client.receive(10, rig.response(code, sent)) is None
        assert bench.client.waiting == 1
        told = bench.events.of("refused")
        assert [(one["code"], one["diagnostic"]) for one in told] == [
            (coap.code_text(code), "response is not protected")
        ]
        bench.client.receive(20, bench.reply(sent, coap.CHANGED))
        assert bench.client.waiting == 0


def test_time_is_asked_for_and_believed_only_under_protection():
    told = []
    bench = Bench(told_time=lambda now, utc_ms: told.append((now, utc_ms)))
    sent = _posted(bench)
    assert bench.taken(sent)[1][-1] == (coap.URI_QUERY, b"time")
    assert b"time" not in sent
    _, _, mid, token, _, _ = coap.decode(sent)
    plain = coap.encode(coap.ACK, coap.CHANGED, mid, token, payload=b"1800000000000")
    bench.client.receive(10, coap.decode(plain))
    assert told == []
    bench.client.receive(20, bench.reply(sent, coap.CHANGED, payload=b"1800000000123"))
    assert told == [(20, 1800000000123)]


def test_a_plain_confirmable_response_is_reset():
    bench = Bench()
    sent = _posted(bench)
    answer = bench.client.receive(10, rig.response(coap.CHANGED, sent, kind=coap.CON, mid=9))
    assert coap.decode(answer)[:3] == (coap.RST, 0, 9)
    assert bench.client.waiting == 1


def test_the_answer_to_another_reading_is_no_acknowledgement():
    bench = Bench()
    first = _posted(bench)
    old = bench.reply(first, coap.CHANGED)
    bench.client.receive(10, old)
    bench.client.offer(20, 2, b"[second]", False)
    second = bench.client.poll(20)
    _, _, mid, token, _, _ = coap.decode(second)
    bench.client.receive(30, (coap.ACK, old[1], mid, token, old[4], old[5]))
    assert bench.client.waiting == 1


def test_an_authentic_answer_under_another_token_or_message_id_changes_nothing():
    bench = Bench()
    sent = _posted(bench)
    kind, code, mid, token, options, payload = bench.reply(sent, coap.CHANGED)
    bench.client.receive(10, (kind, code, mid, b"other", options, payload))
    bench.client.receive(10, (kind, code, mid ^ 1, token, options, payload))
    assert bench.client.waiting == 1
    bench.client.receive(20, (kind, code, mid, token, options, payload))
    assert bench.client.waiting == 0


def test_retransmission_repeats_the_protected_bytes_and_a_new_message_takes_a_new_number():
    bench = Bench()
    sent = _posted(bench)
    numbers = set()
    now = 0
    datagrams = [sent]
    while len(numbers) < 2:
        now += 500
        again = bench.client.poll(now)
        if again is not None:
            datagrams.append(again)
            numbers.add(bench.taken(again)[3])
    assert datagrams[:5] == [sent] * 5
    assert datagrams[5] != sent
    assert max(numbers) - min(numbers) == 1
    assert bench.events.of("unanswered") != []


def test_challenge_is_answered_at_once_and_the_reading_stays_until_then():
    for kind in (coap.ACK, coap.CON):
        bench = Bench()
        sent = _posted(bench)
        if kind == coap.CON:
            bench.client.receive(5, coap.decode(coap.encode(coap.ACK, 0, coap.decode(sent)[2])))
        echo = [(oscore.ECHO, b"fresh?")]
        challenge = bench.reply(sent, coap.UNAUTHORIZED, options=echo, sequence=77, kind=kind, mid=None)
        answer = bench.client.receive(10, challenge)
        assert (answer is None) == (kind == coap.ACK)
        assert bench.client.waiting == 1
        second = bench.client.poll(10)
        assert bench.client.poll(10) is None
        assert coap.decode(second)[2] != coap.decode(sent)[2]
        _, options, payload, sequence, _ = bench.taken(second)
        assert (coap.option(options, oscore.ECHO), payload) == (b"fresh?", b"[reading]")
        assert sequence == bench.taken(sent)[3] + 1
        bench.client.receive(20, bench.reply(second, coap.CHANGED))
        assert bench.client.waiting == 0
        assert bench.events.of("refused") == []
        bench.client.offer(30, 2, b"[next]", False)
        assert coap.option(bench.taken(bench.client.poll(30))[1], oscore.ECHO) is None


def test_endless_challenges_do_not_make_endless_requests():
    bench = Bench()
    sent = _posted(bench)
    echo = [(oscore.ECHO, b"fresh?")]
    bench.client.receive(10, bench.reply(sent, coap.UNAUTHORIZED, options=echo, sequence=77))
    second = bench.client.poll(10)
    bench.client.receive(20, bench.reply(second, coap.UNAUTHORIZED, options=echo, sequence=78))
    assert bench.client.poll(20) is None
    assert bench.client.waiting == 1


def test_a_plain_challenge_is_ignored():
    bench = Bench()
    sent = _posted(bench)
    bench.client.receive(10, rig.response(coap.UNAUTHORIZED, sent, options=((oscore.ECHO, b"x"),)))
    assert bench.client.poll(10) is None


def test_authenticated_refusal_is_for_good():
    bench = Bench()
    sent = _posted(bench)
    bench.client.receive(10, bench.reply(sent, coap.NOT_FOUND, payload=b"unknown device"))
    assert bench.client.waiting == 0
    assert bench.events.of("refused")[0]["diagnostic"] == "unknown device"


def test_without_a_sequence_number_nothing_leaves_and_the_reading_stays():
    bench = Bench()
    give = bench.board.sequence.next

    def refuse():
        raise OSError(28)

    bench.board.sequence.next = refuse
    assert _posted(bench) is None
    assert "sequence" in bench.events.of("error")[0]["message"]
    bench.board.sequence.next = give
    sent = bench.client.poll(4000)
    assert bench.taken(sent)[2] == b"[reading]"


def test_plain_commands_move_nothing_whoever_sends_them():
    bench = Bench().ready()
    for path, payload in ((b"valve", b"close"), (b"fan", b"start"), (b".well-known/core", b"")):
        for kind in (coap.CON, coap.NON):
            message = rig.request(coap.PUT, path, payload, kind=kind)
            assert coap.decode(bench.server.answer(0, PEER, message))[1] == coap.UNAUTHORIZED
    assert bench.product.done == []


def test_protected_commands_are_obeyed_from_any_address():
    bench = Bench().ready()
    assert bench.asked(*bench.request(CLOSE))[0] == coap.CHANGED
    assert bench.asked(*bench.request(START))[0] == coap.CHANGED
    assert bench.product.done == ["close-valve", "start-fan"]


def test_protection_opens_no_valve():
    bench = Bench().ready()
    for command in ((coap.PUT, b"valve", b"open"), (coap.POST, b"valve", b"close"), (coap.DELETE, b"valve", b"")):
        assert bench.asked(*bench.request(command))[0] == coap.FORBIDDEN
    assert bench.product.done == []


def test_duplicate_gets_the_same_answer_and_does_nothing():
    bench = Bench().ready()
    message, _ = bench.request(START)
    first = bench.server.answer(0, PEER, message)
    assert bench.server.answer(500, PEER, message) == first
    assert bench.product.done == ["start-fan"]


def test_the_same_command_under_the_same_message_id_is_new_if_its_number_is():
    bench = Bench().ready()
    for _ in range(2):
        bench._mid = 7
        assert bench.asked(*bench.request(START))[0] == coap.CHANGED
    assert bench.product.done == ["start-fan", "start-fan"]


def test_replays_of_both_commands_are_refused():
    bench = Bench().ready()
    messages = [bench.request(CLOSE)[0], bench.request(START)[0]]
    for message in messages:
        bench.server.answer(0, PEER, message)
    assert len(bench.product.done) == 2
    for kind, code, mid, token, options, payload in messages:
        again = bench.server.answer(0, b"other", (kind, code, mid + 50, token, options, payload))
        assert coap.decode(again)[1] == coap.UNAUTHORIZED
        assert coap.decode(again)[5] == b"Replay detected"
    assert len(bench.product.done) == 2


def test_after_a_restart_a_fan_starts_only_with_the_proof_and_an_old_start_never():
    store = rig.store()
    before = Bench(store).ready()
    recorded, _ = before.request(START, echo=before.board.echo)
    before.server.answer(0, PEER, recorded)
    assert before.product.done == ["start-fan"]
    bench = Bench(store)
    bench.board.echo = b"of now"
    assert bench.board.window.started is False
    reply = coap.decode(bench.server.answer(0, PEER, recorded))
    assert reply[1] == coap.CHANGED
    assert bench.product.done == []
    code, options = bench.asked(*bench.request(START), now=CHALLENGE_EVERY_MS)
    assert (code, options) == (coap.UNAUTHORIZED, [(oscore.ECHO, b"of now")])
    proved, binding = bench.request(START, echo=b"of now")
    assert bench.asked(proved, binding)[0] == coap.CHANGED
    assert bench.product.done == ["start-fan"]
    bench.server.answer(0, b"other", recorded)
    bench.server.answer(0, b"other", proved)
    assert bench.product.done == ["start-fan"]


def test_after_a_restart_closing_does_not_wait_for_the_proof():
    bench = Bench()
    message, binding = bench.request(CLOSE)
    reply = coap.decode(bench.server.answer(0, PEER, message))
    # The nonce of a request that may be old is never used for the answer.
    assert oscore.parse_option(coap.option(reply[4], oscore.OSCORE))[0] != b""
    assert oscore.unprotect_response(bench.gateway.context, binding, reply[4], reply[5])[0] == coap.CHANGED
    assert bench.product.done == ["close-valve"]
    assert bench.board.window.started is False


def test_replayer_after_a_restart_uses_up_one_number_a_second():
    bench = Bench()
    numbers = [bench.board.sequence.next()]
    for now in range(0, 3 * CHALLENGE_EVERY_MS, 100):
        reply = coap.decode(bench.server.answer(now, PEER, bench.request(START)[0]))
        assert reply[1] in (coap.CHANGED, coap.SERVICE_UNAVAILABLE)
    numbers.append(bench.board.sequence.next())
    assert numbers[1] - numbers[0] == 1 + 3
    assert bench.product.done == []


def test_closing_acts_even_where_no_answer_can_be_made():
    bench = Bench()

    def refuse():
        raise OSError(28)

    bench.board.sequence.next = refuse
    reply = coap.decode(bench.server.answer(0, PEER, bench.request(CLOSE)[0]))
    assert reply[1] == coap.INTERNAL_ERROR
    assert bench.product.done == ["close-valve"]


def test_request_as_non_is_answered_as_non():
    bench = Bench().ready()
    message, binding = bench.request(CLOSE, kind=coap.NON)
    kind, _, _, _, options, payload = coap.decode(bench.server.answer(0, PEER, message))
    assert kind == coap.NON
    assert oscore.unprotect_response(bench.gateway.context, binding, options, payload)[0] == coap.CHANGED
    assert bench.server.answer(0, PEER, message) is None


def test_damaged_command_moves_nothing_and_spoils_nothing():
    bench = Bench().ready()
    message, binding = bench.request(START)
    kind, code, mid, token, options, payload = message
    bad = (kind, code, mid, token, options, payload[:-1] + bytes((payload[-1] ^ 1,)))
    assert coap.decode(bench.server.answer(0, PEER, bad))[1] == coap.BAD_REQUEST
    assert bench.product.done == []
    assert bench.asked(message, binding)[0] == coap.CHANGED
    raised(oscore.OscoreError, oscore.unprotect_response, bench.gateway.context, binding, [], b"")
