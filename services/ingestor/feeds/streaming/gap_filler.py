"""Fetch the trades that an instrument's stream has missed: one request at a time, paced and retried.

While a request is under way or waits for its turn, further gaps are collected; the next request covers all of
them. A gap that stays open after `MAX_TRIES` requests is counted, logged and published as a dead letter.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson
import structlog

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.missing_trades import MAX_TRIES, ClosedGap, MissingTrades
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.streaming.ports import Backfill
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.domain.backoff import Backoff
from shared.errors import FeedRefused, FeedUnavailable, QualityError

log = structlog.get_logger(__name__)

# Twenty pages at a request a second, and as much again.
_REQUEST_SECONDS: Final = 60.0
GAP_REASON: Final = "trade_gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTiming:
    """When to ask for missed trades; times in seconds.

    Parameters
    ----------
    collect
        How long after a gap is noticed: frames on their way may still close it, and further gaps come.
    retry_base, retry_cap
        The back-off after a request that has not brought everything.
    longest_wait
        What a provider asks for is not waited for any longer than this.
    """

    collect: float = 0.5
    retry_base: float = 1.0
    retry_cap: float = 60.0
    longest_wait: float = 3_600.0
    max_tries: int = MAX_TRIES


class GapFiller:
    """Fill the gaps of one instrument of one feed.

    Parameters
    ----------
    backfill
        Its requests are paced for all instruments of the provider together.
    take
        Publishes trades that were missing.

    Attributes
    ----------
    given_up
        How many trades are missing for good since the start.
    """

    def __init__(
        self,
        backfill: Backfill,
        *,
        feed: str,
        instrument: str,
        take: Callable[[list[Trade], Sink], None],
        timing: FillTiming,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        redactor: Redactor,
    ) -> None:
        self._backfill = backfill
        self._feed = feed
        self._instrument = instrument
        self._take = take
        self._timing = timing
        self._metrics = metrics
        self._redactor = redactor
        self._uniform = uniform
        self._backoff = self._new_backoff()
        self._missing = MissingTrades(max_tries=timing.max_tries)
        self._is_wanted = asyncio.Event()
        self.given_up = 0

    @property
    def missing(self) -> int:
        """Return how many trades are missing and still asked for."""
        return self._missing.count

    @property
    def since_ns(self) -> int | None:
        """Return the event time of the last trade before the oldest open gap; None if there is none."""
        return self._missing.since_ns

    def add(self, gap: Gap, sink: Sink) -> None:
        """Note a gap, to be filled soon."""
        self._report(self._missing.add(gap), sink, why="too many trades are missing")
        self._is_wanted.set()

    def take_late(self, trades: list[Trade], sink: Sink) -> list[Trade]:
        """Publish the trades that were missing and have come after all; return the others."""
        if not self._missing.count:
            return trades
        by_id = {trade.trade_id: trade for trade in trades}
        late, closed = self._missing.found(list(by_id))
        if not late:
            return trades
        self._take([by_id[trade_id] for trade_id in late], sink)
        self._report(closed, sink, why="")
        wanted = set(late)
        return [trade for trade in trades if trade.trade_id not in wanted]

    async def run(self, sink: Sink) -> None:
        """Fill gaps until cancelled."""
        while True:
            await self._is_wanted.wait()
            await asyncio.sleep(self._timing.collect)
            request = self._missing.next_request()
            if request is None:
                self._is_wanted.clear()
                continue
            await asyncio.sleep(await self._ask(request, sink))

    async def _ask(self, request: Gap, sink: Sink) -> float:
        """Ask for the trades of a gap; return how long to wait before the next request."""
        trades: list[Trade] = []
        why, asked_seconds = "the venue no longer has them", 0.0
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                trades = await self._backfill.trades_in(request)
        except Unanswered as error:
            why, asked_seconds = str(error), error.retry_after_seconds
        except (FeedUnavailable, FeedRefused) as error:
            why = str(error)
        except TimeoutError:
            why = f"no complete answer in {_REQUEST_SECONDS:.0f} s"
        except Exception as error:
            # A fault of ours in reading the answer: the other trades must not be lost for it.
            log.error(  # noqa: TRY400 - the traceback is there, without keys
                "backfill_failed",
                feed=self._feed,
                instrument=self._instrument,
                traceback=self._redactor.traceback(error),
            )
            why = repr(error)
        by_id = {trade.trade_id: trade for trade in trades}
        found, closed = self._missing.found(list(by_id))
        self._take([by_id[trade_id] for trade_id in found], sink)
        closed += self._missing.answered()
        self._report(closed, sink, why=self._redactor.words(why))
        if not self._missing.tries:
            self._backoff = self._new_backoff()
            return 0.0
        wait = self._backoff.failed(live_seconds=0, at_least_seconds=asked_seconds)
        return min(wait, self._timing.longest_wait)

    def _report(self, closed: list[ClosedGap], sink: Sink, *, why: str) -> None:
        for each in closed:
            self._metrics.trade_gaps.labels(self._feed, "unfillable" if each.given_up else "filled").inc()
            if each.given_up:
                self._give_up(each, sink, why)
        self._metrics.missing_trades.labels(self._feed, self._instrument).set(self._missing.count)

    def _give_up(self, closed: ClosedGap, sink: Sink, why: str) -> None:
        self.given_up += closed.given_up
        what = {
            "instrument": self._instrument,
            "after_id": closed.gap.after_id,
            "before_id": closed.gap.before_id,
            "missing": closed.given_up,
        }
        log.warning("trade_gap_left_open", feed=self._feed, **what, why=why)
        sink.reject(
            feed=self._feed,
            raw=orjson.dumps(what, default=str),
            error=QualityError(f"{closed.given_up} trades are missing for good: {why}", reason=GAP_REASON),
        )

    def _new_backoff(self) -> Backoff:
        return Backoff(
            uniform=self._uniform,
            base_seconds=self._timing.retry_base,
            cap_seconds=self._timing.retry_cap,
        )
