"""Every provider of daily bars passes the same tests, against a server that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.venues.alpaca.bars import AlpacaBars
from services.ingestor.feeds.venues.alpha_vantage.daily import AlphaVantageDaily
from services.ingestor.feeds.venues.massive.aggregates import MassiveAggregates
from services.ingestor.feeds.venues.stooq.daily_csv import StooqCsv
from services.ingestor.feeds.venues.tiingo.eod import TiingoEod
from services.ingestor.feeds.venues.twelvedata.time_series import TwelveDataSeries
from services.ingestor.feeds.venues.yahoo.chart import YahooChart
from shared.errors import FeedUnavailable
from tests.support.fake_feeds.daily import Day, FakeTiingo, FakeYahoo
from tests.support.fake_feeds.daily_keyed import (
    KEY,
    SECOND_KEY,
    FakeAlpaca,
    FakeAlphaVantage,
    FakeMassive,
    FakeStooq,
    FakeTwelveData,
)
from tests.support.fake_feeds.http_server import Answer

# The clock of New York changed on 3 November 2024 and on 9 March 2025; 29 November 2024 closed early.
_AROUND_CHANGES = (
    "2024-11-01",
    "2024-11-04",
    "2024-11-27",
    "2024-11-29",
    "2025-03-07",
    "2025-03-10",
    "2025-03-11",
)
Fake = Any
Make = Callable[[httpx.AsyncClient, SecretStr], BarSource]


@dataclass(frozen=True, kw_only=True)
class _Provider:
    name: str
    fake: Callable[[dict[str, Day]], Fake]
    make: Make
    has_key: bool = True
    has_adjusted: bool = True


def _alpaca(client: httpx.AsyncClient, key: SecretStr) -> BarSource:
    return AlpacaBars(client, symbol="IWM", key_id=key, secret_key=SecretStr(SECOND_KEY))


_PROVIDERS = (
    _Provider(
        name="yahoo",
        fake=FakeYahoo,
        make=lambda client, _: YahooChart(client, symbol="IWM"),
        has_key=False,
    ),
    _Provider(
        name="tiingo",
        fake=lambda days: FakeTiingo(days, key=KEY),
        make=lambda client, key: TiingoEod(client, ticker="IWM", token=key),
    ),
    _Provider(name="alpaca", fake=FakeAlpaca, make=_alpaca),
    _Provider(
        name="massive",
        fake=FakeMassive,
        make=lambda client, key: MassiveAggregates(client, ticker="IWM", key=key),
        has_adjusted=False,
    ),
    _Provider(
        name="twelvedata",
        fake=FakeTwelveData,
        make=lambda client, key: TwelveDataSeries(client, symbol="IWM", key=key),
    ),
    _Provider(
        name="alpha_vantage",
        fake=FakeAlphaVantage,
        make=lambda client, key: AlphaVantageDaily(client, symbol="IWM", key=key, is_premium=True),
    ),
    _Provider(
        name="stooq",
        fake=FakeStooq,
        make=lambda client, _: StooqCsv(client, symbol="IWM"),
        has_key=False,
        has_adjusted=False,
    ),
)
_each = pytest.mark.parametrize("provider", _PROVIDERS, ids=lambda each: each.name)
_keyed = pytest.mark.parametrize(
    "provider", [each for each in _PROVIDERS if each.has_key], ids=lambda each: each.name
)


def _days() -> dict[str, Day]:
    return {
        session: Day(close=200.0 + number, adj_close=198.0 + number)
        for number, session in enumerate(_AROUND_CHANGES)
    }


@asynccontextmanager
async def _source(provider: _Provider, *, key: str = KEY) -> AsyncIterator[tuple[Fake, BarSource]]:
    fake = provider.fake(_days())
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url, timeout=5) as client:
        yield fake, provider.make(client, SecretStr(key))


async def _error(provider: _Provider, *answers: Answer) -> FeedUnavailable:
    async with _source(provider) as (fake, source):
        fake.answers = list(answers)
        with pytest.raises(FeedUnavailable) as caught:
            await source.rows(_AROUND_CHANGES)
    return caught.value


@_each
async def test_each_session_has_its_own_label_across_changes_of_the_clock(provider: _Provider) -> None:
    async with _source(provider) as (_, source):
        pulled = await source.rows(_AROUND_CHANGES)
    assert [row.session for row in pulled.rows] == list(_AROUND_CHANGES)
    assert [row.close for row in pulled.rows] == pytest.approx([200.0 + n for n in range(7)])
    assert pulled.unreadable == ()
    first = pulled.rows[0]
    assert [first.high, first.low, first.volume] == pytest.approx([204.0, 196.0, 30_000_000])


@_each
async def test_adjusted_close_is_the_providers_own_where_it_gives_one(provider: _Provider) -> None:
    async with _source(provider) as (_, source):
        adjusted = [row.adj_close for row in (await source.rows(_AROUND_CHANGES)).rows]
    wanted = [198.0 + n for n in range(7)]
    assert adjusted == (pytest.approx(wanted) if provider.has_adjusted else [None] * 7)


@_each
async def test_split_is_declared_on_its_ex_date(provider: _Provider) -> None:
    if provider.name == "stooq":
        pytest.skip("Stooq declares nothing")
    async with _source(provider) as (fake, source):
        days = _days()
        for session in _AROUND_CHANGES[:4]:
            days[session].adj_close = days[session].close / 2
        for session in _AROUND_CHANGES[4:]:
            days[session].adj_close = days[session].close
        days[_AROUND_CHANGES[4]].split = 2.0
        fake.days = days
        if provider.name == "yahoo":
            fake.splits = {_AROUND_CHANGES[4]: 2.0}
        pulled = await source.rows(_AROUND_CHANGES)
    assert dict(pulled.splits) == {_AROUND_CHANGES[4]: 2.0}


@_each
async def test_days_without_rows_are_no_error(provider: _Provider) -> None:
    async with _source(provider) as (fake, source):
        fake.days = {_AROUND_CHANGES[0]: _days()[_AROUND_CHANGES[0]]}
        pulled = await source.rows(_AROUND_CHANGES)
        assert [row.session for row in pulled.rows] == [_AROUND_CHANGES[0]]


@_keyed
async def test_wrong_key_is_evidence_and_stands_nowhere(provider: _Provider) -> None:
    async with _source(provider, key="wrong-secret-key") as (fake, source):
        with pytest.raises(Unanswered) as caught:
            await source.rows(_AROUND_CHANGES)
        asked = fake.server.requests[0]
    assert caught.value.refusal is Refusal.ACCESS
    assert "wrong-secret-key" not in f"{caught.value!r}{caught.value}{source!r}"
    if provider.name != "alpha_vantage":
        assert "wrong-secret-key" not in f"{asked.path}{asked.query}"


@_each
@pytest.mark.parametrize(
    ("answer", "reason", "refusal"),
    [
        (Answer(body=b"<html>prove that you are no robot</html>", content_type="text/html"), "blocked", None),
        (Answer(body=b"  <!doctype html>", content_type="text/csv"), "blocked", None),
        (Answer(status=403, body=b"<html>", content_type="text/html"), "blocked", None),
        (Answer(body=b'{"bars":'), "not_json", None),
        (Answer(body=b'"a word"'), "not_json", None),
        (Answer(body=b""), "not_json", None),
        (Answer(body=b"[17]", headers={"Content-Length": "1000"}), "unreachable", None),
        (Answer(status=418, body=b"{}"), "throttled", Refusal.THROTTLED),
        (Answer(status=429, body=b"Too Many Requests\n"), "throttled", Refusal.THROTTLED),
        (Answer(status=451, body=b"{}"), "refused", Refusal.BLOCKED),
        (Answer(status=500, body=b"{}"), "server_error", None),
        (Answer(status=502, body=b"<html>", content_type="text/html"), "server_error", None),
        (Answer(status=403, body=b'{"message":"forbidden."}'), "refused", Refusal.ACCESS),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_answer_that_is_none_is_classified(
    provider: _Provider, answer: Answer, reason: str, refusal: Refusal | None
) -> None:
    error = await _error(provider, answer)
    if provider.name == "alpha_vantage" and answer.body == b'"a word"':
        assert error.reason == "bad_request"  # every error of this provider is words
        return
    assert error.reason == reason
    assert getattr(error, "refusal", None) is refusal


async def _bodies(provider: _Provider, body: dict[str, Any]) -> Unanswered:

    error = await _error(provider, Answer(body=orjson.dumps(body)))
    assert isinstance(error, Unanswered)
    return error


def _named(name: str) -> _Provider:
    return next(each for each in _PROVIDERS if each.name == name)


@pytest.mark.parametrize(
    ("words", "refusal", "wait"),
    [
        (
            f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day.",
            Refusal.THROTTLED,
            3_600.0,
        ),
        (
            "Please consider spreading out your free API requests more sparingly (1 request per second).",
            Refusal.THROTTLED,
            60.0,
        ),
        (
            "Our standard API call frequency is 5 calls per minute and 500 calls per day.",
            Refusal.THROTTLED,
            60.0,
        ),
        ("The outputsize=full parameter value is a premium feature", Refusal.ACCESS, 0.0),
        ("Invalid API call. Please retry or visit the documentation", Refusal.UNKNOWN_SYMBOL, 0.0),
        ("Something else", Refusal.OTHER, 0.0),
    ],
)
@pytest.mark.parametrize("name", ["Information", "Note", "Error Message"])
async def test_alpha_vantage_says_what_is_wrong_with_http_200(
    name: str, words: str, refusal: Refusal, wait: float
) -> None:
    error = await _bodies(_named("alpha_vantage"), {name: words})
    assert (error.refusal, error.retry_after_seconds) == (refusal, wait)
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("status", "code", "message", "refusal"),
    [
        (200, 429, "You have run out of API credits for the current minute.", Refusal.THROTTLED),
        (200, 400, "**symbol** not found: IWMX.", Refusal.UNKNOWN_SYMBOL),
        (400, 400, "**symbol** not found: IWMX.", Refusal.UNKNOWN_SYMBOL),
        (404, 404, "**symbol** not found: IWMX.", Refusal.UNKNOWN_SYMBOL),
        (200, 401, "**apikey** parameter is incorrect", Refusal.ACCESS),
        (200, 400, "something", Refusal.OTHER),
        (200, "x", "something", Refusal.OTHER),
    ],
)
async def test_twelve_data_says_what_is_wrong_with_either_status(
    status: int, code: Any, message: str, refusal: Refusal
) -> None:

    body = orjson.dumps({"code": code, "message": message, "status": "error"})
    error = await _error(_named("twelvedata"), Answer(status=status, body=body))
    assert isinstance(error, Unanswered)
    assert error.refusal is refusal


async def test_massive_without_its_plan_is_refused() -> None:
    error = await _bodies(_named("massive"), {"status": "NOT_AUTHORIZED", "message": "Your plan doesn't"})
    assert error.refusal is Refusal.ACCESS


async def test_massive_follows_a_next_page_at_its_own_address_only() -> None:
    async with _source(_named("massive")) as (fake, source):
        page = {
            "status": "OK",
            "results": [{"t": 1_730_433_600_000, "c": 1.0}],
            "next_url": "https://elsewhere.example/v2/aggs/ticker/IWM/range/1/day/2024-11-04/2025-03-11?adjusted=false",
        }

        fake.answers = [Answer(body=orjson.dumps(page))]
        pulled = await source.rows(_AROUND_CHANGES)
    assert [row.session for row in pulled.rows] == list(_AROUND_CHANGES)


async def test_massive_without_dividends_still_has_its_rows() -> None:
    async with _source(_named("massive")) as (fake, source):
        days = fake.days
        answer = fake._answer

        def refuses_dividends(request: Any) -> Answer:
            if request.path == "/v3/reference/dividends":
                return Answer(status=403, body=b'{"status":"NOT_AUTHORIZED"}')
            found: Answer = answer(request)
            return found

        fake._answer = refuses_dividends
        pulled = await source.rows(_AROUND_CHANGES)
    assert len(pulled.rows) == len(days)
    assert dict(pulled.dividends) == {}


@pytest.mark.parametrize(
    ("text", "refusal", "reason"),
    [
        ("Exceeded the daily hits limit", Refusal.THROTTLED, "throttled"),
        ("No data", Refusal.UNKNOWN_SYMBOL, "not_found"),
        ("", None, "not_json"),
        ("Datum,Kurs\r\n", None, "not_json"),
    ],
)
async def test_stooq_says_what_is_wrong_in_plain_text(
    text: str, refusal: Refusal | None, reason: str
) -> None:
    error = await _error(_named("stooq"), Answer(body=text.encode(), content_type="text/plain"))
    assert (getattr(error, "refusal", None), error.reason) == (refusal, reason)


async def test_alpha_vantage_without_premium_asks_for_what_it_may_have() -> None:
    fake = FakeAlphaVantage(_days())
    fake.is_premium = False
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        source = AlphaVantageDaily(client, symbol="IWM", key=SecretStr(KEY), is_premium=False)
        pulled = await source.rows(["2020-01-02"] * 600)
    assert [row.adj_close for row in pulled.rows] == [None] * 7
    assert pulled.rows[0].volume == 30_000_000


async def test_day_that_still_trades_is_no_row() -> None:
    async with _source(_named("alpha_vantage")) as (fake, source):
        series = {"2025-03-11": {"4. close": "1.0"}, "2025-03-10": {"4. close": "2.0"}}
        meta = {"3. Last Refreshed": "2025-03-11 14:30:00"}
        fake.answers = [Answer(body=orjson.dumps({"Meta Data": meta, "Time Series (Daily)": series}))]
        assert [row.session for row in (await source.rows(_AROUND_CHANGES)).rows] == ["2025-03-10"]
    async with _source(_named("yahoo")) as (fake, source):
        # 14:30 and 16:00 New York on 2025-03-11: an answer that was made while the session traded.
        fake.meta = {
            "regularMarketTime": 1_741_717_800,
            "currentTradingPeriod": {"regular": {"end": 1_741_723_200}},
        }
        assert [row.session for row in (await source.rows(_AROUND_CHANGES)).rows] == list(
            _AROUND_CHANGES[:-1]
        )


@pytest.mark.parametrize("name", ["alpaca", "massive", "twelvedata", "alpha_vantage", "stooq"])
async def test_row_that_cannot_be_read_costs_itself_and_a_wrong_side_field_nothing(name: str) -> None:
    close = {"alpaca": "c", "massive": "c", "twelvedata": "close", "alpha_vantage": "4. close", "stooq": "c"}[
        name
    ]
    low = {"alpaca": "l", "massive": "l", "twelvedata": "low", "alpha_vantage": "3. low", "stooq": "l"}[name]
    async with _source(_named(name)) as (fake, source):

        def change(session: str, row: dict[str, Any]) -> dict[str, Any]:
            if session == _AROUND_CHANGES[1]:
                return row | {close: "n/a"}
            return row | {low: "?"} if session == _AROUND_CHANGES[2] else row

        fake.change = change
        pulled = await source.rows(_AROUND_CHANGES)
    by_session = {row.session: row for row in pulled.rows}
    assert sorted(by_session) == [each for each in _AROUND_CHANGES if each != _AROUND_CHANGES[1]]
    assert len(pulled.unreadable) == 1
    assert by_session[_AROUND_CHANGES[2]].low is None
    assert by_session[_AROUND_CHANGES[2]].close == pytest.approx(202.0)


@_each
async def test_provider_that_is_away_is_unreachable(provider: _Provider) -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
        with pytest.raises(FeedUnavailable) as caught:
            await asyncio.wait_for(provider.make(client, SecretStr(KEY)).rows(_AROUND_CHANGES), 5)
    assert caught.value.reason == "unreachable"


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("alpaca", {"bars": {}, "next_page_token": "more"}),
        ("massive", {"status": "OK", "results": [], "next_url": "https://x.example/v2/more"}),
    ],
)
async def test_pages_without_end_are_given_up(name: str, page: dict[str, Any]) -> None:
    async with _source(_named(name)) as (fake, source):
        fake.answers = [Answer(body=orjson.dumps(page)) for _ in range(20)]
        with pytest.raises(FeedUnavailable, match="more than 10 pages"):
            await source.rows(_AROUND_CHANGES)
        assert len(fake.server.requests) == 10
