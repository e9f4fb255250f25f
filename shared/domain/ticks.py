"""Ticks in columns, and the status of the feed that they come from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

# 2,000 quotes are about 130 kB, far below Kafka's limit of 1 MiB per record; more per record gains nothing.
MAX_TICKS_PER_RECORD: Final = 2_000


class FeedState(StrEnum):
    """What a feed is doing; each reason for missing ticks has its own state."""

    LIVE = "LIVE"
    STALE = "STALE"
    BREAK = "BREAK"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteBatch:
    """Best bids and asks of one instrument, in the order they were received.

    Parameters
    ----------
    instrument
        For instance ``XAU/USD.REPLAY``.
    feed
        Where they come from, for instance ``kraken``.
    ts_event_ns, ts_received_ns
        Shape ``(n,)``, nanoseconds since the Unix epoch, ``n >= 1``.
    bid, ask
        Shape ``(n,)``, USD, positive and finite, ``bid <= ask``.
    """

    instrument: str
    feed: str
    ts_event_ns: NDArray[np.int64]
    ts_received_ns: NDArray[np.int64]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]

    def rows(self, begin: int, end: int | None = None) -> "QuoteBatch":
        """Return rows ``begin`` to ``end`` (excluded)."""
        part = slice(begin, end)
        return QuoteBatch(
            instrument=self.instrument,
            feed=self.feed,
            ts_event_ns=self.ts_event_ns[part],
            ts_received_ns=self.ts_received_ns[part],
            bid=self.bid[part],
            ask=self.ask[part],
        )

    def where(self, is_kept: NDArray[np.bool_]) -> "QuoteBatch":
        """Return the rows for which ``is_kept``, shape ``(n,)``, is true."""
        return QuoteBatch(
            instrument=self.instrument,
            feed=self.feed,
            ts_event_ns=self.ts_event_ns[is_kept],
            ts_received_ns=self.ts_received_ns[is_kept],
            bid=self.bid[is_kept],
            ask=self.ask[is_kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeBatch:
    """Trades of one instrument, in the order they were received.

    Parameters
    ----------
    instrument, feed, ts_event_ns, ts_received_ns
        As in `QuoteBatch`.
    price, size
        Shape ``(n,)``, USD and units of the instrument.
    trade_id
        The venue's ids as text; empty where it gives none.
    """

    instrument: str
    feed: str
    ts_event_ns: NDArray[np.int64]
    ts_received_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    trade_id: tuple[str, ...]

    def rows(self, begin: int, end: int | None = None) -> "TradeBatch":
        """Return rows ``begin`` to ``end`` (excluded)."""
        part = slice(begin, end)
        return TradeBatch(
            instrument=self.instrument,
            feed=self.feed,
            ts_event_ns=self.ts_event_ns[part],
            ts_received_ns=self.ts_received_ns[part],
            price=self.price[part],
            size=self.size[part],
            trade_id=self.trade_id[part],
        )

    def where(self, is_kept: NDArray[np.bool_]) -> "TradeBatch":
        """Return the rows for which ``is_kept``, shape ``(n,)``, is true."""
        return TradeBatch(
            instrument=self.instrument,
            feed=self.feed,
            ts_event_ns=self.ts_event_ns[is_kept],
            ts_received_ns=self.ts_received_ns[is_kept],
            price=self.price[is_kept],
            size=self.size[is_kept],
            trade_id=tuple(each for each, kept in zip(self.trade_id, is_kept, strict=True) if kept),
        )


TickBatch = QuoteBatch | TradeBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """The state of one instrument's feed, and its watermark.

    Parameters
    ----------
    watermark_ns
        Event time before which no more ticks are expected, nanoseconds since the Unix epoch.
    """

    instrument: str
    feed: str
    state: FeedState
    watermark_ns: int


class AuthorityReason(StrEnum):
    """Why a feed became the one that an instrument's ticks are taken from."""

    FIRST = "first"
    PREFERRED_IS_BACK = "preferred_is_back"
    OTHER_STALE = "other_stale"
    OTHER_REFUSED = "other_refused"
    OTHER_DISAGREES = "other_disagrees"
    TAKEN_OVER = "taken_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAuthority:
    """From here on in the log an instrument's ticks are those of one feed, until the next such record.

    Parameters
    ----------
    feed
        The feed whose ticks follow.
    since_ns
        Event time from which on its ticks count, nanoseconds since the Unix epoch.
    previous
        The feed before it; None for the first.
    """

    instrument: str
    feed: str
    since_ns: int
    reason: AuthorityReason
    previous: str | None = None


class FeedFaultKind(StrEnum):
    """What a feed says is wrong with an instrument's data, besides silence; a cause of ``data_fault``."""

    FEEDS_DISAGREE = "feeds_disagree"
    CLOCK_DISAGREES = "clock_disagrees"
    LATE_OPEN = "late_open"
    CLOSE_UNEXPLAINED = "close_unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFault:
    """A fault of an instrument's data begins or ends, as the ingestor sees it.

    Parameters
    ----------
    at_ns
        Event time at which it begins or ends, nanoseconds since the Unix epoch.
    detail
        One sentence with the numbers, for people; holds no key.
    """

    instrument: str
    feed: str
    fault: FeedFaultKind
    is_open: bool
    at_ns: int
    detail: str = ""
