"""Every row of the send queue's table."""

from dataclasses import replace

import pytest

from services.ingestor.core.send_queue import Dropped, SendQueue
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.ticks import MAX_TICKS_PER_RECORD, FeedState, FeedStatus, QuoteBatch, TradeBatch
from tests.unit.ingestor.ticks import authority, bar, bar_batch, fault, quotes, status, trades


def test_nothing_waits_in_a_new_queue() -> None:
    queue = SendQueue(max_ticks=10)
    assert queue.is_empty
    assert queue.take() is None


def test_what_arrived_meanwhile_leaves_as_one_record() -> None:
    queue = SendQueue(max_ticks=10)
    for bid in (1.0, 2.0, 3.0):
        queue.put(quotes(bid))
    record = queue.take()
    assert isinstance(record, QuoteBatch)
    assert record.bid.tolist() == [1.0, 2.0, 3.0]
    assert record.ask.tolist() == [1.5, 2.5, 3.5]
    assert record.ts_event_ns.tolist() == [0, 0, 0]
    assert record.ts_received_ns.tolist() == [7, 7, 7]
    assert queue.ticks == 0
    assert queue.is_empty


def test_trades_keep_all_their_columns_when_joined() -> None:
    queue = SendQueue(max_ticks=10)
    queue.put(trades(1.0, 2.0))
    queue.put(trades(3.0))
    record = queue.take()
    assert isinstance(record, TradeBatch)
    assert record.price.tolist() == [1.0, 2.0, 3.0]
    assert record.size.tolist() == [0.1, 0.2, 0.3]
    assert record.trade_id == ("t1", "t2", "t3")


@pytest.mark.parametrize(
    "second",
    [trades(2.0), quotes(2.0, feed="another"), quotes(2.0, instrument="PAXG/USD.TEST"), status(5)],
    ids=["another kind", "another feed", "another instrument", "a status"],
)
def test_a_run_ends_where_something_else_begins(second: QuoteBatch | TradeBatch | FeedStatus) -> None:
    queue = SendQueue(max_ticks=10)
    queue.put(quotes(1.0))
    queue.put(second)
    queue.put(quotes(3.0))
    taken = [queue.take(), queue.take(), queue.take()]
    assert isinstance(taken[0], QuoteBatch)
    assert taken[0].bid.tolist() == [1.0]
    assert type(taken[1]) is type(second)
    assert isinstance(taken[2], QuoteBatch)
    assert taken[2].bid.tolist() == [3.0]
    assert queue.take() is None


def test_a_record_holds_no_more_than_the_contract_allows() -> None:
    queue = SendQueue(max_ticks=10_000)
    queue.put(quotes(*(1.0 + i for i in range(1_500))))
    queue.put(quotes(*(1_501.0 + i for i in range(1_500))))
    first, second = queue.take(), queue.take()
    assert isinstance(first, QuoteBatch)
    assert isinstance(second, QuoteBatch)
    assert len(first.bid) == MAX_TICKS_PER_RECORD == 2_000
    assert [*first.bid.tolist(), *second.bid.tolist()] == [1.0 + i for i in range(3_000)]


def test_one_batch_larger_than_a_record_is_cut() -> None:
    queue = SendQueue(max_ticks=10_000)
    queue.put(trades(*(1.0 + i for i in range(2_001))))
    first, second = queue.take(), queue.take()
    assert isinstance(first, TradeBatch)
    assert isinstance(second, TradeBatch)
    assert (len(first.price), second.price.tolist(), second.trade_id) == (2_000, [2_001.0], ("t2001",))


def test_quotes_go_before_trades_and_the_oldest_first() -> None:
    queue = SendQueue(max_ticks=4)
    queue.put(quotes(1.0, 2.0))
    queue.put(trades(3.0))
    queue.put(quotes(4.0))
    assert queue.put(trades(5.0)) == {Dropped.QUOTES: 1}
    assert queue.put(trades(6.0, 7.0)) == {Dropped.QUOTES: 2}
    assert queue.put(trades(8.0)) == {Dropped.TRADES: 1}
    record = queue.take()
    assert isinstance(record, TradeBatch)
    assert record.price.tolist() == [5.0, 6.0, 7.0, 8.0]
    assert queue.take() is None


def test_a_quote_that_finds_only_trades_goes_itself() -> None:
    queue = SendQueue(max_ticks=2)
    queue.put(trades(1.0, 2.0))
    assert queue.put(quotes(3.0)) == {Dropped.QUOTES: 1}
    record = queue.take()
    assert isinstance(record, TradeBatch)
    assert record.price.tolist() == [1.0, 2.0]


def test_a_batch_larger_than_the_queue_keeps_its_newest() -> None:
    queue = SendQueue(max_ticks=2)
    assert queue.put(quotes(1.0, 2.0, 3.0, 4.0, 5.0)) == {Dropped.QUOTES: 3}
    record = queue.take()
    assert isinstance(record, QuoteBatch)
    assert record.bid.tolist() == [4.0, 5.0]


