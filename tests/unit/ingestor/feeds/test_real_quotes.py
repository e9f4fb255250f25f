"""The rules for ticks on recorded gold quotes: none of them is rejected, and a wrong one among them is."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.streaming.events import Quote
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.domain.instants import NS_PER_SECOND, parse_rfc3339
from shared.domain.ticks import QuoteBatch
from shared.files.ticks.reader import read_tick_csv
from tests.support.fake_feeds.sink import RecordingSink
from tests.support.recordings import cut_ticks

_GOLD = "XAU/USD.TEST"


def _replayed(quotes: Iterable[tuple[int, float, float]]) -> RecordingSink:
    """Return what a feed publishes that has these quotes, each at its own time."""
    sink, normaliser = RecordingSink(), None
    for ts_ns, bid, ask in quotes:
        now = ts_ns / NS_PER_SECOND
        if normaliser is None:
            normaliser = TickNormaliser(
                feed="test",
                instrument=_GOLD,
                lateness_ns=2 * NS_PER_SECOND,
                metrics=IngestorMetrics(
                    CollectorRegistry(), feeds=("test",), instruments=(_GOLD,), streams={_GOLD: ("test",)}
                ),
                venue_clock=VenueClock(wall_ns=ts_ns, now=now),
            )
        quote = Quote(ts_event_ns=ts_ns, bid=bid, ask=ask, is_snapshot=False)
        normaliser.take([quote], frame="frame", received_ns=ts_ns, now=now, sink=sink)
    assert normaliser is not None
    normaliser.settle(now=now + 60.0, sink=sink)
    return sink


def _quotes(folder: Path, begin: str, end: str) -> list[tuple[int, float, float]]:
    batches = read_tick_csv(cut_ticks(folder, begin=begin, end=end), instrument=_GOLD)
    return [
        row
        for batch in batches
        for row in zip(batch.ts_event_ns.tolist(), batch.bid.tolist(), batch.ask.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2014-05-02T12:29", "2014-05-02T12:32"),  # the payrolls report: 0.6 % in 30 ms
        ("2014-05-01T12:29", "2014-05-01T12:32"),  # the widest spreads
        ("2014-05-04T22:0", "2014-05-04T22:1"),  # the first quotes of a week
        ("2014-05-11T22:50", "2014-05-11T22:52"),  # a fall in a thin market
    ],
)
def test_no_real_quote_is_rejected(tmp_path: Path, begin: str, end: str) -> None:
    quotes = _quotes(tmp_path, begin, end)
    sink = _replayed(quotes)

    assert len(quotes) > 100
    assert sink.rejected == []
    # A quote that comes again at the same instant is a duplicate.
    assert sorted(sink.bids()) == sorted(bid for _, bid, _ in dict.fromkeys(quotes))


def test_a_quote_with_one_wrong_side_just_before_the_close_is_rejected_and_the_close_is_that_of_the_others(
    tmp_path: Path,
) -> None:
    quotes = _quotes(tmp_path, "2014-05-07T19:59", "2014-05-07T20:00")
    wrong = (parse_rfc3339("2014-05-07T19:59:59.9Z"), 1095.797, 1289.423)
    sink = _replayed(sorted([*quotes, wrong]))

    assert [reason for reason, _ in sink.rejected] == ["wide_spread"]
    last = sink.batches[-1]
    assert isinstance(last, QuoteBatch)
    assert round((last.bid[-1] + last.ask[-1]) / 2, 2) == 1289.30


def test_a_quote_that_is_narrow_and_wrong_is_rejected_as_an_outlier(tmp_path: Path) -> None:
    quotes = _quotes(tmp_path, "2014-05-07T19:59", "2014-05-07T20:00")
    wrong = (parse_rfc3339("2014-05-07T19:59:30.0Z"), 1192.5, 1192.8)
    sink = _replayed(sorted([*quotes, wrong]))

    assert [reason for reason, _ in sink.rejected] == ["outlier"]
    assert 1192.5 not in sink.bids()


def test_a_venue_that_sends_a_wrong_level_for_a_second_is_not_believed(tmp_path: Path) -> None:
    quotes = _quotes(tmp_path, "2014-05-07T19:59", "2014-05-07T20:00")
    begin = parse_rfc3339("2014-05-07T19:59:30Z")
    hundredth = [(begin + step * 50_000_000, 12.89, 12.90) for step in range(20)]
    good = [quote for quote in quotes if not begin <= quote[0] < begin + NS_PER_SECOND]
    sink = _replayed(sorted([*good, *hundredth]))

    assert {reason for reason, _ in sink.rejected} == {"outlier"}
    assert len(sink.rejected) == 20
    assert min(sink.bids()) > 1200.0
