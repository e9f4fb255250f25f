"""Daily files as each vendor writes them, rendered from one list of sessions and closes.

The spellings are those of the vendors; the prices are made up. Each function returns the whole text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Day:
    """One row: prices with two decimals, as most vendors write them."""

    session: str
    close: float
    adjusted: float

    @property
    def date(self) -> date:
        """The session as a date."""
        return date.fromisoformat(self.session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's way to write a file.

    Parameters
    ----------
    format
        The name under which the reader must recognise it.
    has_adjusted
        The file holds adjusted closes.
    """

    format: str
    has_adjusted: bool
    render: Callable[[Sequence[Day]], str]


def plain(days: Sequence[Day]) -> str:
    """Return the plain file that the others are compared with."""
    return "date,close\n" + "".join(f"{day.session},{day.close:.2f}\n" for day in days)


def plain_adjusted(days: Sequence[Day]) -> str:
    """Return the plain file with adjusted closes."""
    return "date,close,adj_close\n" + "".join(
        f"{day.session},{day.close:.2f},{day.adjusted:.2f}\n" for day in days
    )


def _ohlc(day: Day) -> str:
    return f"{day.close - 0.5:.2f},{day.close + 1:.2f},{day.close - 1:.2f},{day.close:.2f}"


def _lines(header: str, rows: Sequence[str], end: str = "\n") -> str:
    return end.join([header, *rows]) + end


def _yahoo(days: Sequence[Day]) -> str:
    rows = [f"{day.session},{_ohlc(day)},{day.adjusted:.2f},28439100" for day in days]
    # Yahoo writes a day without prices in this way.
    return _lines(
        "Date,Open,High,Low,Close,Adj Close,Volume",
        [*rows[:2], "2019-07-04,null,null,null,null,null,null", *rows[2:]],
    )


def _yfinance(days: Sequence[Day]) -> str:
    offset = [datetime.combine(day.date, time(), _NEW_YORK).isoformat(" ") for day in days]
    return _lines(
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits,Capital Gains",
        [f"{at},{_ohlc(day)},28439100,0.0,0.0,0.0" for at, day in zip(offset, days, strict=True)],
    )


def _yfinance_unadjusted(days: Sequence[Day]) -> str:
    return _lines(
        "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits",
        [f"{day.session} 00:00:00-04:00,{_ohlc(day)},{day.adjusted:.2f},284,0.0,0.0" for day in days],
    )


def _yfinance_levels(days: Sequence[Day]) -> str:
    rows = [f"{day.session},{day.close:.2f},{day.close + 1:.2f},1,2,28439100" for day in days]
    return (
        "Price,Close,High,Low,Open,Volume\nTicker,IWM,IWM,IWM,IWM,IWM\nDate,,,,,\n" + "\n".join(rows) + "\n"
    )


def _yfinance_ticker_first(days: Sequence[Day]) -> str:
    rows = [f"{day.session},1,2,3,{day.close:.2f},{day.adjusted:.2f},28439100" for day in days]
    return (
        "Ticker,IWM,IWM,IWM,IWM,IWM,IWM\nPrice,Open,High,Low,Close,Adj Close,Volume\nDate,,,,,,\n"
        + "\n".join(rows)
        + "\n"
    )


def _stooq(days: Sequence[Day]) -> str:
    return _lines(
        "Date,Open,High,Low,Close,Volume", [f"{day.session},{_ohlc(day)},28439100" for day in days], "\r\n"
    )


def _stooq_without_volume(days: Sequence[Day]) -> str:
    return _lines("Date,Open,High,Low,Close", [f"{day.session},{_ohlc(day)}" for day in days], "\r\n")


def _stooq_polish(days: Sequence[Day]) -> str:
    return _lines(
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen",
        [f"{day.session},{_ohlc(day)},28439100" for day in days],
        "\r\n",
    )


def _stooq_bulk(days: Sequence[Day]) -> str:
    return _lines(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        [f"IWM.US,D,{day.session.replace('-', '')},000000,{_ohlc(day)},28439100,0" for day in days],
        "\r\n",
    )


def _finam(days: Sequence[Day]) -> str:
    return _stooq_bulk(days).replace(",<OPENINT>", "").replace("28439100,0", "28439100").replace(",", ";")


def _tradingview_seconds(days: Sequence[Day]) -> str:
    rows = [
        f"{int(datetime.combine(day.date, time(9, 30), _NEW_YORK).timestamp())},{_ohlc(day)},1,1"
        for day in days
    ]
    return _lines("time,open,high,low,close,Volume,Volume MA", rows)


def _tradingview_iso(days: Sequence[Day]) -> str:
    rows = []
    for day in days:
        opened = datetime.combine(day.date, time(9, 30), _NEW_YORK).astimezone(UTC)
        rows.append(f"{opened:%Y-%m-%dT%H:%M:%SZ},{_ohlc(day)},NaN,NaN")
    return _lines("time,open,high,low,close,Plot,Plot", rows)