def test_bars_are_never_dropped_and_keep_their_place() -> None:
    queue = SendQueue(max_ticks=1)
    queue.put(quotes(1.0))
    queue.put(bar_batch(bar("2020-03-18")))
    assert queue.put(quotes(2.0)) == {Dropped.QUOTES: 1}
    first, second = queue.take(), queue.take()
    assert isinstance(first, BarBatch)
    assert [each.session for each in first.bars] == ["2020-03-18"]
    assert isinstance(second, QuoteBatch)


def test_a_history_is_one_record_of_what_the_engine_keeps() -> None:
    """Would have caught: 3,001 bars left as two histories, and the first was evaluated without the second."""
    queue = SendQueue(max_ticks=1)
    queue.put(bar_batch(*(bar(f"s{i:04}") for i in range(3_001)), mode=BarsMode.HISTORY))
    only = queue.take()
    assert isinstance(only, BarBatch)
    assert [each.session for each in only.bars] == [f"s{i:04}" for i in range(2_201, 3_001)]
    assert only.mode is BarsMode.HISTORY
    assert queue.take() is None


def test_many_live_bars_are_cut_below_the_size_of_a_record() -> None:
    queue = SendQueue(max_ticks=1)
    queue.put(bar_batch(*(bar(f"s{i:04}") for i in range(3_001))))
    first, second = queue.take(), queue.take()
    assert isinstance(first, BarBatch)
    assert isinstance(second, BarBatch)
    assert (len(first.bars), len(second.bars), second.mode) == (3_000, 1, BarsMode.LIVE)


def test_of_one_state_the_first_keeps_its_place_and_only_the_newest_of_the_others_waits() -> None:
    """Would have caught: in a queue that never ran empty each status was put off by the next, for ever."""
    queue = SendQueue(max_ticks=10)
    queue.put(status(1))
    queue.put(quotes(1.0))
    queue.put(status(2))
    queue.put(trades(2.0))
    queue.put(status(3))
    assert queue.take() == status(1)
    assert isinstance(queue.take(), QuoteBatch)
    assert isinstance(queue.take(), TradeBatch)
    assert queue.take() == status(3)
    assert queue.take() is None


def test_statuses_of_two_instruments_leave_each_other_alone() -> None:
    queue = SendQueue(max_ticks=10)
    other = [replace(status(number), instrument="BTC/USD.TEST") for number in (1, 2, 3)]
    for gold, bitcoin in zip((status(1), status(2), status(3)), other, strict=True):
        queue.put(gold)
        queue.put(bitcoin)
    assert [queue.take() for _ in range(5)] == [status(1), other[0], status(3), other[2], None]


def test_a_changed_state_is_kept() -> None:
    queue = SendQueue(max_ticks=10)
    stale = FeedState.STALE
    for each in (status(1), status(2, stale), status(3), status(4), status(5), status(6, stale)):
        queue.put(each)
    assert [queue.take() for _ in range(6)] == [
        status(1),
        status(2, stale),
        status(3),
        status(5),
        status(6, stale),
        None,
    ]


def test_who_has_authority_is_kept_in_its_place_whatever_ticks_go() -> None:
    queue = SendQueue(max_ticks=1)
    queue.put(quotes(1.0, feed="kraken"))
    queue.put(authority("coinbase", previous="kraken"))
    assert queue.put(quotes(2.0, feed="coinbase")) == {Dropped.QUOTES: 1}
    queue.put(authority("kraken", previous="coinbase"))
    queue.put(fault(5))
    assert queue.take() == authority("coinbase", previous="kraken")
    second = queue.take()
    assert isinstance(second, QuoteBatch)
    assert second.feed == "coinbase"
    assert [queue.take(), queue.take(), queue.take()] == [
        authority("kraken", previous="coinbase"),
        fault(5),
        None,
    ]


def test_statuses_of_another_feed_are_kept() -> None:
    """A status that moved behind the authority of another feed would be of the wrong feed there."""
    queue = SendQueue(max_ticks=10)
    coinbase = replace(status(3), feed="coinbase")
    for each in (status(1), status(2), authority("coinbase", previous="test"), coinbase):
        queue.put(each)
    assert [queue.take() for _ in range(4)] == [
        status(1),
        status(2),
        authority("coinbase", previous="test"),
        coinbase,
    ]


def test_a_cleared_queue_hands_nothing_out_and_has_all_its_room_again() -> None:
    queue = SendQueue(max_ticks=2)
    queue.put(quotes(1.0, 2.0))
    queue.put(status(1))
    queue.clear()
    assert queue.is_empty
    assert queue.take() is None
    assert queue.ticks == 0
    assert queue.put(quotes(3.0, 4.0)) == {}
    record = queue.take()
    assert isinstance(record, QuoteBatch)
    assert record.bid.tolist() == [3.0, 4.0]


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tick"):
        SendQueue(max_ticks=0)
