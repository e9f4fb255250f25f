"""Which openings are independent of each other, as far as their returns are.

Two openings whose horizons overlap share the returns of some sessions, so they are not two observations. Each
run of such openings is one **episode**: the returns that follow different episodes have no session in common.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.outcomes.scoring import Opening

# Day 1 of `day_of` is 0001-01-01; numpy counts its days from 1970-01-01.
_UNIX_EPOCH = day_of("1970-01-01")


def starts_of(openings: Sequence[Opening], aligned: AlignedSessions) -> NDArray[np.intp]:
    """Return at which session the returns of each opening start, as an index of the aligned sessions.

    An opening that is older than they are gets a negative index, for which weekdays count as sessions.

    Parameters
    ----------
    openings
        Ascending by session.
    """
    days = np.array([day_of(opening.session) for opening in openings], dtype=np.int32)
    starts = aligned.days.searchsorted(days, side="right")
    if len(aligned):
        is_older = days < aligned.days[0]
        dates, first = (_dates(each) for each in (days[is_older], aligned.days[:1]))
        starts[is_older] = 1 - np.busday_count(dates, first)
    return starts


def episodes_of(starts: NDArray[np.intp], horizon: int) -> NDArray[np.intp]:
    """Return the number of the episode that each opening belongs to, from 0.

    Parameters
    ----------
    starts
        Ascending, shape ``(n,)``.
    horizon
        Sessions over which the returns after each opening are measured.

    Examples
    --------
    The second starts within the first one's five sessions, the third within the second one's:

    >>> episodes_of(np.array([10, 14, 18, 23]), 5).tolist()
    [0, 0, 0, 1]
    """
    return np.cumsum(np.diff(starts, prepend=starts[:1]) >= horizon)


def _dates(days: NDArray[np.int32]) -> NDArray[np.datetime64]:
    return (days - _UNIX_EPOCH).astype("datetime64[D]")
