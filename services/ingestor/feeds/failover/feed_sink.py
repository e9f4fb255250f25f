"""What one of several feeds writes to: its ticks and faults go to the choice, all else on to Kafka."""

from collections.abc import Callable

from services.ingestor.feeds.ports import Sink
from shared.domain.bars import Bar
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError


class FeedSink:
    """The sink of one feed.

    Parameters
    ----------
    on_ticks, on_fault
        Take its ticks, and what it finds wrong with its data.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        on_ticks: Callable[[QuoteBatch | TradeBatch], None],
        on_fault: Callable[[FeedFault], None],
    ) -> None:
        self._sink = sink
        self._on_ticks = on_ticks
        self._on_fault = on_fault

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Hand the ticks to the choice."""
        self._on_ticks(batch)

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Pass bars on."""
        self._sink.put_bars(bars, is_history=is_history)

    def put_status(self, status: FeedStatus) -> None:
        """Leave the status out: the instrument's is asked for."""

    def put_authority(self, authority: FeedAuthority) -> None:
        """Pass an authority on."""
        self._sink.put_authority(authority)

    def put_feed_fault(self, fault: FeedFault) -> None:
        """Hand a fault to the choice: one of a feed that stands by is none of the instrument."""
        self._on_fault(fault)

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        """Pass provisional bars on."""
        self._sink.put_provisional_bars(bars)

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Pass rejected input on: a dead letter is one whichever feed is chosen."""
        self._sink.reject(feed=feed, raw=raw, error=error)

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        """Pass macro observations on."""
        self._sink.put_observations(observations)

    async def wait_for_room(self, instrument: str) -> None:
        """Wait as every feed does."""
        await self._sink.wait_for_room(instrument)
