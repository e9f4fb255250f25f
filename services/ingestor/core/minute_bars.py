"""One-minute bars of prices by event time: as they come, one by one, or all at once in columns.

=============================================== ============================================================
a price of                                      does
=============================================== ============================================================
the open minute, or one after it                open: widens its bar; its first and last price are those of
                                                the first and last event time, however they arrive
a minute that was given out, not long ago       give the minute out again, with the next revision
a minute before those                           count as late
=============================================== ============================================================

A minute is given out when the watermark has passed its end: no earlier, so that a price which is late within
the allowed lateness is in it.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

MINUTE_NS: Final = 60_000_000_000
# How many minutes given out can still be corrected.
_KEPT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteBar:
    """The prices of one minute.

    Parameters
    ----------
    start_ns
        Its first instant, nanoseconds since the Unix epoch; the next minute's is not part of it.
    ticks
        How many prices.
    revision
        0 when it is first given out; more when a late price corrected it.
    """

    start_ns: int
    open: float
    high: float
    low: float
    close: float
    ticks: int
    revision: int = 0


@dataclass(slots=True)
class _Minute:
    bar: MinuteBar
    first_ns: int
    last_ns: int

    def add(self, ts_event_ns: int, price: float) -> None:
        """Take in a price; of two at one instant, the later one to arrive is the later one."""
        bar = self.bar
        is_first, is_last = ts_event_ns < self.first_ns, ts_event_ns >= self.last_ns
        self.bar = replace(
            bar,
            open=price if is_first else bar.open,
            high=max(bar.high, price),
            low=min(bar.low, price),
            close=price if is_last else bar.close,
            ticks=bar.ticks + 1,
        )
        self.first_ns = min(self.first_ns, ts_event_ns)
        self.last_ns = max(self.last_ns, ts_event_ns)


class MinuteBars:
    """The minutes of one instrument, from prices one by one.

    Examples
    --------
    >>> minutes = MinuteBars()
    >>> for second, price in [(1, 1291.7), (30, 1292.0), (59, 1291.4), (61, 1291.5)]:
    ...     _ = minutes.add(second * 1_000_000_000, price)
    >>> [(bar.open, bar.high, bar.low, bar.close) for bar in minutes.advance(MINUTE_NS)]
    [(1291.7, 1292.0, 1291.4, 1291.4)]
    >>> late = minutes.add(58 * 1_000_000_000, 1290.0)
    >>> late.low, late.close, late.revision
    (1290.0, 1291.4, 1)
    """

    def __init__(self) -> None:
        self.late = 0
        self._minutes: dict[int, _Minute] = {}
        self._watermark_ns = 0

    def add(self, ts_event_ns: int, price: float) -> MinuteBar | None:
        """Take in a price; return the bar that it corrects, if its minute was given out.

        Parameters
        ----------
        ts_event_ns
            Nanoseconds since the Unix epoch.
        price
            Positive and finite.
        """
        start_ns = ts_event_ns - ts_event_ns % MINUTE_NS
        is_given_out = start_ns + MINUTE_NS <= self._watermark_ns
        minute = self._minutes.get(start_ns)
        if minute is not None:
            minute.add(ts_event_ns, price)
        elif is_given_out and self._is_forgotten(start_ns):
            self.late += 1
            return None
        else:
            bar = MinuteBar(
                start_ns=start_ns,
                open=price,
                high=price,
                low=price,
                close=price,
                ticks=1,
                # A minute without a price was not given out; it is the first of its kind all the same.
                revision=-1 if is_given_out else 0,
            )
            minute = _Minute(bar=bar, first_ns=ts_event_ns, last_ns=ts_event_ns)
            self._minutes[start_ns] = minute
        if not is_given_out:
            return None
        minute.bar = replace(minute.bar, revision=minute.bar.revision + 1)
        return minute.bar

    def advance(self, watermark_ns: int) -> tuple[MinuteBar, ...]:
        """Return the minutes that have ended by now and were not given out, ascending.

        Parameters
        ----------
        watermark_ns
            No more prices before this are expected; one that goes back changes nothing.
        """
        before_ns, self._watermark_ns = self._watermark_ns, max(self._watermark_ns, watermark_ns)
        starts = sorted(self._minutes)
        ended = [start for start in starts if start + MINUTE_NS <= self._watermark_ns]
        for old in ended[:-_KEPT]:
            if old + MINUTE_NS <= before_ns:
                del self._minutes[old]
        return tuple(self._minutes[start].bar for start in ended if start + MINUTE_NS > before_ns)

    def _is_forgotten(self, start_ns: int) -> bool:
        """Return whether a minute is older than all that are kept."""
        return start_ns < min(self._minutes, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteColumns:
    """Bars in columns, ascending by their start; minutes without a price are left out."""

    start_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    ticks: NDArray[np.int64]


def minute_columns(ts_event_ns: NDArray[np.int64], prices: NDArray[np.float64]) -> MinuteColumns:
    """Return the bars of many prices at once: the same as `MinuteBars` makes of them.

    Parameters
    ----------
    ts_event_ns, prices
        Shape ``(n,)`` each, in the order of arrival.
    """
    order = np.argsort(ts_event_ns, kind="stable")
    times, values = ts_event_ns[order], prices[order]
    starts = times - times % MINUTE_NS
    first = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 1))
    ends = np.append(first[1:], len(starts))
    return MinuteColumns(
        start_ns=starts[first],
        open=values[first],
        high=np.maximum.reduceat(values, first) if first.size else values,
        low=np.minimum.reduceat(values, first) if first.size else values,
        close=values[ends - 1] if first.size else values,
        ticks=(ends - first) if first.size else np.empty(0, np.int64),
    )
