import numpy as np

from services.ingestor.core import published_trades
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.published_trades import PublishedTrades, PublishedUntil
from shared.domain.ticks import TradeBatch

GOLD, FEED = "PAXG/USD.KRAKEN", "kraken"


def batch(*ids: str) -> TradeBatch:
    column = np.arange(len(ids), dtype=np.int64)
    ones = np.ones(len(ids))
    return TradeBatch(
        instrument=GOLD,
        feed=FEED,
        ts_event_ns=column,
        ts_received_ns=column,
        price=ones,
        size=ones,
        trade_id=ids,
    )


def published(**logs: tuple[int, ...]) -> PublishedTrades:
    trades = PublishedTrades()
    for lead, ids in logs.items():
        for trade_id in ids:
            trades.add(lead, GOLD, FEED, trade_id, ts_event_ns=trade_id * 10)
    return trades


def test_what_is_missing_between_the_trades_of_the_log_is_a_gap() -> None:
    assert published(a=(1, 2, 5, 6, 9)).until(GOLD, FEED, leads=("a",)) == PublishedUntil(
        last_id=9,
        last_ns=90,
        gaps=(Gap(after_id=2, before_id=5, since_ns=20), Gap(after_id=6, before_id=9, since_ns=60)),
    )


def test_trade_that_one_of_two_logs_lacks_is_missing_and_what_is_older_than_one_of_them_is_not() -> None:
    until = published(a=(1, 2, 3, 4, 5, 6), b=(3, 4, 6)).until(GOLD, FEED, leads=("a", "b"))
    assert until == PublishedUntil(last_id=6, last_ns=60, gaps=(Gap(after_id=4, before_id=6, since_ns=40),))


def test_nothing_is_known_where_a_log_has_no_trade_or_none_in_common() -> None:
    trades = published(a=(1, 2))
    assert trades.until(GOLD, FEED, leads=("a", "b")) is None
    assert published(a=(1, 2), b=(3, 4)).until(GOLD, FEED, leads=("a", "b")) is None
    again = published(a=(1,))
    again.clear()
    assert again.until(GOLD, FEED, leads=("a",)) is None


def test_each_log_gets_the_trades_that_it_lacks() -> None:
    trades = published(a=(1, 2, 3), b=(1,))
    for lead, kept in (("a", ("4",)), ("b", ("2", "3", "4")), ("c", ("1", "2", "3", "4"))):
        left = trades.without(lead, batch("1", "2", "3", "4"))
        assert left is not None
        assert left.trade_id == kept
        assert len(left.price) == len(left.size) == len(left.ts_event_ns) == len(left.ts_received_ns)
    assert trades.without("a", batch("1", "3")) is None
    news = batch("5", "", "x")
    assert trades.without("a", news) is news


def test_no_more_trades_are_remembered_than_a_bound() -> None:
    trades = published(a=tuple(range(published_trades.MOST_TRADES + 5)))
    until = trades.until(GOLD, FEED, leads=("a",))
    assert until is not None
    assert trades.without("a", batch("4", "5")).trade_id == ("4",)  # type: ignore[union-attr]  # not None


def test_a_wrong_id_in_the_log_is_not_where_its_trades_end() -> None:
    published = PublishedTrades()
    for trade_id, ts_ns in ((100, 1), (900_100, 2), (101, 3), (102, 4)):
        published.add("A", "PAXG/USD.KRAKEN", "kraken", trade_id, ts_event_ns=ts_ns)

    assert published.until("PAXG/USD.KRAKEN", "kraken", leads=("A",)) == PublishedUntil(
        last_id=102, last_ns=4
    )
