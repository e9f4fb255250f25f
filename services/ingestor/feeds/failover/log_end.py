"""Begin the streams of a process where the log of an earlier one ends."""

from collections.abc import Mapping
from typing import Final, Protocol

import structlog

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


async def begin_after_log(
    feed: StreamFeed, choices: Mapping[str, InstrumentChoice], tails: Tails, *, clock: Clock
) -> None:
    """Let each stream of a feed know what is published already."""
    for stream in feed.streams:
        tail = await tails.of(stream.instrument)
        last_trade = tail.last_trades.get(feed.name)
        if last_trade is not None and clock.now_ns() - last_trade[1] > LONGEST_GAP_SECONDS * NS_PER_SECOND:
            last_trade = None
        stream.resume(last_trade=last_trade, quotes=tail.quotes.get(feed.name, ()))
        if stream.instrument in choices:
            choices[stream.instrument].resume(tail.feed)
        log.info(
            "stream_resumed",
            feed=feed.name,
            instrument=stream.instrument,
            last_trade_id=None if last_trade is None else last_trade[0],
        )
