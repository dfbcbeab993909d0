"""Writes a small journal of what ``tests/vectors/journal/0.1.0`` has recorded, by the `journal` package that is on the
path: ``python tools/journal_file.py FOLDER``. Run it once for each schema of the file, with a folder ``schema-N``
beside the bodies; those of earlier schemas stay as they are. (Schema 1 was written by an export of commit ab56aa3.)
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from journal.entry import Entry
from journal.file import VERSION
from journal.sqlite import SqliteJournal

BODIES = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "journal" / "0.1.0"
T0 = 1_795_000_000_000_000_000


def recorded() -> tuple[list[Entry], dict[str, bytes]]:
    """An entry of each kind, in partitions of their own, and a key of each kind of state."""
    entries, state = [], {}
    for number, path in enumerate(sorted(BODIES.glob("*.json"))):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        body = bytes.fromhex(found["bodies"][0]["hex"])
        if "/" in found["kind"]:
            state[found["kind"] + ("" if found["kind"].endswith("cursor") else "x")] = body
        else:
            entries.append(Entry(found["kind"], f"{found['kind']}-1", number, T0 + number, body))
    return entries, state


async def write(folder: Path) -> None:
    """The entries, three commits; where the file can be sealed, it is after the second."""
    journal = SqliteJournal.open(folder, now=T0)
    entries, state = recorded()
    await journal.append(entries[:3], {**state, "gone/x": b"\1"})
    await journal.append(entries[3:6], {"gone/x": None})
    if VERSION > 1:
        from journal.writer import Limit  # noqa: PLC0415 - not in the package of schema 1

        await journal.seal(T0 + 10**9, Limit(0, 0))
    await journal.append(entries[6:])
    found = {
        "source": f"tools/journal_file.py, schema {VERSION}",
        "entries": [[position, *entry[:4], entry.body.hex()] for position, entry in journal.tail(100)],
        "state": {key: body.hex() for key, body in journal.load_state("").items()},
    }
    await journal.close()
    (folder / "journal.lock").unlink()
    (folder / "holds.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
