"""Delays before the next attempt."""

import pytest

from shared.domain.backoff import Backoff, full_jitter_seconds


def test_ceilings_double_up_to_the_cap() -> None:
    backoff = Backoff(uniform=lambda: 1.0)
    assert [backoff.failed(live_seconds=0.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_is_full() -> None:
    backoff = Backoff(uniform=lambda: 0.0)
    assert [backoff.failed(live_seconds=0.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_short_success_forgives_nothing() -> None:
    backoff = Backoff(uniform=lambda: 1.0)
    backoff.failed(live_seconds=0.0)
    backoff.failed(live_seconds=0.0)
    assert backoff.failed(live_seconds=59.9) == 4
    assert backoff.failed(live_seconds=60.0) == 1


def test_a_cool_down_is_a_lower_bound() -> None:
    backoff = Backoff(uniform=lambda: 0.5)
    assert backoff.failed(live_seconds=0.0, at_least_seconds=60.0) == 60
    assert backoff.failed(live_seconds=0.0, at_least_seconds=0.1) == 1


def test_a_long_outage_does_not_overflow() -> None:
    backoff = Backoff(uniform=lambda: 1.0)
    assert [backoff.failed(live_seconds=0.0) for _ in range(5_000)][-1] == 60


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 0.0), (0.25, 75.0), (0.999, 299.7)])
def test_jitter_is_drawn_from_nothing_to_the_whole_ceiling(draw: float, seconds: float) -> None:
    assert full_jitter_seconds(300.0, draw=draw) == pytest.approx(seconds)


def test_a_wait_is_never_shorter_than_what_was_asked_for() -> None:
    assert [full_jitter_seconds(5.0, draw=0.5, at_least_seconds=asked) for asked in (1.0, 60.0)] == [
        2.5,
        60.0,
    ]
