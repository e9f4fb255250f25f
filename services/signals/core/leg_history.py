"""One leg's closes, session by session, as the log told them.

============ ============================================== ==============
session      bar                                            told
============ ============================================== ==============
unknown      any                                            ``NEW``
known        same close, same adjusted close                ``UNCHANGED``
known        same close, other adjusted close               ``READJUSTED``
known        other close, higher revision                   ``CORRECTED``
known        other close, same revision and source          ``READJUSTED``
known        other close, otherwise                         ``OUTDATED``
============ ============================================== ==============

An adjustment is no correction: a dividend changes every older adjusted close, a split every older close of a
source that adjusts for splits, and neither changes a fact. A bar of the same revision that differs and comes
from another source is not used: the first that was known stays, or the log's order would not decide.
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
    >>> def bar(close, source, revision=0):
    ...     return Bar(instrument="IWM.SIM", session="2020-03-18", close=close, adj_close=close,
    ...                known_at_ns=0, revision=revision, source=source)
    >>> history = LegHistory(limit=800)
    >>> bars = bar(99.97, "yahoo"), bar(99.0, "tiingo"), bar(99.9, "tiingo", 1), bar(49.95, "tiingo", 1)
    >>> [history.put(each).value for each in bars]
    ['new', 'outdated', 'corrected', 'readjusted']
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
            is_restated = bar.revision == known.revision and bar.source == known.source
            if bar.revision <= known.revision and not is_restated:
                return Told.OUTDATED
            self._bars[bar.session] = bar
            return Told.READJUSTED if is_restated else Told.CORRECTED
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
