"""The sessions that both legs have, as arrays: what every confirmed statistic is computed from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.leg_history import LegHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSessions:
    """Both legs, session by session.

    Parameters
    ----------
    sessions
        Labels, ascending, ``n`` of them.
    lead, other
        Raw closes, shape ``(n,)``, USD.
    log_ratio
        ``ln(A_s / B_s)`` of the adjusted closes, shape ``(n,)``.
    lead_returns, other_returns
        ``ln`` returns of the adjusted closes between neighbouring aligned sessions, shape ``(n - 1,)``, or
        ``(0,)`` when there is no session at all.
    """

    sessions: tuple[str, ...]
    lead: NDArray[np.float64]
    other: NDArray[np.float64]
    log_ratio: NDArray[np.float64]
    lead_returns: NDArray[np.float64]
    other_returns: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sessions)

    def until(self, count: int, *, limit: int) -> "AlignedSessions":
        """Return the first ``count`` sessions, of these the last ``limit``, as they stood then."""
        first = max(0, count - limit)
        return AlignedSessions(
            sessions=self.sessions[first:count],
            lead=self.lead[first:count],
            other=self.other[first:count],
            log_ratio=self.log_ratio[first:count],
            lead_returns=self.lead_returns[first : max(first, count - 1)],
            other_returns=self.other_returns[first : max(first, count - 1)],
        )


def align(lead: LegHistory, other: LegHistory) -> AlignedSessions:
    """Join two legs on their sessions.

    Examples
    --------
    >>> len(align(LegHistory(limit=5), LegHistory(limit=5)))
    0
    """
    sessions = tuple(session for session in lead.sessions if other.get(session) is not None)
    pairs = [(lead.get(session), other.get(session)) for session in sessions]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    lead_adjusted = np.array([a.adj_close for a, _ in known], dtype=np.float64)
    other_adjusted = np.array([b.adj_close for _, b in known], dtype=np.float64)
    return AlignedSessions(
        sessions=sessions,
        lead=np.array([a.close for a, _ in known], dtype=np.float64),
        other=np.array([b.close for _, b in known], dtype=np.float64),
        log_ratio=np.log(lead_adjusted / other_adjusted),
        lead_returns=np.log(lead_adjusted[1:] / lead_adjusted[:-1]),
        other_returns=np.log(other_adjusted[1:] / other_adjusted[:-1]),
    )
