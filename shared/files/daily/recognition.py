"""Which format a file has, and where its columns are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import ConfigError
from shared.files.daily.formats import (
    DAILY_FORMATS,
    ONLY_BY_NAME,
    SERIES,
    TICKERS,
    DailyFormat,
    daily_format,
)
from shared.files.daily.not_a_table import not_a_table
from shared.files.daily.table import Text, delimiters_of, first_rows
from shared.files.input_file import bad_file

_LEVELS: Final = ("price", "ticker", "")
_WANTED: Final = "the header must be date,close[,adj_close]"
_OR_VENDORS: Final = ", or a vendor's (docs/backtest.md lists them)"
_MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A format as one file has it.

    Parameters
    ----------
    names
        The columns as the file calls them.
    skip
        The number of header rows.
    date, close, adjusted, time, ticker, period
        Positions of columns; None: the file has none.
    tickers
        The instruments that the header names.
    """

    format: DailyFormat
    delimiter: str
    names: tuple[str, ...]
    skip: int
    date: int
    close: int
    adjusted: int | None = None
    time: int | None = None
    ticker: int | None = None
    period: int | None = None
    tickers: tuple[str, ...] = ()


def recognise(text: Text, name: str | None) -> Layout:
    """Return the layout of a file.

    Parameters
    ----------
    name
        The format that the person named, for a file that can have it; the other leg's may have another.

    Raises
    ------
    ConfigError
        If the file is no table, has no format that is known, or two that name different columns.
    """
    problem = not_a_table(text.content)
    if problem is not None:
        raise bad_file(text.path, problem)
    named = daily_format(name) if name is not None else None
    found = _first_fit(text, (named,)) if named is not None else None
    if found is None:
        found = _first_fit(text, tuple(each for each in DAILY_FORMATS if each.name not in ONLY_BY_NAME))
    if found is None:
        raise _unknown(text)
    if found.format.refusal:
        raise bad_file(text.path, found.format.refusal)
    return found


def _first_fit(text: Text, formats: Sequence[DailyFormat]) -> Layout | None:
    for delimiter in delimiters_of(text):
        rows = first_rows(text, delimiter, 3)
        layouts = (_layout(text, each, delimiter, rows) for each in formats)
        fits = [layout for layout in layouts if layout is not None]
        if fits:
            _require_one_close(text, fits)
            return fits[0]
    return None


def normalised(name: str) -> str:
    """Return the name of a column as formats compare it.

    Examples
    --------
    >>> normalised(" Adj Close"), normalised("Close*")
    ('adjclose', 'close')
    """
    # Yahoo's page marks columns with footnotes.
    return name.strip("\ufeff \t\r\n\"'*").lower().replace(" ", "").replace("_", "")


@dataclass(frozen=True, slots=True)
class _Header:
    """The columns as the file calls them and as formats do, and the instruments that they name."""

    shown: list[str]
    names: list[str]
    skip: int
    tickers: tuple[str, ...] = ()


def _header(text: Text, wanted: DailyFormat, rows: list[list[str]]) -> _Header | None:
    """Return the header of a file if it may be that of a format."""
    if not rows:
        return None
    if wanted.first_line is not None:
        # What a vendor appends to its columns is ignored.
        names = [*wanted.columns, *([""] * len(rows[0]))][: len(rows[0])]
        return _Header(names, names, 0) if wanted.first_line.match(text.content) else None
    if wanted.header_rows == 3:
        levels = _levels(text, rows)
        return levels and _Header(levels[0], [normalised(each) for each in levels[0]], 3, levels[1])
    names = [normalised(each) for each in rows[0]]
    if names[1:] and not names[0] and not any(each in wanted.date for each in names):
        # pandas writes an index that has no name in this way.
        names[0] = "date"
    return _Header(rows[0], names, 1)


