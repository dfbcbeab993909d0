"""The shared Modbus codec against published vectors, under CPython and MicroPython, with equal results."""

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("wire_modbus_probe.py")
MICROPYTHON = Path(sys.executable).with_name("micropython")
VECTORS = json.loads((ROOT / "tests/vectors/modbus.json").read_text())

Row = tuple[str, list[Any]]


def probe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wire_modbus_probe", PROBE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_cpython(rows: list[Row]) -> Any:
    return json.loads(json.dumps(probe().run(rows)))


def run_micropython(rows: list[Row]) -> Any:
    done = subprocess.run(
        [MICROPYTHON, "-X", "heapsize=8M", PROBE],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


interpreters = pytest.mark.parametrize(
    "run",
    [
        pytest.param(run_cpython, id="cpython"),
        pytest.param(run_micropython, id="micropython", marks=pytest.mark.board),
    ],
)

SUPPORTED = {1, 2, 3, 4, 5, 6, 15, 16}
ASKED = {1: "0100750008", 3: "0300750002", 4: "0400750002", 16: "100075000306006f00790083"}


def frame_rows(frame: dict[str, Any]) -> list[tuple[Row, Any]]:
    """The rows that one frame vector stands for, with what each must give."""
    unit, pdu, text = frame["unit"], frame["pdu_hex"], frame["frame_hex"]
    if frame["framing"] == "tcp-mbap":
        tid = frame["transaction"]
        return [(("tcp_frame", [tid, unit, pdu]), text), (("tcp_frames", [text]), [[tid, unit, pdu]])]
    rows: list[tuple[Row, Any]] = [(("rtu_frame", [unit, pdu]), text)]
    if int(pdu[:2], 16) & 0x80 or frame.get("what") == "Response":
        asked = "03007c0002"
        return [*rows, (("rtu_reply", [unit, asked, text]), [pdu, 0, 0, 0])]
    return [*rows, (("rtu_requests", [text]), [[[unit, pdu]], 0])]


def request_rows(vector: dict[str, Any]) -> list[tuple[Row, Any]]:
    fields, function, pdu = vector["fields"], vector["fc"], vector["pdu_hex"]
    if "count" in fields:
        payload, values, count = fields["count"], [], fields["count"]
    else:
        payload = fields.get("value", fields.get("bits", fields.get("registers")))
        values = [int(one) for one in payload] if isinstance(payload, list) else [int(payload)]
        count = len(values)
    return [
        (("encode", [function, fields["address"], payload]), pdu),
        (("request", [pdu]), [function, fields["address"], count, values]),
    ]


def response_row(vector: dict[str, Any]) -> tuple[Row, Any]:
    fields, function = vector["fields"], vector["fc"]
    row: Row = ("response", [ASKED[function], vector["pdu_hex"]])
    if "exception" in fields:
        return row, ["ExceptionReply", fields["exception"]]
    if "bits" in fields:
        return row, bytes([sum(bit << at for at, bit in enumerate(fields["bits"]))]).hex()
    return row, "".join(f"{one:04x}" for one in fields.get("registers", []))


def all_rows() -> tuple[list[tuple[Row, Any]], dict[str, list[str]]]:
    """Every applicable vector as rows, and the names of those left out by reason."""
    rows: list[tuple[Row, Any]] = []
    left_out: dict[str, list[str]] = {"ascii framing": [], "other function": []}
    rows += [(("crc", [one["data"]]), int(one["crc_register"], 16)) for one in VECTORS["checks"]]
    for frame in VECTORS["frames"]:
        if frame["framing"] == "ascii":
            left_out["ascii framing"].append(frame["id"])
        else:
            rows += frame_rows(frame)
    for vector in VECTORS["pdus"]:
        if vector["fc"] not in SUPPORTED:
            left_out["other function"].append(f"{vector['dir']} {vector['fc']}")
        elif vector["dir"] == "req":
            rows += request_rows(vector)
        else:
            rows.append(response_row(vector))
    for vector in VECTORS["bit_packing"]:
        bits = vector["bits_lsb_first_per_byte"]
        rows += [(("unpack", [vector["bytes"], len(bits)]), bits), (("pack", [bits]), vector["bytes"])]
    for vector in VECTORS["derived"]:
        if "error" in vector:
            rows.append((("rtu_requests", [vector["frame_hex"]]), [[], len(vector["frame_hex"]) // 2]))
        else:
            rows += frame_rows(vector)
    return rows, left_out


@interpreters
def test_published_vectors_decode_and_encode(run: Any) -> None:
    expected, _ = all_rows()
    results = run([row for row, _ in expected])
    wrong = [(row, got, want) for (row, want), got in zip(expected, results, strict=True) if got != want]
    assert wrong == []


def test_vectors_left_out_are_counted_with_their_reason() -> None:
    rows, left_out = all_rows()
    # No device of ours speaks ASCII framing or one of the functions 7, 11, 17, 22, 23, 24 and 43.
    assert len(left_out["ascii framing"]) == 9
    assert left_out["other function"] == [
        "req 22", "req 23", "req 24", "req 43", "req 7", "req 17", "resp 24", "resp 7", "resp 11",
    ]  # fmt: skip
    assert len(rows) == 91


@interpreters
def test_unsupported_functions_are_refused_as_illegal_function(run: Any) -> None:
    others = [one["pdu_hex"] for one in VECTORS["pdus"] if one["fc"] not in SUPPORTED and one["dir"] == "req"]
    assert run([("request", [one]) for one in others]) == [["PduError", 1]] * 6


def random_rows(count: int) -> list[Row]:
    """Valid frames, damaged ones and plain garbage in random chunks, for the comparison of interpreters."""
    dice = random.Random(20261120)
    rows: list[Row] = []
    texts = [row[1][-1] for row, _ in all_rows()[0] if row[0] in ("rtu_requests", "rtu_reply", "tcp_frames")]
    for _ in range(count):
        data = bytearray()
        for _ in range(dice.randrange(4)):
            data += bytes.fromhex(dice.choice(texts)) if dice.random() < 0.7 else dice.randbytes(dice.randrange(12))
        if data and dice.random() < 0.3:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        cut = dice.randrange(len(data) + 1)
        chunks = [bytes(data[:cut]).hex(), bytes(data[cut:]).hex()]
        rows.append(("rtu_requests", list(chunks)))
        rows.append(("rtu_reply", [17, "03007c0002", *chunks]))
        rows.append(("tcp_frames", list(chunks)))
        rows.append(("request", [bytes(data[:12]).hex()]))
        rows.append(("response", ["03007c0002", bytes(data[:6]).hex()]))
    return rows


@pytest.mark.board
def test_both_interpreters_give_equal_results_for_random_input() -> None:
    rows = random_rows(400)
    assert run_micropython(rows) == run_cpython(rows)
