"""One macro series: everything that the provider has at the start, then once a day what is news.

Each value is published once for each vintage. What is in ``macro.v1`` when the process starts is known. The
first pull asks for all vintages, so that it also finds what an earlier process did not get to publish.

A pull that fails is repeated with growing waits. Whether a provider refuses the key or the series for good is
decided by several refusals over time (`RefusalRecord`); then it is asked once an hour.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Final

import structlog

from services.ingestor.core.macro_vintages import News, SeriesVintages
from services.ingestor.core.refusals import Patience, RefusalRecord
from services.ingestor.feeds.macro.ports import SeriesSource
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.domain.instants import NS_PER_SECOND, from_ns, to_ns
from shared.domain.macro import Observation
from shared.domain.sessions import NEW_YORK
from shared.domain.ticks import FeedStatus

log = structlog.get_logger(__name__)

# The Federal Reserve's rates come at 16:15 New York, Cboe's indices in the early evening.
_PULL_AT: Final = time(19)
# FRED adds vintages of the last days after the fact.
_OVERLAP: Final = timedelta(days=7)
_RETRY_CAP_SECONDS: Final = 900.0
_PATIENCE: Final = Patience()


class MacroFeed:
    """Keep one series up to date.

    Parameters
    ----------
    series
        Provider and name, such as ``fred:DFII10``.
    known
        Returns what of the series is in ``macro.v1``.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self,
        source: SeriesSource,
        *,
        series: str,
        known: Callable[[], Awaitable[tuple[Observation, ...]]],
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
        patience: Patience = _PATIENCE,
        redactor: Redactor | None = None,
    ) -> None:
        self.name = source.name
        self.instruments: tuple[str, ...] = (series,)
        self._source = source
        self._series = series
        self._known = known
        self._uniform = uniform
        self._metrics = metrics
        self._clock = clock
        self._redactor = redactor or Redactor()
        self._refusals = RefusalRecord(patience)
        self._vintages = SeriesVintages(series, unit=source.unit, source=source.name)

    def statuses(self) -> Iterable[FeedStatus]:
        """Return none: an observation has its own ``known_at``."""
        return ()

    async def run(self, sink: Sink) -> None:
        """Pull for ever."""
        self._vintages = SeriesVintages(
            self._series, unit=self._source.unit, source=self._source.name, known=await self._known()
        )
        since = None
        while True:
            await self._pull_until_answered(sink, since=since)
            since = self._overlapping()
            await asyncio.sleep(self._seconds_to_next_pull())

    async def _pull_until_answered(self, sink: Sink, *, since: str | None) -> None:
        backoff = Backoff(uniform=self._uniform, cap_seconds=_RETRY_CAP_SECONDS)
        while True:
            try:
                return await self._pull(sink, since=since)
            except Unanswered as error:
                self._metrics.pull_failures.labels(self.name).inc()
                wait = backoff.failed(live_seconds=0.0, at_least_seconds=self._least_wait(error))
                log.warning(
                    "pull_failed",
                    feed=self.name,
                    series=self._series,
                    reason=error.reason,
                    error=self._redactor.text(str(error)),
                    retry_in_seconds=round(wait, 2),
                )
                await asyncio.sleep(wait)

    def _least_wait(self, error: Unanswered) -> float:
        """Return how long to wait at least; report it once when the provider counts as refusing for good."""
        if error.refusal is None:
            return max(error.retry_after_seconds, self._refusals.at_least_seconds)
        verdict = self._refusals.on_refusal(
            error.refusal,
            words=self._redactor.text(str(error)),
            now=self._clock.monotonic(),
            retry_after_seconds=error.retry_after_seconds,
        )
        if verdict.is_news:
            self._metrics.macro.refused.labels(self._series).set(1)
            log.error(
                "feed_refused",
                feed=self.name,
                series=self._series,
                reason=error.reason,
                error=self._redactor.text(str(error)),
            )
        return verdict.at_least_seconds

    async def _pull(self, sink: Sink, *, since: str | None) -> None:
        readings = await self._source.readings(since=since)
        if self._refusals.on_success():
            log.info("feed_accepted_again", feed=self.name, series=self._series)
        self._metrics.macro.refused.labels(self._series).set(0)
        now_ns = self._clock.now_ns()
        news = self._vintages.compare(readings.rows, now_ns=now_ns)
        for raw, unreadable in readings.unreadable:
            sink.reject(feed=self.name, raw=raw, error=unreadable)
        for reading, implausible in news.rejected:
            sink.reject(feed=self.name, raw=repr(reading).encode(), error=implausible)
        # Oldest vintages first: a reader that stops in the middle has a past that was once complete.
        observations = sorted((*news.added, *news.revised), key=lambda each: (each.vintage, each.date))
        if observations:
            sink.put_observations(tuple(observations))
        self._report(news, unreadable=len(readings.unreadable), now_ns=now_ns)

    def _report(self, news: News, *, unreadable: int, now_ns: int) -> None:
        rejected = len(news.rejected) + unreadable
        received = self._metrics.macro.observations
        received.labels(self._series, "added").inc(len(news.added))
        received.labels(self._series, "revised").inc(len(news.revised))
        received.labels(self._series, "unchanged").inc(news.unchanged)
        received.labels(self._series, "rejected").inc(rejected)
        self._metrics.macro.last_pull.labels(self._series).set(now_ns / NS_PER_SECOND)
        newest = self._vintages.newest_date()
        log.info(
            "macro_pulled",
            feed=self.name,
            series=self._series,
            added=len(news.added),
            revised=len(news.revised),
            rejected=rejected,
            newest=newest,
        )

    def _overlapping(self) -> str | None:
        newest = self._vintages.newest_vintage()
        return None if newest is None else (date.fromisoformat(newest) - _OVERLAP).isoformat()

    def _seconds_to_next_pull(self) -> float:
        now_ns = self._clock.now_ns()
        day = from_ns(now_ns).astimezone(NEW_YORK).date()
        at_ns = to_ns(datetime.combine(day, _PULL_AT, NEW_YORK))
        if at_ns <= now_ns:
            at_ns = to_ns(datetime.combine(day + timedelta(days=1), _PULL_AT, NEW_YORK))
        return (at_ns - now_ns) / NS_PER_SECOND
