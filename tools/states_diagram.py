"""Draw the states of an alarm in docs/alarm-states.md from the table that the program follows (`alarms.states`).

`python -m tools.states_diagram` writes the file again; with `--check` it only says whether it is as it should be.
"""

import sys
from pathlib import Path

from alarms.states import TABLE, AlarmState, Event

PAGE = Path(__file__).resolve().parent.parent / "docs/alarm-states.md"
BEGIN, END = "<!-- drawn from alarms/states.py -->\n", "<!-- end of what is drawn -->\n"


def drawn() -> str:
    """The diagram as Mermaid, and the whole table: what each event makes of each state. An arrow stands for every event
    between its two states."""
    arrows: dict[tuple[AlarmState, AlarmState], list[str]] = {}
    for (before, event), after in TABLE.items():
        if after is not None and after is not before:
            arrows.setdefault((before, after), []).append(event.word)
    lines = [f"    {_name(AlarmState.NORMAL)} : {AlarmState.NORMAL.word}", f"    [*] --> {_name(AlarmState.NORMAL)}"]
    lines += [f"    {_name(state)} : {state.word}" for state in AlarmState if state is not AlarmState.NORMAL]
    lines += [
        f"    {_name(before)} --> {_name(after)} : {', '.join(words)}" for (before, after), words in arrows.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", "", *_table(), ""])


def _name(state: AlarmState) -> str:
    return state.name.lower()


def _table() -> list[str]:
    head = "| state | " + " | ".join(event.word for event in Event) + " |"
    rows = [
        f"| **{state.word}** | " + " | ".join(_cell(state, TABLE[state, event]) for event in Event) + " |"
        for state in AlarmState
    ]
    return [head, "|---" * (len(Event) + 1) + "|", *rows]


def _cell(before: AlarmState, after: AlarmState | None) -> str:
    return "refused" if after is None else "·" if after is before else after.word


def redrawn(page: str) -> str:
    """The page with what is drawn put in its place. Raises `ValueError` where the place is not marked."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name}: the lines {BEGIN.strip()} and {END.strip()} are not there")
    return f"{head}{BEGIN}\n{drawn()}\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """Write or check the page."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = redrawn(page)
    if arguments == ["--check"]:
        if page != wanted:
            sys.stderr.write(f"{PAGE.name} is not as alarms/states.py says: python -m tools.states_diagram\n")
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