def _tradingview_spot(days: Sequence[Day]) -> str:
    rows = []
    for day in days:
        # Spot gold's day begins at 17:00 New York of the day before.
        opened = datetime.combine(day.date - timedelta(days=1), time(17), _NEW_YORK)
        rows.append(f"{int(opened.timestamp())},{_ohlc(day)}")
    return _lines("time,open,high,low,close", rows)


def _metatrader4(days: Sequence[Day]) -> str:
    return "".join(f"{day.session.replace('-', '.')},00:00,{_ohlc(day)},5231\r\n" for day in days)


def _metatrader5(days: Sequence[Day]) -> str:
    rows = [f"{day.session.replace('-', '.')},{_ohlc(day)},5231,0,12" for day in days]
    text = _lines("<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>,<SPREAD>", rows, "\r\n")
    return text.replace(",", "\t")


def _metatrader5_with_time(days: Sequence[Day]) -> str:
    rows = [f"{day.session.replace('-', '.')},00:00:00,{_ohlc(day)},5231,0,12" for day in days]
    text = _lines("<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>,<SPREAD>", rows, "\r\n")
    return text.replace(",", "\t")


def _alphavantage(days: Sequence[Day]) -> str:
    return _lines(
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient",
        [f"{day.session},{_ohlc(day)},{day.adjusted:.2f},28439100,0.0000,1.0" for day in reversed(days)],
        "\r\n",
    )


def _alphavantage_raw(days: Sequence[Day]) -> str:
    return _lines(
        "timestamp,open,high,low,close,volume",
        [f"{day.session},{_ohlc(day)},28439100" for day in reversed(days)],
        "\r\n",
    )


def _investing(days: Sequence[Day]) -> str:
    rows = [
        f'"{day.date:%m/%d/%Y}","{day.close:,.2f}","{day.close:,.2f}","1","2","12.5M","-0.52%"'
        for day in reversed(days)
    ]
    return "\ufeff" + _lines('"Date","Price","Open","High","Low","Vol.","Change %"', rows)


def _investing_day_first(days: Sequence[Day]) -> str:
    rows = [f'"{day.date:%d/%m/%Y}","{day.close:,.2f}","1","1","2","","-0.52%"' for day in reversed(days)]
    return _lines('"Date","Price","Open","High","Low","Vol.","Change %"', rows)


def _investing_named_month(days: Sequence[Day]) -> str:
    rows = [f'"{day.date:%b %d, %Y}","{day.close:,.2f}","1","1","2","-","-0.52%"' for day in reversed(days)]
    return _lines('"Date","Price","Open","High","Low","Vol.","Change %"', rows)


def _comma(price: float) -> str:
    return f"{price:,.2f}".translate(str.maketrans(",.", ".,"))


def _investing_german(days: Sequence[Day]) -> str:
    rows = [
        f'"{day.date:%d.%m.%Y}","{_comma(day.close)}","1,00","1","2","","-0,52%"' for day in reversed(days)
    ]
    return "\ufeff" + _lines('"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"', rows)


def _investing_french(days: Sequence[Day]) -> str:
    rows = [
        f'"{day.date:%d/%m/%Y}","{_comma(day.close)}","1,00","1","2","","-0,52%"' for day in reversed(days)
    ]
    return _lines('"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"', rows)


def _investing_spanish(days: Sequence[Day]) -> str:
    rows = [
        f'"{day.date:%d.%m.%Y}","{_comma(day.close)}","1,00","1","2","","-0,52%"' for day in reversed(days)
    ]
    return _lines('"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."', rows)


def _fred(days: Sequence[Day]) -> str:
    rows = [f"{day.session},{day.close:.2f}" for day in days]
    return _lines("observation_date,RU2000PR", [*rows[:3], "2019-07-04,", *rows[3:]])


def _fred_old(days: Sequence[Day]) -> str:
    rows = [f"{day.session},{day.close:.2f}" for day in days]
    return _lines("DATE,GOLDAMGBD228NLBM", [*rows[:3], "2019-07-04,.", *rows[3:]])


def _tiingo(days: Sequence[Day]) -> str:
    return _lines(
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
        [
            f"{day.session}T00:00:00.000Z,{day.close:.2f},1,2,3,4,{day.adjusted:.2f},1,2,3,4,0.0,1.0"
            for day in days
        ],
    )


def _dukascopy(days: Sequence[Day]) -> str:
    rows = [f"{day.date:%d.%m.%Y} 00:00:00.000,{_ohlc(day)},185.930" for day in days]
    return _lines("Gmt time,Open,High,Low,Close,Volume", rows)


