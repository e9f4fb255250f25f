"""The sessions that both legs have, as arrays. Every confirmed statistic is computed from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.history import LegHistory, label_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSessions:
    """Both legs, session by session.

    Parameters
    ----------
    days
        Sessions by their numbers (`history.day_of`), ascending, shape ``(n,)``.
    lead, other
        Raw closes, shape ``(n,)``, USD.
    log_ratio
        ``ln(A_s / B_s)`` of the adjusted closes, shape ``(n,)``.
    lead_returns, other_returns
        ``ln`` returns of the adjusted closes between neighbouring aligned sessions, shape ``(n - 1,)``, or
        ``(0,)`` when there is no session at all.
    """

    days: NDArray[np.int32]
    lead: NDArray[np.float64]
    other: NDArray[np.float64]
    log_ratio: NDArray[np.float64]
    lead_returns: NDArray[np.float64]
    other_returns: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.days)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Return every label, ascending; computed at each call."""
        return self.labels(len(self.days))

    def labels(self, count: int) -> tuple[str, ...]:
        """Return the labels of the last ``count`` sessions, ascending."""
        return tuple(map(label_of, self.days[max(0, len(self.days) - count) :].tolist()))

    def until(self, count: int, *, limit: int) -> "AlignedSessions":
        """Return the last ``limit`` of the first ``count`` sessions."""
        first = max(0, count - limit)
        return AlignedSessions(
            days=self.days[first:count],
            lead=self.lead[first:count],
            other=self.other[first:count],
            log_ratio=self.log_ratio[first:count],
            lead_returns=self.lead_returns[first : max(first, count - 1)],
            other_returns=self.other_returns[first : max(first, count - 1)],
        )


def align(lead: LegHistory, other: LegHistory) -> AlignedSessions:
    """Join two legs on their sessions, as copies that later changes of the legs do not affect.

    Examples
    --------
    >>> len(align(LegHistory(limit=5), LegHistory(limit=5)))
    0
    """
    lead_rows, other_rows = _common_rows(lead.days, other.days)
    lead_adjusted, other_adjusted = lead.adj_closes[lead_rows], other.adj_closes[other_rows]
    return AlignedSessions(
        days=lead.days[lead_rows],
        lead=lead.closes[lead_rows],
        other=other.closes[other_rows],
        log_ratio=np.log(lead_adjusted / other_adjusted),
        lead_returns=np.log(lead_adjusted[1:] / lead_adjusted[:-1]),
        other_returns=np.log(other_adjusted[1:] / other_adjusted[:-1]),
    )


def _common_rows(
    lead: NDArray[np.int32], other: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of both legs whose sessions the other one has; both are ascending."""
    places = lead.searchsorted(other)
    is_common = places < len(lead)
    is_common[is_common] = lead[places[is_common]] == other[is_common]
    return places[is_common], is_common.nonzero()[0]
