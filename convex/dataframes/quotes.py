"""Bids and asks in a DataFrame, as the quotes that a tick file with the same rows gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convex.dataframes.frames import bad_frame, find_column
from convex.dataframes.prices import not_a_price, prices, unusable
from shared.domain.ticks import QuoteBatch
from shared.files.file_note import FileNote, NoteKind

BID: Final = ("bid", "bidprice")
ASK: Final = ("ask", "askprice", "offer")
_INSTANTS: Final = ("tsutc", "timestamp", "datetime", "time", "ts", "date")
# As many as the reader of files gives at once.
_BATCH_ROWS: Final = 20_000
# The years that the calendar of sessions covers.
_FIRST_YEAR, _LAST_YEAR = 1999, 2035
_DROP: Final = "leave such rows out, with a mask or skip_bad_rows=True"


def has_quotes(name: str, table: pd.DataFrame) -> bool:
    """Return whether a table has bids and asks rather than closes."""
    return find_column(name, table, BID) is not None and find_column(name, table, ASK) is not None


def quotes_of(
    name: str,
    table: pd.DataFrame,
    *,
    instrument: str,
    timezone: str | None,
    skips_bad_rows: bool,
    on_note: Callable[[FileNote], None],
) -> tuple[QuoteBatch, ...]:
    """Return the quotes of a table.

    Parameters
    ----------
    name
        The argument's, for errors.
    table
        With bid and ask, its instants as index or in a column such as ``ts_utc``.
    timezone
        The zone of instants that have none; None refuses those.
    skips_bad_rows
        Whether rows without usable prices are left out and counted instead of refused.
    on_note
        Called with what was left out.

    Raises
    ------
    InputError
        With row, field and remedy.
    """
    instants = _instants(name, table, timezone)
    bids, asks = find_column(name, table, BID), find_column(name, table, ASK)
    assert bids is not None and asks is not None  # noqa: S101, PT018 - see has_quotes
    bid, ask = prices(name, bids, "bid"), prices(name, asks, "ask")
    is_bad = unusable(bid) | unusable(ask) | (bid > ask)
    if is_bad.any():
        if not skips_bad_rows:
            raise _bad_quote(name, int(is_bad.argmax()), bid, ask)
        on_note(
            FileNote(
                path=Path(name),
                kind=NoteKind.SKIPPED,
                text=f"{int(is_bad.sum()):,} rows were left out: no usable bid and ask",
                skipped=(("bad_price", int(is_bad.sum())),),
            )
        )
        instants, bid, ask = instants[~is_bad], bid[~is_bad], ask[~is_bad]
    if not len(instants):
        raise bad_frame(name, "has no row with a bid and an ask; give at least one")
    return tuple(
        QuoteBatch(
            instrument=instrument,
            feed="replay",
            ts_event_ns=instants[begin : begin + _BATCH_ROWS],
            ts_received_ns=instants[begin : begin + _BATCH_ROWS],
            bid=bid[begin : begin + _BATCH_ROWS],
            ask=ask[begin : begin + _BATCH_ROWS],
        )
        for begin in range(0, len(instants), _BATCH_ROWS)
    )


def _instants(name: str, table: pd.DataFrame, timezone: str | None) -> NDArray[np.int64]:
    index: Any = table.index
    if not isinstance(index, pd.DatetimeIndex):
        column = find_column(name, table, _INSTANTS)
        if column is None or not pd.api.types.is_datetime64_any_dtype(column.dtype):
            raise bad_frame(
                name,
                "has no instants as index; set them with df.index = pandas.to_datetime(df['time'], utc=True)",
            )
        index = pd.DatetimeIndex(column)
    missing = index.isna()
    if missing.any():
        raise bad_frame(name, "is missing; leave the row out", row=int(missing.argmax()), field="ts_utc")
    if index.tz is None:
        index = _in_zone(name, index, timezone)
    backwards = np.flatnonzero(np.diff(index.asi8) < 0)
    if backwards.size:
        row = int(backwards[0]) + 1
        problem = f"{index[row]} is before the row above; sort the rows with .sort_index(kind='stable')"
        raise bad_frame(name, problem, row=row, field="ts_utc")
    for row in (0, len(index) - 1):
        if not _FIRST_YEAR <= index[row].year <= _LAST_YEAR:
            problem = f"must be from {_FIRST_YEAR} to {_LAST_YEAR}, was {index[row]}; check the unit"
            raise bad_frame(name, problem, row=row, field="ts_utc")
    return np.array(index.tz_convert("UTC").as_unit("ns").asi8, dtype=np.int64)


def _in_zone(name: str, index: pd.DatetimeIndex, timezone: str | None) -> pd.DatetimeIndex:
    if timezone is None:
        raise bad_frame(name, "its instants have no zone; give timezone='UTC' or use .tz_localize('UTC')")
    try:
        return index.tz_localize(timezone)
    except ValueError as error:
        reason = " ".join(str(error).split())[:120]
        raise bad_frame(
            name, f"has instants that {timezone} does not have just once ({reason}); localise them yourself"
        ) from error


def _bad_quote(name: str, row: int, bid: NDArray[np.float64], ask: NDArray[np.float64]) -> Exception:
    for field, values in (("bid", bid), ("ask", ask)):
        if unusable(values[row : row + 1])[0]:
            return bad_frame(name, not_a_price(float(values[row]), remedy=_DROP), row=row, field=field)
    return bad_frame(name, f"{bid[row]:g} is above the ask {ask[row]:g}; {_DROP}", row=row, field="bid")
