"""Begin the streams of a process where the log of an earlier one ends."""

from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from services.ingestor.core.published_trades import PublishedUntil
from services.ingestor.feeds.failover.instrument_choice import InstrumentChoice
from services.ingestor.feeds.streaming.feed import StreamFeed
from services.ingestor.kafka.log_tail import LogTail
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND

log = structlog.get_logger(__name__)

# Trades of a longer time are not fetched: they are the past by then, and may be many thousands.
LONGEST_GAP_SECONDS: Final = 900.0


class Tails(Protocol):
    """Where the log of an instrument ends."""

    async def of(self, instrument: str) -> LogTail:
        """Return what the log has last of an instrument."""
        ...

    def trades_until(self, instrument: str, feed: str) -> PublishedUntil | None:
        """Return where an instrument's trades of a feed end, once its tail is read."""
        ...


async def begin_after_log(
    feed: StreamFeed, choices: Mapping[str, InstrumentChoice], tails: Tails, *, clock: Clock
) -> None:
    """Let each stream of a feed know what is published already."""
    for stream in feed.streams:
        tail = await tails.of(stream.instrument)
        until = tails.trades_until(stream.instrument, feed.name)
        earliest_ns = clock.now_ns() - int(LONGEST_GAP_SECONDS * NS_PER_SECOND)
        if until is not None and until.last_ns < earliest_ns:
            until = None
        gaps = () if until is None else tuple(gap for gap in until.gaps if gap.since_ns >= earliest_ns)
        stream.resume(
            last_trade=None if until is None else (until.last_id, until.last_ns),
            gaps=gaps,
            quotes=tail.quotes.get(feed.name, ()),
        )
        if stream.instrument in choices:
            choices[stream.instrument].resume(tail.feed)
        log.info(
            "stream_resumed",
            feed=feed.name,
            instrument=stream.instrument,
            last_trade_id=None if until is None else until.last_id,
            gaps=len(gaps),
        )
