"""The demo waits seconds where a site waits minutes, so that the whole story can be seen. Nothing else differs.

Limits, on-delays, latches and effects are the shipped ones, and a board's alarm takes its own minute of clean air to
end. Only in a data folder stamped ``demo``.
"""

from gengfu.rules import Rulebook

OFF_DELAY_S = 5.0
RESET_AFTER_S = 10.0


def quick(book: Rulebook) -> Rulebook:
    """The rulebook with short waits between «the gas is gone» and «it may be reset»."""
    alarms = {
        name: rule.model_copy(update={"off_delay_s": min(rule.off_delay_s, OFF_DELAY_S)})
        for name, rule in book.alarms.items()
    }
    matrices = tuple(
        matrix.model_copy(update={"reset_after_s": min(matrix.reset_after_s, RESET_AFTER_S)})
        for matrix in book.matrices
    )
    return book._replace(alarms=alarms, matrices=matrices)
