"""What one frame becomes: ticks for the sink, and what its connection has to know."""

from prometheus_client import CollectorRegistry

from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Print,
    Quote,
    Refusal,
    Rejected,
    Reply,
    Rotate,
    Trade,
    Unknown,
    Unreadable,
    VenueStatus,
)
from services.ingestor.feeds.streaming.frame_outcome import FrameOutcome
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.errors import DecodeError
from tests.support.fake_feeds.sink import RecordingSink

NOW_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000


class _Feed:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sink = RecordingSink()
        metrics = IngestorMetrics(
            self.registry,
            feeds=("test",),
            instruments=("PAXG/USD.TEST",),
            streams={"PAXG/USD.TEST": ("test",)},
        )
        self._normaliser = TickNormaliser(
            feed="test",
            instrument="PAXG/USD.TEST",
            lateness_ns=2 * SECOND_NS,
            metrics=metrics,
            venue_clock=VenueClock(wall_ns=NOW_NS, now=0.0),
        )

    def take(self, *events: Event) -> FrameOutcome:
        return self._normaliser.take(list(events), frame="frame", received_ns=NOW_NS, now=0.0, sink=self.sink)

    def resume(self, *bids: float, age_seconds: int = 0) -> None:
        ts_event_ns = NOW_NS - age_seconds * SECOND_NS
        quotes = [(ts_event_ns, bid, bid + 1) for bid in bids]
        self._normaliser.resume(last_trade=None, quotes=quotes, now=0.0)

    def count(self, metric: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"convex_ingestor_{metric}", {"feed": "test", **labels})


def _quote(bid: float = 4_000.0, *, age_seconds: int = 0, is_snapshot: bool = False) -> Quote:
    ts_event_ns = NOW_NS - age_seconds * SECOND_NS
    return Quote(ts_event_ns=ts_event_ns, bid=bid, ask=bid + 1, is_snapshot=is_snapshot)


def _trade(trade_id: int, *, price: float = 4_000.0, seconds: float = 0, is_snapshot: bool = False) -> Trade:
    ts_event_ns = NOW_NS + int(seconds * SECOND_NS)
    return Trade(ts_event_ns=ts_event_ns, price=price, size=1.0, trade_id=trade_id, is_snapshot=is_snapshot)


def test_a_new_quote_is_a_fresh_tick_and_its_repetition_is_not() -> None:
    feed = _Feed()
    first, second = feed.take(_quote()), feed.take(_quote())

    assert (first.has_data, first.has_fresh_tick) == (True, True)
    assert (second.has_data, second.has_fresh_tick) == (True, False)
    assert feed.sink.bids() == [4_000.0]
    assert feed.count("ticks_duplicate_total") == 1


def test_a_snapshot_is_used_while_it_is_young_and_is_never_a_fresh_tick() -> None:
    feed = _Feed()
    outcomes = [
        feed.take(_quote(4_000.0, age_seconds=2, is_snapshot=True)),
        feed.take(_quote(3_000.0, age_seconds=3, is_snapshot=True)),
    ]

    assert [(each.has_data, each.has_fresh_tick) for each in outcomes] == [(True, False)] * 2
    assert feed.sink.bids() == [4_000.0]


def test_the_delay_of_each_fresh_tick_is_measured_also_behind_a_snapshot() -> None:
    feed = _Feed()
    feed.take(
        _quote(4_000.0, age_seconds=2, is_snapshot=True), _quote(4_001.0, age_seconds=1), _quote(4_002.0)
    )
    feed.take(_quote(4_003.0))

    assert feed.count("tick_delay_seconds_count") == 3
    assert feed.count("tick_delay_seconds_sum") == 1.0


def test_a_quote_that_cannot_be_true_is_rejected_and_the_others_of_its_frame_are_used() -> None:
    feed = _Feed()
    outcome = feed.take(_quote(-1.0), _quote(4_000.0))

    assert outcome.has_fresh_tick
    assert feed.sink.bids() == [4_000.0]
    assert feed.sink.rejected == [("not_positive", b"frame")]


def test_a_missing_trade_is_a_gap_and_a_trade_that_cannot_be_true_is_rejected() -> None:
    feed = _Feed()
    feed.take(_trade(1))
    outcome = feed.take(_trade(4), _trade(5, price=0.0))

    assert [(gap.after_id, gap.before_id) for gap in outcome.gaps] == [(1, 4)]
    assert feed.sink.trade_ids() == ["1", "4"]
    assert feed.sink.rejected == [("not_positive", b"frame")]


def test_nothing_is_learned_from_the_id_of_a_trade_that_is_rejected() -> None:
    ten_years = 10 * 365 * 86_400.0
    for bad in (
        _trade(900_000, seconds=ten_years),
        _trade(150, seconds=ten_years),
        _trade(900_000, price=0.0),
        _trade(900_000, seconds=-500.0),
        _trade(900_000, seconds=ten_years, is_snapshot=True),
    ):
        feed = _Feed()
        feed.take(_trade(100, is_snapshot=True))
        feed.take(_trade(101))
        assert feed.take(bad).gaps == []

        later = [feed.take(_trade(trade_id, seconds=0.01 * trade_id)) for trade_id in range(102, 200)]
        assert [each.gaps for each in later] == [[]] * 98
        assert feed.sink.trade_ids() == [str(trade_id) for trade_id in range(101, 200)]
        assert feed.count("ticks_duplicate_total") == 0
        assert len(feed.sink.rejected) == 1


