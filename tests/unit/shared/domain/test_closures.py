"""Closures that are declared: how they are read, and what a calendar becomes."""

import pytest

from shared.calendars import xnys_calendar
from shared.declared_closures import declared_closures
from shared.domain.closures import NO_CLOSURES, parse_closures
from shared.domain.instants import format_rfc3339, parse_rfc3339
from shared.errors import ConfigError


def test_nothing_declared_is_the_calendar_as_it_is() -> None:
    calendar = xnys_calendar()
    assert parse_closures(" , ") == NO_CLOSURES
    assert calendar.with_closures(NO_CLOSURES) == calendar


def test_declared_day_is_no_session_and_its_neighbours_are() -> None:
    calendar = xnys_calendar().with_closures(parse_closures("XNYS:2026-03-10"))
    assert not calendar.is_session("2026-03-10")
    assert calendar.is_session("2026-03-09")
    assert calendar.is_session("2026-03-11")
    assert not calendar.is_open(parse_rfc3339("2026-03-10T15:00:00Z"))
    assert len(calendar.labels) == len(xnys_calendar().labels) - 1


def test_early_close_ends_the_session_then() -> None:
    calendar = xnys_calendar().with_closures(parse_closures("XNYS:2026-03-10T12:15"))
    assert format_rfc3339(calendar.close_of("2026-03-10")) == "2026-03-10T16:15:00.000000Z"
    assert not calendar.is_open(parse_rfc3339("2026-03-10T16:15:00Z"))


@pytest.mark.parametrize(("at", "close"), [("03:00", "13:30:01"), ("23:00", "20:00:00")])
def test_early_close_lies_in_the_session(at: str, close: str) -> None:
    calendar = xnys_calendar().with_closures(parse_closures(f"XNYS:2026-03-10T{at}"))
    assert format_rfc3339(calendar.close_of("2026-03-10")) == f"2026-03-10T{close}.000000Z"


def test_day_that_is_no_session_anyway_changes_nothing() -> None:
    """The mourning of 9 January 2025, which this version of the calendar knows, and a Sunday."""
    calendar = xnys_calendar()
    assert calendar.with_closures(parse_closures("XNYS:2025-01-09,XNYS:2026-03-08T12:00")) == calendar


def test_closure_of_metals_leaves_the_exchange_alone() -> None:
    assert xnys_calendar().with_closures(parse_closures("METALS:2026-03-10")) == xnys_calendar()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-10", "no closure: MARKET:YYYY-MM-DD of market XNYS or METALS"),
        ("XLON:2026-03-10", "'XLON:2026-03-10' is no closure"),
        ("XNYS:2026-02-30", "'XNYS:2026-02-30' is no closure: day"),
        ("XNYS:2026-03-10T25:00", "is no closure: hour"),
        ("XNYS:2026-03-10 12:00", "is no closure"),
        ("XNYS:2026-03-10,XNYS:2026-03-10T12:00", "'XNYS:2026-03-10T12:00' is declared twice"),
        ("XNYS:2026-03-10T12:00,XNYS:2026-03-10", "'XNYS:2026-03-10' is declared twice"),
    ],
)
def test_entry_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_closures(text)
    monkeypatch.setenv("CONVEX_CLOSURES", text)
    for read in (declared_closures, xnys_calendar):
        with pytest.raises(ConfigError, match=f"^CONVEX_CLOSURES: .*{said}"):
            read()


def test_setting_reaches_every_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert xnys_calendar().is_session("2026-03-10")
    monkeypatch.setenv("CONVEX_CLOSURES", "XNYS:2026-03-10, METALS:2026-03-11")
    assert not xnys_calendar().is_session("2026-03-10")
    assert declared_closures().is_closed("METALS", "2026-03-11")
    monkeypatch.delenv("CONVEX_CLOSURES")
    assert xnys_calendar().is_session("2026-03-10")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("XNYS:2026-12-05", "XNYS:2026-12-05 is a Saturday"),
        ("XNYS:2026-03-10,XNYS:2026-12-06T13:00", "XNYS:2026-12-06 is a Sunday"),
        ("METALS:2026-12-05", "METALS:2026-12-05 is a Saturday"),
        ("XNYS:2206-03-10", "XNYS:2206-03-10 lies outside the calendar"),
    ],
)
def test_closure_of_a_day_that_never_has_a_session_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("CONVEX_CLOSURES", text)
    with pytest.raises(ConfigError, match=f"^CONVEX_CLOSURES: .*{said}"):
        xnys_calendar()


@pytest.mark.parametrize("text", ["METALS:2026-12-06", "XNYS:2025-01-09", "XNYS:2026-12-25"])
def test_closure_that_the_calendar_knows_already_or_of_a_sunday_of_metals_is_accepted(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CONVEX_CLOSURES", text)
    assert xnys_calendar().labels
