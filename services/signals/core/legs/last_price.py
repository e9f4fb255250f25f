"""The newest live price of one instrument."""

from dataclasses import dataclass

from shared.domain.ticks import FeedState


@dataclass(slots=True, kw_only=True)
class LastPrice:
    """The newest price of one instrument.

    Parameters
    ----------
    price
        Last mid, else last trade, USD; None before the first tick.
    ts_ns
        Event time of the price.
    quote_ts_ns
        Event time of the last quote; 0 before the first.
    feed, feed_state
        As the ticks and the status records say; None before the first.
    jump_price, jump_count
        A price that jumped too far to be accepted at once, and how many in a row agree with it.
    rejected_ts_ns
        Event time of the last price that was rejected; 0 before the first.
    """

    price: float | None = None
    ts_ns: int = 0
    quote_ts_ns: int = 0
    feed: str | None = None
    feed_state: FeedState | None = None
    jump_price: float | None = None
    jump_count: int = 0
    rejected_ts_ns: int = 0

    def move(self, price: float, ts_ns: int, feed: str) -> None:
        """Set the newest price to one that was accepted."""
        self.price, self.ts_ns, self.feed = price, ts_ns, feed
        self.jump_price, self.jump_count = None, 0
