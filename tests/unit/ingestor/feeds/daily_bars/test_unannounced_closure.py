"""A weekday on which the exchange is closed and the calendar does not know: how often it is asked for."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.core.inferred_closures import InferredClosures
from services.ingestor.feeds.daily_bars.closure_report import ClosureReport
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import ManualClock
from shared.domain.bars import Bar
from shared.domain.closures import parse_closures
from shared.domain.sessions import NEW_YORK
from tests.support.fake_feeds.sink import RecordingSink

_SYMBOLS = ("IWM.ARCX", "SPY.ARCX")
_CLOSED = "2026-03-10"


class _Exchange:
    """Has a row of every session but one, and counts who asks for that one."""

    name = "made_up"
    is_split_adjusted = True

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.closed = {_CLOSED}
        self.asked_at: list[datetime] = []

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        if _CLOSED in sessions:
            self.asked_at.append(self.clock.now().astimezone(NEW_YORK))
        rows = tuple(
            Row(session=each, close=200.0 + int(each[-2:]) % 7 / 10)
            for each in sessions
            if each not in self.closed
        )
        return PulledRows(rows=rows)

    def asked_after(self, local: str) -> int:
        since = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
        return sum(at >= since for at in self.asked_at)


class _Days:
    """Play days within seconds: every wait of a feed moves the clock on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, begin: str) -> None:
        self.clock = ManualClock(datetime.fromisoformat(begin).replace(tzinfo=NEW_YORK))
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []
        self._real_sleep = asyncio.sleep
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float, *_: object) -> None:
        if seconds <= 0:
            await self._real_sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((self.clock.now() + timedelta(seconds=seconds), done))
        await done

    async def until(self, local: str) -> None:
        end = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
        while True:
            for _ in range(20):
                await self._real_sleep(0)
            if not self._waiting or min(at for at, _ in self._waiting) > end:
                return
            at, done = min(self._waiting, key=lambda each: each[0])
            self._waiting.remove((at, done))
            self.clock.advance(max(timedelta(0), at - self.clock.now()))
            if not done.done():
                done.set_result(None)


async def _play(
    monkeypatch: pytest.MonkeyPatch,
    until: str,
    *,
    has_ticked: Callable[[str], bool] = lambda _: False,
    declared: str = "",
    change: Callable[[_Exchange], None] = lambda _: None,
    after: str | None = None,
) -> tuple[_Exchange, CollectorRegistry, dict[str, RecordingSink]]:
    days = _Days(monkeypatch, "2026-03-09T10:00")
    exchange, registry = _Exchange(days.clock), CollectorRegistry()
    metrics = IngestorMetrics(registry, feeds=("made_up",), instruments=_SYMBOLS, streams={})
    report = ClosureReport(InferredClosures(_SYMBOLS, has_ticked=has_ticked), metrics=metrics)
    sinks = {symbol: RecordingSink() for symbol in _SYMBOLS}

    async def known() -> tuple[Bar, ...]:
        return ()

    tasks = [
        asyncio.create_task(
            DailyBarsFeed(
                exchange,
                instrument=symbol,
                is_history_only=False,
                known=known,
                sessions=600,
                calendar=xnys_calendar().with_closures(parse_closures(declared)),
                closures=report,
                uniform=lambda: 0.01,
                metrics=metrics,
                clock=days.clock,
            ).run(sinks[symbol])
        )
        for symbol in _SYMBOLS
    ]
    await days.until(until)
    if after is not None:
        change(exchange)
        await days.until(after)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return exchange, registry, sinks


async def test_it_is_inferred_the_next_morning_and_then_asked_for_with_the_daily_pull_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with capture_logs() as logs:
        exchange, registry, _ = await _play(monkeypatch, "2026-03-13T08:00")
    # For each symbol: ten times in the first hour, once an hour through the night, then the usual pulls.
    assert len(exchange.asked_at) <= 2 * 30
    # Each weekday has three pulls of the last ten sessions, which are one request for each symbol.
    assert exchange.asked_after("2026-03-11T09:01") == 2 * (2 + 3)
    (news,) = (each for each in logs if each["event"] == "closure_inferred")
    assert news["session"] == _CLOSED
    assert "CONVEX_CLOSURES=XNYS:2026-03-10" in news["advice"]
    assert registry.get_sample_value("convex_ingestor_closures_inferred") == 1.0
    for symbol in _SYMBOLS:
        assert registry.get_sample_value("convex_ingestor_sessions_missing", {"instrument": symbol}) == 0.0


async def test_session_that_ticked_is_missing_and_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, registry, _ = await _play(
        monkeypatch, "2026-03-12T08:00", has_ticked=lambda session: session == _CLOSED
    )
    assert registry.get_sample_value("convex_ingestor_closures_inferred") == 0.0
    assert registry.get_sample_value("convex_ingestor_sessions_missing", {"instrument": "IWM.ARCX"}) == 1.0


async def test_declared_day_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, registry, _ = await _play(monkeypatch, "2026-03-12T08:00", declared=f"XNYS:{_CLOSED}")
    assert exchange.asked_at == []
    assert registry.get_sample_value("convex_ingestor_closures_inferred") == 0.0


async def test_bar_that_comes_days_later_is_used_and_the_closure_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def open_again(exchange: _Exchange) -> None:
        exchange.closed.clear()

    with capture_logs() as logs:
        _, registry, sinks = await _play(
            monkeypatch, "2026-03-12T08:00", change=open_again, after="2026-03-12T10:00"
        )
    assert [each["session"] for each in logs if each["event"] == "closure_withdrawn"] == [_CLOSED]
    assert registry.get_sample_value("convex_ingestor_closures_inferred") == 0.0
    for sink in sinks.values():
        assert _CLOSED in {bar.session for bars in (*sink.news, *sink.histories) for bar in bars}
