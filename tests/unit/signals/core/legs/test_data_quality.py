"""What of a leg's faults is taken back when event time was too far, and which end by time alone."""

from services.signals.core.engine.leg_pairs import LegPairs
from services.signals.core.legs.data_quality import Cause, DataQuality
from services.signals.core.legs.leg import Leg
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedState
from tests.support.builders_market import HOUR, LEAD, MINUTE, OTHER, bar, calendar, ny

D1, D2, D3 = "2019-06-03", "2019-06-04", "2019-06-05"


def fault(kind: FeedFaultKind) -> FeedFault:
    return FeedFault(instrument=LEAD, feed="test", fault=kind, is_open=True, at_ns=0)


def test_fault_that_held_before_awaits_the_session_that_was_due_then() -> None:
    """It awaited a later one: a bar that ends it would not have."""
    quality = DataQuality()
    quality.on_missing_bar(Cause.NO_CLOSE_SAMPLE, D1, ny(f"{D1} 16:00"))
    quality.on_missing_bar(Cause.MISSING_BAR, D1, ny(f"{D1} 22:15"))
    quality.on_missing_bar(Cause.NO_CLOSE_SAMPLE, D3, ny(f"{D3} 16:00"))
    quality.on_missing_bar(Cause.MISSING_BAR, D3, ny(f"{D3} 22:15"))

    quality.undo_after(ny(f"{D2} 17:00"), calendar())

    assert quality.awaited_sessions == {Cause.NO_CLOSE_SAMPLE: D2, Cause.MISSING_BAR: D1}
    assert quality.on_bar(D2)
    assert not quality.is_at_fault


def test_fault_that_began_after_has_not_begun() -> None:
    quality = DataQuality()
    quality.on_missing_bar(Cause.NO_CLOSE_SAMPLE, D3, ny(f"{D3} 16:00"))

    quality.undo_after(ny(f"{D2} 17:00"), calendar())

    assert (quality.active_since_ns, quality.awaited_sessions) == ({}, {})


def test_session_before_the_calendar_is_awaited_no_further_back() -> None:
    quality = DataQuality()
    first = calendar().labels[0]
    quality.on_missing_bar(Cause.MISSING_BAR, first, 5)

    quality.undo_after(5, calendar())

    assert quality.awaited_sessions == {Cause.MISSING_BAR: first}


def test_of_two_faults_that_the_ingestor_reported_each_ends_in_its_own_time() -> None:
    quality, at = DataQuality(), ny(f"{D1} 10:00")
    quality.on_feed_fault(fault(FeedFaultKind.LATE_OPEN), at, calendar=calendar())
    quality.on_feed_fault(fault(FeedFaultKind.FEEDS_DISAGREE), at, calendar=calendar())
    assert quality.next_end_ns() == ny(f"{D1} 16:00")

    quality.end_due(ny(f"{D1} 16:00"))
    assert list(quality.active_since_ns) == ["feeds_disagree"]
    assert quality.next_end_ns() == at + 24 * HOUR
    quality.end_due(at + 24 * HOUR)
    assert (quality.active_since_ns, quality.next_end_ns()) == ({}, None)


def test_burst_that_is_not_over_outlasts_a_fault_that_ends() -> None:
    quality, at = DataQuality(), ny(f"{D1} 15:59")
    quality.on_feed_fault(fault(FeedFaultKind.LATE_OPEN), at, calendar=calendar())
    for second in range(5):
        quality.on_rejected_tick(at + MINUTE - 5 + second)

    quality.end_due(at + MINUTE)

    assert list(quality.active_since_ns) == ["bad_ticks"]


def test_burst_and_silence_that_go_on_then_are_not_taken_back() -> None:
    quality, at = DataQuality(), ny(f"{D1} 15:00")
    quality.on_feed_state(FeedState.STALE, at)
    quality.on_feed_state(FeedState.STALE, at + MINUTE)
    for second in range(5):
        quality.on_rejected_tick(at + MINUTE + second)

    quality.undo_after(at + MINUTE + 9, calendar())

    assert quality.active_since_ns.keys() == {"stale", "bad_ticks"}


def test_close_that_was_kept_out_by_one_that_has_not_come_is_used() -> None:
    labels = calendar().labels[:12]
    leg = Leg(instrument=OTHER)
    for session in labels[:10]:
        leg.history.put(bar(session, 150.0 + len(session) + labels.index(session)))
    kept_out = bar(labels[10], 170.0)
    leg.data_quality.quarantined = (kept_out,)
    leg.data_quality.on_closes((Cause.CLOSE_JUMP,), 5)
    pairs = LegPairs(leg, {}, is_lead=False)

    is_changed, waiting = pairs.undo_after(ny(f"{labels[10]} 23:00"), calendar())

    assert (is_changed, waiting) == (True, ())
    assert leg.history.get(labels[10]) is not None
    assert leg.quarantined_bar(labels[10]) is None
    assert not leg.data_quality.is_at_fault


def test_burst_and_stale_feed_of_before_still_hold_and_later_prices_do_not_prolong_them() -> None:
    """A burst holds for a minute after its last price, and a feed is stale after a minute."""
    start = ny(f"{D2} 12:00")
    second = MINUTE // 60
    quality = DataQuality()
    quality.on_feed_state(FeedState.STALE, start)
    for at in (10, 20, 30, 40, 50):
        quality.on_rejected_tick(start + at * second)
    quality.on_feed_state(FeedState.STALE, start + MINUTE)
    quality.on_rejected_tick(start + 100 * second)

    quality.undo_after(start + 70 * second, calendar())

    assert quality.active_since_ns == {Cause.BAD_TICKS: start + 50 * second, Cause.STALE: start}
    assert quality.next_end_ns() == start + 110 * second
