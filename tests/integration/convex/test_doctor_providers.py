"""The doctor asks each configured provider, and says in a line what works and what to do about the rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from convex.doctor.finding import CheckVerdict, Finding
from convex.doctor.provider_checks import check_providers
from convex.doctor.stream_check import listen
from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.ports import Sharing
from services.ingestor.feeds.streaming.venue_feed import plan_of
from services.ingestor.feeds.transport.secrets import Redactor
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.domain.instants import to_ns
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Convex
from tests.support.fake_feeds.coinbase import CoinbaseRest
from tests.support.fake_feeds.daily import Day, FakeYahoo
from tests.support.fake_feeds.fred import FakeFred
from tests.support.fake_feeds.http_server import Answer, HttpServer
from tests.support.fake_feeds.kraken import FakeKraken, KrakenFormat
from tests.support.fake_feeds.played_venue import PlayedVenue

_PAIRS = tuple(pair for pair in load_pairs("live") if pair.name == "gold-iwm")
_KRAKEN, _COINBASE, _YAHOO, _FRED = (
    "kraken PAXG/USD",
    "coinbase bars PAXG/USD",
    "yahoo bars IWM",
    "fred:DFII10",
)


def _days() -> dict[str, Day]:
    calendar = xnys_calendar()
    last = calendar.last_closed_before(to_ns(SystemClock().now()))
    return {session: Day(close=200.0, adj_close=200.0) for session in calendar.labels[last - 20 : last + 1]}


class _Providers:
    def __init__(self, scenario: str) -> None:
        self.kraken = FakeKraken(scenario)
        self.coinbase = CoinbaseRest()
        self.yahoo = FakeYahoo(_days())
        self.fred = FakeFred(series={"DFII10": {"2024-05-23": {"2024-05-24": "2.11"}}}, today="9999-01-01")

    async def check(
        self, *, seconds: float = 2.0, is_running: bool = False, **changes: Any
    ) -> dict[str, Finding]:
        settings = IngestorSettings(
            **{
                "feed": "live",
                "kraken_websocket_url": self.kraken.url,
                "coinbase_rest_url": self.coinbase.server.url,
                "yahoo_url": self.yahoo.server.url,
                "fred_url": self.fred.server.url,
                "fred_key": "fred-secret-key",
                "macro_series": ("fred:DFII10",),
                "request_interval_seconds": 0.0,
                **changes,
            }
        )
        findings = await check_providers(
            settings, _PAIRS, is_ingestor_running=is_running, clock=SystemClock(), timeout_seconds=seconds
        )
        return {finding.check: finding for finding in findings}


@asynccontextmanager
async def _providers(scenario: str = "happy") -> AsyncIterator[_Providers]:
    providers = _Providers(scenario)
    async with (
        providers.kraken,
        providers.coinbase.server,
        providers.yahoo.server,
        providers.fred.server,
    ):
        yield providers


async def test_each_provider_that_works_has_a_line_with_the_age_of_its_newest_value() -> None:
    async with _providers() as providers:
        found = await providers.check()
    assert set(found) == {_KRAKEN, _COINBASE, _YAHOO, _FRED}
    assert {finding.verdict for finding in found.values()} == {CheckVerdict.OK}, found
    assert found[_KRAKEN].detail.startswith("subscribed; newest price")
    assert "newest bar of 20" in found[_YAHOO].detail
    assert found[_FRED].detail.startswith("answers; newest value of 2024-05-23, ")


async def test_symbol_that_the_venue_rejects_is_named_with_its_words() -> None:
    async with _providers("ack_fail_for_good") as providers:
        finding = (await providers.check())[_KRAKEN]
    assert finding.verdict is CheckVerdict.FAIL
    assert "Currency pair not supported" in finding.detail
    assert "CONVEX_PAIRS" in finding.remedy


async def test_venue_that_never_acknowledges_fails_within_its_time() -> None:
    async with _providers("ack_missing") as providers:
        began = asyncio.get_running_loop().time()
        finding = (await providers.check(seconds=1.5))[_KRAKEN]
        assert asyncio.get_running_loop().time() - began < 3
    assert finding.verdict is CheckVerdict.FAIL
    assert "did not accept PAXG/USD within" in finding.detail


async def test_provider_that_is_not_there_fails_with_what_to_check() -> None:
    async with _providers() as providers:
        found = await providers.check(kraken_websocket_url="ws://127.0.0.1:9", yahoo_url="http://127.0.0.1:9")
    for check in (_KRAKEN, _YAHOO):
        assert found[check].verdict is CheckVerdict.FAIL
        assert found[check].remedy.startswith("check the network")
    assert found[_FRED].verdict is CheckVerdict.OK


async def test_key_that_is_refused_and_series_that_is_unknown_have_their_own_remedies() -> None:
    async with _providers() as providers:
        found = await providers.check(
            fred_key=SecretStr("wrong-secret-key"), macro_series=("fred:DFII10", "fred:NOPE")
        )
        known = await providers.check(macro_series=("fred:NOPE",))
    assert found[_FRED].remedy.startswith("correct the provider's key")
    assert "api_key is not registered" in found[_FRED].detail
    assert "wrong-secret-key" not in str(found)
    assert known["fred:NOPE"].remedy.startswith("correct the symbol")


async def test_missing_key_is_a_line_that_names_its_variable() -> None:
    async with _providers() as providers:
        found = await providers.check(fred_key=None)
    assert found[_FRED].verdict is CheckVerdict.FAIL
    assert "CONVEX_INGESTOR_FRED_KEY" in found[_FRED].detail
    assert found[_KRAKEN].verdict is CheckVerdict.OK


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (Answer(status=429, body=b"", content_type="text/plain"), "wait for some minutes"),
        (Answer(status=500, body=b"", content_type="text/plain"), "see what the provider says"),
        (Answer(body=b"<html>", content_type="text/html"), "see what the provider says"),
        (None, "check the network"),
    ],
)
async def test_answer_without_data_fails_with_what_to_do(answer: Answer | None, remedy: str) -> None:
    async with _providers() as providers:
        providers.fred.answers = [answer]
        finding = (await providers.check())[_FRED]
    assert finding.verdict is CheckVerdict.FAIL
    assert finding.remedy.startswith(remedy)


async def test_provider_that_hangs_fails_within_its_time() -> None:
    async with _providers() as providers:
        silent: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: silent.append(writer), "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finding = (await providers.check(seconds=0.5, fred_url=address))[_FRED]
        server.close()
        for writer in silent:
            writer.close()
            await writer.wait_closed()
    assert finding.verdict is CheckVerdict.FAIL
    assert finding.remedy.startswith("check the network")


@pytest.mark.parametrize(("seconds", "words"), [(-172_800, "2 d behind"), (172_800, "ahead of")])
async def test_clock_that_is_wrong_fails_with_by_how_much(seconds: int, words: str) -> None:
    async with _providers() as providers:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        row = b'{"realtime_start":"2024-05-24","date":"2024-05-23","value":"2.11"}'
        providers.fred.answers = [
            Answer(body=b'{"count":1,"observations":[' + row + b"]}", headers={"Date": date})
        ]
        finding = (await providers.check())[_FRED]
    assert finding.verdict is CheckVerdict.FAIL
    assert words in finding.detail
    assert "NTP" in finding.remedy


async def test_ticks_of_the_future_show_that_our_clock_is_behind() -> None:
    venue = PlayedVenue(KrakenFormat, scenario="clock_skew_future", symbols=("PAXG/USD",))
    async with _providers() as providers, venue:
        finding = (await providers.check(kraken_websocket_url=venue.url))[_KRAKEN]
    assert finding.verdict is CheckVerdict.FAIL
    assert "ahead of this machine's" in finding.detail


async def test_provider_of_one_connection_is_left_alone_while_the_ingestor_runs() -> None:
    one = next(venue for venue in STREAMING_VENUES if venue.name == "finnhub")
    assert one.sharing is Sharing.ALL_SHARE_ONE
    async with _providers() as providers:
        found = await providers.check(
            is_running=True,
            cross_checks={"PAXG/USD.KRAKEN": ["finnhub:XAU/USD"]},
            finnhub_key=SecretStr("finnhub-key"),
        )
    assert found["finnhub XAU/USD"].verdict is CheckVerdict.SKIPPED
    assert found[_KRAKEN].verdict is CheckVerdict.OK


async def test_nothing_is_asked_when_the_feeds_are_not_live() -> None:
    async with _providers() as providers:
        found = await providers.check(feed="simulated")
        asked = providers.kraken.connections, providers.fred.server.requests, providers.yahoo.server.requests
    assert [each.verdict for each in found.values()] == [CheckVerdict.SKIPPED]
    assert asked == (0, [], [])


def test_command_asks_no_provider_when_told_so(
    nowhere: str, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_FEED", "live")
    monkeypatch.setenv("CONVEX_INGESTOR_KRAKEN_WEBSOCKET_URL", "ws://127.0.0.1:9")
    for name in ("COINBASE_REST_URL", "YAHOO_URL"):
        monkeypatch.setenv(f"CONVEX_INGESTOR_{name}", "http://127.0.0.1:9")

    without, asked = convex("doctor", "--no-providers"), convex("doctor")

    assert "kraken" not in without.out
    assert "providers            not asked for" in without.out
    assert "FAIL    kraken PAXG/USD" in asked.out


async def test_words_of_a_refusal_hold_no_key() -> None:
    key = "tok-s3cret"
    server = HttpServer(
        lambda _: Answer(status=401, body=f"bad key {key}".encode(), content_type="text/plain")
    )
    venue = next(venue for venue in STREAMING_VENUES if venue.name == "tiingo_iex")
    async with server:
        settings = IngestorSettings(
            feed="live",
            tiingo_iex_websocket_url=server.url.replace("http", "ws"),
            tiingo_token=SecretStr(key),
        )
        plan = plan_of(venue, settings, ("IWM",), client=None, open_timeout_seconds=2.0, clock=SystemClock())
        heard = await listen(
            plan, ("IWM",), seconds=2.0, redactor=Redactor.of_settings(settings), clock=SystemClock()
        )
    assert heard.refusal is not None
    assert key not in heard.words


async def test_check_that_fails_unexpectedly_is_a_line_without_keys_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken by FRED-SECRET-KEY")

    monkeypatch.setattr("convex.doctor.provider_checks.listen", fail)
    async with _providers() as providers:
        found = await providers.check()
    assert found[_KRAKEN].verdict is CheckVerdict.FAIL
    assert found[_KRAKEN].detail == "the check failed with RuntimeError: broken by [key removed]"
    assert found[_YAHOO].verdict is CheckVerdict.OK


async def test_past_closes_of_spot_gold_are_asked_of_oanda_or_of_nobody() -> None:
    pairs = tuple(replace(pair, lead="XAU/USD.OANDA") for pair in _PAIRS)
    without: dict[str, Any] = {}
    for keys, check, verdict in (
        (without, "bars XAU/USD", CheckVerdict.SKIPPED),
        ({"oanda_token": "t0ken-1", "oanda_account": "acc0unt-1"}, "oanda bars XAU/USD", CheckVerdict.FAIL),
    ):
        settings = IngestorSettings(
            feed="live",
            feeds={"XAU/USD.OANDA": ("swissquote",)},
            swissquote_url="http://127.0.0.1:9",
            oanda_rest_url="http://127.0.0.1:9",
            yahoo_url="http://127.0.0.1:9",
            **keys,
        )
        findings = await check_providers(
            settings, pairs, is_ingestor_running=False, clock=SystemClock(), timeout_seconds=1.0
        )
        found = {each.check: each.verdict for each in findings}
        assert found[check] is verdict
        assert not any(each.startswith("coinbase") for each in found)
