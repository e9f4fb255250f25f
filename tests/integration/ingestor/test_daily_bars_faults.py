"""Daily bars from providers that answer wrongly: what is asked again, held, or never published."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from services.ingestor.core.missing_sessions import AskAgain
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from services.ingestor.feeds.venues.coinbase.candles import CandleCloses
from shared.calendars import xnys_calendar
from shared.domain.bars import Bar, BarStatus
from shared.domain.ticks import FeedFaultKind
from tests.integration.ingestor.daily import (
    LAST,
    NEXT,
    clock_at,
    history_of,
    make_days,
    running_bars,
    tiingo,
    yahoo,
)
from tests.support.fake_feeds.coinbase import PRODUCT, CoinbaseRest
from tests.support.fake_feeds.daily import Day
from tests.support.fake_feeds.http_server import Answer, Request

_BEFORE = "2025-11-25"
_EVENING = "2025-11-28T20:16"
_SOON = AskAgain(first_seconds=0.01, longest_seconds=0.02, tries=4, hourly_seconds=0.3)
_EMPTY = Answer(body=b"[]")
_HEADERS = {"User-Agent": USER_AGENT}


def _days_with_next(close: float) -> dict[str, Day]:
    return make_days() | {NEXT: Day(close=close, adj_close=close)}


async def _known(days: dict[str, Day] | None = None) -> tuple[Bar, ...]:
    async with tiingo(days or make_days()) as (_, source):
        return await history_of(source)


@pytest.mark.parametrize(
    "second", [{"close": 206.19, "adjClose": 206.19}, {"close": 206.18, "adjClose": 199.0}]
)
async def test_two_rows_of_a_session_are_the_later_one_and_no_revision_at_each_pull(
    second: dict[str, float],
) -> None:
    days = make_days()
    days[LAST] = Day(close=206.18, adj_close=206.18)
    del days[_BEFORE]  # so that it is asked for again and again
    async with tiingo(days) as (fake, source):
        row = {"date": f"{LAST}T00:00:00+00:00", "open": 206.0, "high": 207.0, "low": 205.0, "volume": 3e7}
        fake.extra_rows = [row | second]
        async with running_bars(source, clock_at("2025-11-27T10:00"), ask_again=_SOON) as running:
            await running.until(lambda: len(fake.server.requests) >= 9)
    assert [len(bars) for bars in running.sink.histories] == [599]
    assert running.sink.histories[0][-1].close == second["close"]
    assert running.sink.news == []
    assert running.count("corrected") == running.count("adjusted") == 0


async def test_first_answer_of_the_day_that_is_empty_is_asked_for_again_soon() -> None:
    async with tiingo(make_days()) as (fake, source):
        fake.answers = [_EMPTY]
        async with running_bars(source, clock_at("2025-11-27T10:00"), ask_again=_SOON) as running:
            await running.until(lambda: bool(running.sink.histories))
    assert len(running.sink.histories[0]) == 600
    assert running.gauge("sessions_missing") == 0


async def test_first_wait_after_an_incomplete_answer_is_five_seconds() -> None:
    async with tiingo(make_days()) as (fake, source):
        fake.answers = [_EMPTY]
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
            await running.until(lambda: running.count("missing") == 600)
            await asyncio.sleep(0.2)
        assert len(fake.server.requests) == 1


async def test_morning_pull_that_brings_half_is_asked_again_though_all_is_known() -> None:
    days = make_days()
    known = await _known(days)
    older = known[10].session
    async with (
        tiingo(dict(list(days.items())[-300:])) as (fake, source),
        running_bars(source, clock_at("2025-11-27T10:00"), known=known, ask_again=_SOON) as running,
    ):
        await running.until(lambda: len(fake.server.requests) == 1)
        fake.days = days | {older: Day(close=150.0, adj_close=150.0)}
        await running.until(lambda: bool(running.sink.news))
    assert [(bar.session, bar.revision) for bar in running.sink.news[0]] == [(older, 1)]


async def test_windows_of_candles_that_come_back_empty_are_asked_for_again() -> None:
    rest = CoinbaseRest()
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url, headers=_HEADERS) as client:
        answer, asked = rest.server._answer, 0

        def one_in_five_is_empty(request: Request) -> Answer | None:
            nonlocal asked
            asked += 1
            return _EMPTY if asked % 5 == 0 else answer(request)

        rest.server._answer = one_in_five_is_empty
        source = CandleCloses(client, product=PRODUCT, calendar=xnys_calendar())
        async with running_bars(
            source, clock_at("2025-12-02T21:00"), is_history_only=True, ask_again=_SOON
        ) as running:
            await running.until(
                lambda: bool(running.sink.histories) and len(running.sink.histories[-1]) == 600
            )
    assert running.count("missing") not in (0, None)
    assert running.sink.news == []


async def test_candle_that_cannot_be_right_costs_its_session_alone() -> None:
    rest = CoinbaseRest()
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url, headers=_HEADERS) as client:
        answer = rest.server._answer
        # The hour before the close of 2025-12-01.
        start = 1_764_619_200

        def one_is_odd(request: Request) -> Answer | None:
            found = answer(request)
            assert found is not None
            rows = [
                [*row[:4], row[2] * 2, row[5]] if row[0] == start else row for row in orjson.loads(found.body)
            ]
            return Answer(body=orjson.dumps(rows))

        rest.server._answer = one_is_odd
        source = CandleCloses(client, product=PRODUCT, calendar=xnys_calendar())
        async with running_bars(source, clock_at("2025-12-02T21:00"), is_history_only=True) as running:
            await running.until(lambda: bool(running.sink.histories))
    sessions = {bar.session for bar in running.sink.histories[0]}
    assert len(sessions) == 599
    assert "2025-12-01" not in sessions


async def test_wrong_values_beside_a_close_and_an_unreadable_row_cost_themselves_alone() -> None:
    days = make_days()
    labels = list(days)[-30:]
    async with tiingo(days) as (fake, source):
        row = {"volume": 3e7, "splitFactor": 1.0, "divCash": 0.0}

        def odd(session: str, **values: object) -> dict[str, object]:
            close = days[session].close
            return {"date": f"{session}T00:00:00+00:00", "close": close, "adjClose": close, **row, **values}

        fake.extra_rows = [
            odd(labels[0], open=None, high="x", low=[]),
            odd(labels[1], open=0.0, high=0.0, low=0.0),
            odd(labels[2], open=None, high=days[labels[2]].close - 0.01, low=1.0, volume="n/a"),
            odd(labels[3], close=None),
            odd(labels[4], close="1e400"),
            {"date": "99", "close": 1.0},
        ]
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
            await running.until(lambda: bool(running.sink.histories))
    bars = {bar.session: bar for bar in running.sink.histories[0]}
    assert len(bars) == 600
    for label in labels[:3]:
        assert (bars[label].close, bars[label].high) == (days[label].close, None)
    assert bars[labels[1]].low is None
    assert bars[labels[2]].volume is None
    assert len(running.sink.rejected) == 3
    assert running.count("rejected") == 3


async def test_unreadable_row_is_one_dead_letter_however_often_it_comes() -> None:
    days = make_days()
    del days[_BEFORE]
    async with tiingo(days) as (fake, source):
        fake.extra_rows = [{"date": f"{_BEFORE}T00:00:00+00:00", "close": None}]
        async with running_bars(source, clock_at("2025-11-27T10:00"), ask_again=_SOON) as running:
            await running.until(lambda: len(fake.server.requests) >= 6)
    assert len(running.sink.rejected) == 1


async def test_split_that_is_declared_but_not_applied_is_no_fall_and_is_not_applied_twice() -> None:
    days = make_days()
    async with yahoo(days) as (fake, source):
        known = await history_of(source)
        fake.days = days | {NEXT: Day(close=103.0, adj_close=103.0)}
        fake.splits = {NEXT: 2.0}
        async with running_bars(source, clock_at(_EVENING), known=known) as running:
            await running.until(lambda: bool(running.sink.news))
        assert [[bar.close for bar in news] for news in running.sink.news] == [[103.0]]
        assert running.sink.order == ["history", "history", "news"]
        divided = running.sink.histories[-1]
        assert divided[-1].session == LAST
        assert divided[-1].close == divided[-1].adj_close == pytest.approx(206.19 / 2)
        assert all(bar.revision == 0 for bar in divided)
        # The next morning the provider has divided its rows: nothing changes.
        fake.days = {
            session: Day(close=day.close / 2, adj_close=day.close / 2, volume=day.volume * 2)
            for session, day in days.items()
        } | {NEXT: Day(close=103.0, adj_close=103.0)}
        known = (*divided, *running.sink.news[0])
        async with running_bars(source, clock_at("2025-11-29T09:01"), known=known) as again:
            await again.until(lambda: again.count("unchanged") == 600)
    assert again.sink.news == []
    assert again.sink.order == ["history"]
    assert again.sink.faults == []


async def test_split_in_raw_rows_is_applied_to_the_adjusted_closes_alone() -> None:
    days = make_days()
    known = await _known(days)
    async with (
        tiingo(days | {NEXT: Day(close=103.0, adj_close=103.0, split=2.0)}) as (_, source),
        running_bars(source, clock_at(_EVENING), known=known) as running,
    ):
        await running.until(lambda: bool(running.sink.news))
    older = running.sink.histories[-1][-1]
    assert [older.close, older.adj_close] == pytest.approx([days[LAST].close, days[LAST].close / 2])
    assert [bar.close for bar in running.sink.news[0]] == [103.0]


async def test_close_that_halves_without_a_split_is_held_and_released_when_it_is_mended() -> None:
    days = make_days()
    known = await _known(days)
    async with tiingo(_days_with_next(103.0)) as (fake, source):
        with capture_logs() as logs:
            async with running_bars(source, clock_at(_EVENING), known=known, ask_again=_SOON) as running:
                await running.until(lambda: bool(running.sink.faults))
                assert running.sink.news == []
                assert running.gauge("closes_held") == 1
                assert running.detail()[0] == "INCOMPLETE"
                assert "-50" in running.detail()[1]
                assert [(bar.session, bar.status) for bar in running.sink.provisional] == [
                    (NEXT, BarStatus.PROVISIONAL)
                ]
                fake.days = _days_with_next(206.3)
                await running.until(lambda: bool(running.sink.news))
                await running.until(lambda: running.detail() == ("COMPLETE", ""))
    assert [bar.close for bar in running.sink.news[0]] == [206.3]
    assert [(each.fault, each.is_open) for each in running.sink.faults] == [
        (FeedFaultKind.CLOSE_UNEXPLAINED, True),
        (FeedFaultKind.CLOSE_UNEXPLAINED, False),
    ]
    assert running.gauge("closes_held") == 0
    assert len([each for each in logs if each["event"] == "close_held"]) == 1


async def test_true_crash_is_released_in_the_morning_from_when_it_may_be_used() -> None:
    known = await _known()
    clock = clock_at(_EVENING)
    async with (
        tiingo(_days_with_next(160.0)) as (_, source),
        running_bars(source, clock, known=known, ask_again=_SOON) as running,
    ):
        await running.until(lambda: bool(running.sink.faults))
        clock.advance(timedelta(hours=12, minutes=45))
        await running.until(lambda: bool(running.sink.news))
    ((bar,),) = running.sink.news
    assert (bar.close, bar.status, bar.known_at_ns) == (160.0, BarStatus.FINAL, clock.now_ns())
    assert not running.sink.faults[-1].is_open


async def test_ticks_of_the_day_explain_a_crash_at_once() -> None:
    known = await _known()
    async with (
        tiingo(_days_with_next(160.0)) as (_, source),
        running_bars(
            source, clock_at(_EVENING), known=known, session_range=lambda _: (159.5, 204.0)
        ) as running,
    ):
        await running.until(lambda: bool(running.sink.news))
    assert running.sink.faults == []


async def test_restart_goes_on_holding_and_ends_the_fault_of_the_process_before() -> None:
    known = await _known()
    async with tiingo(_days_with_next(103.0)) as (fake, source):
        async with running_bars(source, clock_at(_EVENING), known=known) as running:
            await running.until(lambda: bool(running.sink.provisional))
        held = (*known, *running.sink.provisional)
        async with running_bars(source, clock_at("2025-11-28T22:00"), known=held) as again:
            await again.until(lambda: again.gauge("closes_held") == 1)
        assert again.sink.news == []
        assert (FeedFaultKind.CLOSE_UNEXPLAINED, True) in {
            (each.fault, each.is_open) for each in again.sink.faults
        }
        fake.days = _days_with_next(206.3)
        async with running_bars(source, clock_at("2025-11-28T23:00"), known=held) as mended:
            await mended.until(lambda: bool(mended.sink.news))
    assert {(each.fault, each.is_open) for each in mended.sink.faults} >= {
        (FeedFaultKind.CLOSE_UNEXPLAINED, False)
    }


async def test_all_closes_on_another_scale_without_a_split_are_not_believed_at_once() -> None:
    known = await _known()
    pence = {
        session: Day(close=day.close * 100, adj_close=day.close * 100) for session, day in make_days().items()
    }
    clock = clock_at("2025-11-27T10:00")
    async with (
        tiingo(pence) as (fake, source),
        running_bars(source, clock, known=known, ask_again=_SOON) as running,
    ):
        await running.until(lambda: len(fake.server.requests) >= 4)
        assert running.sink.order == ["history"]
        assert "changed by the factor 100, and no split explains it" in running.detail()[1]
        clock.advance(timedelta(hours=12))
        await running.until(lambda: len(running.sink.histories) >= 2)
    assert running.sink.histories[-1][-1].close == pytest.approx(20_619.0)
    assert running.sink.news == []


async def test_two_sources_that_agree_let_even_a_crash_through() -> None:
    known = await _known()
    async with (
        tiingo(_days_with_next(160.0)) as (_, source),
        yahoo(_days_with_next(160.0)) as (_, other),
        running_bars(source, clock_at(_EVENING), known=known, other=other) as running,
    ):
        await running.until(lambda: bool(running.sink.news))
    assert running.sink.faults == []
    assert running.gauge("closes_disagree") == 0


async def test_two_sources_that_disagree_hold_the_close_until_they_agree() -> None:
    known = await _known()
    async with (
        tiingo(_days_with_next(206.5)) as (fake, source),
        yahoo(_days_with_next(206.3)) as (_, other),
        running_bars(source, clock_at(_EVENING), known=known, other=other, ask_again=_SOON) as running,
    ):
        await running.until(lambda: bool(running.sink.faults))
        assert running.gauge("closes_disagree") == 1
        fake.days = _days_with_next(206.3)
        await running.until(lambda: bool(running.sink.news))
    assert [bar.close for bar in running.sink.news[0]] == [206.3]
    assert [(each.fault, each.is_open) for each in running.sink.faults] == [
        (FeedFaultKind.FEEDS_DISAGREE, True),
        (FeedFaultKind.FEEDS_DISAGREE, False),
    ]
    assert running.gauge("closes_disagree") == 0


async def test_first_source_is_believed_in_the_morning_and_the_disagreement_stays_visible() -> None:
    known = await _known()
    clock = clock_at(_EVENING)
    async with (
        tiingo(_days_with_next(206.5)) as (_, source),
        yahoo(_days_with_next(206.3)) as (_, other),
        running_bars(source, clock, known=known, other=other, ask_again=_SOON) as running,
    ):
        await running.until(lambda: bool(running.sink.faults))
        clock.advance(timedelta(hours=12, minutes=45))
        await running.until(lambda: bool(running.sink.news))
        await running.until(lambda: "the other source differs by -0.10%" in running.detail()[1])
    assert [bar.close for bar in running.sink.news[0]] == [206.5]
    assert running.gauge("closes_disagree") == 1
    assert not running.sink.faults[-1].is_open


async def test_split_between_raw_and_split_adjusted_sources_is_no_disagreement() -> None:
    days = make_days()
    known = await _known(days)
    split = days | {NEXT: Day(close=103.0, adj_close=103.0, split=2.0)}
    divided = {session: Day(close=day.close / 2, adj_close=day.close / 2) for session, day in days.items()}
    async with (
        tiingo(split) as (_, source),
        yahoo(divided | {NEXT: Day(close=103.0, adj_close=103.0)}) as (fake, other),
    ):
        fake.splits = {NEXT: 2.0}
        async with running_bars(source, clock_at(_EVENING), known=known, other=other) as running:
            await running.until(lambda: bool(running.sink.news))
    assert running.gauge("closes_disagree") == 0
    assert running.sink.faults == []


@pytest.mark.parametrize(
    "answer", [Answer(status=500, body=b""), Answer(status=401, body=b"{}"), Answer(body=b"<html>")]
)
async def test_second_source_that_does_not_answer_holds_nothing(answer: Answer) -> None:
    known = await _known()
    async with tiingo(_days_with_next(206.5)) as (_, source), yahoo(_days_with_next(1.0)) as (fake, other):
        fake.answers = [answer]
        async with running_bars(source, clock_at(_EVENING), known=known, other=other) as running:
            await running.until(lambda: bool(running.sink.news))
    assert running.sink.faults == []


class _Closures:
    """Judges nothing by itself: a test says what is closed."""

    def __init__(self) -> None:
        self.closed: frozenset[str] = frozenset()
        self.pulls: list[tuple[list[str], list[str]]] = []

    def on_pull(
        self, instrument: str, *, missing: Collection[str], present: Collection[str], now_ns: int
    ) -> frozenset[str]:
        assert (instrument, now_ns > 0) == ("IWM.ARCX", True)
        self.pulls.append((sorted(missing), sorted(present)))
        return self.closed


async def test_session_that_no_provider_has_is_asked_for_rarely_reported_and_ended_by_a_closure() -> None:
    closures = _Closures()
    async with (
        tiingo(make_days()) as (fake, source),
        running_bars(source, clock_at(_EVENING), ask_again=_SOON, closures=closures) as running,
    ):
        await running.until(lambda: running.feed.missing_sessions() == (NEXT,))
        assert running.gauge("sessions_missing") == 1
        words = f"tiingo has no bar of IWM.ARCX for 1 sessions, the last on {NEXT}"
        assert running.detail() == ("INCOMPLETE", words)
        assert len(fake.server.requests) == 5
        closures.closed = frozenset({NEXT})
        await running.until(lambda: running.detail() == ("COMPLETE", ""))
        asked = len(fake.server.requests)
        await asyncio.sleep(0.5)
        assert len(fake.server.requests) == asked
    missing, present = closures.pulls[0]
    assert missing == [NEXT]
    assert LAST in present


async def test_refusals_over_ten_minutes_are_visible_and_asked_again_each_hour() -> None:
    clock = clock_at("2025-11-27T10:00")
    async with tiingo(make_days(), key="wrong-secret-key") as (fake, source):
        answer = fake.server._answer

        def later(request: Request) -> Answer | None:
            clock.advance(timedelta(seconds=200))
            return answer(request)

        fake.server._answer = later
        with capture_logs() as logs:
            async with running_bars(source, clock) as running:
                await running.until(lambda: running.gauge("bars_refused", feed="tiingo") == 1)
                await asyncio.sleep(0.2)
                state, problem = running.detail()
        assert len(fake.server.requests) == 5
    assert state == "REFUSED"
    assert "tiingo refuses the daily bars of IWM.ARCX" in problem
    assert "Invalid token" in problem
    (refused,) = [each for each in logs if each["event"] == "feed_refused"]
    assert (refused["reason"], refused["asked_again_each_seconds"]) == ("refused", 3_600.0)
    assert "wrong-secret-key" not in f"{logs}{problem}"


async def test_throttling_and_outages_never_count_as_refusal() -> None:
    clock = clock_at("2025-11-27T10:00")
    async with tiingo(make_days()) as (fake, source):
        outage = Answer(status=503, body=b"{}")
        fake.answers = [outage] * 5 + [Answer(status=429, body=b"", headers={"Retry-After": "1"})] + [outage]
        answer = fake.server._answer

        def later(request: Request) -> Answer | None:
            clock.advance(timedelta(seconds=200))
            return answer(request)

        fake.server._answer = later
        async with running_bars(source, clock) as running:
            await running.until(lambda: bool(running.sink.histories))
    assert running.detail() == ("COMPLETE", "")


async def test_volume_of_one_exchange_is_refused_and_asked_for_again() -> None:
    known = await _known()
    partial = make_days() | {NEXT: Day(close=206.5, adj_close=206.5, volume=700_000)}
    async with (
        tiingo(partial) as (fake, source),
        running_bars(source, clock_at(_EVENING), known=known, ask_again=_SOON) as running,
    ):
        await running.until(lambda: (running.count("partial_volume") or 0) >= 2)
        assert running.sink.news == []
        fake.days = _days_with_next(206.5)
        await running.until(lambda: bool(running.sink.news))


async def test_restated_volume_is_one_revision_and_the_close_stays() -> None:
    days = make_days()
    known = await _known(days)
    days[_BEFORE] = Day(close=days[_BEFORE].close, adj_close=days[_BEFORE].close, volume=40_000_000)
    async with (
        tiingo(days) as (_, source),
        running_bars(source, clock_at("2025-11-27T10:00"), known=known) as running,
    ):
        await running.until(lambda: bool(running.sink.news))
    ((bar,),) = running.sink.news
    assert (bar.session, bar.status, bar.revision, bar.volume) == (
        _BEFORE,
        BarStatus.CORRECTED,
        1,
        40_000_000,
    )


async def test_row_of_a_holiday_is_counted_and_not_used() -> None:
    days = make_days()
    async with tiingo(days) as (fake, source):
        row = {"date": "2025-09-01T00:00:00+00:00", "close": 1.0, "adjClose": 1.0}  # Labor Day
        fake.extra_rows = [row]
        async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
            await running.until(lambda: bool(running.sink.histories))
    assert "2025-09-01" not in {bar.session for bar in running.sink.histories[0]}
    assert running.count("extra_session") == 1


async def test_answer_that_fails_between_two_requests_of_a_pull_loses_no_bar() -> None:
    days = make_days()
    known = await _known(days)
    factor = 1 - 1.0 / days[LAST].close
    after = {
        session: Day(close=day.close, adj_close=round(day.close * factor, 4)) for session, day in days.items()
    } | {NEXT: Day(close=205.0, adj_close=205.0, dividend=1.0)}
    async with tiingo(after) as (fake, source):
        requests = 0
        answer = fake.server._answer

        def second_fails(request: Request) -> Answer | None:
            nonlocal requests
            requests += 1
            return Answer(status=500, body=b"") if requests == 2 else answer(request)

        clock = clock_at("2025-11-28T20:14:59.800")
        fake.days = days
        async with running_bars(source, clock, known=known) as running:
            await running.until(lambda: running.count("unchanged") == 599)
            fake.server._answer = second_fails
            fake.days = after
            clock.advance(timedelta(seconds=1))
            await running.until(lambda: bool(running.sink.news))
    assert [[bar.session for bar in news] for news in running.sink.news] == [[NEXT]]
    assert running.sink.histories[-1][-1].adj_close == pytest.approx(days[LAST].close - 1.0, abs=1e-4)
