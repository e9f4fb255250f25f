"""Which tables are a leg, what they mean, and what is said of those that are none."""

import re
import warnings
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from convex.dataframes.legs import read_leg
from shared.calendars import xnys_calendar
from shared.errors import InputError
from shared.files.daily.reader import read_daily
from shared.files.file_note import FileNote
from shared.files.held_leg import HeldLeg
from shared.files.reading_options import DateOrder, ReadingOptions
from shared.files.ticks.reader import read_tick_csv

_INSTRUMENT = "XAU/USD.REPLAY"
_DAYS = pd.DatetimeIndex(["2020-03-05", "2020-03-06", "2020-03-09", "2020-03-10"])
_CLOSES = [1_670.1, 1_673.85, 1_680.4, 1_649.3]
_TICKS = pd.DatetimeIndex(["2020-03-06T14:30:00Z", "2020-03-06T14:30:00.5Z", "2020-03-06T14:31:00Z"])

Table = Callable[[], Any]


def _read(
    *given: Any, is_lead: bool = True, notes: list[FileNote] | None = None, **reading: Any
) -> tuple[tuple[Path, ...], HeldLeg | None]:
    return read_leg(
        "gold",
        given[0] if len(given) == 1 else list(given),
        instrument=_INSTRUMENT,
        is_lead=is_lead,
        reading=ReadingOptions(**reading),
        on_note=(notes if notes is not None else []).append,
    )


def _held(*given: Any, **reading: Any) -> HeldLeg:
    held = _read(*given, **reading)[1]
    assert held is not None
    return held


def _closes(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"close": _CLOSES, **columns}, index=_DAYS)


def _quotes(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"bid": [1.0, 2.0, 3.0], "ask": [1.5, 2.5, 3.5], **columns}, index=_TICKS)


def _of_yfinance() -> pd.DataFrame:
    names = ["Close", "High", "Low", "Open", "Volume"]
    columns = pd.MultiIndex.from_product([names, ["GLD"]], names=["Price", "Ticker"])
    table = pd.DataFrame([[each] * 5 for each in _CLOSES], columns=columns, index=_DAYS)
    return table.rename_axis("Date")


def _by_ticker() -> pd.DataFrame:
    return _of_yfinance().swaplevel(axis=1)


_ALIKE: dict[str, Table] = {
    "a series": lambda: pd.Series(_CLOSES, index=_DAYS),
    "a series of any name": lambda: pd.Series(_CLOSES, index=_DAYS, name="GLD"),
    "one column of any name": lambda: pd.DataFrame({"GC=F": _CLOSES}, index=_DAYS),
    "other columns beside it": lambda: _closes(volume=0, open=1.0),
    "another spelling": lambda: pd.DataFrame({"Close ": _CLOSES, "Volume": 0.0}, index=_DAYS),
    "price for close": lambda: pd.DataFrame({"Price": _CLOSES, "Open": 1.0}, index=_DAYS),
    "midnight in New York": lambda: _closes().tz_localize("America/New_York"),
    "midnight in UTC": lambda: _closes().tz_localize("UTC"),
    "midnight in New York, in UTC": lambda: _closes().tz_localize("America/New_York").tz_convert("UTC"),
    "the instant of the close, with a zone": lambda: (
        _closes().set_axis(_DAYS + pd.Timedelta(hours=16)).tz_localize("America/New_York")
    ),
    "spot gold's opening": lambda: _closes().set_axis(
        (_DAYS - pd.Timedelta(hours=6)).tz_localize("America/New_York").tz_convert("UTC")
    ),
    "spot gold's opening as texts": lambda: _closes().set_axis(
        [f"{day - pd.Timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}" for day in _DAYS]
    ),
    "the last second of the day": lambda: (
        _closes().set_axis(_DAYS + pd.Timedelta("23:59:59.999")).tz_localize("UTC")
    ),
    "the end of the day of spot gold": lambda: (
        _closes().set_axis(_DAYS + pd.Timedelta(hours=17)).tz_localize("America/New_York")
    ),
    "one in the morning in UTC": lambda: (
        _closes().set_axis(_DAYS + pd.Timedelta("01:00:00")).tz_localize("UTC")
    ),
    "periods": lambda: _closes().set_axis(_DAYS.to_period("D")),
    "texts": lambda: _closes().set_axis(_DAYS.strftime("%Y-%m-%d")),
    "texts with a midnight": lambda: _closes().set_axis([f"{day} 00:00:00-05:00" for day in _DAYS.date]),
    "dates": lambda: _closes().set_axis(list(_DAYS.date)),
    "datetimes as objects": lambda: _closes().set_axis(pd.Index(list(_DAYS), dtype=object)),
    "a column of dates": lambda: _closes().rename_axis("Date").reset_index(),
    "a column of texts": lambda: pd.DataFrame({"DATE": _DAYS.strftime("%Y-%m-%d"), "XAU": _CLOSES}),
    "seconds as the unit": lambda: _closes().set_axis(_DAYS.as_unit("s")),
    "newest first": lambda: _closes().iloc[::-1],
    "decimals": lambda: pd.DataFrame({"close": [Decimal(str(each)) for each in _CLOSES]}, index=_DAYS),
    "numbers as objects": lambda: _closes().astype(object),
    "nullable numbers": lambda: _closes().astype("Float64"),
    "numbers of arrow": lambda: _closes().astype(pd.ArrowDtype(pa.float64())),
    "what yfinance returns": _of_yfinance,
    "what yfinance returns by ticker": _by_ticker,
    "a table of arrow": lambda: pa.table({"date": _DAYS.strftime("%Y-%m-%d"), "close": _CLOSES}),
    "a date without a session": lambda: pd.Series(
        [*_CLOSES[:2], 1.0, *_CLOSES[2:]], index=_DAYS.insert(2, pd.Timestamp("2020-03-07"))
    ),
}


