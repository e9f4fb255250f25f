"""What the answer to a repeated request says that the one before did not.

A provider repeats its last price for as long as nothing changes, a whole weekend through, and servers behind
one address may answer with an older price than the one before. What was last said is remembered when requests
have failed in between: a price that is newer than it is a new one.

=================================== ===================================
price                               event
=================================== ===================================
the first of all                    quote, as a snapshot: it may be old
newer than the last                 quote
of the same time, another price     quote
the same, or up to a minute older   heartbeat
older than that                     quote, as a snapshot
=================================== ===================================

The last row is for a price whose time was far ahead of the market: it must not silence those after it.
"""

from typing import Final

from services.ingestor.feeds.streaming.events import Acknowledged, Event, Heartbeat, Quote
from shared.domain.instants import NS_PER_SECOND

# Servers behind one address differ by seconds; a time of the wrong day differs by more.
_BEHIND_NS: Final = 60 * NS_PER_SECOND


class PolledQuotes:
    """The quotes of one polled symbol.

    Examples
    --------
    >>> quotes = PolledQuotes("XAU/USD")
    >>> [type(event).__name__ for event in quotes.events(ts_event_ns=2, bid=1.0, ask=1.5)]
    ['Acknowledged', 'Quote']
    >>> quotes.events(ts_event_ns=2, bid=1.0, ask=1.5)
    [Heartbeat(last_trade_id=None, ts_event_ns=None, symbol=None)]
    >>> quotes.events(ts_event_ns=1, bid=9.0, ask=9.5) == quotes.events(ts_event_ns=2, bid=1.0, ask=1.5)
    True
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._last: tuple[int, float, float] | None = None
        self._is_acknowledged = False

    def connect(self) -> None:
        """Begin again, after failed requests: the next answer shows that the provider has the symbol."""
        self._is_acknowledged = False

    def events(self, *, ts_event_ns: int, bid: float, ask: float) -> list[Event]:
        """Return what an answer means; the first one shows that the provider has the symbol."""
        acknowledged: list[Event] = [] if self._is_acknowledged else [Acknowledged(symbol=self._symbol)]
        self._is_acknowledged = True
        last, quote = self._last, (ts_event_ns, bid, ask)
        behind_ns = last[0] - ts_event_ns if last is not None else 0
        if quote == last or 0 < behind_ns <= _BEHIND_NS:
            return [*acknowledged, Heartbeat()]
        self._last = quote
        event = Quote(
            ts_event_ns=ts_event_ns,
            bid=bid,
            ask=ask,
            is_snapshot=last is None or behind_ns > 0,
            symbol=self._symbol,
        )
        return [*acknowledged, event]
