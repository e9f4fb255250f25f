"""The lead's live price and how far event time has come; shared by every pair of the lead."""

from dataclasses import dataclass

from shared.domain.bars import MAX_SAMPLE_AGE_NS
from shared.domain.ticks import FeedState

# While quotes come, a trade says nothing that the mid does not say better.
QUOTES_RULE_NS = 60 * 1_000_000_000


@dataclass(slots=True, kw_only=True)
class LeadTape:
    """The newest price of the lead.

    Parameters
    ----------
    price
        Last mid, else last trade, USD; None before the first tick.
    ts_ns
        Event time of the price.
    quote_ts_ns
        Event time of the last quote; 0 before the first.
    watermark_ns
        Event time before which nothing more is used; never goes back.
    feed, feed_state
        As the ticks and the status records say; None before the first.
    closes_seen
        Ordinal of the first session of the calendar whose close the watermark has not passed; -1 before the
        first instant is known.
    """

    price: float | None = None
    ts_ns: int = 0
    quote_ts_ns: int = 0
    watermark_ns: int = 0
    feed: str | None = None
    feed_state: FeedState | None = None
    closes_seen: int = -1

    def sample_at(self, close_ns: int) -> float | None:
        """Return the price for a close, None when it is older than 15 minutes.

        Spot gold is always open in these minutes of a session, so the age needs no calendar.
        """
        if self.price is None or close_ns - self.ts_ns > MAX_SAMPLE_AGE_NS:
            return None
        return self.price