@pytest.mark.parametrize("table", _ALIKE.values(), ids=list(_ALIKE))
def test_a_table_is_read_as_the_file_with_its_rows(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    pd.Series(_CLOSES, index=_DAYS, name="close").to_csv(path, index_label="date")

    held = _held(table())

    assert held.bars == read_daily(path, instrument=_INSTRUMENT, calendar=xnys_calendar()).bars
    assert [bar.close for bar in held.bars] == _CLOSES
    assert held.quotes == ()


@pytest.mark.parametrize("column", ["adj_close", "Adj Close", "adjClose", "Adjusted Close"])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_an_adjusted_close_is_scaled_to_the_newest_row_as_in_a_file(
    column: str, is_reversed: bool, tmp_path: Path
) -> None:
    adjusted = [810.123, 820.4, 830.9, 812.35]
    path, table = tmp_path / "gold.csv", _closes(**{column: adjusted})
    table.to_csv(path, index_label="date")

    held = _held(table[::-1] if is_reversed else table)

    assert held.bars == read_daily(path, instrument=_INSTRUMENT, calendar=xnys_calendar()).bars
    assert held.bars[0].adj_close == 810.123 * (1_649.3 / 812.35)


@pytest.mark.parametrize(
    "table",
    [
        _quotes,
        lambda: _quotes().tz_convert("Asia/Tokyo"),
        lambda: _quotes().set_axis(_TICKS.as_unit("ms")),
        lambda: _quotes(bid_size=1.0, last=9.0),
        lambda: _quotes().rename(columns={"bid": "Bid Price", "ask": "Ask Price"}),
        lambda: _quotes().rename_axis("ts_utc").reset_index(),
    ],
)
def test_quotes_are_read_as_the_file_with_their_rows(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    _quotes().set_axis(_TICKS.strftime("%Y-%m-%dT%H:%M:%S.%fZ")).to_csv(path, index_label="ts_utc")
    (of_file,) = read_tick_csv(path, instrument=_INSTRUMENT)

    (batch,) = _held(table()).quotes

    assert (batch.instrument, batch.feed) == (of_file.instrument, of_file.feed)
    for field in ("ts_event_ns", "ts_received_ns", "bid", "ask"):
        given, wanted = getattr(batch, field), getattr(of_file, field)
        assert given.dtype == wanted.dtype
        assert given.tolist() == wanted.tolist()


def test_quotes_without_a_zone_have_the_one_that_is_given() -> None:
    local = _quotes().tz_convert("America/New_York").tz_localize(None)

    (batch,) = _held(local, timezone="America/New_York").quotes

    assert batch.ts_event_ns.tolist() == _TICKS.as_unit("ns").asi8.tolist()


def test_what_the_caller_does_with_a_table_later_does_not_reach_the_backtest() -> None:
    table = _quotes()
    (batch,) = _held(table).quotes

    table.loc[:, "bid"] = -1.0

    assert batch.bid.tolist() == [1.0, 2.0, 3.0]


def test_paths_and_tables_go_together(tmp_path: Path) -> None:
    daily = tmp_path / "gold.csv"
    _closes().to_csv(daily, index_label="date")

    assert _read(str(daily)) == ((daily,), None)
    paths, held = _read(daily, _quotes())
    assert paths == (daily,)
    assert held is not None
    assert (len(held.bars), len(held.quotes)) == (0, 1)


_REFUSED: dict[str, tuple[Table, str]] = {
    "a missing close": (
        lambda: pd.Series([1.0, None, 3.0, 4.0], index=_DAYS),
        "row 1 (2020-03-06): close: is missing; leave such rows out",
    ),
    "a missing adjusted close": (
        lambda: _closes(adj_close=[1.0, 2.0, np.nan, 4.0]),
        "row 2 (2020-03-09): adj_close: is missing; leave",
    ),
    "no price": (lambda: _closes() * -1, "row 0 (2020-03-05): close: must be a positive number, was -1670.1"),
    "an endless price": (
        lambda: pd.Series([1.0, 2.0, np.inf, 4.0], index=_DAYS),
        "row 2 (2020-03-09): close: must lie between 1e-09 and 1e+12, was inf",
    ),
    "a price as text": (
        lambda: pd.DataFrame({"close": ["1,670.10", "2", "3", "4"]}, index=_DAYS),
        "row 0: close: must be a number, was '1,670.10'; convert the column with .astype(float)",
    ),
    "truth": (lambda: pd.Series([True, True, False, True], index=_DAYS), "close: must be numbers, was bool"),
    "a date twice": (
        lambda: _closes().iloc[[0, 1, 1, 2]],
        "row 2: date: 2020-03-06 appears twice; keep one row",
    ),
    "dates in disorder": (
        lambda: _closes().iloc[[0, 2, 1, 3]],
        "row 2: date: 2020-03-06 comes after 2020-03-09; sort the rows with .sort_index()",
    ),
    "newest first but one": (
        lambda: _closes().iloc[[3, 1, 2, 0]],
        "row 2: date: 2020-03-09 comes after 2020-03-06; sort",
    ),
    "a date that is missing": (
        lambda: _closes().set_axis(pd.DatetimeIndex([_DAYS[0], pd.NaT, _DAYS[2], _DAYS[3]])),
        "row 1: date: is missing; leave the row out",
    ),
    "a text that is missing": (
        lambda: _closes().set_axis(["2020-03-05", None, "2020-03-09", "2020-03-10"]),
        "row 1: date: is missing",
    ),
    "a day first": (
        lambda: _closes().set_axis(_DAYS.strftime("%d/%m/%Y")),
        "row 0: date: must be a date like 2020-06-01, was '05/03/2020'; convert it with pandas.to_datetime",
    ),
    "no such day": (lambda: _closes().set_axis(["2020-02-30", *"abc"]), "row 0: date: must be a date"),
    "a time of day": (
        lambda: _closes().set_axis(_DAYS + pd.Timedelta(hours=16)),
        "row 0: has a time of day, 2020-03-05 16:00:00; give dates",
    ),
    "a time that may begin the next session or end its own": (
        lambda: (
            _closes().iloc[2:].set_axis(_DAYS[2:] + pd.Timedelta(hours=17)).tz_localize("America/New_York")
        ),
        "row 0: date: '2020-03-09 17:00:00-04:00' may be the beginning of the next trading day or the end of",
    ),
    "numbers as index": (
        lambda: _closes().reset_index(drop=True),
        "has numbers and no dates as index; set them with .set_index('date')",
    ),
    "dates as numbers": (
        lambda: _closes(date=[20_200_305, 20_200_306, 20_200_309, 20_200_310]).reset_index(drop=True),
        "date: has numbers; convert them with pandas.to_datetime",
    ),
    "months": (
        lambda: _closes().set_axis(pd.period_range("2020-01", periods=4, freq="M")),
        "has periods of M; give daily closes",
    ),
    "no close": (
        lambda: pd.DataFrame({"open": _CLOSES, "high": _CLOSES}, index=_DAYS),
        "has no column close, only open, high; rename the one with the closes to close",
    ),
    "two closes": (
        lambda: pd.concat([_closes(), _closes()], axis=1),
        "has the same column twice ('close', 'close'); keep one",
    ),
    "no rows": (lambda: _closes().iloc[:0], "has no rows; give at least one session"),
    "several tickers": (
        lambda: pd.concat([_of_yfinance(), _of_yfinance().rename(columns={"GLD": "IWM"})], axis=1),
        "has 2 tickers (GLD, IWM); select one with .xs('GLD', axis=1, level='Ticker')",
    ),
    "other levels": (
        lambda: _closes().set_axis(pd.MultiIndex.from_tuples([("a", "b")]), axis=1),
        "has columns of several levels, none of them with close",
    ),
    "rows of several instruments": (
        lambda: pd.concat({"GLD": _closes(), "IWM": _closes()}, names=["ticker", "date"]),
        "has rows with several labels (ticker, date); select one instrument with .xs",
    ),
    "an array": (lambda: np.array(_CLOSES), "must be a DataFrame, a Series or a path, was ndarray"),
    "nothing": (lambda: None, "must be a DataFrame, a Series or a path, was NoneType"),
    "an empty list": (list, "is empty; give a DataFrame, a Series or a path"),
    "two tables of closes": (lambda: [_closes(), _closes()], "is a second table of daily closes; join the"),
    "quotes without a zone": (
        lambda: _quotes().tz_localize(None),
        "its instants have no zone; give timezone='UTC' or use .tz_localize('UTC')",
    ),
    "quotes without instants": (
        lambda: _quotes().reset_index(drop=True),
        "has no instants as index; set them with df.index = pandas.to_datetime(",
    ),
    "quotes in disorder": (
        lambda: _quotes().iloc[[1, 0, 2]],
        "row 1: ts_utc: 2020-03-06 14:30:00+00:00 is before the row above; sort the rows",
    ),
    "a bid above the ask": (
        lambda: _quotes(ask=[1.5, 1.9, 3.5]),
        "row 1: bid: 2 is above the ask 1.9; leave such rows out",
    ),
    "a missing ask": (lambda: _quotes(ask=[1.5, 2.5, None]), "row 2: ask: is missing; leave such rows out"),
    "a quote in the wrong unit": (
        lambda: _quotes().set_axis(pd.to_datetime([1.0, 2.0, 3.0], unit="s", utc=True)),
        "row 0: ts_utc: must be from 1999 to 2035, was 1970-01-01 00:00:01+00:00; check the unit",
    ),
    "quotes that overlap": (lambda: [_quotes(), _quotes()], "begins before the quotes ahead of it end"),
}


@pytest.mark.parametrize(("table", "said"), _REFUSED.values(), ids=list(_REFUSED))
def test_what_is_no_leg_is_refused_in_one_line_with_the_remedy(table: Table, said: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(table())

    text = str(caught.value)
    assert re.match(r"gold(\[1\])?: ", text)
    assert said in text
    assert "\n" not in text
    assert isinstance(caught.value, ValueError)


def test_a_time_without_a_zone_has_the_one_that_is_given() -> None:
    table = _closes().set_axis(_DAYS + pd.Timedelta(hours=16))

    held = _held(table, timezone="America/New_York")

    assert [bar.session for bar in held.bars] == list(_DAYS.strftime("%Y-%m-%d"))


@pytest.mark.parametrize(("order", "written"), [(DateOrder.DMY, "%d/%m/%Y"), (DateOrder.MDY, "%m/%d/%Y")])
def test_texts_have_the_order_of_day_and_month_that_is_given(order: DateOrder, written: str) -> None:
    held = _held(_closes().set_axis(_DAYS.strftime(written)), date_order=order)

    assert [bar.session for bar in held.bars] == list(_DAYS.strftime("%Y-%m-%d"))
    with pytest.raises(InputError, match="row 3: date: must be a date"):
        _held(_closes().set_axis([*_DAYS[:3].strftime(written), "soon"]), date_order=order)


def test_more_bad_rows_than_single_ones_are_refused() -> None:
    days = list(xnys_calendar().labels[4_000:4_020])
    table = pd.Series([None if row % 4 == 0 else 1.0 for row in range(20)], index=days)

    with pytest.raises(InputError, match="gold: has 5 bad rows of 20, more than skip_bad_rows leaves out"):
        _read(table, skip_bad_rows=True)


def test_periods_of_business_days_are_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        table = _closes().set_axis(_DAYS.to_period("B"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held = _held(table)

    assert [bar.session for bar in held.bars] == list(_DAYS.strftime("%Y-%m-%d"))


@pytest.mark.parametrize("has_live_day", [False, True])
def test_bars_of_weeks_are_refused_with_the_live_day_below_them_or_not(has_live_day: bool) -> None:
    days = xnys_calendar().labels[4_000:4_058]
    weeks = days[::5] + (days[-1:] if has_live_day else ())

    with pytest.raises(InputError, match=r"gold: date: rows are .* days apart, so bars of a week or more"):
        _read(pd.Series(1.0, index=list(weeks)))


def test_only_gold_has_quotes() -> None:
    with pytest.raises(InputError, match="gold: has bid and ask; only gold has quotes"):
        _read(_quotes(), is_lead=False)


def test_an_instant_that_clocks_show_twice_is_not_guessed() -> None:
    twice = _quotes().set_axis(pd.DatetimeIndex(["2020-11-01 01:30", "2020-11-01 01:31", "2020-11-01 03:00"]))

    with pytest.raises(InputError, match="has instants that America/New_York does not have just once"):
        _read(twice, timezone="America/New_York")


def test_a_table_and_a_file_of_one_sort_do_not_go_together(tmp_path: Path) -> None:
    daily, ticks = tmp_path / "gold.csv", tmp_path / "ticks.csv"
    _closes().to_csv(daily, index_label="date")
    ticks.write_text("ts_utc,bid,ask\n2020-03-06T14:30:00Z,1,2\n")

    with pytest.raises(InputError, match=r"gold: has daily closes in a table and in .*gold\.csv; give one"):
        _read(daily, _closes())
    with pytest.raises(InputError, match=r"gold: has ticks in a table and in .*ticks\.csv; give one of them"):
        _read(ticks, _quotes())


def test_bad_rows_are_left_out_and_counted_on_demand() -> None:
    notes: list[FileNote] = []
    table = pd.Series([1.0, None, 3.0, -4.0], index=_DAYS)

    held = _read(table, notes=notes, skip_bad_rows=True)[1]

    assert held is not None
    assert [bar.session for bar in held.bars] == ["2020-03-05", "2020-03-09"]
    assert [str(each) for each in notes] == ["gold: 2 rows were left out: no usable price"]
    assert notes[0].skipped == (("bad_price", 2),)


def test_bad_quotes_are_left_out_and_counted_on_demand() -> None:
    notes: list[FileNote] = []

    held = _read(_quotes(ask=[0.5, 2.5, None]), notes=notes, skip_bad_rows=True)[1]

    assert held is not None
    assert held.quotes[0].bid.tolist() == [2.0]
    assert [str(each) for each in notes] == ["gold: 2 rows were left out: no usable bid and ask"]


@pytest.mark.parametrize("table", [lambda: _closes() * np.nan, lambda: _quotes() * np.nan])
def test_nothing_left_is_an_error_and_no_empty_leg(table: Table) -> None:
    with pytest.raises(InputError, match="gold: has no row with a"):
        _read(table(), skip_bad_rows=True)


def test_an_adjusted_close_that_no_price_can_have_is_refused() -> None:
    table = _closes(adj_close=[1e12, 1.0, 1.0, 1e-3])

    with pytest.raises(InputError, match=r"row 0 \(2020-03-05\): adj_close: is 1.6493e\+18 after scaling"):
        _read(table)


def test_many_quotes_come_in_batches_as_from_a_file() -> None:
    count = 45_000
    index = pd.date_range("2020-03-06T14:30:00Z", periods=count, freq="s")
    quotes = pd.DataFrame({"bid": 1.0, "ask": 2.0}, index=index)

    batches = _held(quotes).quotes

    assert [len(batch.ts_event_ns) for batch in batches] == [20_000, 20_000, 5_000]


def test_dates_may_be_objects_of_the_standard_library() -> None:
    mixed = pd.Series(
        _CLOSES[:2], index=pd.Index([date(2020, 3, 5), datetime.fromisoformat("2020-03-06")], dtype=object)
    )

    assert [bar.session for bar in _held(mixed).bars] == ["2020-03-05", "2020-03-06"]
