"""The newest live price of one instrument."""

from dataclasses import dataclass
from typing import Final

from shared.domain.ticks import FeedAuthority, FeedState

# Feeds differ by seconds, so a tick may be newer than event time when that goes back to another leg's.
_AHEAD_NS: Final = 60 * 1_000_000_000


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
        Event time of the last price of this feed that was rejected, or from which on its ticks count; 0 where
        there is neither.
    authority
        Which feed's ticks are used, since when and why; None where the log does not say.
    other_feed_statuses
        Status records of another feed since the last one of this feed.
    """

    price: float | None = None
    ts_ns: int = 0
    quote_ts_ns: int = 0
    feed: str | None = None
    feed_state: FeedState | None = None
    jump_price: float | None = None
    jump_count: int = 0
    rejected_ts_ns: int = 0
    authority: FeedAuthority | None = None
    other_feed_statuses: int = 0

    @property
    def newest_ts_ns(self) -> int:
        """Return the event time of the newest tick of the feed that is used; older ones are late."""
        return self.rejected_ts_ns if self.is_of_previous_feed else max(self.ts_ns, self.rejected_ts_ns)

    @property
    def is_of_previous_feed(self) -> bool:
        """Return whether the price is of the feed before the one that is used."""
        return self.authority is not None and self.feed != self.authority.feed

    def go_back(self, to_ns: int) -> None:
        """Take in that event time was too far: a rejected tick from far after it must make no others late."""
        latest_ns = to_ns + _AHEAD_NS
        self.quote_ts_ns = self.quote_ts_ns if self.quote_ts_ns <= latest_ns else to_ns
        self.rejected_ts_ns = self.rejected_ts_ns if self.rejected_ts_ns <= latest_ns else to_ns

    def move(self, price: float, ts_ns: int, feed: str) -> None:
        """Set the newest price to one that was accepted."""
        self.price, self.ts_ns, self.feed = price, ts_ns, feed
        self.jump_price, self.jump_count = None, 0
