"""Any answer of a macro provider is read up to the published record, or refused by the declared errors."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingestor.core.macro_vintages import SeriesVintages
from services.ingestor.feeds.macro.csv_column import read_column, us_date
from services.ingestor.feeds.macro.ports import Readings
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.feeds.venues.coingecko.market_chart import daily_prices
from services.ingestor.feeds.venues.fred.series import read_rows
from shared.contracts.records import MACRO

_NOW = 1_790_938_385_000_000_000

numbers = st.integers() | st.floats() | st.sampled_from([1e308, -1e308, 10**400, -1, 0, 1 << 63])
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8)
dates = st.dates().map(lambda day: day.isoformat()) | st.sampled_from(
    ["0000-00-00", "9999-12-31", "2024-02-30"]
)
texts = st.sampled_from([".", "", "4.5", "nan", "inf", "-1e400", "1_000", " 7 ", "0x10", "\u0661"]) | st.text(
    max_size=5
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def published(readings: Readings) -> None:
    """Go on as the feed does: compare, build records, write and read them."""
    series = SeriesVintages("fred:X", unit="percent", source="fred")
    news = series.compare(readings.rows, now_ns=_NOW)
    for observation in (*news.added, *news.revised):
        assert MACRO.decode(MACRO.encode(observation)) == observation
    assert len(news.added) + len(news.revised) + news.unchanged + len(news.rejected) == len(readings.rows)


@given(
    rows=st.lists(
        anything
        | st.fixed_dictionaries(
            {"date": dates | scalars, "value": texts | scalars, "realtime_start": dates | scalars}
        ),
        max_size=5,
    )
)
def test_rows_of_fred_are_published_or_unreadable(rows: list[Any]) -> None:
    readings = read_rows(rows)

    assert len(readings.rows) + len(readings.unreadable) == len(rows)
    published(readings)


points = st.lists(
    st.lists(st.sampled_from([0, 86_400_000, 1 << 60]) | scalars, max_size=3) | anything, max_size=5
)


@given(answer=anything | st.fixed_dictionaries({"prices": points | anything}))
@example(answer={"prices": [[0, 10**400]]})
@example(answer={"error": {"status": {"error_code": 429}}})
def test_answers_of_coingecko_are_published_or_refused(answer: Any) -> None:
    try:
        readings = daily_prices(answer, "pax-gold")
    except Unanswered:
        return
    published(readings)


@given(
    text=st.text(max_size=40)
    | st.lists(st.tuples(dates | st.just("09/22/2026"), texts), max_size=5).map(
        lambda rows: "DATE,VIX\n" + "\n".join(",".join(row) for row in rows)
    )
)
@example(text="DATE,VIX\n\x00,1\n")
@example(text='DATE,VIX\n"' + "x" * 200_000)
def test_any_csv_is_published_or_refused(text: str) -> None:
    try:
        readings = read_column(text, date_columns=["DATE"], value_columns=["CLOSE", "VIX"], date_of=us_date)
    except Unanswered:
        return
    published(readings)


@pytest.mark.parametrize("value", ["1_000", "\u0661\u0662", "0x10", "1,5"])
def test_text_that_only_python_takes_for_a_number_is_unreadable(value: str) -> None:
    row = {"date": "2024-05-24", "value": value, "realtime_start": "2024-05-28"}

    assert read_rows([row]).rows == []
    assert json.loads(orjson.dumps(row)) == row
