"""A leg's closes as columns, wide: how a history is filled, and how a checkpoint reads it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LegColumns:
    """A history as columns of ``n`` rows, ascending by session.

    Parameters
    ----------
    days
        Sessions as `history.day_of` numbers them, int32, shape ``(n,)``.
    closes, adj_closes
        USD, float64, shape ``(n,)`` each.
    origins
        Where each bar is from, as an index into ``origin_table``; uint16, shape ``(n,)``.
    origin_table
        Source and revision.
    recent_known_at_ns
        When the newest bars were known, at most `history.RECENT_SESSIONS` of them.
    """

    days: NDArray[np.int32]
    closes: NDArray[np.float64]
    adj_closes: NDArray[np.float64]
    origins: NDArray[np.uint16]
    origin_table: tuple[tuple[str, int], ...]
    recent_known_at_ns: tuple[int, ...]
