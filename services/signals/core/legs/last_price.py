"""The live prices of the legs that tick, and how far event time has come."""

from dataclasses import dataclass
from typing import Final

from shared.domain.bars import MAX_SAMPLE_AGE_NS
from shared.domain.ticks import FeedState

# While quotes come, a trade says nothing that the mid does not say better.
QUOTE_PRECEDENCE_NS: Final = 60 * 1_000_000_000
# No market that is watched here halves or gains half between two ticks; a slipped decimal point does.
_JUMP: Final = 1.5
# Two prices within this factor of a third are within a jump of each other.
_CALM: Final = 1.22
# A level that comes this often in a row is where the market is, however far it jumped.
_AGREEING: Final = 3


@dataclass(slots=True, kw_only=True)
class LogProgress:
    """How far a lead's log has told.

    Parameters
    ----------
    watermark_ns
        Event time before which nothing more is used; never goes back.
    next_close
        Ordinal of the first session of the calendar whose close the watermark has not passed; -1 before the
        first instant is known.
    """

    watermark_ns: int = 0
    next_close: int = -1


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
        A price that jumped too far to be believed at once, and how many in a row agree with it.
    rejected_ts_ns
        Event time of the last price that was not believed; 0 before the first.
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
        """Take a price that is believed."""
        self.price, self.ts_ns, self.feed = price, ts_ns, feed
        self.jump_price, self.jump_count = None, 0

    def is_plausible(self, price: float) -> bool:
        """Tell whether a price may follow the last one, and remember it if not.

        Examples
        --------
        A thousandfold price is refused; a level that stays is believed the third time.

        >>> last_price = LastPrice(price=1300.0)
        >>> last_price.is_plausible(1_300_000.0), last_price.is_plausible(1301.0)
        (False, True)
        >>> [last_price.is_plausible(2600.0) for _ in range(3)]
        [False, False, True]
        """
        if self.price is None or _are_near(price, self.price, _JUMP):
            return True
        agrees = self.jump_price is not None and _are_near(price, self.jump_price, _JUMP)
        self.jump_price, self.jump_count = price, self.jump_count + 1 if agrees else 1
        return self.jump_count >= _AGREEING

    @property
    def jump_band(self) -> tuple[float, float]:
        """Return the prices around this one between which no tick can be a jump from another.

        Before the first price no price lies between them: the next is looked at by itself.
        """
        if self.price is None:
            return float("inf"), 0.0
        return self.price / _CALM, self.price * _CALM

    def sample_at(self, close_ns: int) -> float | None:
        """Return the price for a close, None when it is older than 15 minutes.

        Spot gold is always open in these minutes of a session, so the age needs no calendar.
        """
        if self.price is None or close_ns - self.ts_ns > MAX_SAMPLE_AGE_NS:
            return None
        return self.price


def _are_near(price: float, other: float, factor: float) -> bool:
    return other <= price * factor and price <= other * factor
