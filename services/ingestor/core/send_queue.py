"""The queue of records that wait for Kafka: one per lead, first in first out, bounded, every drop counted.

Ticks that arrived during the previous send leave as one record: there is no timer and no added wait.

=========== ======================================= =======================================
what        leaves as                               when the queue is full
=========== ======================================= =======================================
quotes      the run of one instrument at the head,  the oldest are dropped first
            at most `MAX_TICKS_PER_RECORD`
trades      the same                                dropped once no quote is left
status      itself                                  never dropped: of one feed and state the first
                                                    and the newest wait, others are replaced
authority   itself                                  never dropped; `FeedChoice` bounds their rate
fault       itself                                  never dropped; what tells of it bounds its rate
live bars   at most `MAX_BARS_PER_RECORD` bars      never dropped
history     its last `HISTORY_SESSIONS` bars        never dropped
=========== ======================================= =======================================
"""

from collections import Counter, deque
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Final

import numpy as np

from shared.domain.bars import HISTORY_SESSIONS, BarBatch, BarsMode
from shared.domain.ticks import (
    MAX_TICKS_PER_RECORD,
    FeedAuthority,
    FeedFault,
    FeedStatus,
    QuoteBatch,
    TickBatch,
    TradeBatch,
)

# A bar is below 300 bytes and Kafka takes records of 1 MiB.
MAX_BARS_PER_RECORD: Final = 3_000


class Dropped(StrEnum):
    """What can be dropped; the label of the metric."""

    QUOTES = "quotes"
    TRADES = "trades"


Entry = TickBatch | FeedStatus | FeedAuthority | FeedFault | BarBatch


