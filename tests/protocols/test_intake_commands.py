"""Commands that stop what draws air in: a fresh-air unit or its damper. None of them may start it, nor open it (S2)."""

from typing import Any

import pytest

from tests.fixtures.modbus_profiles import profile
from tests.fixtures.random_commands import element, problems

UNIT = element("intake", "intake", "stopped", modbus={"table": "input", "address": 0})
DAMPER = element("damper", "intake", "closed", modbus={"table": "input", "address": 0})
FAN = element("fan", "fan", "stopped", modbus={"table": "input", "address": 1})
PROOF = {"point": "intake", "equals": 2, "within_s": 5}


def said(form: dict[str, Any], point: dict[str, Any] = UNIT, **keys: Any) -> list[str]:
    """The keys of the command that are wrong."""
    proof = {**PROOF, "point": point["name"]}
    command = {"name": "stop", "effect": "stop-intake", "final_element": True, "read_back": proof, **form, **keys}
    return problems(profile(point, *([] if point is FAN else [FAN]), command=[command]))


@pytest.mark.parametrize(
    "form",
    [
        {"modbus": {"table": "coil", "address": 0, "value": 1}},
        {"modbus": {"table": "coil", "address": 0, "value": 0}},
        {"coap": {"path": "intake", "payload": "stop"}},
        {"mqtt": {"topic": "cmnd/{device}/INTAKE", "payload": "off"}},
        {"coap": {"path": "damper", "payload": "close"}},
    ],
)
def test_intake_may_be_stopped(form: dict[str, Any]) -> None:
    assert said(form) == []
    assert said(form, DAMPER) == []


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ({"coap": {"path": "intake", "payload": "start"}}, "coap.payload"),
        ({"mqtt": {"topic": "cmnd/{device}/INTAKE", "payload": "on"}}, "mqtt.payload"),
        ({"mqtt": {"topic": "intake/run", "payload": "1"}}, "mqtt.topic"),
        ({"coap": {"path": "damper", "payload": "open"}}, "coap.payload"),
        ({"coap": {"path": "intake/stop", "payload": "false"}}, "coap.payload"),
        ({"mqtt": {"topic": "intake/stop", "payload": "0"}}, "mqtt.payload"),
    ],
)
def test_nothing_else_is_done_under_that_name(form: dict[str, Any], key: str) -> None:
    assert said(form) == [f"command[stop].{key}"]


@pytest.mark.parametrize(
    ("point", "keys", "key"),
    [
        (UNIT, {"read_back": PROOF | {"equals": 1}}, "read_back.equals"),
        (FAN, {}, "read_back.point"),
        (UNIT, {"read_back": None}, "read_back"),
        (UNIT, {"final_element": False}, "final_element"),
    ],
)
def test_proof_is_the_intake_s_own_state_at_rest(point: dict[str, Any], keys: dict[str, Any], key: str) -> None:
    found = said({"modbus": {"table": "coil", "address": 0, "value": 1}}, point, **keys)
    assert f"command[stop].{key}" in found
