"""Which times of ticks are refused, and that a venue which sets its clock is in order again."""

from services.ingestor.core.event_times import OUT_OF_ORDER_NS, EventTimes
from services.ingestor.core.venue_clock import VenueClock

_S = 1_000_000_000
_START = 1_400_000_000


def _times() -> EventTimes:
    return EventTimes(VenueClock(wall_ns=_START * _S, now=0.0))


def _reason(times: EventTimes, second: float, *, now: float = 0.0, more_ns: int = 0) -> str | None:
    fault = times.fault(_START * _S + int(second * _S) + more_ns, now=now)
    return fault.reason if fault is not None else None


def test_a_tick_may_be_ten_seconds_older_than_the_newest_and_not_more() -> None:
    times = _times()

    assert _reason(times, 0.0) is None
    assert _reason(times, 0.0, more_ns=-OUT_OF_ORDER_NS) is None
    assert _reason(times, 0.0, more_ns=-OUT_OF_ORDER_NS - 1) == "out_of_order"
    assert _reason(times, 1.0) is None


def test_a_tick_of_another_time_is_refused_with_how_far_it_is_away() -> None:
    times = _times()
    future, old = (times.fault((_START + second) * _S, now=0.0) for second in (60, -600))

    assert future is not None
    assert old is not None
    assert (future.reason, str(future)) == ("future", "a tick must not be from the future, was 60.0 s ahead")
    assert (old.reason, str(old)) == ("too_old", "a tick must be of the present, was 600.0 s old")


def test_an_old_time_that_may_be_old_is_no_fault_and_teaches_nothing() -> None:
    times = _times()
    fault = times.future_fault((_START + 60) * _S, now=0.0)

    assert fault is not None
    assert fault.reason == "future"
    assert times.future_fault((_START - 86_400) * _S, now=0.0) is None
    assert _reason(times, -5.0) is None


def test_a_venue_that_sets_its_clock_back_is_in_order_again() -> None:
    times = _times()
    for second in range(20):
        assert _reason(times, second, now=float(second)) is None
    reasons = [_reason(times, second - 3_600.0, now=float(second)) for second in range(20, 40)]

    assert reasons == ["too_old"] * 10 + [None] * 10
