"""Which ticks of a frame are published, held or rejected, and that none is lost without a count."""

from prometheus_client import CollectorRegistry

from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.streaming.events import Event, Heartbeat, Print, Quote, Trade
from services.ingestor.feeds.streaming.frame_outcome import FrameOutcome
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.domain.ticks import QuoteBatch, TradeBatch
from tests.support.fake_feeds.sink import RecordingSink

_INSTRUMENT = "XAU/USD.TEST"
_START_NS = 1_700_000_000_000_000_000
_S = 1_000_000_000
_LONG_FRAME = "f" * 5_000


class _Feed:
    """A feed whose instants are in seconds since its start."""

    def __init__(self, *, wall_ahead: float = 0.0) -> None:
        self.sink = RecordingSink()
        self._wall_ahead = wall_ahead
        self.venue = VenueClock(wall_ns=self._wall_ns(0.0), now=0.0)
        self.normaliser = TickNormaliser(
            feed="test",
            instrument=_INSTRUMENT,
            lateness_ns=2 * _S,
            metrics=IngestorMetrics(
                CollectorRegistry(),
                feeds=("test",),
                instruments=(_INSTRUMENT,),
                streams={_INSTRUMENT: ("test",)},
            ),
            venue_clock=self.venue,
        )

    def take(self, now: float, *events: Event) -> FrameOutcome:
        return self.normaliser.take(
            events, frame=_LONG_FRAME, received_ns=self._wall_ns(now), now=now, sink=self.sink
        )

    def calm(self, *, until: int = 20) -> None:
        for second in range(until):
            self.take(float(second), _quote(second))
        self.sink.batches.clear()

    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.sink.rejected]

    def _wall_ns(self, now: float) -> int:
        return _ns(now + self._wall_ahead)


def _ns(seconds: float) -> int:
    return _START_NS + int(seconds * _S)


def _quote(at: float, bid: float = 1_289.3, ask: float | None = None, *, is_snapshot: bool = False) -> Quote:
    return Quote(ts_event_ns=_ns(at), bid=bid, ask=ask or bid + 0.4, is_snapshot=is_snapshot)


def _trade(trade_id: int, at: float, price: float = 1_289.4, *, is_snapshot: bool = False) -> Trade:
    return Trade(ts_event_ns=_ns(at), price=price, size=1.0, trade_id=trade_id, is_snapshot=is_snapshot)


def test_a_quote_that_is_too_wide_is_rejected_and_is_no_fresh_tick() -> None:
    feed = _Feed()
    feed.calm()
    outcome = feed.take(20.0, _quote(20.0, 1_095.797, 1_289.423))

    assert (outcome.has_data, outcome.has_fresh_tick) == (True, False)
    assert feed.reasons() == ["wide_spread"]
    assert feed.sink.batches == []
    assert len(feed.sink.rejected[0][1]) <= 2_048


def test_a_tick_that_is_too_old_or_from_the_future_is_rejected_of_whichever_kind() -> None:
    feed = _Feed()
    feed.calm()
    for at, reason in ((-_START_NS / _S, "too_old"), (-101.0, "too_old"), (26.0, "future")):
        feed.take(20.0, _quote(at, 1_289.5))
        feed.take(20.0, Print(ts_event_ns=_ns(at), price=1_289.5, size=1.0))
        assert feed.reasons() == [reason] * 2
        feed.sink.rejected.clear()
    feed.take(20.0, _trade(1, 26.0))
    assert feed.reasons() == ["future"]
    assert feed.sink.batches == []


def test_a_tick_that_is_over_ten_seconds_older_than_the_newest_is_out_of_order() -> None:
    feed = _Feed()
    feed.calm()

    feed.take(20.0, _quote(8.9, 1_289.5))
    assert feed.reasons() == ["out_of_order"]
    assert feed.take(20.0, _quote(9.1, 1_289.6)).has_fresh_tick
    assert feed.sink.bids() == [1_289.6]


def test_a_price_far_away_is_held_and_rejected_with_its_frame_when_the_next_contradict_it() -> None:
    feed = _Feed()
    feed.calm()

    assert not feed.take(20.0, _quote(20.0, 1_192.5)).has_fresh_tick
    assert feed.normaliser.held_since_ns == _ns(20.0)
    assert (feed.sink.batches, feed.sink.rejected) == ([], [])
    feed.take(20.1, _quote(20.1))
    feed.take(20.2, _quote(20.2))
    assert feed.normaliser.held_since_ns is None
    assert feed.sink.rejected == [("outlier", _LONG_FRAME[:2_048].encode())]
    assert feed.sink.bids() == [1_289.3, 1_289.3]


