"""A sink that remembers, for tests of one feed without Kafka."""

from shared.domain.bars import Bar
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError


class RecordingSink:
    """Remember what a feed produced."""

    def __init__(self) -> None:
        self.batches: list[QuoteBatch | TradeBatch] = []
        self.news: list[tuple[Bar, ...]] = []
        self.histories: list[tuple[Bar, ...]] = []
        self.provisional: list[Bar] = []
        self.rejected: list[tuple[str, bytes]] = []
        self.statuses: list[FeedStatus] = []
        self.authorities: list[FeedAuthority] = []
        self.faults: list[FeedFault] = []
        self.order: list[str] = []
        self.observations: list[Observation] = []

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        self.batches.append(batch)

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        (self.histories if is_history else self.news).append(bars)
        self.order.append("history" if is_history else "news")

    def put_status(self, status: FeedStatus) -> None:
        self.statuses.append(status)

    def put_authority(self, authority: FeedAuthority) -> None:
        self.authorities.append(authority)

    def put_feed_fault(self, fault: FeedFault) -> None:
        self.faults.append(fault)

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        self.provisional += bars

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        self.observations += observations

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        assert feed
        self.rejected.append((error.reason, raw))

    async def wait_for_room(self, instrument: str) -> None:
        assert instrument

    def bids(self) -> list[float]:
        return [bid for batch in self.batches if isinstance(batch, QuoteBatch) for bid in batch.bid.tolist()]

    def asks(self) -> list[float]:
        return [ask for batch in self.batches if isinstance(batch, QuoteBatch) for ask in batch.ask.tolist()]

    def trade_ids(self) -> list[str]:
        return [
            trade_id for batch in self.batches if isinstance(batch, TradeBatch) for trade_id in batch.trade_id
        ]
