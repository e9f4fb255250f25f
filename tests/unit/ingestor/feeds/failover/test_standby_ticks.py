"""The newest tick of a feed: which it is, whether it was used, and which ticks are left out."""

from dataclasses import replace

import numpy as np

from services.ingestor.feeds.failover.standby_ticks import StandbyTicks, not_before
from shared.domain.ticks import QuoteBatch, TradeBatch
from tests.unit.ingestor.ticks import quotes, trades

_MINUTE = 60 * 10**9


def _trades(*prices: float, first_ns: int) -> TradeBatch:
    batch = trades(*prices)
    return replace(batch, ts_event_ns=batch.ts_event_ns + first_ns)


def test_newest_is_the_last_of_the_latest_instant() -> None:
    standby = StandbyTicks()
    batch = replace(quotes(1.0, 2.0, 3.0, 4.0), ts_event_ns=np.array([5, 9, 9, 7]))
    assert standby.put(batch, is_used=False) == (3.25, 1)
    newest = standby.newest("test")
    assert isinstance(newest, QuoteBatch)
    assert (newest.bid.tolist(), newest.ts_event_ns.tolist()) == ([3.0], [9])


def test_tick_is_used_once() -> None:
    standby = StandbyTicks()
    assert standby.take_unused("test") is None
    standby.put(quotes(1.0), is_used=False)
    assert standby.take_unused("test") is standby.newest("test")
    assert standby.take_unused("test") is None
    standby.put(quotes(2.0, first_ns=1), is_used=True)
    assert standby.take_unused("test") is None
    assert standby.put(quotes(3.0, first_ns=2), is_used=False) == (3.25, 1)
    assert standby.put(quotes(4.0, first_ns=3), is_used=False) == (4.25, 0)
    assert standby.put(quotes(5.0, first_ns=4), is_used=True) == (5.25, -1)


def test_feeds_do_not_mix() -> None:
    standby = StandbyTicks()
    standby.put(quotes(1.0, feed="kraken"), is_used=False)
    standby.put(quotes(2.0, feed="coinbase", first_ns=9), is_used=True)
    waiting = standby.take_unused("kraken")
    assert isinstance(waiting, QuoteBatch)
    assert waiting.bid.tolist() == [1.0]


def test_trade_beside_quotes_and_trade_that_was_fetched_later_are_no_news() -> None:
    standby = StandbyTicks()
    standby.put(quotes(1.0, first_ns=_MINUTE), is_used=False)
    assert standby.put(_trades(9.0, first_ns=2 * _MINUTE - 1), is_used=False) == (None, 0)
    assert standby.put(quotes(9.0, first_ns=_MINUTE - 1), is_used=False) == (None, 0)
    assert standby.put(_trades(9.0, first_ns=2 * _MINUTE), is_used=False) == (9.0, 0)
    assert standby.put(_trades(8.0, first_ns=2 * _MINUTE), is_used=False) == (8.0, 0)


def test_ticks_before_an_instant_are_left_out() -> None:
    batch = quotes(1.0, 2.0, 3.0)
    assert not_before(0, batch) is batch
    assert not_before(3, batch) is None
    late = not_before(1, batch)
    assert isinstance(late, QuoteBatch)
    assert (late.bid.tolist(), late.ask.tolist()) == ([2.0, 3.0], [2.5, 3.5])
    assert (late.ts_event_ns.tolist(), late.ts_received_ns.tolist()) == ([1, 2], [8, 9])
    shuffled = replace(trades(1.0, 2.0, 3.0), ts_event_ns=np.array([7, 3, 9]))
    kept = not_before(5, shuffled)
    assert isinstance(kept, TradeBatch)
    assert (kept.price.tolist(), kept.trade_id, kept.size.tolist()) == ([1.0, 3.0], ("t1", "t3"), [0.1, 0.3])
    assert kept.ts_received_ns.tolist() == [0, 2]
