"""Every row of the inbox's table."""

from dataclasses import replace

import pytest

from services.ingestor.core.send_queue import Bars, Dropped, SendQueue
from shared.domain.ticks import MAX_TICKS_PER_RECORD, FeedState, FeedStatus, QuoteBatch, TradeBatch
from tests.unit.ingestor.ticks import bar, quotes, status, trades


def test_nothing_waits_in_a_new_inbox() -> None:
    inbox = SendQueue(max_ticks=10)
    assert inbox.is_empty
    assert inbox.take() is None


def test_what_arrived_meanwhile_leaves_as_one_record() -> None:
    inbox = SendQueue(max_ticks=10)
    for bid in (1.0, 2.0, 3.0):
        inbox.put(quotes(bid))
    record = inbox.take()
    assert isinstance(record, QuoteBatch)
    assert record.bid.tolist() == [1.0, 2.0, 3.0]
    assert record.ask.tolist() == [1.5, 2.5, 3.5]
    assert record.ts_event_ns.tolist() == [0, 0, 0]
    assert record.ts_received_ns.tolist() == [7, 7, 7]
    assert inbox.ticks == 0
    assert inbox.is_empty


def test_trades_keep_all_their_columns_when_joined() -> None:
    inbox = SendQueue(max_ticks=10)
    inbox.put(trades(1.0, 2.0))
    inbox.put(trades(3.0))
    record = inbox.take()
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
    inbox = SendQueue(max_ticks=10)
    inbox.put(quotes(1.0))
    inbox.put(second)
    inbox.put(quotes(3.0))
    taken = [inbox.take(), inbox.take(), inbox.take()]
    assert isinstance(taken[0], QuoteBatch)
    assert taken[0].bid.tolist() == [1.0]
    assert type(taken[1]) is type(second)
    assert isinstance(taken[2], QuoteBatch)
    assert taken[2].bid.tolist() == [3.0]
    assert inbox.take() is None


def test_a_record_holds_no_more_than_the_contract_allows() -> None:
    inbox = SendQueue(max_ticks=10_000)
    inbox.put(quotes(*(1.0 + i for i in range(1_500))))
    inbox.put(quotes(*(1_501.0 + i for i in range(1_500))))
    first, second = inbox.take(), inbox.take()
    assert isinstance(first, QuoteBatch)
    assert isinstance(second, QuoteBatch)
    assert len(first.bid) == MAX_TICKS_PER_RECORD == 2_000
    assert [*first.bid.tolist(), *second.bid.tolist()] == [1.0 + i for i in range(3_000)]


def test_one_batch_larger_than_a_record_is_cut() -> None:
    inbox = SendQueue(max_ticks=10_000)
    inbox.put(trades(*(1.0 + i for i in range(2_001))))
    first, second = inbox.take(), inbox.take()
    assert isinstance(first, TradeBatch)
    assert isinstance(second, TradeBatch)
    assert (len(first.price), second.price.tolist(), second.trade_id) == (2_000, [2_001.0], ("t2001",))


def test_quotes_go_before_trades_and_the_oldest_first() -> None:
    inbox = SendQueue(max_ticks=4)
    inbox.put(quotes(1.0, 2.0))
    inbox.put(trades(3.0))
    inbox.put(quotes(4.0))
    assert inbox.put(trades(5.0)) == {Dropped.QUOTES: 1}
    assert inbox.put(trades(6.0, 7.0)) == {Dropped.QUOTES: 2}
    assert inbox.put(trades(8.0)) == {Dropped.TRADES: 1}
    record = inbox.take()
    assert isinstance(record, TradeBatch)
    assert record.price.tolist() == [5.0, 6.0, 7.0, 8.0]
    assert inbox.take() is None


def test_a_quote_that_finds_only_trades_goes_itself() -> None:
    inbox = SendQueue(max_ticks=2)
    inbox.put(trades(1.0, 2.0))
    assert inbox.put(quotes(3.0)) == {Dropped.QUOTES: 1}
    record = inbox.take()
    assert isinstance(record, TradeBatch)
    assert record.price.tolist() == [1.0, 2.0]


def test_a_batch_larger_than_the_inbox_keeps_its_newest() -> None:
    inbox = SendQueue(max_ticks=2)
    assert inbox.put(quotes(1.0, 2.0, 3.0, 4.0, 5.0)) == {Dropped.QUOTES: 3}
    record = inbox.take()
    assert isinstance(record, QuoteBatch)
    assert record.bid.tolist() == [4.0, 5.0]


def test_bars_are_never_dropped_and_keep_their_place() -> None:
    inbox = SendQueue(max_ticks=1)
    inbox.put(quotes(1.0))
    inbox.put(Bars(bars=(bar("2020-03-18"),), is_history=False))
    assert inbox.put(quotes(2.0)) == {Dropped.QUOTES: 1}
    first, second = inbox.take(), inbox.take()
    assert isinstance(first, Bars)
    assert [each.session for each in first.bars] == ["2020-03-18"]
    assert isinstance(second, QuoteBatch)


def test_a_history_is_one_record_of_what_the_engine_keeps() -> None:
    """Would have caught: 3,001 bars left as two histories, and the first was judged without the second."""
    inbox = SendQueue(max_ticks=1)
    inbox.put(Bars(bars=tuple(bar(f"s{i:04}") for i in range(3_001)), is_history=True))
    only = inbox.take()
    assert isinstance(only, Bars)
    assert [each.session for each in only.bars] == [f"s{i:04}" for i in range(2_201, 3_001)]
    assert only.is_history
    assert inbox.take() is None


def test_long_news_are_cut_below_the_size_of_a_record() -> None:
    inbox = SendQueue(max_ticks=1)
    inbox.put(Bars(bars=tuple(bar(f"s{i:04}") for i in range(3_001)), is_history=False))
    first, second = inbox.take(), inbox.take()
    assert isinstance(first, Bars)
    assert isinstance(second, Bars)
    assert (len(first.bars), len(second.bars), second.is_history) == (3_000, 1, False)


def test_of_one_state_the_first_keeps_its_place_and_only_the_newest_of_the_others_waits() -> None:
    """Would have caught: in a queue that never ran empty each status was put off by the next, for ever."""
    inbox = SendQueue(max_ticks=10)
    inbox.put(status(1))
    inbox.put(quotes(1.0))
    inbox.put(status(2))
    inbox.put(trades(2.0))
    inbox.put(status(3))
    assert inbox.take() == status(1)
    assert isinstance(inbox.take(), QuoteBatch)
    assert isinstance(inbox.take(), TradeBatch)
    assert inbox.take() == status(3)
    assert inbox.take() is None


def test_statuses_of_two_instruments_leave_each_other_alone() -> None:
    inbox = SendQueue(max_ticks=10)
    other = [replace(status(number), instrument="BTC/USD.TEST") for number in (1, 2, 3)]
    for gold, bitcoin in zip((status(1), status(2), status(3)), other, strict=True):
        inbox.put(gold)
        inbox.put(bitcoin)
    assert [inbox.take() for _ in range(5)] == [status(1), other[0], status(3), other[2], None]


def test_a_changed_state_is_kept() -> None:
    inbox = SendQueue(max_ticks=10)
    stale = FeedState.STALE
    for each in (status(1), status(2, stale), status(3), status(4), status(5), status(6, stale)):
        inbox.put(each)
    assert [inbox.take() for _ in range(6)] == [
        status(1),
        status(2, stale),
        status(3),
        status(5),
        status(6, stale),
        None,
    ]


def test_an_inbox_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tick"):
        SendQueue(max_ticks=0)
