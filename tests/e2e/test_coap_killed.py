"""A message whose answer never came, for the gateway was killed between commit and acknowledgement: stored once."""

import asyncio
from pathlib import Path

import pytest

from protocols.wire import coap
from tests.e2e.coap_program import DIES_BEFORE_IT_ANSWERS, CoapProgram
from tests.fixtures.datagrams import peer_of

pytestmark = pytest.mark.e2e

ALARM = "kitchen:gas:1"
PACKS = {
    "counted": f'[{{"bn":"{ALARM}/","n":"boot","v":1}},{{"n":"seq","v":1}},{{"n":"methane","v":3}}]',
    "without counters or time": f'[{{"n":"{ALARM}/methane","v":3}}]',
}


@pytest.mark.parametrize("name", PACKS)
async def test_retransmission_over_a_kill_between_commit_and_acknowledgement_is_stored_once(
    name: str, tmp_path: Path
) -> None:
    site = CoapProgram(tmp_path, ALARM)
    peer = await peer_of(("127.0.0.1", site.port))
    options = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
    post = coap.encode(coap.CON, coap.POST, 77, b"tk", options, payload=PACKS[name].encode())
    with site.start(DIES_BEFORE_IT_ANSWERS) as program:
        program.says("Ctrl-C stops", 20)
        peer.say(post)
        assert await asyncio.to_thread(program.ends) == -9
    assert peer.heard == []
    assert len(await site.readings()) == 1, "durable, and not told"
    with site.start() as program:
        program.says("Ctrl-C stops", 20)
        assert (await peer.ask(post)).code == "2.04"
        assert (await peer.ask(post)).code == "2.04"
        assert await asyncio.to_thread(program.interrupt) == 0
    peer.transport.close()
    assert len(await site.readings()) == 1
