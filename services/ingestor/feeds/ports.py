"""What a feed needs from the sink that it writes to, and what the ingestor needs from a feed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shared.domain.bars import Bar
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError


class Sink(Protocol):
    """Takes what a feed produces; only `wait_for_room` waits."""

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Queue ticks of one instrument for every lead that needs them; a full queue drops its oldest."""
        ...

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Queue bars of one instrument, ascending by session, for every lead that needs them."""
        ...

    def put_status(self, status: FeedStatus) -> None:
        """Queue a status record for every lead that needs it, after everything queued so far."""
        ...

    def put_authority(self, authority: FeedAuthority) -> None:
        """Queue from which feed an instrument's ticks come from here on, after everything queued so far."""
        ...

    def put_feed_fault(self, fault: FeedFault) -> None:
        """Queue that a fault of an instrument's data begins or ends, after everything queued so far."""
        ...

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        """Queue bars that nothing may be decided on: for ``bars.v1`` only, not for any lead's log."""
        ...

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        """Queue macro observations: for ``macro.v1`` only, not for any lead's log."""
        ...

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Count input that cannot be used, and publish it as a dead letter."""
        ...

    async def wait_for_room(self, instrument: str) -> None:
        """Wait until the queues that carry an instrument are short: back-pressure for feeds that can wait."""
        ...


class Feed(Protocol):
    """Produces ticks or bars until cancelled, or until there are no more."""

    name: str
    instruments: tuple[str, ...]

    async def run(self, sink: Sink) -> None:
        """Produce.

        Raises
        ------
        ConfigError
            If an input file or a setting is wrong.
        """
        ...

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the present status of each instrument of this feed that ticks; none before it is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDetail:
    """What an operator is shown of one instrument of a feed.

    Parameters
    ----------
    state
        The label of ``convex_ingestor_feed_condition``.
    since_ns
        Since when it is so, nanoseconds since the Unix epoch.
    words
        What the provider said last, without any key; empty while all is well.
    missing_trades, trades_given_up
        Trades that are asked for, and those that are missing for good.
    """

    feed: str
    instrument: str
    state: str
    since_ns: int
    words: str = ""
    missing_trades: int = 0
    trades_given_up: int = 0


@runtime_checkable
class ShowsDetails(Protocol):
    """A feed whose state is worth a look when something is wrong."""

    def details(self) -> Iterable[FeedDetail]:
        """Return the state of each instrument, quickly and from any thread."""
        ...
