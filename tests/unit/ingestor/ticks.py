"""Builders of tick batches with plausible defaults."""

import numpy as np

from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)

LEAD = "XAU/USD.TEST"


def quotes(*bids: float, feed: str = "test", instrument: str = LEAD, first_ns: int = 0) -> QuoteBatch:
    instants = first_ns + np.arange(len(bids), dtype=np.int64)
    prices = np.array(bids, dtype=np.float64)
    return QuoteBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=instants,
        ts_received_ns=instants + 7,
        bid=prices,
        ask=prices + 0.5,
    )


def trades(*prices: float, feed: str = "test") -> TradeBatch:
    instants = np.arange(len(prices), dtype=np.int64)
    column = np.array(prices, dtype=np.float64)
    return TradeBatch(
        instrument=LEAD,
        feed=feed,
        ts_event_ns=instants,
        ts_received_ns=instants,
        price=column,
        size=column / 10,
        trade_id=tuple(f"t{price:g}" for price in prices),
    )


def status(watermark_ns: int, state: FeedState = FeedState.LIVE) -> FeedStatus:
    return FeedStatus(instrument=LEAD, feed="test", state=state, watermark_ns=watermark_ns)


def authority(feed: str, *, since_ns: int = 0, previous: str | None = None) -> FeedAuthority:
    return FeedAuthority(
        instrument=LEAD, feed=feed, since_ns=since_ns, reason=AuthorityReason.FIRST, previous=previous
    )


def fault(at_ns: int, *, is_open: bool = True) -> FeedFault:
    return FeedFault(
        instrument=LEAD, feed="test", fault=FeedFaultKind.FEEDS_DISAGREE, is_open=is_open, at_ns=at_ns
    )


def bar(session: str, close: float = 100.0, **changes: object) -> Bar:
    fields: dict[str, object] = {
        "instrument": "IWM.TEST",
        "session": session,
        "close": close,
        "adj_close": close,
        "known_at_ns": 1,
        "status": BarStatus.FINAL,
        "source": "test",
    }
    return Bar(**{**fields, **changes})  # type: ignore[arg-type]  # fields by name


def bar_batch(*bars: Bar, mode: BarsMode = BarsMode.LIVE) -> BarBatch:
    return BarBatch(instrument=bars[0].instrument, mode=mode, bars=bars)
