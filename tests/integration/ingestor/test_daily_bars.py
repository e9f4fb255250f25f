"""Daily bars from servers that speak Yahoo's, Tiingo's and Coinbase's protocols."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from services.ingestor.feeds.transport.http_errors import Refused, Throttled
from services.ingestor.feeds.venues.coinbase.candles import CandleCloses
from services.ingestor.feeds.venues.tiingo.eod import TiingoEod
from services.ingestor.feeds.venues.yahoo.chart import YahooChart
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import ManualClock
from shared.domain.bars import Bar, BarStatus
from shared.errors import FeedUnavailable
from tests.support.fake_feeds.coinbase import PRODUCT, CoinbaseRest, candle_close
from tests.support.fake_feeds.daily import NEW_YORK, Day, FakeTiingo, FakeYahoo, float32
from tests.support.fake_feeds.http_server import Answer
from tests.support.fake_feeds.sink import RecordingSink

_LAST = "2025-11-26"  # a Wednesday; the next session is the early close of Friday the 28th
_NEXT = "2025-11-28"
_KEY = "tiingo-secret-key"


def _days(last: str = _LAST, count: int = 620) -> dict[str, Day]:
    calendar = xnys_calendar()
    end = calendar.index_of(last) + 1
    return {
        session: Day(close=200 + number / 100, adj_close=200 + number / 100)
        for number, session in enumerate(calendar.labels[end - count : end])
    }


def _clock(text: str) -> ManualClock:
    return ManualClock(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


class _Running:
    def __init__(self, task: asyncio.Task[None], sink: RecordingSink, registry: CollectorRegistry) -> None:
        self.task = task
        self.sink = sink
        self._registry = registry

    def count(self, outcome: str) -> float | None:
        return self._registry.get_sample_value(
            "convex_ingestor_bars_received_total", {"instrument": "IWM.ARCX", "outcome": outcome}
        )

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _running(
    source: BarSource, clock: ManualClock, *, known: tuple[Bar, ...] = (), is_history_only: bool = False
) -> AsyncIterator[_Running]:
    registry = CollectorRegistry()

    async def known_bars() -> tuple[Bar, ...]:
        return known

    feed = DailyBarsFeed(
        source,
        instrument="IWM.ARCX",
        is_history_only=is_history_only,
        known=known_bars,
        sessions=600,
        calendar=xnys_calendar(),
        uniform=lambda: 0.01,
        metrics=IngestorMetrics(registry, feeds=(source.name,), instruments=("IWM.ARCX",), streams={}),
        clock=clock,
    )
    sink = RecordingSink()
    running = _Running(asyncio.create_task(feed.run(sink)), sink, registry)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


@asynccontextmanager
async def _yahoo(days: dict[str, Day]) -> AsyncIterator[tuple[FakeYahoo, YahooChart]]:
    fake = FakeYahoo(days)
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        yield fake, YahooChart(client, symbol="IWM")


@asynccontextmanager
async def _tiingo(days: dict[str, Day], key: str = _KEY) -> AsyncIterator[tuple[FakeTiingo, TiingoEod]]:
    fake = FakeTiingo(days, key=_KEY)
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        yield fake, TiingoEod(client, ticker="IWM", token=SecretStr(key))


async def _history(source: BarSource) -> tuple[Bar, ...]:
    """Return what the feed knows in the morning after ``_LAST``."""
    async with _running(source, _clock("2025-11-27T10:00")) as running:
        await running.until(lambda: bool(running.sink.histories))
    return running.sink.histories[0]


async def test_history_has_six_hundred_sessions_and_float32_noise_is_gone() -> None:
    async with _yahoo(_days()) as (_, source):
        bars = await _history(source)
    assert len(bars) == 600
    assert bars[-1].session == _LAST
    assert float32(206.19) != 206.19
    assert (bars[-1].close, bars[-1].adj_close, bars[-1].source) == (206.19, 206.19, "yahoo")
    assert all(bar.status is BarStatus.FINAL and bar.revision == 0 for bar in bars)
    # 20:15 New York is 01:15 UTC of the next day in winter.
    assert bars[-1].known_at_ns == 1_764_206_100_000_000_000


async def test_final_bar_of_a_new_session_is_put_as_live_once() -> None:
    async with _yahoo(_days()) as (fake, source):
        known = await _history(source)
        fake.days = _days(_NEXT, 621)
        clock = _clock("2025-11-28T20:14:59.700")
        async with _running(source, clock, known=known) as running:
            await running.until(lambda: len(running.sink.provisional) == 1)
            assert running.sink.news == []
            clock.advance(timedelta(seconds=1))
            await running.until(lambda: bool(running.sink.news))
            await asyncio.sleep(0.1)
    assert [bar.status for bar in running.sink.provisional] == [BarStatus.PROVISIONAL]
    ((bar,),) = running.sink.news
    assert (bar.session, bar.close, bar.status, bar.revision) == (_NEXT, 206.2, BarStatus.FINAL, 0)
    assert running.sink.order[0] == "history"


async def test_session_that_closed_while_we_were_away_is_a_live_bar() -> None:
    async with _yahoo(_days()) as (fake, source):
        known = await _history(source)
        fake.days = _days(_NEXT, 621)
        async with _running(source, _clock("2025-11-29T12:00"), known=known) as running:
            await running.until(lambda: bool(running.sink.news))
    assert [[bar.session for bar in news] for news in running.sink.news] == [[_NEXT]]
    assert running.sink.order == ["history", "news"]


async def test_live_last_row_is_no_bar_and_a_duplicate_is_the_later_one() -> None:
    async with _yahoo(_days()) as (fake, source):
        fake.live_row = (_NEXT, Day(close=1.0, adj_close=1.0))
        fake.duplicated = (_LAST, Day(close=207.5, adj_close=207.5))
        async with _running(source, _clock("2025-11-28T11:00")) as running:
            await running.until(lambda: bool(running.sink.histories))
    bars = running.sink.histories[0]
    assert (bars[-1].session, bars[-1].close) == (_LAST, 207.5)
    assert running.sink.provisional == []


async def test_null_row_is_missing_and_counted() -> None:
    async with _yahoo(_days()) as (fake, source):
        fake.null_sessions = {"2025-11-25"}
        async with _running(source, _clock("2025-11-27T10:00")) as running:
            await running.until(lambda: bool(running.sink.histories))
            await running.until(lambda: running.count("missing") == 1)
    assert len(running.sink.histories[0]) == 599
    assert "2025-11-25" not in {bar.session for bar in running.sink.histories[0]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=b"<html>consent</html>", content_type="text/html"), "blocked"),
        (Answer(body=b"  <!doctype html>"), "blocked"),
        (Answer(body=b'{"chart":'), "not_json"),
        (Answer(body=b'{"finance":{"error":{"code":"Unauthorized"}}}'), "not_json"),
        (Answer(status=502, body=b"bad gateway", content_type="text/plain"), "server_error"),
        (Answer(body=b'{"chart":{"result":[{"meta":{}}],"error":null}}'), "not_json"),
    ],
)
async def test_answer_that_is_none_is_classified_and_asked_again(answer: Answer, reason: str) -> None:
    async with _yahoo(_days()) as (fake, source):
        fake.answers = [answer]
        with pytest.raises(FeedUnavailable) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.reason == reason
        fake.answers = [answer]
        async with _running(source, _clock("2025-11-27T10:00")) as running:
            await running.until(lambda: bool(running.sink.histories))


@pytest.mark.parametrize(("asked", "seconds"), [("²", 60.0), ("9" * 400, 3600.0)])
async def test_throttling_for_no_number_or_for_ever_is_waited_out_sanely(asked: str, seconds: float) -> None:
    async with _yahoo(_days()) as (fake, source):
        fake.answers = [
            Answer(status=429, body=b"", content_type="text/plain", headers={"Retry-After": asked})
        ]
        with pytest.raises(Throttled) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.retry_after_seconds == seconds


async def test_throttling_is_waited_out_as_asked() -> None:
    async with _yahoo(_days()) as (fake, source):
        busy = Answer(
            status=429, body=b"Too Many Requests\n", content_type="text/plain", headers={"Retry-After": "1"}
        )
        fake.answers = [busy]
        with pytest.raises(Throttled) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.retry_after_seconds == 1
        fake.answers = [busy]
        async with _running(source, _clock("2025-11-27T10:00")) as running:
            began = asyncio.get_running_loop().time()
            await running.until(lambda: bool(running.sink.histories))
            assert asyncio.get_running_loop().time() - began >= 0.95


async def test_unknown_symbol_is_evidence_with_the_words_of_the_provider() -> None:
    async with _yahoo(_days()) as (fake, _), httpx.AsyncClient(base_url=fake.server.url) as client:
        with pytest.raises(Refused, match="No data found, symbol may be delisted") as caught:
            await YahooChart(client, symbol="NOPE").rows(["2025-11-25"])
    assert caught.value.refusal is Refusal.UNKNOWN_SYMBOL


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 500])
async def test_one_refusal_is_not_the_last_request(status: int) -> None:
    async with _yahoo(_days()) as (fake, source):
        words = b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}'
        fake.answers = [Answer(status=status, body=words, headers={"Retry-After": "0"})]
        with capture_logs() as logs:
            async with _running(source, _clock("2025-11-27T10:00")) as running:
                await running.until(lambda: bool(running.sink.histories))
    (failed,) = [each for each in logs if each["event"] == "pull_failed"]
    assert "Invalid Crumb" in failed["error"]


async def test_restated_close_is_a_correction_with_the_next_revision() -> None:
    days = _days()
    async with _yahoo(days) as (_, source):
        known = await _history(source)
        days["2025-11-25"] = Day(close=190.0, adj_close=190.0)
        clock = _clock("2025-11-27T10:00")
        async with _running(source, clock, known=known) as running:
            await running.until(lambda: bool(running.sink.news))
    ((bar,),) = running.sink.news
    assert (bar.session, bar.close, bar.status, bar.revision) == (
        "2025-11-25",
        190.0,
        BarStatus.CORRECTED,
        1,
    )
    assert bar.known_at_ns == clock.now_ns()
    assert running.count("corrected") == 1


async def test_dividend_tells_the_history_again_and_corrects_nothing() -> None:
    days = _days()
    async with _tiingo(days) as (fake, source):
        known = await _history(source)
        # A dividend of 1 USD with ex-date on the next session: every older adjusted close shrinks.
        factor = 1 - 1.0 / days[_LAST].close
        fake.days = {
            session: Day(close=day.close, adj_close=round(day.close * factor, 4))
            for session, day in days.items()
        } | {_NEXT: Day(close=205.0, adj_close=205.0)}
        async with _running(source, _clock("2025-11-28T20:16"), known=known) as running:
            await running.until(lambda: bool(running.sink.news))
    assert [[bar.session for bar in news] for news in running.sink.news] == [[_NEXT]]
    assert running.sink.order == ["history", "history", "news"]
    restated = {bar.session: bar for bar in running.sink.histories[1]}
    assert _NEXT not in restated
    assert restated[_LAST].close == days[_LAST].close
    assert restated[_LAST].adj_close == pytest.approx(days[_LAST].close - 1.0, abs=1e-4)
    assert all(bar.revision == 0 for bar in restated.values())
    assert running.count("corrected") == 0


async def test_split_is_no_storm_of_corrections() -> None:
    days = _days()
    async with _yahoo(days) as (fake, source):
        known = await _history(source)
        fake.days = {
            session: Day(close=day.close / 2, adj_close=day.close / 2, volume=day.volume * 2)
            for session, day in days.items()
        }
        fake.splits = {_NEXT: 2.0}
        async with _running(source, _clock("2025-11-27T10:00"), known=known) as running:
            await running.until(lambda: len(running.sink.histories) == 2)
    assert running.sink.news == []
    assert running.sink.histories[1][-1].close == pytest.approx(days[_LAST].close / 2, abs=1e-4)


async def test_bad_key_is_asked_again_and_stands_nowhere() -> None:
    async with _tiingo(_days(), key="wrong-secret-key") as (fake, source):
        with capture_logs() as logs:
            async with _running(source, _clock("2025-11-27T10:00")) as running:
                await running.until(lambda: len(fake.server.requests) >= 3)
        assert "Invalid token" in str(logs)
        assert "wrong-secret-key" not in f"{logs}{source!r}"
        assert "wrong-secret-key" not in f"{fake.server.requests[0].path}{fake.server.requests[0].query}"


async def test_provider_that_is_away_is_asked_again_and_no_key_is_logged() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
        source = TiingoEod(client, ticker="IWM", token=SecretStr(_KEY))
        with capture_logs() as logs:
            async with _running(source, _clock("2025-11-27T10:00")) as running:
                await running.until(
                    lambda: len([each for each in logs if each["event"] == "pull_failed"]) >= 3
                )
    assert _KEY not in str(logs)
    assert logs[0]["reason"] == "unreachable"


async def test_gold_is_sampled_at_the_session_close_early_closes_included() -> None:
    rest = CoinbaseRest()
    headers = {"User-Agent": USER_AGENT}
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url, headers=headers) as client:
        source = CandleCloses(client, product=PRODUCT, calendar=xnys_calendar())
        # The hour before the early close of 2025-11-28 (18:00 UTC) had no trade.
        rest.missing = {1_764_349_200}
        async with _running(source, _clock("2025-12-02T21:00"), is_history_only=True) as running:
            await running.until(lambda: bool(running.sink.histories))
    bars = {bar.session: bar for bar in running.sink.histories[0]}
    assert len(bars) == 599
    assert _NEXT not in bars
    # Closes at 21:00 UTC in winter and 20:00 in summer: the candles that start an hour before.
    assert bars["2025-12-01"].close == candle_close(1_764_619_200)
    assert bars["2025-07-01"].close == candle_close(1_751_396_400)
    # Closed at 17:00 UTC on 2025-07-03.
    assert bars["2025-07-03"].close == candle_close(1_751_562_000 - 3_600)
    assert running.sink.news == []
