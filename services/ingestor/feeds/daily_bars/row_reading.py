"""Read a provider's rows one by one, so that a row that cannot be read costs itself alone.

A row needs its day and its close. A value beside the close that cannot be read is left out.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from services.ingestor.core.daily_rows import Row
from services.ingestor.feeds.transport.json_fields import number
from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.domain.sessions import NEW_YORK
from shared.errors import DecodeError, FeedUnavailable

_T = TypeVar("_T")
# What reading a value of an unknown form raises.
_UNREADABLE: Final = (
    DecodeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    OSError,
)
_LONGEST: Final = 300
# A list of which nothing can be read is no list of rows.
_FEW: Final = 3


def read_each(
    entries: Iterable[_T], read: Callable[[_T], Row | None], *, provider: str
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows that can be read, in their order, and each other entry as text.

    Parameters
    ----------
    read
        Returns the row of an entry, None for an empty one; whatever it raises costs this entry.

    Raises
    ------
    FeedUnavailable
        If the entries cannot be listed, or none of many can be read: the form has changed.
    """
    rows: list[Row] = []
    unreadable: list[str] = []
    for entry in listed(entries, provider=provider):
        try:
            row = read(entry)
        except _UNREADABLE:
            unreadable.append(repr(entry)[:_LONGEST])
        else:
            rows += [row] if row is not None else []
    if len(unreadable) > _FEW and not rows:
        raise FeedUnavailable(f"{provider}: no row can be read, such as {unreadable[0]}", reason="not_json")
    return tuple(rows), tuple(unreadable)


def listed(entries: Any, *, provider: str) -> list[Any]:
    """Return the entries of a list.

    Raises
    ------
    FeedUnavailable
        If it is none.
    """
    if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
        raise FeedUnavailable(f"{provider}: no list of rows: {entries!r}"[:_LONGEST], reason="not_json")
    return list(entries)


def row_of(
    session: str,
    fields: Mapping[str, Any],
    *,
    close: str = "close",
    adj_close: str | None = None,
    open: str = "open",  # noqa: A002 - the field's name
    high: str = "high",
    low: str = "low",
    volume: str = "volume",
) -> Row:
    """Return the row of an object whose fields have these names.

    Raises
    ------
    DecodeError
        If the close is missing, or cannot be a price.
    """
    values = dict(fields)
    price = number(values, close)
    if not LEAST_PRICE <= price <= MOST_PRICE:
        raise DecodeError(f"{close} must be a price, was {price}")
    adjusted = side_value(values, adj_close) if adj_close is not None else None
    return Row(
        session=session,
        close=price,
        adj_close=adjusted if adjusted is not None and LEAST_PRICE <= adjusted <= MOST_PRICE else None,
        open=side_value(values, open),
        high=side_value(values, high),
        low=side_value(values, low),
        volume=side_value(values, volume),
    )


def with_adjusted(rows: Iterable[Row], closes: Mapping[str, float]) -> tuple[Row, ...]:
    """Return rows with the adjusted closes of a second series, by session."""
    return tuple(replace(row, adj_close=closes.get(row.session)) for row in rows)


def side_value(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a number beside the close; None if it is missing or cannot be read."""
    try:
        return number(dict(fields), name)
    except DecodeError:
        return None


def label(text: Any) -> str:
    """Return the date that a text begins with, as a session label.

    Examples
    --------
    >>> label("2025-11-26T00:00:00+00:00")
    '2025-11-26'
    """
    return date.fromisoformat(text[:10]).isoformat()


def label_at(seconds: float, zone: ZoneInfo = NEW_YORK) -> str:
    """Return the date of an instant at the exchange, seconds since the Unix epoch.

    Examples
    --------
    >>> label_at(1_577_941_200), label_at(1_585_886_400)  # midnight New York, in winter and in summer
    ('2020-01-02', '2020-04-03')
    """
    return datetime.fromtimestamp(seconds, zone).date().isoformat()


def positive_actions(actions: Mapping[str, float]) -> dict[str, float]:
    """Return the splits or dividends that can be right."""
    return {day: value for day, value in actions.items() if math.isfinite(value) and value > 0}
