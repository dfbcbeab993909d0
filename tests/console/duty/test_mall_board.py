"""A whole mall on the interlock board: it has no device of its own, and is shown all the same."""

from console.api.shapes_duty import InterlockItem
from console.duty.interlock_board import InterlockBoard
from tests.fixtures.malls import BUILDING, HOTPOT, MARKET, MATRICES, NOODLES, TEA, mall_site, quiet_mall


def test_mall_is_unknown_before_anything_was_heard_of_it() -> None:
    board = InterlockBoard(mall_site(), MATRICES)
    assert {one["id"]: one["state"] for one in board.items()} == dict.fromkeys(
        (BUILDING, NOODLES, TEA, HOTPOT, MARKET), "unknown"
    )


def test_what_is_asked_of_people_is_shown() -> None:
    board, mall = InterlockBoard(mall_site(), MATRICES), quiet_mall({"intake": None})
    mall.run(10, 20, {"duct:1": {"methane": 12.0}})
    for event in mall.events:
        board.observe(event)
    item = InterlockItem.model_validate(board.find(BUILDING))
    assert item.first_out is not None
    assert (item.state, item.first_out.id) == ("tripped", "ML-3")
    assert {one.action: one.status for one in item.effects if one.device is None} == {
        "stop-intake": "absent", "ask-person": "held", "inhibit-fan": "held", "ask-evacuation": "held",
    }  # fmt: skip
