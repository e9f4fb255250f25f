"""From the prices at which each thing would happen, the nearest to the present one on each side."""

import math
from collections.abc import Iterable
from typing import TypeVar

What = TypeVar("What")


def nearest_ticks(
    happenings: Iterable[tuple[int, int, What]], present: float
) -> tuple[tuple[What, int], ...]:
    """Return for each thing the nearest prices at which it happens, in ticks, at most one on each side.

    Parameters
    ----------
    happenings
        First price, last price, both in ticks, and what happens at each of them.
    present
        The present price in ticks; it need not lie on the grid.

    Returns
    -------
    tuple
        Each thing with a price, the price below before the one above, in the order of ``happenings``. What
        happens at the present price has one price, the one of the grid that is nearest to it.

    Examples
    --------
    >>> nearest_ticks([(1, 5, "eases"), (10, 20, "opens"), (30, 40, "eases")], 15.4)
    (('eases', 5), ('eases', 30), ('opens', 15))
    """
    below: dict[What, int] = {}
    above: dict[What, int] = {}
    order: dict[What, None] = {}
    down, up = math.floor(present), math.ceil(present)
    for first, last, what in happenings:
        order[what] = None
        if first <= down:
            below[what] = max(min(last, down), below.get(what, 0))
        if last >= up:
            above[what] = min(max(first, up), above.get(what, last))
    found: list[tuple[What, int]] = []
    for what in order:
        low, high = below.get(what), above.get(what)
        if low == down and high == up:
            found.append((what, down if present - down <= up - present else up))
            continue
        found += [(what, tick) for tick in (low, high) if tick is not None]
    return tuple(found)
