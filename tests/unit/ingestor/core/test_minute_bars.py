"""Minute bars against the bars of the real ticks, and the two ways to make them against each other."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.minute_bars import MINUTE_NS, MinuteBar, MinuteBars, minute_columns
from shared.domain.instants import parse_rfc3339
from shared.files.ticks.reader import read_tick_csv
from tests.support.data import shared_data

_SECOND = 1_000_000_000
_TICKS = "xauusd_ticks_oanda_lean_20140501_20140515.csv.gz"
_MINUTES = "xauusd_1m_quotes_oanda_lean_20140501_20140515.csv.gz"


def _rows_of(bars: list[MinuteBar]) -> list[tuple[int, float, float, float, float, int]]:
    return [(bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.ticks) for bar in bars]


def _one_by_one(times: list[int], prices: list[float]) -> list[MinuteBar]:
    minutes = MinuteBars()
    for at, price in zip(times, prices, strict=True):
        assert minutes.add(at, price) is None
    return list(minutes.advance(max(times, default=0) + 2 * MINUTE_NS))


def _at_once(times: list[int], prices: list[float]) -> list[tuple[int, float, float, float, float, int]]:
    columns = minute_columns(np.array(times, np.int64), np.array(prices, np.float64))
    return list(
        zip(
            columns.start_ns.tolist(),
            columns.open.tolist(),
            columns.high.tolist(),
            columns.low.tolist(),
            columns.close.tolist(),
            columns.ticks.tolist(),
            strict=True,
        )
    )


def test_two_million_ticks_give_the_minute_bars_of_their_source_exactly() -> None:
    oracle: dict[str, list[tuple[int, float, float, float, float]]] = {"bid": [], "ask": []}
    with gzip.open(shared_data(_MINUTES), "rt") as file:
        for row in csv.DictReader(file):
            start = parse_rfc3339(row["ts_utc"])
            for side, bars in oracle.items():
                names = (f"{side}_{name}" for name in ("open", "high", "low", "close"))
                open_, high, low, close = (float(row[name]) for name in names)
                bars.append((start, open_, high, low, close))
    batches = list(read_tick_csv(shared_data(_TICKS), instrument="XAU/USD.REPLAY"))
    times = np.concatenate([batch.ts_event_ns for batch in batches])
    assert len(times) == 2_022_969
    for side, bars in oracle.items():
        prices = np.concatenate([getattr(batch, side) for batch in batches])
        columns = minute_columns(times, prices)
        made = list(
            zip(
                columns.start_ns.tolist(),
                columns.open.tolist(),
                columns.high.tolist(),
                columns.low.tolist(),
                columns.close.tolist(),
                strict=True,
            )
        )
        assert made == bars


def test_ticks_one_by_one_give_the_minute_bars_of_their_source_exactly() -> None:
    # The first two days, the spike of the payrolls included.
    with gzip.open(shared_data(_MINUTES), "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["ts_utc"] < "2014-05-03"]
    end_ns = parse_rfc3339("2014-05-03T00:00:00Z")
    minutes, made = MinuteBars(), list[MinuteBar]()
    for batch in read_tick_csv(shared_data(_TICKS), instrument="XAU/USD.REPLAY"):
        for at, bid in zip(batch.ts_event_ns.tolist(), batch.bid.tolist(), strict=True):
            if at < end_ns:
                assert minutes.add(at, bid) is None
        made += minutes.advance(min(int(batch.ts_event_ns[-1]), end_ns))
        if batch.ts_event_ns[-1] >= end_ns:
            break
    assert [(bar.start_ns, bar.open, bar.high, bar.low, bar.close) for bar in made] == [
        (
            parse_rfc3339(row["ts_utc"]),
            *(float(row[f"bid_{name}"]) for name in ("open", "high", "low", "close")),
        )
        for row in rows
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 20 * 60), st.sampled_from([1290.0, 1290.5, 1291.0, 1300.25])), max_size=60
    )
)
def test_both_ways_agree_in_whatever_order_prices_come(ticks: list[tuple[int, float]]) -> None:
    times, prices = [second * _SECOND for second, _ in ticks], [price for _, price in ticks]
    assert _rows_of(_one_by_one(times, prices)) == _at_once(times, prices)


def test_price_at_the_full_minute_is_of_the_next_one() -> None:
    bars = _one_by_one([MINUTE_NS - 1, MINUTE_NS], [1.0, 2.0])
    assert [(bar.start_ns, bar.close) for bar in bars] == [(0, 1.0), (MINUTE_NS, 2.0)]


def test_first_and_last_price_are_those_of_the_event_times() -> None:
    (bar,) = _one_by_one([30, 10, 50, 50, 20], [3.0, 1.0, 5.0, 6.0, 2.0])
    assert (bar.open, bar.close) == (1.0, 6.0)


def test_minute_is_given_out_once_and_not_before_its_end() -> None:
    minutes = MinuteBars()
    minutes.add(10, 1.0)
    assert minutes.advance(MINUTE_NS - 1) == ()
    assert len(minutes.advance(MINUTE_NS)) == 1
    assert minutes.advance(MINUTE_NS) == ()
    assert minutes.advance(0) == ()


def test_late_price_corrects_its_minute_with_the_next_revision() -> None:
    minutes = MinuteBars()
    minutes.add(10, 1.0)
    minutes.add(MINUTE_NS + 10, 2.0)
    minutes.advance(2 * MINUTE_NS)
    first, second = minutes.add(20, 0.5), minutes.add(5, 3.0)
    assert first is not None
    assert second is not None
    assert (first.low, first.close, first.revision) == (0.5, 0.5, 1)
    assert (second.open, second.high, second.close, second.revision) == (3.0, 3.0, 0.5, 2)
    assert minutes.late == 0


def test_late_price_of_a_minute_that_had_none_is_its_first_bar() -> None:
    minutes = MinuteBars()
    minutes.add(10, 1.0)
    minutes.add(2 * MINUTE_NS, 2.0)
    minutes.advance(3 * MINUTE_NS)
    found = minutes.add(MINUTE_NS + 7, 1.5)
    assert found is not None
    assert (found.start_ns, found.close, found.revision) == (MINUTE_NS, 1.5, 0)


def test_price_of_a_minute_long_ago_is_counted_and_memory_is_bounded() -> None:
    minutes = MinuteBars()
    for minute in range(50):
        minutes.add(minute * MINUTE_NS, 1.0)
        minutes.advance(minute * MINUTE_NS)
    assert minutes.add(MINUTE_NS, 2.0) is None
    assert minutes.late == 1
    assert minutes.add(45 * MINUTE_NS, 2.0) is not None


@pytest.mark.parametrize("count", [0, 1])
def test_columns_of_hardly_any_price(count: int) -> None:
    assert len(_at_once([7] * count, [1.0] * count)) == count
