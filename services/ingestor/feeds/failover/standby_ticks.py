"""The newest tick of each feed: for the moment in which the feed is chosen, and to compare its price."""

from dataclasses import replace
from typing import Final

import numpy as np

from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import QuoteBatch, TickBatch, TradeBatch

# While quotes come, the mid is a better price than a trade.
_QUOTE_PRECEDENCE_NS: Final = 60 * NS_PER_SECOND


class StandbyTicks:
    """Remember one tick for each feed, and whether it was used."""

    def __init__(self) -> None:
        self._newest: dict[str, TickBatch] = {}
        self._waiting: set[str] = set()

    def newest(self, feed: str) -> TickBatch | None:
        """Return a feed's newest tick; None before the first."""
        return self._newest.get(feed)

    def take_unused(self, feed: str) -> TickBatch | None:
        """Return a feed's newest tick, to be used now; None if it was used before."""
        if feed not in self._waiting:
            return None
        self._waiting.discard(feed)
        return self._newest[feed]

    def put(self, batch: TickBatch, *, is_used: bool) -> tuple[float | None, int]:
        """Remember the newest of some ticks of one feed.

        Parameters
        ----------
        is_used
            They are the instrument's ticks: the newest must not be used again.

        Returns
        -------
        tuple
            The price of the newest; None if none of them is news. A trade within a minute of a quote is none,
            nor is a tick older than one before it, as trades are that were fetched later. And how many more
            ticks wait to be used than before: 1, 0 or -1.
        """
        # Of ticks at one instant the last is the newest.
        index = len(batch.ts_event_ns) - 1 - int(batch.ts_event_ns[::-1].argmax())
        last, feed = batch.rows(index, index + 1), batch.feed
        before, at_ns = self._newest.get(feed), int(last.ts_event_ns[0])
        if before is not None:
            is_beside_quotes = isinstance(before, QuoteBatch) and isinstance(last, TradeBatch)
            if at_ns < int(before.ts_event_ns[0]) + (_QUOTE_PRECEDENCE_NS if is_beside_quotes else 0):
                return None, 0
        had_waited = feed in self._waiting
        self._newest[feed] = last
        if is_used:
            self._waiting.discard(feed)
        else:
            self._waiting.add(feed)
        return _price(last), int(not is_used) - int(had_waited)


def _price(tick: TickBatch) -> float:
    if isinstance(tick, QuoteBatch):
        return float(tick.bid[0] + tick.ask[0]) / 2
    return float(tick.price[0])


def not_before(since_ns: int, batch: TickBatch) -> TickBatch | None:
    """Return the ticks of a batch from an instant on; None if there are none."""
    is_usable = batch.ts_event_ns >= since_ns
    if is_usable.all():
        return batch
    if not is_usable.any():
        return None
    events, received = batch.ts_event_ns[is_usable], batch.ts_received_ns[is_usable]
    if isinstance(batch, QuoteBatch):
        return replace(
            batch,
            ts_event_ns=events,
            ts_received_ns=received,
            bid=batch.bid[is_usable],
            ask=batch.ask[is_usable],
        )
    return replace(
        batch,
        ts_event_ns=events,
        ts_received_ns=received,
        price=batch.price[is_usable],
        size=batch.size[is_usable],
        trade_id=tuple(batch.trade_id[index] for index in np.flatnonzero(is_usable)),
    )
