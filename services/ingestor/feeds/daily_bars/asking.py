"""Ask a provider until it answers, as patiently as its refusals demand."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from services.ingestor.core.daily_rows import PulledRows
from services.ingestor.core.refusals import Refusal, RefusalRecord
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.errors import FeedUnavailable

log = structlog.get_logger(__name__)

_RETRY_CAP_SECONDS: Final = 900.0
# A limit of requests, or a request that is wrong in itself, says nothing about our key.
_COUNTED: Final = frozenset({Refusal.ACCESS, Refusal.UNKNOWN_SYMBOL, Refusal.BLOCKED})


class Asking:
    """The requests to one provider for one instrument.

    Parameters
    ----------
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    redactor
        Removes the keys from what a provider says.
    """

    def __init__(
        self,
        source: BarSource,
        *,
        instrument: str,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
        redactor: Redactor | None = None,
    ) -> None:
        self.name = source.name
        self.is_split_adjusted = source.is_split_adjusted
        self._source = source
        self._instrument = instrument
        self._uniform = uniform
        self._metrics = metrics
        self._clock = clock
        self._redactor = redactor or Redactor()
        self._refusals = RefusalRecord()
        self._backoff = self._new_backoff()
        self._not_before = 0.0
        self._words = ""

    @property
    def is_refused(self) -> bool:
        """Return whether the provider counts as refusing us for good."""
        return self._refusals.is_refused

    def problem(self) -> str | None:
        """Return why the last request brought nothing; None if it brought an answer."""
        if self._refusals.is_refused:
            return f"{self.name} refuses the daily bars of {self._instrument}: {self._words}"
        return (
            f"{self.name} gives no daily bars of {self._instrument}: {self._words}" if self._words else None
        )

    async def until_answered(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows of some sessions, however long it takes."""
        while True:
            answer, wait = await self._ask(sessions)
            if answer is not None:
                return answer
            await asyncio.sleep(wait)

    async def once(self, sessions: Sequence[str]) -> PulledRows | None:
        """Return the rows of some sessions; None without an answer, or if it is too early to ask."""
        if self._clock.monotonic() < self._not_before:
            return None
        answer, wait = await self._ask(sessions)
        self._not_before = self._clock.monotonic() + wait
        return answer

    async def _ask(self, sessions: Sequence[str]) -> tuple[PulledRows | None, float]:
        try:
            answer = await self._source.rows(sessions)
        except FeedUnavailable as error:
            return None, self._on_failure(error)
        if self._refusals.on_success():
            log.info("feed_accepted_again", feed=self.name, instrument=self._instrument)
        self._metrics.bars_refused.labels(self.name, self._instrument).set(0)
        self._backoff = self._new_backoff()
        self._words = ""
        unreadable = tuple(map(self._redactor.text, answer.unreadable))
        return replace(answer, unreadable=unreadable), 0.0

    def _on_failure(self, error: FeedUnavailable) -> float:
        """Return how long to wait before the next request."""
        self._metrics.pull_failures.labels(self.name).inc()
        words = self._words = self._redactor.text(str(error))
        at_least = self._refusals.at_least_seconds
        if isinstance(error, Unanswered):
            at_least = max(at_least, error.retry_after_seconds)
        if isinstance(error, Unanswered) and error.refusal in _COUNTED:
            verdict = self._refusals.on_refusal(
                error.refusal,
                words=words,
                now=self._clock.monotonic(),
                retry_after_seconds=error.retry_after_seconds,
            )
            at_least = max(at_least, verdict.at_least_seconds)
            if verdict.is_news:
                self._metrics.bars_refused.labels(self.name, self._instrument).set(1)
                log.error(
                    "feed_refused",
                    feed=self.name,
                    instruments=(self._instrument,),
                    reason=error.reason,
                    error=words,
                    asked_again_each_seconds=at_least,
                )
        wait = self._backoff.failed(live_seconds=0.0, at_least_seconds=at_least)
        log.warning(
            "pull_failed",
            feed=self.name,
            instrument=self._instrument,
            reason=error.reason,
            error=words,
            retry_in_seconds=round(wait, 2),
        )
        return wait

    def _new_backoff(self) -> Backoff:
        return Backoff(uniform=self._uniform, cap_seconds=_RETRY_CAP_SECONDS)
