"""The sessions that the times of daily bars mean, for whole files."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from shared.calendars import xnys_calendar
from shared.errors import ConfigError
from shared.files.daily.reader import read_daily
from shared.files.reading_options import ReadingOptions

CALENDAR = xnys_calendar()
DAYS = tuple(date.fromisoformat(each) for each in CALENDAR.labels if "2019-01-02" <= each <= "2019-12-31")
EVERY_DAY = tuple(DAYS[0] + timedelta(days=day) for day in range(364))

Stamp = Callable[[date], str]


def _at(zone: str, clock: str, *, days: int = 0, shown: str | None = None) -> Stamp:
    def stamp(day: date) -> str:
        at = datetime.combine(day + timedelta(days=days), time.fromisoformat(clock), ZoneInfo(zone))
        return at.astimezone(ZoneInfo(shown or zone)).isoformat()

    return stamp


def _epoch(clock: str, *, days: int = 0) -> Stamp:
    return lambda day: str(
        int(datetime.combine(day + timedelta(days=days), time.fromisoformat(clock), UTC).timestamp())
    )


def _read(
    folder: Path, stamp: Stamp, days: tuple[date, ...] = DAYS, reading: ReadingOptions | None = None
) -> list[str]:
    path = folder / "gold.csv"
    rows = "".join(f"{stamp(day)},1,2,3,{1_000 + row}\n" for row, day in enumerate(days))
    path.write_text("time,open,high,low,close\n" + rows)
    leg = read_daily(path, instrument="X.TEST", calendar=CALENDAR, reading=reading or ReadingOptions())
    at = {bar.session: int(bar.close) - 1_000 for bar in leg.bars}
    assert all(days[row].isoformat() == session for session, row in at.items())
    return list(at)


STAMPS: dict[str, Stamp] = {
    "date": lambda day: day.isoformat(),
    "midnight in UTC": _at("UTC", "00:00"),
    "midnight in New York, in UTC": _at("America/New_York", "00:00", shown="UTC"),
    "midnight in London, in UTC": _at("Europe/London", "00:00", shown="UTC"),
    "midnight in Tokyo": _at("Asia/Tokyo", "00:00"),
    "opening of New York, in Adelaide": _at("America/New_York", "09:30", shown="Australia/Adelaide"),
    "opening of New York, in Honolulu": _at("America/New_York", "09:30", shown="Pacific/Honolulu"),
    "opening of spot gold": _at("America/New_York", "18:00", days=-1, shown="UTC"),
    "opening of spot gold, in Adelaide": _at(
        "America/New_York", "18:00", days=-1, shown="Australia/Adelaide"
    ),
    "opening of foreign exchange": _at("America/New_York", "17:00", days=-1, shown="UTC"),
    "opening at 22:00 UTC": _epoch("22:00", days=-1),
    "last millisecond of the day": lambda day: f"{day}T23:59:59.999Z",
    "last second of the day, without a zone": lambda day: f"{day} 23:59:59",
    "last second of the day of UTC, in Berlin": _at("UTC", "23:59:59", shown="Europe/Berlin"),
    "last second of the day in Tokyo": _at("Asia/Tokyo", "23:59:59"),
    "last second of the day, since 1970": _epoch("23:59:59"),
    "close of New York": _at("America/New_York", "16:00"),
    "close of New York, in UTC": _at("America/New_York", "16:00", shown="UTC"),
    "settlement of spot gold": _at("America/New_York", "17:00"),
    "settlement of spot gold, in UTC": _at("America/New_York", "17:00", shown="UTC"),
    "after the close": _at("America/New_York", "20:00"),
}


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=list(STAMPS))
def test_each_bar_is_of_its_own_session(tmp_path: Path, stamp: Stamp) -> None:
    assert _read(tmp_path, stamp) == [day.isoformat() for day in DAYS]


@pytest.mark.parametrize(
    "stamp",
    [
        _at("UTC", "00:00"),
        _at("UTC", "00:00", shown="Europe/Berlin"),
        _epoch("00:00"),
        _epoch("23:59:59"),
        lambda day: f"{day}T23:59:59.999Z",
        _at("UTC", "23:59:59", shown="America/Chicago"),
    ],
)
def test_market_that_never_closes_is_read_by_the_clock(tmp_path: Path, stamp: Stamp) -> None:
    sessions = _read(tmp_path, stamp, EVERY_DAY)

    assert sessions == [day.isoformat() for day in DAYS if day in EVERY_DAY]


@pytest.mark.parametrize("clock", ["17:00", "19:30", "21:00"])
def test_market_that_never_closes_with_another_evening_is_refused(tmp_path: Path, clock: str) -> None:
    with pytest.raises(
        ConfigError, match="may be the beginning of the next trading day or the end of its own"
    ):
        _read(tmp_path, _at("America/New_York", clock), EVERY_DAY)


def test_local_close_of_new_york_is_the_end_of_its_session(tmp_path: Path) -> None:
    reading = ReadingOptions(timezone="America/New_York")

    assert _read(tmp_path, lambda day: f"{day} 17:00:00", reading=reading) == [
        day.isoformat() for day in DAYS
    ]


@pytest.mark.parametrize("days", [-1, 1])
def test_dates_that_are_a_day_off_lose_no_weekday_in_silence(tmp_path: Path, days: int) -> None:
    lost = "Friday" if days < 0 else "Monday"

    with pytest.raises(
        ConfigError, match=f"has no {lost} in 20 rows on end, .* give the dates of the sessions"
    ):
        _read(tmp_path, lambda day: (day + timedelta(days=days)).isoformat())


def test_midnight_of_a_zone_east_of_europe_in_utc_is_refused_where_it_loses_a_weekday(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in 20 rows on end"):
        _read(tmp_path, _at("Asia/Tokyo", "00:00", shown="UTC"))


def test_live_row_with_another_time_changes_nothing_above_it(tmp_path: Path) -> None:
    live = timezone(timedelta(hours=-5))

    def stamp(day: date) -> str:
        clock = time(14, 23, 11) if day == DAYS[-1] else time(0)
        return datetime.combine(day, clock, live).isoformat()

    assert _read(tmp_path, stamp) == [day.isoformat() for day in DAYS]
