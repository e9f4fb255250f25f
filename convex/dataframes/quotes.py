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
from shared.files.ticks.misplaced_rows import NO_INSTANT, kept_rows
from shared.files.ticks.rows import ALWAYS_SKIPPED, SKIPPED_SHARE

BID: Final = ("bid", "bidprice")
ASK: Final = ("ask", "askprice", "offer")
_INSTANTS: Final = ("tsutc", "timestamp", "datetime", "time", "ts", "date")
# As many as the reader of files gives at once.
_BATCH_ROWS: Final = 20_000
# The years that the calendar of sessions covers.
_FIRST_YEAR, _LAST_YEAR = 1999, 2035
_LEFT_OUT: Final = {
    "bad_price": "no usable bid and ask",
    "out_of_order": "an instant that is not in the order of the rows around it",
    "unreadable": "no instant that can be used",
}
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
        Whether rows without usable prices, and single ones with a wrong instant, are left out and counted
        instead of refused; by the rule of `shared.files.ticks.misplaced_rows`.
    on_note
        Called with what was left out.

    Raises
    ------
    InputError
        With row, field and remedy.
    """
    index = _index(name, table, timezone)
    bids, asks = find_column(name, table, BID), find_column(name, table, ASK)
    assert bids is not None and asks is not None  # noqa: S101, PT018 - see has_quotes
    bid, ask = prices(name, bids, "bid"), prices(name, asks, "ask")
    is_instant = np.asarray((index.year >= _FIRST_YEAR) & (index.year <= _LAST_YEAR))
    is_price = ~(unusable(bid) | unusable(ask) | (bid > ask))
    events = np.array(index.tz_convert("UTC").as_unit("ns").asi8, dtype=np.int64)
    is_kept = kept_rows(np.where(is_instant & is_price, events, NO_INSTANT))
    is_placed = is_kept | ~is_instant | ~is_price
    if np.sum(~is_kept) > ALWAYS_SKIPPED + SKIPPED_SHARE * len(events):
        # As in a file: so many are no single rows.
        skips_bad_rows = False
    if not skips_bad_rows:
        _require_instants(name, index)
    if not skips_bad_rows and not is_price.all():
        raise _bad_quote(name, int(is_price.argmin()), bid, ask)
    counts = {
        "bad_price": int(np.sum(is_instant & ~is_price)),
        "out_of_order": int(np.sum(~is_placed)),
        "unreadable": int(np.sum(~is_instant)),
    }
    for reason, what in _LEFT_OUT.items():
        if counts[reason]:
            on_note(
                FileNote(
                    path=Path(name),
                    kind=NoteKind.SKIPPED,
                    text=f"{counts[reason]:,} rows were left out: {what}",
                    skipped=((reason, counts[reason]),),
                )
            )
    instants, bid, ask = events[is_kept], bid[is_kept], ask[is_kept]
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


def _index(name: str, table: pd.DataFrame, timezone: str | None) -> pd.DatetimeIndex:
    index: Any = table.index
    if not isinstance(index, pd.DatetimeIndex):
        column = find_column(name, table, _INSTANTS)
        if column is None or not pd.api.types.is_datetime64_any_dtype(column.dtype):
            raise bad_frame(
                name,
                "has no instants as index; set them with df.index = pandas.to_datetime(df['time'], utc=True)",
            )
        index = pd.DatetimeIndex(column)
    return index if index.tz is not None else _in_zone(name, index, timezone)


def _require_instants(name: str, index: pd.DatetimeIndex) -> None:
    """Check that no instant is missing, before the one above it, or outside of the calendar's years."""
    missing = index.isna()
    if missing.any():
        raise bad_frame(name, "is missing; leave the row out", row=int(missing.argmax()), field="ts_utc")
    backwards = np.flatnonzero(np.diff(index.asi8) < 0)
    if backwards.size:
        row = int(backwards[0]) + 1
        problem = f"{index[row]} is before the row above; sort the rows with .sort_index(kind='stable')"
        raise bad_frame(name, problem, row=row, field="ts_utc")
    for row in (0, len(index) - 1):
        if not _FIRST_YEAR <= index[row].year <= _LAST_YEAR:
            problem = f"must be from {_FIRST_YEAR} to {_LAST_YEAR}, was {index[row]}; check the unit"
            raise bad_frame(name, problem, row=row, field="ts_utc")


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
