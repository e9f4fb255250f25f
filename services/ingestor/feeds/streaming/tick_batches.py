"""Gather the ticks of one instrument into batches: a batch of one tick costs as much as one of a hundred.

Ticks of frames that are there already leave together, as soon as the loop has read them. A tick that comes
alone leaves at once: nothing waits for a timer.
"""

import asyncio
from collections.abc import Callable
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import structlog

from services.ingestor.feeds.ports import Sink
from shared.domain.ticks import MAX_TICKS_PER_RECORD, QuoteBatch, TradeBatch
from shared.errors import DecodeError

log = structlog.get_logger(__name__)

# The reason of what a fault of ours costs.
PARSER_FAILED: Final = "parser_failed"


class QuoteTick(NamedTuple):
    """One quote that is used."""

    ts_event_ns: int
    received_ns: int
    bid: float
    ask: float


class TradeTick(NamedTuple):
    """One trade that is used."""

    ts_event_ns: int
    received_ns: int
    price: float
    size: float
    trade_id: str


Tick = QuoteTick | TradeTick


def after_the_frames_at_hand(flush: Callable[[], None]) -> None:
    """Call when the running task next waits: it has then read every frame that was there."""
    asyncio.get_running_loop().call_soon(flush)


class TickBatches:
    """Ticks that leave together.

    Parameters
    ----------
    defer
        Calls what it is given soon; None: `flush` is called by the owner.
    """

    def __init__(
        self, *, feed: str, instrument: str, defer: Callable[[Callable[[], None]], None] | None
    ) -> None:
        self._feed = feed
        self._instrument = instrument
        self._defer = defer
        self._ticks: list[Tick] = []
        self._sink: Sink | None = None

    def add(self, tick: Tick, sink: Sink) -> None:
        """Put a tick after the others."""
        ticks = self._ticks
        if not ticks:
            self._sink = sink
            if self._defer is not None:
                self._defer(self.flush)
        ticks.append(tick)
        if len(ticks) >= MAX_TICKS_PER_RECORD:
            self.flush()

    def flush(self) -> None:
        """Publish what is there, in its order."""
        if not self._ticks or self._sink is None:
            return
        ticks, self._ticks = self._ticks, []
        for _, run in groupby(ticks, type):
            self._publish(list(run), self._sink)

    def _publish(self, ticks: list[Tick], sink: Sink) -> None:
        """Publish ticks of one kind; one that cannot be taken is rejected, and the others are not lost."""
        try:
            sink.put_ticks(self._batch(ticks))
        except Exception as error:
            if len(ticks) > 1:
                for tick in ticks:
                    self._publish([tick], sink)
                return
            log.exception("parser_failed", feed=self._feed, instrument=self._instrument, tick=ticks[0])
            failure = DecodeError(f"a tick cannot be taken: {error!r}: {ticks[0]}", reason=PARSER_FAILED)
            sink.reject(feed=self._feed, raw=b"", error=failure)

    def _batch(self, ticks: list[Tick]) -> QuoteBatch | TradeBatch:
        # Whatever a column is of, its values have one type.
        columns = tuple(zip(*ticks, strict=True))
        events = np.array(columns[0], dtype=np.int64)
        received = np.array(columns[1], dtype=np.int64)
        first = np.array(columns[2], dtype=np.float64)
        second = np.array(columns[3], dtype=np.float64)
        if isinstance(ticks[0], QuoteTick):
            return QuoteBatch(
                instrument=self._instrument,
                feed=self._feed,
                ts_event_ns=events,
                ts_received_ns=received,
                bid=first,
                ask=second,
            )
        return TradeBatch(
            instrument=self._instrument,
            feed=self._feed,
            ts_event_ns=events,
            ts_received_ns=received,
            price=first,
            size=second,
            trade_id=columns[4],
        )
