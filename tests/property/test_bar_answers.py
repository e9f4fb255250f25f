"""Whatever a provider of bars answers, it ends as bars that can be encoded, or as an error of ours."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.adjusted_closes import adjusted_rows, splits_between
from services.ingestor.core.bar_corrections import BarHistory
from services.ingestor.core.close_doubts import OtherEvidence, held_closes, move_limit
from services.ingestor.core.daily_rows import PulledRows, select_rows, usual_volume
from services.ingestor.feeds.venues.alpaca.bars import parse_bars
from services.ingestor.feeds.venues.alpha_vantage.daily import parse_daily
from services.ingestor.feeds.venues.massive.aggregates import parse_aggregates, parse_dividends
from services.ingestor.feeds.venues.stooq.daily_csv import parse_csv
from services.ingestor.feeds.venues.tiingo.eod import parse_prices
from services.ingestor.feeds.venues.twelvedata.time_series import parse_series
from services.ingestor.feeds.venues.yahoo.chart import parse_chart
from shared.contracts.records import BARS
from shared.domain.bars import Bar
from shared.domain.sessions import bar_final_at_ns
from shared.errors import FeedUnavailable, QualityError

_SESSIONS = ["2025-11-25", "2025-11-26", "2025-11-28"]
_NOON = {"2025-11-25": 1_764_090_000, "2025-11-26": 1_764_176_400, "2025-11-28": 1_764_349_200}

_odd = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, 0.0, -1.0, 1e-320, 1e300, 1e-9, 1e12, 206.19, 412.38, 2**63, "206.19", "NaN", "1e400", "x", ""]
    )
    | st.floats()
    | st.lists(st.floats(), max_size=2)
)
_day = st.sampled_from([*_SESSIONS, "2025-11-27", "0001-01-01", "9999-12-31", "x"]) | _odd
_stamp = st.sampled_from(list(_NOON.values())) | _odd


def _rows_of(names: tuple[str, ...], day: str, days: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    row = st.fixed_dictionaries({day: days}, optional=dict.fromkeys(names, _odd))
    return st.lists(row | _odd, max_size=5)


_SHORT = ("o", "h", "l", "c", "v")
_LONG = ("open", "high", "low", "close", "volume")
_tiingo = _rows_of((*_LONG, "adjClose", "splitFactor", "divCash"), "date", _day)
_alpaca = _rows_of(_SHORT, "t", _day.map(lambda day: f"{day}T05:00:00Z")).map(
    lambda rows: {"bars": {"IWM": rows}, "next_page_token": None}
)
_massive = _rows_of(_SHORT, "t", _stamp.map(lambda at: at * 1_000 if isinstance(at, int) else at)).map(
    lambda rows: {"status": "OK", "results": rows}
)
_twelve = _rows_of(_LONG, "datetime", _day).map(lambda rows: {"status": "ok", "values": rows})
_alpha = st.dictionaries(
    _day.map(str),
    _odd
    | st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "4. close",
                "5. adjusted close",
                "2. high",
                "6. volume",
                "7. dividend amount",
                "8. split coefficient",
            ),
            _odd,
        ),
    ),
    max_size=4,
).map(lambda series: {"Time Series (Daily)": series, "Meta Data": {}})
_column = st.lists(_odd, max_size=4)
_event = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("date", "numerator", "denominator", "amount"), _stamp)
)
_yahoo = st.fixed_dictionaries(
    {
        "meta": st.fixed_dictionaries(
            {"exchangeTimezoneName": st.just("America/New_York")},
            optional={"regularMarketTime": _odd, "currentTradingPeriod": _odd},
        ),
        "timestamp": st.lists(_stamp, max_size=4),
        "indicators": st.fixed_dictionaries(
            {
                "quote": st.lists(
                    st.fixed_dictionaries({}, optional=dict.fromkeys(_LONG, _column)), min_size=1, max_size=1
                )
            },
            optional={"adjclose": st.just([]) | _column.map(lambda each: [{"adjclose": each}])},
        ),
    },
    optional={
        "events": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("splits", "dividends"), st.dictionaries(st.just("1"), _event | _odd) | _odd
            ),
        )
    },
).map(lambda result: {"chart": {"result": [result], "error": None}})
_stooq = st.lists(
    st.tuples(_day, *[_odd] * 5).map(lambda cells: ",".join(map(str, cells))) | st.text(max_size=30),
    max_size=5,
).map(lambda lines: "\r\n".join(["Date,Open,High,Low,Close,Volume", *lines]))


def _alpaca_rows(body: Any) -> PulledRows:
    rows, unreadable, _ = parse_bars(body, symbol="IWM")
    return PulledRows(rows=rows, unreadable=unreadable)


def _plain(parse: Callable[[Any], Any]) -> Callable[[Any], PulledRows]:
    def rows(body: Any) -> PulledRows:
        found, unreadable = parse(body)
        adjusted = {row.session: row.close for row in found}
        return PulledRows(rows=found, unreadable=unreadable, splits=splits_between(found, adjusted))

    return rows


def _through_to_the_record(pulled: PulledRows, *, is_split_adjusted: bool) -> None:
    rows = select_rows(
        pulled.rows,
        sessions=_SESSIONS,
        is_session=lambda day: day in _SESSIONS,
        usual_volume=usual_volume([row.volume for row in pulled.rows]),
    ).rows
    bars = []
    for row in adjusted_rows(
        rows, splits=pulled.splits, dividends=pulled.dividends, is_split_adjusted=is_split_adjusted
    ):
        assert row.adj_close is not None
        try:
            bar = Bar(
                instrument="IWM.ARCX",
                session=row.session,
                close=row.close,
                adj_close=row.adj_close,
                known_at_ns=bar_final_at_ns(row.session),
                source="test",
                open=row.open,
                high=row.high,
                low=row.low,
                volume=row.volume,
            )
        except QualityError:
            continue
        assert BARS.decode(BARS.encode(bar)) == bar
        bars.append(bar)
    held_closes(
        bars,
        known={},
        held={},
        evidence=OtherEvidence(closes={}, ranges={}),
        limit=move_limit(bars),
        now_ns=0,
    )
    history = BarHistory(bars[:1])
    history.compare(bars, now_ns=9)
    assert [bar.session for bar in history.settled()] == [bar.session for bar in bars]


@pytest.mark.parametrize("is_split_adjusted", [True, False])
@pytest.mark.parametrize(
    ("parse", "bodies"),
    [
        (parse_prices, _tiingo),
        (parse_chart, _yahoo),
        (_alpaca_rows, _alpaca),
        (_plain(parse_aggregates), _massive),
        (_plain(parse_series), _twelve),
        (parse_daily, _alpha),
        (parse_csv, _stooq),
    ],
    ids=["tiingo", "yahoo", "alpaca", "massive", "twelvedata", "alpha_vantage", "stooq"],
)
@given(data=st.data())
def test_answer_of_the_right_form_with_odd_values_ends_as_bars_or_as_our_error(
    parse: Callable[[Any], PulledRows],
    bodies: st.SearchStrategy[Any],
    is_split_adjusted: bool,
    data: st.DataObject,
) -> None:
    body = data.draw(bodies)
    if not isinstance(body, str):
        # As it comes over the wire: NaN and infinity become null.
        body = orjson.loads(orjson.dumps(body))
    try:
        pulled = parse(body)
    except FeedUnavailable:
        return
    _through_to_the_record(pulled, is_split_adjusted=is_split_adjusted)


@pytest.mark.parametrize(
    "parse",
    [parse_prices, parse_chart, _alpaca_rows, parse_aggregates, parse_series, parse_daily],
    ids=["tiingo", "yahoo", "alpaca", "massive", "twelvedata", "alpha_vantage"],
)
@given(
    body=st.recursive(
        _odd,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_answer_of_no_form_is_our_error_or_no_rows(parse: Callable[[Any], Any], body: Any) -> None:
    with suppress(FeedUnavailable):
        assert parse(body) is not None


@given(
    body=_odd | st.fixed_dictionaries({}, optional={"results": st.lists(_odd | _event, max_size=3) | _odd})
)
def test_dividends_that_cannot_be_read_are_left_out(body: Any) -> None:
    assert all(value > 0 for value in parse_dividends(body).values())


@given(text=st.text(max_size=80))
def test_text_of_no_form_is_our_error(text: str) -> None:
    with pytest.raises(FeedUnavailable):
        parse_csv(text)
