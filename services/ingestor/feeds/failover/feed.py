"""Feeds among which an instrument's is chosen, and the task that chooses."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from services.ingestor.feeds.failover.feed_sink import FeedSink
from services.ingestor.feeds.failover.instrument_choice import InstrumentChoice
from services.ingestor.feeds.ports import Feed, FeedDetail, ShowsDetails, Sink
from shared.domain.ticks import FeedFault, FeedStatus, QuoteBatch, TradeBatch

_DECIDE_SECONDS: Final = 0.5


class StandbyFeed:
    """One feed, of one instrument or of several: what is chosen of it goes into the log.

    Parameters
    ----------
    choices
        The choice of each instrument of the feed.
    is_refused
        Whether the feed's venue refuses an instrument.
    confirm
        Takes the price of an instrument that another feed's stands for.
    prepare
        Awaited before the feed runs.
    """

    def __init__(
        self,
        feed: Feed,
        choices: Mapping[str, InstrumentChoice],
        *,
        is_refused: Callable[[str], bool],
        confirm: Callable[[str, float], None],
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = feed.name
        self.instruments = feed.instruments
        self.feed = feed
        self.is_refused = is_refused
        self.confirm = confirm
        self._choices = choices
        self._prepare = prepare
        self.is_prepared = prepare is None

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the status of each instrument that the feed is chosen for, once the log says so."""
        return tuple(
            status
            for status in self.feed.statuses()
            if self._choices[status.instrument].is_announced
            and self._choices[status.instrument].present == self.name
        )

    def details(self) -> Iterable[FeedDetail]:
        """Return what an operator is shown of each instrument."""
        return self.feed.details() if isinstance(self.feed, ShowsDetails) else ()

    async def run(self, sink: Sink) -> None:
        """Run the feed until cancelled.

        Raises
        ------
        ConfigError
            As the feed does.
        """
        if self._prepare is not None:
            await self._prepare()
            self.is_prepared = True
        await self.feed.run(self.sink_before(sink))

    def sink_before(self, sink: Sink) -> Sink:
        """Return what the feed writes to: of its ticks, the chosen ones go on to a sink."""

        def on_ticks(batch: QuoteBatch | TradeBatch) -> None:
            self._choices[batch.instrument].take(batch, sink)

        def on_fault(fault: FeedFault) -> None:
            self._choices[fault.instrument].take_fault(fault, sink)

        return FeedSink(sink, on_ticks=on_ticks, on_fault=on_fault)


class FeedChooser:
    """Choose, for ever, among the feeds of each instrument; as a feed it has nothing of its own."""

    name = "choice"

    def __init__(
        self,
        feeds: Sequence[StandbyFeed],
        choices: Mapping[str, InstrumentChoice],
        *,
        decide_seconds: float = _DECIDE_SECONDS,
    ) -> None:
        self.instruments = tuple(choices)
        self._feeds = feeds
        self._choices = choices
        self._decide_seconds = decide_seconds

    def statuses(self) -> Iterable[FeedStatus]:
        """Return none: the chosen feed has it."""
        return ()

    def details(self) -> Iterable[FeedDetail]:
        """Return which feed each instrument's ticks are taken from, and how the others compare."""
        return tuple(choice.detail() for choice in self._choices.values())

    async def run(self, sink: Sink) -> None:
        """Choose until cancelled."""
        while True:
            self.decide(sink)
            await asyncio.sleep(self._decide_seconds)

    def decide(self, sink: Sink) -> None:
        """Choose once for each instrument."""
        statuses: dict[str, dict[str, FeedStatus]] = {instrument: {} for instrument in self._choices}
        for standby in self._feeds:
            for status in standby.feed.statuses():
                statuses[status.instrument][standby.name] = status
        for instrument, choice in self._choices.items():
            if not all(each.is_prepared for each in self._feeds if instrument in each.instruments):
                # What an earlier process published last is not known yet.
                continue
            refused = {
                standby.name
                for standby in self._feeds
                if instrument in standby.instruments and standby.is_refused(instrument)
            }
            choice.decide(statuses[instrument], refused, sink)
            for standby in self._feeds:
                if instrument in standby.instruments:
                    for price in choice.expected(standby.name):
                        standby.confirm(instrument, price)
