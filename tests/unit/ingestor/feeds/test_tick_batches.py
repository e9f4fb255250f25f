"""Ticks of frames that come at once leave together, in their order, before anything that is queued later."""

import asyncio
from collections.abc import Callable

from services.ingestor.feeds.streaming.tick_batches import (
    QuoteTick,
    TickBatches,
    TradeTick,
    after_the_frames_at_hand,
)
from shared.domain.ticks import MAX_TICKS_PER_RECORD, QuoteBatch, TradeBatch
from tests.support.fake_feeds.sink import RecordingSink


def _batches(defer: Callable[[Callable[[], None]], None] | None = None) -> TickBatches:
    return TickBatches(feed="test", instrument="XAU/USD.TEST", defer=defer)


def _quote(bid: float) -> QuoteTick:
    return QuoteTick(1, 2, bid, bid + 1)


def test_ticks_leave_in_their_order_as_few_batches() -> None:
    batches, sink = _batches(), RecordingSink()
    for tick in (_quote(1.0), _quote(2.0), TradeTick(3, 4, 5.0, 6.0, "a"), _quote(3.0)):
        batches.add(tick, sink)
    assert sink.batches == []
    batches.flush()
    batches.flush()

    first, trade, last = sink.batches
    assert isinstance(first, QuoteBatch)
    assert isinstance(trade, TradeBatch)
    assert (first.bid.tolist(), first.ask.tolist()) == ([1.0, 2.0], [2.0, 3.0])
    assert (trade.ts_event_ns.tolist(), trade.ts_received_ns.tolist()) == ([3], [4])
    assert (trade.price.tolist(), trade.size.tolist(), trade.trade_id) == ([5.0], [6.0], ("a",))
    assert len(last.ts_event_ns) == 1


def test_no_batch_is_larger_than_a_record() -> None:
    asked: list[Callable[[], None]] = []
    batches, sink = _batches(asked.append), RecordingSink()
    for number in range(MAX_TICKS_PER_RECORD + 1):
        batches.add(_quote(1.0 + number), sink)

    assert [len(batch.ts_event_ns) for batch in sink.batches] == [MAX_TICKS_PER_RECORD]
    assert len(asked) == 2
    for flush in asked:
        flush()
    assert [len(batch.ts_event_ns) for batch in sink.batches] == [MAX_TICKS_PER_RECORD, 1]


class _FailingSink(RecordingSink):
    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        if isinstance(batch, QuoteBatch) and 2.0 in batch.bid.tolist():
            raise OverflowError("year 0001")
        super().put_ticks(batch)


def test_a_tick_that_cannot_be_taken_is_rejected_and_the_others_of_its_batch_are_not_lost() -> None:
    batches, sink = _batches(), _FailingSink()
    for bid in (1.0, 2.0, 3.0):
        batches.add(_quote(bid), sink)
    batches.flush()

    assert sink.bids() == [1.0, 3.0]
    assert sink.rejected == [("parser_failed", b"")]


async def test_ticks_leave_when_the_task_that_reads_frames_waits() -> None:
    batches, sink = _batches(after_the_frames_at_hand), RecordingSink()
    batches.add(_quote(1.0), sink)
    batches.add(_quote(2.0), sink)
    assert sink.batches == []
    await asyncio.sleep(0)
    batches.add(_quote(3.0), sink)
    await asyncio.sleep(0)

    assert [len(batch.ts_event_ns) for batch in sink.batches] == [2, 1]