def test_a_move_is_published_whole_and_in_its_order_when_it_is_confirmed() -> None:
    feed = _Feed()
    feed.calm()
    outcomes = [
        feed.take(20.0, _quote(20.0, 1_270.0)),
        feed.take(20.2, _trade(1, 20.1, 1_269.0), _trade(2, 20.2, 1_268.0)),
        feed.take(20.3, _quote(20.3, 1_267.0)),
    ]

    assert [outcome.has_fresh_tick for outcome in outcomes] == [False, False, True]
    assert [type(batch) for batch in feed.sink.batches] == [QuoteBatch, TradeBatch, QuoteBatch]
    assert feed.sink.bids() == [1_270.0, 1_267.0]
    first, trades, last = feed.sink.batches
    assert (first.ts_received_ns.tolist(), last.ts_received_ns.tolist()) == ([_ns(20.0)], [_ns(20.3)])
    assert trades.ts_event_ns.tolist() == [_ns(20.1), _ns(20.2)]
    assert feed.reasons() == []


def test_a_price_that_nothing_confirms_is_rejected_without_a_further_frame() -> None:
    feed = _Feed()
    feed.calm()
    feed.take(20.0, Print(ts_event_ns=_ns(20.0), price=1_192.5, size=1.0))

    assert not feed.normaliser.settle(now=25.0, sink=feed.sink)
    assert feed.reasons() == []
    assert not feed.normaliser.settle(now=25.1, sink=feed.sink)
    assert feed.reasons() == ["outlier"]


def test_another_feed_confirms_what_is_held() -> None:
    feed = _Feed()
    feed.calm()
    feed.take(20.0, _quote(20.0, 1_192.5))

    feed.normaliser.confirm(1_289.3, now=20.1, sink=feed.sink)
    assert feed.sink.batches == []
    feed.normaliser.confirm(1_193.0, now=20.2, sink=feed.sink)
    assert feed.sink.bids() == [1_192.5]


def test_a_heartbeat_with_a_time_keeps_the_venues_time() -> None:
    feed = _Feed(wall_ahead=60.0)
    for second in range(3):
        feed.take(float(second), Heartbeat(ts_event_ns=_ns(second)))

    assert feed.venue.now_ns(now=3.0) == _ns(3.0)


def test_a_quote_without_a_time_happened_when_it_came() -> None:
    feed = _Feed()
    feed.take(1.0, Quote(ts_event_ns=None, bid=1_289.3, ask=1_289.7, is_snapshot=False))

    (batch,) = feed.sink.batches
    assert batch.ts_event_ns.tolist() == batch.ts_received_ns.tolist() == [_ns(1.0)]


def test_a_quote_without_a_time_has_the_venues_where_our_clock_is_wrong() -> None:
    feed = _Feed(wall_ahead=-3_600.0)
    for second in range(11):
        feed.take(float(second), Heartbeat(ts_event_ns=_ns(second)))
    feed.take(11.0, Quote(ts_event_ns=None, bid=1_289.3, ask=1_289.7, is_snapshot=False))

    (batch,) = feed.sink.batches
    assert batch.ts_event_ns.tolist() == batch.ts_received_ns.tolist() == [_ns(11.0)]


def test_a_venue_that_sets_its_clock_back_by_an_hour_is_in_order_again() -> None:
    feed = _Feed()
    feed.calm()
    for second in range(20, 40):
        feed.take(float(second), _quote(second - 3_600.0))

    assert set(feed.reasons()) == {"too_old"}
    assert len(feed.sink.bids()) == 10


def test_a_snapshot_from_the_future_is_rejected_and_an_old_one_is_not_used() -> None:
    feed = _Feed()

    feed.take(0.0, _quote(6.0, is_snapshot=True), _quote(-3.0, is_snapshot=True))
    assert feed.reasons() == ["future"]
    assert feed.sink.batches == []


def test_trades_of_a_snapshot_fill_a_gap_however_old_but_not_from_the_future() -> None:
    feed = _Feed()
    feed.take(1.0, _trade(1, 1.0))
    feed.take(
        500.0,
        _trade(2, 2.0, is_snapshot=True),
        _trade(3, 900.0, is_snapshot=True),
        _trade(4, 3.0, 0.0, is_snapshot=True),
    )

    assert feed.sink.trade_ids() == ["1", "2"]
    assert feed.reasons() == ["future", "not_positive"]


def test_trades_fetched_later_are_published_by_their_ids_and_not_from_the_future() -> None:
    feed = _Feed()
    feed.take(1_000.0, _trade(9, 1_000.0))
    feed.normaliser.take_filled(
        [_trade(8, 3.0), _trade(7, 2.0, 1_100.0), _trade(6, 9_000.0), _trade(5, 1.0, -1.0)],
        received_ns=_ns(1_001.0),
        now=1_001.0,
        sink=feed.sink,
    )

    assert feed.sink.trade_ids() == ["9", "7", "8"]
    assert feed.reasons() == ["not_positive", "future"]
