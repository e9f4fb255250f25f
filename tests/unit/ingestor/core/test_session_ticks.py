"""Which session a tick belongs to, and between which prices a session was."""

from dataclasses import replace

import numpy as np

from services.ingestor.core.session_ticks import KEPT_SESSIONS, SessionTicks
from shared.calendars import xnys_calendar
from shared.domain.instants import parse_rfc3339
from shared.domain.ticks import QuoteBatch
from tests.unit.ingestor.ticks import quotes, trades


def _quotes(*at: tuple[str, float]) -> QuoteBatch:
    instants = np.array([parse_rfc3339(instant) for instant, _ in at], dtype=np.int64)
    return replace(quotes(*(bid for _, bid in at)), ts_event_ns=instants)


def test_range_is_of_mids_and_of_the_session_alone() -> None:
    ticks = SessionTicks(xnys_calendar())
    ticks.take(
        _quotes(
            ("2026-03-10T13:29:59Z", 1.0),
            ("2026-03-10T13:30:00Z", 205.0),
            ("2026-03-10T20:00:00Z", 207.0),
            ("2026-03-10T20:00:01Z", 900.0),
            ("2026-03-11T15:00:00Z", 210.0),
        )
    )
    assert ticks.range_of("2026-03-10") == (205.25, 207.25)
    assert ticks.range_of("2026-03-11") == (210.25, 210.25)
    assert ticks.range_of("2026-03-09") is None


def test_later_ticks_widen_it_whether_quotes_or_trades() -> None:
    ticks = SessionTicks(xnys_calendar())
    ticks.take(_quotes(("2026-03-10T15:00:00Z", 205.0)))
    for price in (204.0, 206.0):
        ticks.take(replace(trades(price), ts_event_ns=np.array([parse_rfc3339("2026-03-10T16:00:00Z")])))
    assert ticks.range_of("2026-03-10") == (204.0, 206.0)


def test_only_the_last_sessions_are_kept() -> None:
    ticks, calendar = SessionTicks(xnys_calendar()), xnys_calendar()
    begin = calendar.index_of("2026-03-10")
    for ordinal in range(begin, begin + KEPT_SESSIONS + 5):
        ticks.take(quotes(200.0, first_ns=calendar.open_ns[ordinal]))
    kept = [label for label in calendar.labels if ticks.range_of(label)]
    assert kept == list(calendar.labels[begin + 5 : begin + KEPT_SESSIONS + 5])


def test_tick_after_the_last_session_of_the_calendar_is_left_out() -> None:
    ticks = SessionTicks(xnys_calendar())
    ticks.take(_quotes(("2036-06-01T15:00:00Z", 205.0)))
    assert ticks.range_of(xnys_calendar().labels[-1]) is None


def test_session_between_two_ticks_has_none() -> None:
    ticks = SessionTicks(xnys_calendar())
    ticks.take(_quotes(("2026-03-09T15:00:00Z", 205.0), ("2026-03-11T15:00:00Z", 207.0)))
    assert ticks.range_of("2026-03-10") is None
    assert ticks.range_of("2026-03-11") == (207.25, 207.25)
