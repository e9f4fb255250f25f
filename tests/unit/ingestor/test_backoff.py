"""Delays of reconnecting."""

from services.ingestor.core.backoff import Backoff


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
