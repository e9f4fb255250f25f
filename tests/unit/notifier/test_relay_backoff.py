"""How long an unusable mail server is left alone."""

import pytest

from services.notifier.core.relay_backoff import RelayBackoff, RelayFailure


def pauses(failure: RelayFailure, *, draw: float, count: int) -> list[float]:
    backoff = RelayBackoff()
    found = []
    for _ in range(count):
        backoff.failed(failure, now=1_000.0, draw=draw)
        found.append(backoff.remaining_seconds(now=1_000.0))
    return found


@pytest.mark.parametrize(
    ("failure", "longest"),
    [
        (RelayFailure.LOGIN, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]),
        (RelayFailure.OTHER, [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0]),
    ],
)
def test_pause_is_drawn_from_a_ceiling_that_doubles(failure: RelayFailure, longest: list[float]) -> None:
    assert pauses(failure, draw=0.5, count=8) == [seconds / 2 for seconds in longest]


def test_pause_is_never_nothing() -> None:
    assert pauses(RelayFailure.LOGIN, draw=0.0, count=3) == [1.0, 1.0, 1.0]


def test_long_outage_does_not_overflow() -> None:
    assert pauses(RelayFailure.OTHER, draw=0.999, count=5_000)[-1] == pytest.approx(59.94)


def test_pause_passes_and_a_success_ends_it() -> None:
    backoff = RelayBackoff()
    assert not backoff.is_failing
    assert backoff.remaining_seconds(now=0.0) == 0.0

    backoff.failed(RelayFailure.OTHER, now=10.0, draw=0.8)
    assert [backoff.remaining_seconds(now=now) for now in (10.0, 13.0, 14.0, 99.0)] == [4.0, 1.0, 0.0, 0.0]
    assert backoff.is_failing

    backoff.succeeded()
    assert not backoff.is_failing
    assert backoff.remaining_seconds(now=10.0) == 0.0
    backoff.failed(RelayFailure.OTHER, now=20.0, draw=0.8)
    assert backoff.remaining_seconds(now=20.0) == 4.0