def _layout(text: Text, wanted: DailyFormat, delimiter: str, rows: list[list[str]]) -> Layout | None:
    header = _header(text, wanted, rows)
    if header is None:
        return None
    shown, names, tickers = header.shown, header.names, header.tickers
    while names and not names[-1]:
        names = names[:-1]
    if wanted.date == ("time",) and "date" in names:
        # The time beside a date is no date.
        return None
    if not wanted.also <= set(names) or not any(each in wanted.date for each in names):
        return None
    if not wanted.series and not any(each in wanted.close for each in names):
        return None
    date, close = _one(text, names, wanted.date, "date"), _one(text, names, wanted.close, "close")
    if wanted.series:
        close, tickers = _series(wanted, shown, names, date)
    if date is None or close is None:
        return None
    return Layout(
        format=wanted,
        delimiter=delimiter,
        names=tuple(each.strip("\ufeff \t\r\n") for each in shown[: len(names)]),
        skip=header.skip,
        date=date,
        close=close,
        adjusted=_one(text, names, wanted.adjusted, "adj_close"),
        time=_one(text, names, (wanted.time,) if wanted.time else (), "time"),
        ticker=_one(text, names, TICKERS, "ticker"),
        period=_one(text, names, (wanted.period,) if wanted.period else (), "period"),
        tickers=tuple(tickers),
    )


def _one(text: Text, names: list[str], wanted: tuple[str, ...], field: str) -> int | None:
    found = [index for index, name in enumerate(names) if name in wanted]
    if len(found) > 1:
        raise bad_file(text.path, "column appears twice; keep one", row=text.line, field=field)
    return found[0] if found else None


def _levels(text: Text, rows: list[list[str]]) -> tuple[list[str], tuple[str, ...]] | None:
    """Return the columns and the instruments of a header of three rows; None if it is none."""
    if len(rows) < 3 or not all(rows):
        return None
    first, second, third = rows
    if normalised(first[0]) not in _LEVELS or normalised(second[0]) not in _LEVELS:
        return None
    if normalised(third[0]) not in ("date", "datetime"):
        return None
    for prices, tickers in ((first, second), (second, first)):
        if "close" in map(normalised, prices[1:]):
            known = tuple(dict.fromkeys(each.strip() for each in tickers[1:] if each.strip()))
            _require_one_ticker(text, known)
            return ["date", *prices[1:]], known
    return None


def _series(
    wanted: DailyFormat, shown: Sequence[str], names: list[str], date: int | None
) -> tuple[int | None, tuple[str, ...]]:
    if len(names) != 2 or date is None:
        return None, ()
    series = shown[1 - date].strip("\ufeff \t\r\n\"'")
    is_known = names[date] != wanted.date[-1] or SERIES.fullmatch(series) is not None
    return (1 - date, (series,)) if is_known else (None, ())


def _require_one_ticker(text: Text, tickers: tuple[str, ...]) -> None:
    if len(tickers) > 1:
        raise bad_file(text.path, several_tickers(tickers))


def several_tickers(tickers: Sequence[str]) -> str:
    """Return the problem of a file with the prices of more than one instrument."""
    shown = ", ".join(tickers[:5]) + (", ..." if len(tickers) > 5 else "")
    return f"holds several instruments ({shown[:_MOST_SHOWN]}); give a file with one"


def _require_one_close(text: Text, fits: list[Layout]) -> None:
    first = fits[0]
    other = next((each for each in fits if each.close != first.close), None)
    if other is not None:
        raise bad_file(
            text.path,
            f"both {first.names[first.close]} and {other.names[other.close]} could be the close; say "
            f"--format {first.format.name} for the one, --format {other.format.name} for the other",
            row=text.line,
            field="close",
        )


def _unknown(text: Text) -> ConfigError:
    rows = first_rows(text, delimiters_of(text)[0], 1)
    names = [each.strip("\ufeff \t\r\n").lower() for each in rows[0]] if rows else []
    field = "close" if "date" in map(normalised, names) else "date"
    problem = f"column is missing; {_WANTED}, was {','.join(names)[:_MOST_SHOWN]!r}{_OR_VENDORS}"
    if not text.content:
        problem += "; the file is empty"
    return bad_file(text.path, problem, row=1, field=field)
