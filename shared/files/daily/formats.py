"""The formats of daily files that are recognised: one value for each vendor, and nothing that runs.

The name of a column is compared in lower case, without spaces and underscores: ``Adj Close`` is
``adjclose``. Formats are tried in the order of the table; the first whose names are all in the header is
the file's. The plain one is last, because its names are in the headers of most others.
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.files.reading_options import DateOrder

_OHLC: Final = frozenset({"open", "high", "low"})
_ADJUSTED: Final = ("adjclose", "adjustedclose", "adjclose**", "adjclose*")
_IS_ADJUSTED_ALREADY: Final = "no adj_close, so Close is taken as adjusted, as yfinance writes it by default"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFormat:
    """How a vendor writes a daily file.

    Parameters
    ----------
    name
        What ``--format`` calls it.
    vendor
        Who writes it, for people.
    date, close, adjusted
        The names that the column may have. ``adjusted`` is empty where the vendor has no such column.
    also
        Names that must be in the header, too, and tell the format from others.
    series
        The close is the only column besides the date, and its name is that of a series.
    time, period
        The names of columns with the time of day and the length of a bar.
    header_rows
        3: the header has levels, as that of a DataFrame with two levels of columns.
    first_line
        For a file without a header: what its first line looks like. ``columns`` are its names then.
    is_iso_only
        Dates are ``YYYY-MM-DD``, unless the person names another order.
    order
        The order of day and month where no date of the file shows it.
    zone
        The zone of times of day that are written without one.
    decimal
        The decimal mark where no price of the file shows it; None: refuse such a file.
    missing
        What stands in the cell of a price that does not exist.
    assumes
        What is taken for granted, for the note.
    refusal
        Why such a file cannot be used, and what to do, where it cannot.
    """

    name: str
    vendor: str
    date: tuple[str, ...] = ("date",)
    close: tuple[str, ...] = ("close",)
    adjusted: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    series: bool = False
    time: str | None = None
    period: str | None = None
    header_rows: int = 1
    first_line: re.Pattern[str] | None = None
    columns: tuple[str, ...] = ()
    is_iso_only: bool = False
    order: DateOrder | None = None
    zone: str | None = None
    decimal: str | None = "."
    missing: frozenset[str] = frozenset()
    assumes: str = ""
    refusal: str = ""


PLAIN: Final = DailyFormat(
    name="plain",
    vendor="date,close[,adj_close]",
    adjusted=_ADJUSTED,
    is_iso_only=True,
    decimal=None,
)

DAILY_FORMATS: Final = (
    DailyFormat(
        name="histdata-m1",
        vendor="HistData.com, generic ASCII, one minute",
        first_line=re.compile(r"\d{8} \d{6};"),
        columns=("date", "open", "high", "low", "close", "volume"),
        refusal=(
            "holds bars of one minute, as HistData writes them; give daily bars, one row a session; if these "
            "are daily, write the dates as YYYY-MM-DD below a header date;open;high;low;close;volume"
        ),
    ),
    DailyFormat(
        name="metatrader4",
        vendor="MetaTrader 4, history export",
        first_line=re.compile(r"\"?\d{4}\.\d{2}\.\d{2}\"?([,;\t])\"?\d{2}:\d{2}\"?\1"),
        columns=("date", "time", "open", "high", "low", "close", "volume"),
        time="time",
    ),
    DailyFormat(
        name="metatrader5",
        vendor="MetaTrader 5, bars export",
        date=("<date>",),
        close=("<close>",),
        also=frozenset({"<open>", "<tickvol>"}),
        time="<time>",
    ),
    DailyFormat(
        name="stooq-bulk",
        vendor="Stooq bulk files, Finam",
        date=("<date>",),
        close=("<close>",),
        also=frozenset({"<ticker>", "<per>"}),
        time="<time>",
        period="<per>",
    ),
    DailyFormat(
        name="yfinance-levels",
        vendor="yfinance download().to_csv(), three header rows",
        adjusted=_ADJUSTED,
        header_rows=3,
        missing=frozenset({"", "nan"}),
        assumes=_IS_ADJUSTED_ALREADY,
    ),
    DailyFormat(
        name="yfinance",
        vendor="yfinance Ticker.history().to_csv()",
        adjusted=_ADJUSTED,
        also=frozenset({"dividends", "stocksplits"}),
        missing=frozenset({"", "nan"}),
        assumes=_IS_ADJUSTED_ALREADY,
    ),
    DailyFormat(
        name="tiingo",
        vendor="Tiingo end of day",
        adjusted=("adjclose",),
        also=frozenset({"adjhigh", "divcash"}),
    ),
    DailyFormat(
        name="alphavantage",
        vendor="Alpha Vantage, daily, adjusted or FX",
        date=("timestamp",),
        adjusted=("adjustedclose",),
        also=_OHLC,
    ),
    DailyFormat(
        name="dukascopy",
        vendor="Dukascopy historical data export",
        date=("gmttime", "localtime", "time(utc)", "time(eet)", "utc"),
        also=_OHLC,
        order=DateOrder.DMY,
        zone="UTC",
    ),
    DailyFormat(
        name="nasdaq",
        vendor="Nasdaq.com",
        close=("close/last",),
        order=DateOrder.MDY,
        missing=frozenset({"n/a"}),
    ),
    DailyFormat(
        name="investing",
        vendor="Investing.com, English editions",
        close=("price",),
        also=_OHLC,
    ),
    DailyFormat(
        name="investing-eu",
        vendor="Investing.com, editions with a decimal comma",
        date=("date", "datum", "fecha", "data"),
        close=("zuletzt", "dernier", "último", "ultimo", "laatst", "ostatnio"),
        order=DateOrder.DMY,
        decimal=",",
    ),
    DailyFormat(
        name="stooq-pl",
        vendor="Stooq, Polish page",
        date=("data",),
        close=("zamkniecie",),
    ),
    DailyFormat(
        name="tradingview",
        vendor="TradingView chart export",
        date=("time",),
        also=_OHLC,
        missing=frozenset({"nan"}),
    ),
    DailyFormat(
        name="fred",
        vendor="FRED graph data",
        date=("observationdate", "date"),
        series=True,
        missing=frozenset({".", ""}),
    ),
    DailyFormat(
        name="yahoo",
        vendor="Yahoo Finance download, and others with its columns",
        adjusted=("adjclose",),
        also=_OHLC | {"adjclose"},
        missing=frozenset({"null"}),
    ),
    DailyFormat(
        name="wsj",
        vendor="WSJ and MarketWatch",
        adjusted=_ADJUSTED,
        also=_OHLC,
        order=DateOrder.MDY,
    ),
    DailyFormat(
        name="stooq",
        vendor="Stooq, and others with Date,Open,High,Low,Close[,Volume]",
        time="time",
        adjusted=_ADJUSTED,
        also=_OHLC,
        decimal=None,
    ),
    PLAIN,
)
# In any format, the names of a column with the instrument.
TICKERS: Final = ("<ticker>", "ticker", "symbol")
# The formats that a header cannot tell from the one below them, so only a person can name them.
ONLY_BY_NAME: Final = frozenset({"wsj"})
# A series of FRED under the heading DATE: has a digit, or is one of the few without. OPEN is no series.
SERIES: Final = re.compile(r"(?=.*\d)[A-Z][A-Z0-9_]{3,}|NASDAQCOM|DJIA|DCOILWTICO|VIXCLS|GVZCLS")


def daily_format(name: str) -> DailyFormat | None:
    """Return a format by its name; None if there is none of this name."""
    return next((each for each in DAILY_FORMATS if each.name == name), None)
