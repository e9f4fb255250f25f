"""Read the instant that a person asks about; refuse one that has two meanings, with the way to write it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.instants import to_ns
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError

_FORM: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt\s]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*(?P<zone>\S.*)?)?"
)
_OFFSET: Final = re.compile(r"[+-]\d{2}:?\d{2}")
_SHORT: Final = {"Z": "UTC", "UTC": "UTC", "GMT": "UTC"}
_WAYS: Final = "2020-03-12, 2020-03-12T14:30Z or '2020-03-12 10:30 America/New_York'"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedInstant:
    """What was asked.

    Parameters
    ----------
    text
        As it was written.
    session
        The session whose close is meant; None where an instant was given.
    at_ns
        The instant; of a session, its close.
    """

    text: str
    session: str | None
    at_ns: int


def read_instant(words: Iterable[str], calendar: SessionCalendar) -> AskedInstant:
    """Return the instant of a text, or the session of a bare date.

    Parameters
    ----------
    words
        The text, perhaps cut at its spaces by the shell.

    Raises
    ------
    ConfigError
        If it is no instant, has no time zone, falls into the hour that a change of clocks repeats or leaves
        out, or if a bare date is no session; with the way to write it.

    Examples
    --------
    >>> from shared.calendars import xnys_calendar
    >>> read_instant(["2020-03-12", "10:30", "America/New_York"], xnys_calendar()).at_ns
    1584023400000000000
    >>> read_instant(["2020-03-12"], xnys_calendar()).session
    '2020-03-12'
    """
    text = " ".join(words).strip()
    match = _FORM.fullmatch(text)
    if match is None:
        raise ConfigError(f"TIME {text!r}: is no date or instant; write {_WAYS}")
    day = _date(text, match["date"])
    if match["time"] is None:
        return _session(text, day, calendar)
    clock = _clock(text, match["time"])
    if match["zone"] is None:
        raise ConfigError(
            f"TIME {text!r}: has no time zone; write {day}T{clock:%H:%M}Z for UTC, or "
            f"'{day} {clock:%H:%M} America/New_York'"
        )
    zone = _zone(text, match["zone"].strip())
    return AskedInstant(
        text=text, session=None, at_ns=to_ns(_local(text, datetime.combine(day, clock), zone))
    )


def _date(text: str, written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise ConfigError(f"TIME {text!r}: {written} is no date; write {_WAYS}") from error


def _clock(text: str, written: str) -> time:
    try:
        return time.fromisoformat(written if written[2] == ":" else f"0{written}")
    except ValueError as error:
        raise ConfigError(f"TIME {text!r}: {written} is no time of day; write {_WAYS}") from error


def _zone(text: str, written: str) -> tzinfo:
    if _OFFSET.fullmatch(written):
        offset = datetime.fromisoformat(f"2020-01-01T00:00{written}").tzinfo
        assert offset is not None  # noqa: S101 - it was written
        return offset
    name = _SHORT.get(written.upper(), written)
    # "EST" is a zone without summer time, and "CST" is used on three continents.
    if "/" not in name and name != "UTC":
        raise ConfigError(
            f"TIME {text!r}: time zone {written!r} has more than one meaning or none; write the name of a "
            "place, such as America/New_York, or Z for UTC"
        )
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"TIME {text!r}: time zone {written!r} is not known; write one such as America/New_York, or Z "
            "for UTC"
        ) from error


def _local(text: str, naive: datetime, zone: tzinfo) -> datetime:
    first, second = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    is_there = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
    how = "occurs twice on that day" if is_there else "does not occur on that day"
    raise ConfigError(
        f"TIME {text!r}: {how}, because the clocks change; write it in UTC: "
        f"{first.astimezone(UTC):%Y-%m-%dT%H:%MZ} or {second.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    )


def _session(text: str, day: date, calendar: SessionCalendar) -> AskedInstant:
    label = day.isoformat()
    if calendar.is_session(label):
        return AskedInstant(text=text, session=label, at_ns=calendar.close_of(label))
    noon_ns = to_ns(datetime.combine(day, time(12), UTC))
    after = calendar.first_closing_at_or_after(noon_ns)
    near = [calendar.labels[at] for at in (after - 1, after) if 0 <= at < len(calendar.labels)]
    raise ConfigError(
        f"TIME {text!r}: the exchange has no session on {day:%A} {label}; name a session, such as "
        f"{' or '.join(near)}, or an instant, such as {label}T14:30Z"
    )