def test_a_first_snapshot_from_the_future_is_no_starting_point() -> None:
    feed = _Feed()
    feed.take(_trade(900_000, seconds=86_400.0, is_snapshot=True))
    feed.take(_trade(101))

    assert feed.sink.trade_ids() == ["101"]
    assert feed.sink.rejected == [("future", b"frame")]


def test_a_trade_that_is_twice_in_a_frame_is_published_once_and_counted() -> None:
    feed = _Feed()
    feed.take(_trade(101), _trade(101))

    assert feed.sink.trade_ids() == ["101"]
    assert feed.count("ticks_duplicate_total") == 1


def test_the_first_quote_after_a_restart_is_compared_with_the_last_hour_of_the_log() -> None:
    feed = _Feed()
    feed.resume(4_400.0, 4_400.5, age_seconds=3_600)
    feed.take(_quote(4_000.0))
    feed.take(_quote(4_400.1), _quote(4_400.2))

    assert feed.sink.bids() == [4_400.1, 4_400.2]
    assert feed.sink.rejected == [("outlier", b"frame")]

    late = _Feed()
    late.resume(4_400.0, 4_400.5, age_seconds=3_601)
    late.take(_quote(4_000.0))
    assert late.sink.bids() == [4_000.0]


def _print(print_id: str | None, *, price: float = 4_000.0, age_seconds: int = 0, old: bool = False) -> Print:
    return Print(
        ts_event_ns=NOW_NS - age_seconds * SECOND_NS,
        price=price,
        size=1.0,
        print_id=print_id,
        is_snapshot=old,
    )


def test_a_print_is_a_trade_and_its_repetition_is_known_by_its_id_or_by_all_that_it_says() -> None:
    feed = _Feed()
    first = feed.take(_print("a"), _print(None), _print(None, price=4_001.0))
    second = feed.take(_print("a", price=4_002.0), _print(None))

    assert (first.has_data, first.has_fresh_tick) == (True, True)
    assert (second.has_data, second.has_fresh_tick, second.gaps) == (True, False, [])
    assert feed.sink.trade_ids() == ["a", "", ""]
    assert feed.count("ticks_duplicate_total") == 2


def test_a_print_of_a_snapshot_is_used_while_it_is_young_and_is_never_a_fresh_tick() -> None:
    feed = _Feed()
    outcome = feed.take(_print("young", age_seconds=2, old=True), _print("old", age_seconds=3, old=True))

    assert (outcome.has_data, outcome.has_fresh_tick) == (True, False)
    assert feed.sink.trade_ids() == ["young"]


def test_a_print_that_cannot_be_true_is_rejected() -> None:
    feed = _Feed()

    assert not feed.take(_print("a", price=0.0)).has_fresh_tick
    assert feed.sink.rejected == [("not_positive", b"frame")]


def test_what_only_the_connection_acts_on_is_no_data() -> None:
    assert _Feed().take(Reply(frame="login"), Rotate()) == FrameOutcome()


def test_the_last_trade_of_a_heartbeat_is_a_gap_when_it_is_still_missing_at_the_next() -> None:
    feed = _Feed()
    feed.take(_trade(1))

    assert feed.take(Heartbeat(last_trade_id=2)).gaps == []
    assert [gap.before_id for gap in feed.take(Heartbeat(last_trade_id=2)).gaps] == [3]
    assert feed.take(Heartbeat()) == FrameOutcome()


def test_what_a_frame_says_of_the_connection_is_passed_on_in_its_order() -> None:
    statuses = [
        VenueStatus(status="maintenance", is_degraded=True),
        VenueStatus(status="online", is_degraded=False),
    ]
    first = Rejected(message="first", refusal=Refusal.OTHER)
    rejections = [
        first,
        Rejected(message="second", refusal=Refusal.ACCESS),
    ]
    outcome = _Feed().take(Acknowledged(), *statuses, *rejections)

    assert outcome == FrameOutcome(
        is_acknowledged=True,
        venue_statuses=statuses,
        rejection=first,
    )


def test_a_quote_of_one_side_is_data_without_a_price() -> None:
    feed = _Feed()

    assert feed.take(OneSided()) == FrameOutcome(has_data=True)
    assert feed.count("ticks_rejected_total", reason="one_sided") == 1
    assert feed.sink.batches == []


def test_an_unknown_frame_is_counted_and_an_unreadable_one_rejected() -> None:
    feed = _Feed()

    assert feed.take(Unknown(kind="news")) == FrameOutcome()
    assert feed.take(Unreadable(error=DecodeError("not JSON"))) == FrameOutcome(is_unreadable=True)
    assert feed.count("unknown_frames_total") == 1
    assert feed.sink.rejected == [("undecodable", b"frame")]