class SendQueue:
    """The queue of one lead.

    Parameters
    ----------
    max_ticks
        How many quotes and trades may wait, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> def quotes(*bids: float) -> QuoteBatch:
    ...     ts, prices = np.arange(len(bids)), np.array(bids)
    ...     return QuoteBatch(instrument="XAU/USD.SIM", feed="sim", ts_event_ns=ts, ts_received_ns=ts,
    ...                       bid=prices, ask=prices)
    >>> queue = SendQueue(max_ticks=3)
    >>> queue.put(quotes(1.0, 2.0))
    {}
    >>> queue.put(quotes(3.0, 4.0))
    {<Dropped.QUOTES: 'quotes'>: 1}
    >>> queue.take().bid.tolist(), queue.take()
    ([2.0, 3.0, 4.0], None)
    """

    def __init__(self, *, max_ticks: int) -> None:
        if max_ticks < 1:
            raise ValueError(f"a queue holds at least one tick, was {max_ticks}")
        self._max_ticks = max_ticks
        self._entries: deque[Entry] = deque()
        self._ticks = 0

    @property
    def ticks(self) -> int:
        """Return how many quotes and trades wait."""
        return self._ticks

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._entries

    def put(self, entry: Entry) -> dict[Dropped, int]:
        """Queue an entry and return how many ticks were dropped to make room, by kind."""
        match entry:
            case FeedStatus():
                self._replace_status(entry)
                return {}
            case FeedAuthority() | FeedFault():
                self._entries.append(entry)
                return {}
            case BarBatch(mode=BarsMode.HISTORY):
                # Two records would be two histories, and the first would be evaluated without the second.
                self._entries.append(replace(entry, bars=entry.bars[-HISTORY_SESSIONS:]))
                return {}
            case BarBatch():
                for begin in range(0, len(entry.bars), MAX_BARS_PER_RECORD):
                    self._entries.append(replace(entry, bars=entry.bars[begin : begin + MAX_BARS_PER_RECORD]))
                return {}
        self._entries.append(entry)
        self._ticks += len(entry.ts_event_ns)
        return self._make_room()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._entries.clear()
        self._ticks = 0

    def take(self) -> Entry | None:
        """Remove and return what the next record holds, or None when nothing waits."""
        if not self._entries:
            return None
        head = self._entries.popleft()
        if not isinstance(head, QuoteBatch | TradeBatch):
            return head
        run, size = [head], len(head.ts_event_ns)
        while self._entries and size < MAX_TICKS_PER_RECORD and _is_continued(head, self._entries[0]):
            following = self._entries.popleft()
            assert isinstance(following, QuoteBatch | TradeBatch)  # noqa: S101 - _is_continued has looked
            run.append(following)
            size += len(following.ts_event_ns)
        if size > MAX_TICKS_PER_RECORD:
            kept = len(run[-1].ts_event_ns) - (size - MAX_TICKS_PER_RECORD)
            self._entries.appendleft(run[-1].rows(kept))
            run[-1] = run[-1].rows(0, kept)
            size = MAX_TICKS_PER_RECORD
        self._ticks -= size
        return _joined(run)

    def _replace_status(self, status: FeedStatus) -> None:
        # A state that changed stays queued: it may begin or end a fault. Of several statuses of one feed and
        # state the newest says it all, but the first keeps its place: in a queue that is never empty the
        # newest alone would move back for ever, and event time would not advance downstream.
        waiting = islice(
            (
                entry
                for entry in reversed(self._entries)
                if isinstance(entry, FeedStatus) and entry.instrument == status.instrument
            ),
            2,
        )
        newest, first = next(waiting, None), next(waiting, None)
        kinds = {(each.feed, each.state) for each in (newest, first, status) if each is not None}
        if newest is not None and first is not None and len(kinds) == 1:
            self._entries.remove(newest)
        self._entries.append(status)

    def _make_room(self) -> dict[Dropped, int]:
        dropped: Counter[Dropped] = Counter()
        for kind, batch_type in ((Dropped.QUOTES, QuoteBatch), (Dropped.TRADES, TradeBatch)):
            if self._ticks > self._max_ticks:
                dropped[kind] = self._drop_oldest(batch_type)
        return {kind: count for kind, count in dropped.items() if count}

    def _drop_oldest(self, kind: type[TickBatch]) -> int:
        surplus = before = self._ticks - self._max_ticks
        kept: deque[Entry] = deque()
        while self._entries and surplus:
            entry = self._entries.popleft()
            if not isinstance(entry, kind):
                kept.append(entry)
                continue
            size = len(entry.ts_event_ns)
            if size > surplus:
                kept.append(entry.rows(surplus))
            surplus -= min(size, surplus)
        self._entries.extendleft(reversed(kept))
        self._ticks -= before - surplus
        return before - surplus


def _is_continued(head: TickBatch, following: Entry) -> bool:
    return (
        type(following) is type(head)
        and isinstance(following, QuoteBatch | TradeBatch)
        and (following.instrument, following.feed) == (head.instrument, head.feed)
    )


def _joined(run: list[TickBatch]) -> TickBatch:
    head = run[0]
    if len(run) == 1:
        return head
    events = np.concatenate([batch.ts_event_ns for batch in run])
    received = np.concatenate([batch.ts_received_ns for batch in run])
    quotes = [batch for batch in run if isinstance(batch, QuoteBatch)]
    if quotes:
        return QuoteBatch(
            instrument=head.instrument,
            feed=head.feed,
            ts_event_ns=events,
            ts_received_ns=received,
            bid=np.concatenate([batch.bid for batch in quotes]),
            ask=np.concatenate([batch.ask for batch in quotes]),
        )
    trades = [batch for batch in run if isinstance(batch, TradeBatch)]
    return TradeBatch(
        instrument=head.instrument,
        feed=head.feed,
        ts_event_ns=events,
        ts_received_ns=received,
        price=np.concatenate([batch.price for batch in trades]),
        size=np.concatenate([batch.size for batch in trades]),
        trade_id=tuple(trade_id for batch in trades for trade_id in batch.trade_id),
    )
