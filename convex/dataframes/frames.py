"""What a person has in memory as a pandas DataFrame with one ticker, and errors that name its rows."""

import re
from collections.abc import Collection
from typing import Any, Final, Protocol

import pandas as pd

from shared.errors import InputError

_TICKER: Final = 2
"""Levels of the columns that yfinance returns: the name of the price, and the ticker."""
_PRICES: Final = frozenset({"close", "adjclose", "adjustedclose", "bid", "ask", "price"})

_FIELDS: Final = _PRICES | {
    "open",
    "high",
    "low",
    "last",
    "volume",
    "dividends",
    "stocksplits",
    "capitalgains",
}


class HasToPandas(Protocol):
    """A table of another library, such as polars or pyarrow, that makes a DataFrame of itself."""

    def to_pandas(self) -> Any:
        """Return the table as a DataFrame, or a column as a Series."""
        ...


def bad_frame(
    name: str, problem: str, *, row: int | None = None, label: str = "", field: str = ""
) -> InputError:
    """Return the error for a DataFrame: one line with its name, row, field and remedy.

    Parameters
    ----------
    name
        The argument's.
    row, label
        Position, as ``iloc`` counts it, and the row's date.

    Examples
    --------
    >>> str(bad_frame("gold", "is missing", row=7, label="2020-01-06", field="close"))
    'gold: row 7 (2020-01-06): close: is missing'
    """
    where = "" if row is None else f"row {row}{f' ({label})' if label else ''}: "
    return InputError(f"{name}: {where}{f'{field}: ' if field else ''}{problem}")


def as_frame(name: str, given: object) -> pd.DataFrame:
    """Return a DataFrame whose columns have one level.

    A Series becomes the column ``close``, and so does the only column of a DataFrame, whatever its name.

    Raises
    ------
    InputError
        If it is no table, it has no row or several tickers, or its rows have several labels.
    """
    table = given.to_pandas() if hasattr(given, "to_pandas") else given
    if isinstance(table, pd.Series):
        table = table.to_frame("close")
    if not isinstance(table, pd.DataFrame):
        what = f"must be a DataFrame, a Series or a path, was {type(given).__name__}"
        raise bad_frame(name, f"{what}; make one with pandas.DataFrame")
    if table.empty:
        raise bad_frame(name, "has no rows; give at least one session")
    if isinstance(table.index, pd.MultiIndex):
        levels = ", ".join(map(str, table.index.names))
        raise bad_frame(
            name, f"has rows with several labels ({levels}); select one instrument with .xs and keep the date"
        )
    return _of_one_ticker(name, table) if isinstance(table.columns, pd.MultiIndex) else table


def instruments_of(given: object) -> tuple[str, ...]:
    """Return the instruments that a table names: its ticker, or the name of its only column.

    Parameters
    ----------
    given
        As the person gave it.
    """
    table = given.to_pandas() if hasattr(given, "to_pandas") else given
    if isinstance(table, pd.Series):
        found = [table.name]
    elif isinstance(table, pd.DataFrame) and isinstance(table.columns, pd.MultiIndex):
        found = [each for label in table.columns for each in label if spelling(each) not in _FIELDS]
    elif isinstance(table, pd.DataFrame) and len(table.columns) == 1:
        found = [table.columns[0]]
    else:
        found = []
    return tuple(
        dict.fromkeys(each for each in found if isinstance(each, str) and spelling(each) not in _FIELDS)
    )


def _of_one_ticker(name: str, table: pd.DataFrame) -> pd.DataFrame:
    columns = table.columns
    assert isinstance(columns, pd.MultiIndex)  # noqa: S101 - the caller has looked
    level = next(
        (
            each
            for each in range(columns.nlevels)
            if {spelling(one) for one in columns.levels[each]} & _PRICES
        ),
        None,
    )
    if columns.nlevels != _TICKER or level is None:
        raise bad_frame(name, "has columns of several levels, none of them with close; give date and close")
    tickers = list(dict.fromkeys(columns.get_level_values(1 - level)))
    if len(tickers) > 1:
        named = columns.names[1 - level]
        first = f".xs({tickers[0]!r}, axis=1, level={named if named is None else repr(named)})"
        remedy = first if named is not None else first.replace("None", str(1 - level))
        known = ", ".join(map(str, tickers[:5]))
        raise bad_frame(name, f"has {len(tickers)} tickers ({known}); select one with {remedy}")
    return table.set_axis(columns.get_level_values(level), axis=1)


def spelling(column: object) -> str:
    """Return a column's name without what differs between libraries.

    Examples
    --------
    >>> spelling("Adj Close"), spelling("adj_close"), spelling("adjClose")
    ('adjclose', 'adjclose', 'adjclose')
    """
    return re.sub(r"[^a-z0-9]", "", str(column).lower())


def find_column(name: str, table: pd.DataFrame, spellings: Collection[str]) -> "pd.Series[Any] | None":
    """Return the column with the first of some spellings that there is; None if there is none.

    Raises
    ------
    InputError
        If two columns have it.
    """
    known = [spelling(column) for column in table.columns]
    for wanted in spellings:
        if known.count(wanted) > 1:
            twice = ", ".join(repr(each) for each in table.columns if spelling(each) == wanted)
            raise bad_frame(name, f"has the same column twice ({twice}); keep one")
        if wanted in known:
            return table.iloc[:, known.index(wanted)]
    return None
