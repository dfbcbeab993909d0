"""Charge of a battery from its voltage at rest.

The tables are typical discharge curves of one cell at room temperature, from memory and not verified [M]: good for
«change it soon», not for counting coulombs. Choose the cell by name; a cell with another curve is one more row.
"""

# Cell -> (V, %), rising; straight lines between.
CELLS = {
    "li-ion": ((3.0, 0), (3.45, 5), (3.68, 10), (3.74, 20), (3.77, 30), (3.79, 40), (3.87, 60), (4.0, 80), (4.2, 100)),
    "li-socl2": ((2.9, 0), (3.2, 5), (3.4, 10), (3.5, 20), (3.58, 50), (3.65, 100)),
}


def charge(cell: str, volts: float) -> int:
    """Whole percent, 0-100; raises KeyError for a cell that is not in `CELLS`."""
    return round(_between(CELLS[cell], volts))


def volts_at(cell: str, percent: float) -> float:
    """The voltage at which `charge` shows ``percent``: for a bench that plays a battery."""
    return _between([(share, volts) for volts, share in CELLS[cell]], percent)


def _between(rows, at: float) -> float:
    if at <= rows[0][0]:
        return rows[0][1]
    for place in range(1, len(rows)):
        (x0, y0), (x1, y1) = rows[place - 1], rows[place]
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return rows[-1][1]
