"""One leg's closes, session by session, as the log told them.

============ ==================================== =============
session      bar                                  told
============ ==================================== =============
unknown      any                                  ``NEW``
known        same close, same adjusted close      ``UNCHANGED``
known        same close, other adjusted close     ``READJUSTED``
known        other close, higher revision         ``CORRECTED``
known        other close, revision not higher     ``OUTDATED``
============ ==================================== =============

An adjustment is no correction: a dividend changes every older adjusted close and no fact. A bar of the same
revision that differs comes from another source; the first that was known stays, or the log's order would not
decide.
"""

from bisect import bisect_left
from enum import StrEnum

from shared.domain.bars import Bar


class Told(StrEnum):
    """What a bar changed."""

    NEW = "new"
    UNCHANGED = "unchanged"
    READJUSTED = "readjusted"
    CORRECTED = "corrected"
    OUTDATED = "outdated"


class LegHistory:
    """Bars of one instrument in session order.

    Parameters
    ----------
    limit
        Sessions kept; the oldest go first.

    Examples
    --------
    >>> def bar(session, close, revision=0):
    ...     return Bar(instrument="IWM.SIM", session=session, close=close, adj_close=close,
    ...                known_at_ns=0, revision=revision, source="replay")
    >>> history = LegHistory(limit=800)
    >>> [history.put(each).value for each in (bar("2020-03-18", 99.97), bar("2020-03-18", 99.0),
    ...                                       bar("2020-03-18", 99.9, revision=1))]
    ['new', 'outdated', 'corrected']
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._bars: dict[str, Bar] = {}
        self._sessions: list[str] = []

    @property
    def sessions(self) -> list[str]:
        """Return the known sessions, ascending; not to be changed."""
        return self._sessions

    def put(self, bar: Bar) -> Told:
        """Take a bar in and tell what it changed."""
        known = self._bars.get(bar.session)
        if known is None:
            at = bisect_left(self._sessions, bar.session)
            self._sessions.insert(at, bar.session)
            self._bars[bar.session] = bar
            if len(self._sessions) > self._limit:
                del self._bars[self._sessions.pop(0)]
            return Told.NEW
        if bar.close != known.close:
            if bar.revision <= known.revision:
                return Told.OUTDATED
            self._bars[bar.session] = bar
            return Told.CORRECTED
        if bar.adj_close != known.adj_close:
            self._bars[bar.session] = bar
            return Told.READJUSTED
        return Told.UNCHANGED

    def get(self, session: str) -> Bar | None:
        """Return a session's bar, None where it is not known."""
        return self._bars.get(session)

    def newest(self) -> Bar | None:
        """Return the bar of the latest session, None before the first."""
        return self._bars[self._sessions[-1]] if self._sessions else None
