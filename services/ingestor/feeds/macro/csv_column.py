"""Read one column of a CSV by date."""

import csv
from collections.abc import Callable, Sequence
from datetime import datetime

from services.ingestor.core.macro_vintages import Reading
from services.ingestor.feeds.macro.ports import Readings, decimal
from services.ingestor.feeds.transport.http_errors import Unanswered
from shared.errors import DecodeError

# How sources write that a date has no value.
_NO_VALUE = frozenset({"", "."})


def read_column(
    text: str, *, date_columns: Sequence[str], value_columns: Sequence[str], date_of: Callable[[str], str]
) -> Readings:
    r"""Return the values of the first of some columns that is there; case does not matter.

    Parameters
    ----------
    date_of
        Returns a date of the file as ``YYYY-MM-DD``; raises ``ValueError`` where it is none.

    Raises
    ------
    Unanswered
        If a column is missing, or there is no row.

    Examples
    --------
    >>> rows = read_column("DATE,GVZ\n09/22/2026,23.590000\n", date_columns=["DATE"],
    ...                    value_columns=["CLOSE", "GVZ"], date_of=us_date).rows
    >>> rows[0].date, rows[0].value
    ('2026-09-22', 23.59)
    """
    # Strict: a quote that is never closed would make one row of the rest of the file.
    lines = csv.reader(text.splitlines(), strict=True)
    try:
        header = [name.strip().casefold() for name in next(lines, [])]
        rows = [row for row in lines if row]
    except csv.Error as problem:
        raise Unanswered(f"no CSV: {problem}", reason="not_json") from None
    at_date = _index_of(header, date_columns)
    at_value = _index_of(header, value_columns)
    if not rows:
        raise Unanswered("a CSV without a row", reason="empty")
    readings = Readings()
    for row in rows:
        try:
            readings.rows.append(Reading(date=date_of(row[at_date].strip()), value=_value(row[at_value])))
        except (ValueError, IndexError):
            error = DecodeError(f"a row must have a date and a number, was {row!r}"[:200])
            readings.unreadable.append((",".join(row).encode(), error))
    return readings


def us_date(text: str) -> str:
    """Return ``MM/DD/YYYY`` as ``YYYY-MM-DD``.

    Raises
    ------
    ValueError
        If it is none.
    """
    return datetime.strptime(text, "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a date has no zone


def _index_of(header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name.casefold() in header:
            return header.index(name.casefold())
    raise Unanswered(
        f"a CSV without a column {' or '.join(names)}: {','.join(header)[:100]}", reason="not_json"
    )


def _value(text: str) -> float | None:
    return None if text.strip() in _NO_VALUE else decimal(text)
