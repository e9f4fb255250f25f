"""What a bar changes of the closes that are known of its session.

============ ============================================== ==============
session      bar                                            change
============ ============================================== ==============
unknown      any                                            ``NEW``
known        same close, same adjusted close                ``UNCHANGED``
known        same close, other adjusted close               ``READJUSTED``
known        other close, higher revision                   ``CORRECTED``
known        other close, same revision and source          ``READJUSTED``
known        other close, otherwise                         ``OUTDATED``
============ ============================================== ==============

An adjustment is not a correction. A dividend changes every older adjusted close, and a split changes every
older close of a source that adjusts for splits; the price that was traded stays the same. A bar of the same
revision with another close from another source is not used: the bar that came first in the log stays.
"""

from enum import StrEnum

from shared.domain.bars import Bar


class BarChange(StrEnum):
    """What a bar changed."""

    NEW = "new"
    UNCHANGED = "unchanged"
    READJUSTED = "readjusted"
    CORRECTED = "corrected"
    OUTDATED = "outdated"


def change_by(bar: Bar, *, close: float, adj_close: float, origin: tuple[str, int]) -> BarChange:
    """Return what a bar changes of its session, which is known with these closes.

    Parameters
    ----------
    origin
        Source and revision of the known bar.

    Examples
    --------
    >>> def change(close, source, revision=0):
    ...     bar = Bar(instrument="IWM.SIM", session="2020-03-18", close=close, adj_close=close,
    ...               known_at_ns=0, revision=revision, source=source)
    ...     return change_by(bar, close=99.97, adj_close=99.97, origin=("yahoo", 0)).value
    >>> change(99.97, "tiingo"), change(99.0, "tiingo"), change(99.9, "tiingo", 1), change(49.98, "yahoo")
    ('unchanged', 'outdated', 'corrected', 'readjusted')
    """
    if bar.close == close:
        return BarChange.UNCHANGED if bar.adj_close == adj_close else BarChange.READJUSTED
    source, revision = origin
    if bar.revision > revision:
        return BarChange.CORRECTED
    is_restated = bar.revision == revision and bar.source == source
    return BarChange.READJUSTED if is_restated else BarChange.OUTDATED
