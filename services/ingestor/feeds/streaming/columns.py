"""Single quotes and trades as the columns that the log holds."""

import numpy as np

from services.ingestor.feeds.streaming.events import Trade
from shared.domain.ticks import QuoteBatch, TradeBatch


def quote_batch(
    quotes: list[tuple[int, float, float]], *, instrument: str, feed: str, ts_received_ns: int
) -> QuoteBatch:
    """Return event time, bid and ask of each quote as columns."""
    return QuoteBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=np.array([ts for ts, _, _ in quotes], dtype=np.int64),
        ts_received_ns=np.full(len(quotes), ts_received_ns, dtype=np.int64),
        bid=np.array([bid for _, bid, _ in quotes], dtype=np.float64),
        ask=np.array([ask for _, _, ask in quotes], dtype=np.float64),
    )


def trade_batch(trades: list[Trade], *, instrument: str, feed: str, ts_received_ns: int) -> TradeBatch:
    """Return trades as columns."""
    return TradeBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=np.array([trade.ts_event_ns for trade in trades], dtype=np.int64),
        ts_received_ns=np.full(len(trades), ts_received_ns, dtype=np.int64),
        price=np.array([trade.price for trade in trades], dtype=np.float64),
        size=np.array([trade.size for trade in trades], dtype=np.float64),
        trade_id=tuple(str(trade.trade_id) for trade in trades),
    )
