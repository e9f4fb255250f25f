import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
)
from services.notifier.core.retry import DeliveryEnded, RetryAt, decide_retry, is_expired, wait_seconds
from shared.domain.deliveries import Outcome
from tests.unit.notifier.test_scheduling import pending

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("result", "ended"),
    [
        (Delivered(), DeliveryEnded(outcome=Outcome.DELIVERED, reason="")),
        (
            Rejected(reason=FailureReason.NOT_FOUND),
            DeliveryEnded(outcome=Outcome.REJECTED, reason="not_found"),
        ),
        (Gone(), DeliveryEnded(outcome=Outcome.GONE, reason="gone")),
    ],
)
def test_final_result_ends_a_delivery(result: AttemptResult, ended: DeliveryEnded) -> None:
    assert decide_retry(result, pending("a"), now_ns=0, draw=0.5, delays_seconds=(10.0,)) == ended


def test_deferred_delivery_waits_along_the_schedule() -> None:
    delivery = pending("a", attempts=1, expires_at_ns=1_000 * SECOND_NS)
    result = Deferred(reason=FailureReason.SERVER_ERROR)

    decision = decide_retry(result, delivery, now_ns=50, draw=0.5, delays_seconds=(10.0, 40.0))

    assert decision == RetryAt(reason=FailureReason.SERVER_ERROR, next_attempt_at_ns=50 + 20 * SECOND_NS)


def test_deferred_delivery_waits_as_long_as_it_was_asked_to() -> None:
    delivery = pending("a", expires_at_ns=1_000 * SECOND_NS)
    result = Deferred(reason=FailureReason.RATE_LIMITED, retry_after_seconds=90.0)

    decision = decide_retry(result, delivery, now_ns=0, draw=0.5, delays_seconds=(10.0,))

    assert decision == RetryAt(reason=FailureReason.RATE_LIMITED, next_attempt_at_ns=90 * SECOND_NS)


def test_delivery_that_would_wait_past_its_deadline_ends_there() -> None:
    delivery = pending("a", expires_at_ns=3 * SECOND_NS)
    result = Deferred(reason=FailureReason.TIMED_OUT)

    decision = decide_retry(result, delivery, now_ns=0, draw=0.5, delays_seconds=(10.0,))

    assert decision == RetryAt(reason=FailureReason.TIMED_OUT, next_attempt_at_ns=3 * SECOND_NS)


@pytest.mark.parametrize(("now_ns", "expired"), [(999, False), (1_000, True), (1_001, True)])
def test_deadline_itself_is_too_late(now_ns: int, expired: bool) -> None:
    assert is_expired(pending("a", expires_at_ns=1_000), now_ns=now_ns) is expired


def test_schedule_is_that_of_standard_webhooks() -> None:
    longest = [wait_seconds(attempts, draw=1.0) for attempts in range(1, 12)]

    assert longest == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400, 86_400]


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 0.0), (0.25, 75.0), (0.999, 299.7)])
def test_jitter_is_drawn_from_nothing_to_the_whole_step(draw: float, seconds: float) -> None:
    assert wait_seconds(2, draw=draw) == pytest.approx(seconds)


@pytest.mark.parametrize(("asked", "seconds"), [(None, 2.5), (1.0, 2.5), (60.0, 60.0)])
def test_never_less_is_waited_than_the_receiver_asked(asked: float | None, seconds: float) -> None:
    assert wait_seconds(1, draw=0.5, retry_after_seconds=asked) == seconds


def test_schedule_can_be_given() -> None:
    assert [wait_seconds(each, draw=0.5, delays_seconds=(2.0, 4.0)) for each in (1, 2, 3)] == [1.0, 2.0, 2.0]
