"""Daily bars from servers that speak Yahoo's, Tiingo's and Coinbase's protocols."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from services.ingestor.feeds.transport.http_errors import Refused, Throttled
from services.ingestor.feeds.venues.coinbase.candles import CandleCloses
from services.ingestor.feeds.venues.tiingo.eod import TiingoEod
from services.ingestor.feeds.venues.yahoo.chart import YahooChart
from shared.calendars import xnys_calendar
from shared.domain.bars import BarStatus
from shared.errors import FeedUnavailable
from tests.integration.ingestor.daily import (
    KEY,
    LAST,
    NEXT,
    clock_at,
    history_of,
    make_days,
    running_bars,
    tiingo,
    yahoo,
)
from tests.support.fake_feeds.coinbase import PRODUCT, CoinbaseRest, candle_close
from tests.support.fake_feeds.daily import Day, float32
from tests.support.fake_feeds.http_server import Answer


async def test_history_has_six_hundred_sessions_and_float32_noise_is_gone() -> None:
    async with yahoo(make_days()) as (_, source):
        bars = await history_of(source)
    assert len(bars) == 600
    assert bars[-1].session == LAST
    assert float32(206.19) != 206.19
    assert (bars[-1].close, bars[-1].adj_close, bars[-1].source) == (206.19, 206.19, "yahoo")
    assert all(bar.status is BarStatus.FINAL and bar.revision == 0 for bar in bars)
    # 20:15 New York is 01:15 UTC of the next day in winter.
    assert bars[-1].known_at_ns == 1_764_206_100_000_000_000


async def test_final_bar_of_a_new_session_is_put_as_live_once() -> None:
    async with yahoo(make_days()) as (fake, source):
        known = await history_of(source)
        fake.days = make_days(NEXT, 621)
        clock = clock_at("2025-11-28T20:14:59.700")
        async with running_bars(source, clock, known=known) as running:
            await running.until(lambda: len(running.sink.provisional) == 1)
            assert running.sink.news == []
            clock.advance(timedelta(seconds=1))
            await running.until(lambda: bool(running.sink.news))
            await asyncio.sleep(0.1)
    assert [bar.status for bar in running.sink.provisional] == [BarStatus.PROVISIONAL]
    ((bar,),) = running.sink.news
    assert (bar.session, bar.close, bar.status, bar.revision) == (NEXT, 206.2, BarStatus.FINAL, 0)
    assert running.sink.order[0] == "history"


async def test_session_that_closed_while_we_were_away_is_a_live_bar() -> None:
    async with yahoo(make_days()) as (fake, source):
        known = await history_of(source)
        fake.days = make_days(NEXT, 621)
        async with running_bars(source, clock_at("2025-11-29T12:00"), known=known) as running:
            await running.until(lambda: bool(running.sink.news))
    assert [[bar.session for bar in news] for news in running.sink.news] == [[NEXT]]
    assert running.sink.order == ["history", "news"]


async def test_live_last_row_is_no_bar_and_a_duplicate_is_the_later_one() -> None:
    async with yahoo(make_days()) as (fake, source):
        fake.live_row = (NEXT, Day(close=1.0, adj_close=1.0))
        fake.duplicated = (LAST, Day(close=207.5, adj_close=207.5))
        async with running_bars(source, clock_at("2025-11-28T11:00")) as running:
            await running.until(lambda: bool(running.sink.histories))
    bars = running.sink.histories[0]
    assert (bars[-1].session, bars[-1].close) == (LAST, 207.5)
    assert running.sink.provisional == []


async def test_null_row_is_missing_and_counted() -> None:
    async with yahoo(make_days()) as (fake, source):
        fake.null_sessions = {"2025-11-25"}
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
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
    async with yahoo(make_days()) as (fake, source):
        fake.answers = [answer]
        with pytest.raises(FeedUnavailable) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.reason == reason
        fake.answers = [answer]
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
            await running.until(lambda: bool(running.sink.histories))


@pytest.mark.parametrize(("asked", "seconds"), [("²", 60.0), ("9" * 400, 3600.0)])
async def test_throttling_for_no_number_or_for_ever_is_waited_out_sanely(asked: str, seconds: float) -> None:
    async with yahoo(make_days()) as (fake, source):
        fake.answers = [
            Answer(status=429, body=b"", content_type="text/plain", headers={"Retry-After": asked})
        ]
        with pytest.raises(Throttled) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.retry_after_seconds == seconds


async def test_throttling_is_waited_out_as_asked() -> None:
    async with yahoo(make_days()) as (fake, source):
        busy = Answer(
            status=429, body=b"Too Many Requests\n", content_type="text/plain", headers={"Retry-After": "1"}
        )
        fake.answers = [busy]
        with pytest.raises(Throttled) as caught:
            await source.rows(["2025-11-25"])
        assert caught.value.retry_after_seconds == 1
        fake.answers = [busy]
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
            began = asyncio.get_running_loop().time()
            await running.until(lambda: bool(running.sink.histories))
            assert asyncio.get_running_loop().time() - began >= 0.95


async def test_unknown_symbol_is_evidence_with_the_words_of_the_provider() -> None:
    async with yahoo(make_days()) as (fake, _), httpx.AsyncClient(base_url=fake.server.url) as client:
        with pytest.raises(Refused, match="No data found, symbol may be delisted") as caught:
            await YahooChart(client, symbol="NOPE").rows(["2025-11-25"])
    assert caught.value.refusal is Refusal.UNKNOWN_SYMBOL


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 500])
async def test_one_refusal_is_not_the_last_request(status: int) -> None:
    async with yahoo(make_days()) as (fake, source):
        words = b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}'
        fake.answers = [Answer(status=status, body=words, headers={"Retry-After": "0"})]
        with capture_logs() as logs:
            async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
                await running.until(lambda: bool(running.sink.histories))
    (failed,) = [each for each in logs if each["event"] == "pull_failed"]
    assert "Invalid Crumb" in failed["error"]


async def test_restated_close_is_a_correction_with_the_next_revision() -> None:
    days = make_days()
    async with yahoo(days) as (_, source):
        known = await history_of(source)
        days["2025-11-25"] = Day(close=190.0, adj_close=190.0)
        clock = clock_at("2025-11-27T10:00")
        async with running_bars(source, clock, known=known) as running:
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
    days = make_days()
    async with tiingo(days) as (fake, source):
        known = await history_of(source)
        # A dividend of 1 USD with ex-date on the next session: every older adjusted close shrinks.
        factor = 1 - 1.0 / days[LAST].close
        fake.days = {
            session: Day(close=day.close, adj_close=round(day.close * factor, 4))
            for session, day in days.items()
        } | {NEXT: Day(close=205.0, adj_close=205.0)}
        async with running_bars(source, clock_at("2025-11-28T20:16"), known=known) as running:
            await running.until(lambda: bool(running.sink.news))
    assert [[bar.session for bar in news] for news in running.sink.news] == [[NEXT]]
    assert running.sink.order == ["history", "history", "news"]
    restated = {bar.session: bar for bar in running.sink.histories[1]}
    assert NEXT not in restated
    assert restated[LAST].close == days[LAST].close
    assert restated[LAST].adj_close == pytest.approx(days[LAST].close - 1.0, abs=1e-4)
    assert all(bar.revision == 0 for bar in restated.values())
    assert running.count("corrected") == 0


async def test_split_is_no_storm_of_corrections() -> None:
    days = make_days()
    async with yahoo(days) as (fake, source):
        known = await history_of(source)
        fake.days = {
            session: Day(close=day.close / 2, adj_close=day.close / 2, volume=day.volume * 2)
            for session, day in days.items()
        }
        fake.splits = {NEXT: 2.0}
        async with running_bars(source, clock_at("2025-11-27T10:00"), known=known) as running:
            await running.until(lambda: len(running.sink.histories) == 2)
    assert running.sink.news == []
    assert running.sink.histories[1][-1].close == pytest.approx(days[LAST].close / 2, abs=1e-4)


async def test_bad_key_is_asked_again_and_stands_nowhere() -> None:
    async with tiingo(make_days(), key="wrong-secret-key") as (fake, source):
        with capture_logs() as logs:
            async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
                await running.until(lambda: len(fake.server.requests) >= 3)
        assert "Invalid token" in str(logs)
        assert "wrong-secret-key" not in f"{logs}{source!r}"
        assert "wrong-secret-key" not in f"{fake.server.requests[0].path}{fake.server.requests[0].query}"


async def test_provider_that_is_away_is_asked_again_and_no_key_is_logged() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
        source = TiingoEod(client, ticker="IWM", token=SecretStr(KEY))
        with capture_logs() as logs:
            async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
                await running.until(
                    lambda: len([each for each in logs if each["event"] == "pull_failed"]) >= 3
                )
    assert KEY not in str(logs)
    assert logs[0]["reason"] == "unreachable"


async def test_gold_is_sampled_at_the_session_close_early_closes_included() -> None:
    rest = CoinbaseRest()
    headers = {"User-Agent": USER_AGENT}
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url, headers=headers) as client:
        source = CandleCloses(client, product=PRODUCT, calendar=xnys_calendar())
        # The hour before the early close of 2025-11-28 (18:00 UTC) had no trade.
        rest.missing = {1_764_349_200}
        async with running_bars(source, clock_at("2025-12-02T21:00"), is_history_only=True) as running:
            await running.until(lambda: bool(running.sink.histories))
    bars = {bar.session: bar for bar in running.sink.histories[0]}
    assert len(bars) == 599
    assert NEXT not in bars
    # Closes at 21:00 UTC in winter and 20:00 in summer: the candles that start an hour before.
    assert bars["2025-12-01"].close == candle_close(1_764_619_200)
    assert bars["2025-07-01"].close == candle_close(1_751_396_400)
    # Closed at 17:00 UTC on 2025-07-03.
    assert bars["2025-07-03"].close == candle_close(1_751_562_000 - 3_600)
    assert running.sink.news == []
