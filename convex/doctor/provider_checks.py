"""Checks of the market-data providers: each configured one is asked for what the ingestor would ask it for.

A line says whether the provider answers, accepts the key and knows the symbol, how old its newest value is,
and how far its clock is from this machine's. Nothing is published. A provider that allows one connection is
not asked while the ingestor runs: the check would end the ingestor's connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from convex.doctor.failed_checks import found
from convex.doctor.finding import Finding, failed, passed, skipped
from convex.doctor.stream_check import StreamAnswer, listen
from services.ingestor.config import IngestorSettings
from services.ingestor.core.refusals import Refusal
from services.ingestor.feed_order import FeedOrder, feed_orders
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.registry import bar_provider, macro_provider, past_closes
from services.ingestor.feeds.streaming.ports import Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_pair
from services.ingestor.feeds.streaming.venue_feed import plan_of
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.transport.secrets import Redactor
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.domain.pairs import Pair
from shared.errors import ConfigError, FeedUnavailable
from shared.text.durations import format_duration

# For one provider, from the first byte to the last; all are asked at the same time.
TIMEOUT_SECONDS: Final = 15.0
# Beyond this the ingestor rejects ticks for their time.
_CLOCK_SECONDS: Final = 5.0
# Vintages before these days are of no interest here.
_RECENT_DAYS: Final = 30
_SESSIONS: Final = 5
_REMEDIES: Final = {
    Refusal.ACCESS: "correct the provider's key; deploy/env/ingestor.example names its variable",
    Refusal.UNKNOWN_SYMBOL: "correct the symbol in CONVEX_PAIRS, CONVEX_INGESTOR_FEEDS or "
    "CONVEX_INGESTOR_MACRO_SERIES",
    Refusal.THROTTLED: "wait for some minutes; if it stays, ask less often or take a larger plan",
    Refusal.TOO_MANY_CONNECTIONS: "stop what else uses the same key, or take a key of its own",
}
_REACH: Final = (
    "check the network and the firewall from here, and the provider's address in deploy/env/ingestor.example"
)
_OTHER: Final = "see what the provider says; the ingestor tries again by itself"
_CLOCK: Final = "let this machine's clock be set by NTP"


async def check_providers(
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    is_ingestor_running: bool,
    clock: Clock,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[Finding]:
    """Ask every configured provider, all at the same time."""
    if settings.feed != "live":
        return [skipped("providers", f"CONVEX_INGESTOR_FEED={settings.feed} contacts none")]
    async with AsyncExitStack() as stack:
        checks = _Checks(
            settings,
            is_ingestor_running=is_ingestor_running,
            clients=HttpClients(
                timeout_seconds=timeout_seconds,
                interval_seconds=settings.request_interval_seconds,
                clock=clock,
                stack=stack,
            ),
            clock=clock,
            timeout_seconds=timeout_seconds,
        )
        try:
            waiting = list(checks.of(pairs))
        except ConfigError as error:
            return [failed("providers", error, "correct the variable; deploy/env explains each")]
        return list(await asyncio.gather(*waiting))


class _Checks:
    def __init__(
        self,
        settings: IngestorSettings,
        *,
        is_ingestor_running: bool,
        clients: HttpClients,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self._settings = settings
        self._is_ingestor_running = is_ingestor_running
        self._clients = clients
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._redactor = Redactor.of_settings(settings)

    def of(self, pairs: tuple[Pair, ...]) -> Iterator[Awaitable[Finding]]:
        """Yield a check for each provider and what it is asked for."""
        orders = feed_orders(self._settings, pairs)
        symbols: dict[str, tuple[StreamingVenue, list[str]]] = {}
        for order in orders.values():
            for source in (*order.order, *order.cross_checks):
                symbols.setdefault(source.venue.name, (source.venue, []))[1].append(source.symbol)
        for venue, of_venue in symbols.values():
            wanted = tuple(dict.fromkeys(of_venue))
            is_one = venue.sharing is Sharing.ALL_SHARE_ONE
            for group in (wanted,) if is_one else ((symbol,) for symbol in wanted):
                yield self._found(_stream_check(venue, group), self._stream(venue, group))
        for instrument, order in orders.items():
            yield from self._history(instrument, order)
        for series in self._settings.macro_series:
            yield self._found(series, self._macro(series))

    def _history(self, instrument: str, order: FeedOrder) -> Iterator[Awaitable[Finding]]:
        """Yield a check for each provider that the ingestor asks for the closes of an instrument."""
        symbol = instrument.rpartition(".")[0]
        if order.order and is_pair(symbol):
            past = past_closes(symbol, self._settings)
            providers = [past] if past is not None else []
            if past is None:
                yield _no_past_closes(symbol)
        else:
            names = dict.fromkeys((self._settings.bars_source, self._settings.bars_check_source))
            providers = [bar_provider(name) for name in names if name is not None]
        for provider in providers:
            yield self._found(_bars_check(provider.name, symbol), self._bars(provider, symbol))

    def _found(self, check: str, asked: Awaitable[Finding]) -> Awaitable[Finding]:
        return found(check, asked, redact=self._redactor.text)

    async def _stream(self, venue: StreamingVenue, symbols: tuple[str, ...]) -> Finding:
        check = _stream_check(venue, symbols)
        if venue.sharing is Sharing.ALL_SHARE_ONE and self._is_ingestor_running:
            return skipped(check, "the ingestor uses the one connection that this provider allows")
        try:
            plan = plan_of(
                venue,
                self._settings,
                symbols,
                client=await self._clients.of(venue.name, ""),
                open_timeout_seconds=self._timeout_seconds,
                clock=self._clock,
            )
            answer = await listen(
                plan, symbols, seconds=self._timeout_seconds, redactor=self._redactor, clock=self._clock
            )
        except ConfigError as error:
            return failed(check, error, "set the variable")
        return self._finding_of(check, symbols, answer)

    def _finding_of(self, check: str, symbols: tuple[str, ...], answer: StreamAnswer) -> Finding:
        if answer.refusal is not None:
            return failed(check, f"refused: {answer.words}", _REMEDIES.get(answer.refusal, _OTHER))
        if not answer.is_open:
            return failed(check, answer.words or "does not answer", _REACH)
        unknown = [symbol for symbol in symbols if symbol not in answer.acknowledged]
        if unknown:
            detail = (
                f"connected, but did not accept {', '.join(unknown)} within {self._timeout_seconds:.0f} s"
            )
            return failed(check, f"{detail} {answer.words}".strip(), _REMEDIES[Refusal.UNKNOWN_SYMBOL])
        if answer.lead_seconds > _CLOCK_SECONDS:
            return failed(
                check, f"its clock is {format_duration(answer.lead_seconds)} ahead of this machine's", _CLOCK
            )
        if not answer.ages:
            return passed(
                check, f"subscribed; no price within {self._timeout_seconds:.0f} s: quiet, or closed now"
            )
        oldest = max(answer.ages.values())
        return passed(check, f"subscribed; newest price {format_duration(oldest)} old")

    async def _bars(self, provider: BarProvider, symbol: str) -> Finding:
        calendar = xnys_calendar()
        last = calendar.last_closed_before(self._clock.now_ns())
        sessions = calendar.labels[last + 1 - _SESSIONS : last + 1]

        async def newest(client: httpx.AsyncClient) -> str | None:
            pulled = await provider.make_source(client, symbol, self._settings).rows(sessions)
            return max((row.session for row in pulled.rows), default=None)

        return await self._asked(
            _bars_check(provider.name, symbol),
            provider.name,
            provider.rest_url(self._settings),
            newest,
            "bar",
        )

    async def _macro(self, series: str) -> Finding:
        provider = macro_provider(series)
        today = self._clock.now().date()
        since = date.fromordinal(today.toordinal() - _RECENT_DAYS).isoformat()

        async def newest(client: httpx.AsyncClient) -> str | None:
            source = provider.make_source(client, series.partition(":")[2], self._settings)
            readings = await source.readings(since=since)
            return max((row.date for row in readings.rows if row.value is not None), default=None)

        return await self._asked(series, provider.name, provider.rest_url(self._settings), newest, "value")

    async def _asked(
        self,
        check: str,
        feed: str,
        url: str,
        newest: Callable[[httpx.AsyncClient], Awaitable[str | None]],
        what: str,
    ) -> Finding:
        """Return what came of a request over HTTP."""
        client = await self._clients.of(feed, url)
        leads: list[float] = []

        async def compare_clocks(response: httpx.Response) -> None:
            lead = _lead_seconds(response.headers.get("date"), self._clock.now())
            leads.extend(() if lead is None else (lead,))

        client.event_hooks["response"] = [*client.event_hooks["response"], compare_clocks]
        try:
            async with asyncio.timeout(self._timeout_seconds):
                day = await newest(client)
        except ConfigError as error:
            return failed(check, error, "set the variable")
        except TimeoutError:
            return failed(check, f"no answer within {self._timeout_seconds:.0f} s", _REACH)
        except FeedUnavailable as error:
            words = self._redactor.text(str(error))
            if isinstance(error, Unanswered) and error.refusal is not None:
                return failed(check, words, _REMEDIES.get(error.refusal, _OTHER))
            return failed(check, words, _REACH if error.reason == "unreachable" else _OTHER)
        lead = leads[-1] if leads else None
        if lead is not None and abs(lead) > _CLOCK_SECONDS:
            side = "ahead of" if lead > 0 else "behind"
            return failed(check, f"its clock is {format_duration(abs(lead))} {side} this machine's", _CLOCK)
        if day is None:
            return failed(check, f"answers, but has no {what} of the last days", _OTHER)
        age = (self._clock.now().date() - date.fromisoformat(day)).days
        clock = "" if lead is None else f"; clocks differ by {format_duration(abs(lead))}"
        return passed(check, f"answers; newest {what} of {day}, {age} days ago{clock}")


def _stream_check(venue: StreamingVenue, symbols: tuple[str, ...]) -> str:
    return f"{venue.name} {', '.join(symbols)}"


def _bars_check(provider: str, symbol: str) -> str:
    return f"{provider} bars {symbol}"


async def _no_past_closes(symbol: str) -> Finding:
    return skipped(
        f"bars {symbol}",
        "nobody with a key has its past closes: its windows fill with the coming ones; "
        "CONVEX_INGESTOR_OANDA_TOKEN and CONVEX_INGESTOR_OANDA_ACCOUNT would bring them",
    )


def _lead_seconds(date_header: str | None, now: datetime) -> float | None:
    """Return how far a provider's clock is ahead of ours; None if it did not say."""
    if date_header is None:
        return None
    try:
        at = parsedate_to_datetime(date_header)
    except (ValueError, OverflowError):
        return None
    return ((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now).total_seconds()