def _dukascopy_local(days: Sequence[Day]) -> str:
    rows = []
    for day in days:
        # Midnight GMT on a computer in New York.
        local = datetime.combine(day.date, time(), UTC).astimezone(_NEW_YORK)
        rows.append(f"{local:%d.%m.%Y %H:%M:%S}.000 GMT{local:%z},{_ohlc(day)},185.930")
    return _lines("Local time,Open,High,Low,Close,Volume", rows)


def _nasdaq(days: Sequence[Day]) -> str:
    rows = [f"{day.date:%m/%d/%Y},${day.close:.2f},28439100,$1.00,$2.00,$3.00" for day in reversed(days)]
    return _lines("Date,Close/Last,Volume,Open,High,Low", rows)


def _marketwatch(days: Sequence[Day]) -> str:
    rows = [
        f'{day.date:%m/%d/%Y},"{day.close:,.2f}","1.00","2.00","{day.close:,.2f}","28,439,100"'
        for day in reversed(days)
    ]
    return _lines("Date,Open,High,Low,Close,Volume", rows)


def _wsj(days: Sequence[Day]) -> str:
    rows = [f"{day.date:%m/%d/%y}, 1, 2, 3, {day.close:.2f}, 28439100" for day in reversed(days)]
    return _lines("Date, Open, High, Low, Close, Volume", rows)


def _excel_german(days: Sequence[Day]) -> str:
    rows = [f"{day.session};{day.close:.2f}".replace(".", ",") for day in days]
    return "sep=;\r\n" + _lines("date;close", [*rows, ";", ";"], "\r\n")


VENDORS: Final = {
    "plain": Vendor(format="plain", has_adjusted=False, render=plain),
    "yahoo": Vendor(format="yahoo", has_adjusted=True, render=_yahoo),
    "yfinance": Vendor(format="yfinance", has_adjusted=False, render=_yfinance),
    "yfinance, unadjusted": Vendor(format="yfinance", has_adjusted=True, render=_yfinance_unadjusted),
    "yfinance, three header rows": Vendor(
        format="yfinance-levels", has_adjusted=False, render=_yfinance_levels
    ),
    "yfinance, ticker first": Vendor(
        format="yfinance-levels", has_adjusted=True, render=_yfinance_ticker_first
    ),
    "stooq": Vendor(format="stooq", has_adjusted=False, render=_stooq),
    "stooq, no volume": Vendor(format="stooq", has_adjusted=False, render=_stooq_without_volume),
    "stooq, polish": Vendor(format="stooq-pl", has_adjusted=False, render=_stooq_polish),
    "stooq, bulk": Vendor(format="stooq-bulk", has_adjusted=False, render=_stooq_bulk),
    "finam": Vendor(format="stooq-bulk", has_adjusted=False, render=_finam),
    "tradingview, seconds": Vendor(format="tradingview", has_adjusted=False, render=_tradingview_seconds),
    "tradingview, iso": Vendor(format="tradingview", has_adjusted=False, render=_tradingview_iso),
    "tradingview, spot gold": Vendor(format="tradingview", has_adjusted=False, render=_tradingview_spot),
    "metatrader 4": Vendor(format="metatrader4", has_adjusted=False, render=_metatrader4),
    "metatrader 5": Vendor(format="metatrader5", has_adjusted=False, render=_metatrader5),
    "metatrader 5, time": Vendor(format="metatrader5", has_adjusted=False, render=_metatrader5_with_time),
    "alpha vantage": Vendor(format="alphavantage", has_adjusted=True, render=_alphavantage),
    "alpha vantage, raw": Vendor(format="alphavantage", has_adjusted=False, render=_alphavantage_raw),
    "investing": Vendor(format="investing", has_adjusted=False, render=_investing),
    "investing, day first": Vendor(format="investing", has_adjusted=False, render=_investing_day_first),
    "investing, named month": Vendor(format="investing", has_adjusted=False, render=_investing_named_month),
    "investing, german": Vendor(format="investing-eu", has_adjusted=False, render=_investing_german),
    "investing, french": Vendor(format="investing-eu", has_adjusted=False, render=_investing_french),
    "investing, spanish": Vendor(format="investing-eu", has_adjusted=False, render=_investing_spanish),
    "fred": Vendor(format="fred", has_adjusted=False, render=_fred),
    "fred, old": Vendor(format="fred", has_adjusted=False, render=_fred_old),
    "tiingo": Vendor(format="tiingo", has_adjusted=True, render=_tiingo),
    "dukascopy": Vendor(format="dukascopy", has_adjusted=False, render=_dukascopy),
    "dukascopy, local": Vendor(format="dukascopy", has_adjusted=False, render=_dukascopy_local),
    "nasdaq": Vendor(format="nasdaq", has_adjusted=False, render=_nasdaq),
    "marketwatch": Vendor(format="stooq", has_adjusted=False, render=_marketwatch),
    "wsj": Vendor(format="stooq", has_adjusted=False, render=_wsj),
    "excel, german": Vendor(format="plain", has_adjusted=False, render=_excel_german),
}
