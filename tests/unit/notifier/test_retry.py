from dataclasses import replace

import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
    Unknown,
)
from services.notifier.core.retry import (
    DeliveryEnded,
    RetryAt,
    RetryDecision,
    decide_interrupted,
    decide_retry,
    is_expired,
    wait_seconds,
)
from shared.domain.deliveries import Channel, Outcome
from tests.support.pending_deliveries import pending

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
    delivery = pending("a", attempts=2, expires_at_ns=1_000 * SECOND_NS)
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


def test_receiver_that_asks_for_no_more_with_a_success_is_delivered_to_and_disabled() -> None:
    decision = decide_retry(
        Delivered(disables=True), pending("a"), now_ns=0, draw=0.5, delays_seconds=(10.0,)
    )

    assert decision == DeliveryEnded(outcome=Outcome.DELIVERED, reason="", disables_receiver=True)


def test_message_that_failed_at_the_relay_waits_only_for_the_relay() -> None:
    result = Deferred(reason=FailureReason.SMTP_UNUSABLE, blame=Blame.RELAY)
    delivery = pending("a", attempts=9, expires_at_ns=1_000 * SECOND_NS)

    now, later = (
        decide_retry(each, delivery, now_ns=7, draw=0.5, delays_seconds=(10.0,))
        for each in (result, replace(result, retry_after_seconds=30.0))
    )

    assert now == RetryAt(reason=FailureReason.SMTP_UNUSABLE, next_attempt_at_ns=7)
    assert later == RetryAt(reason=FailureReason.SMTP_UNUSABLE, next_attempt_at_ns=7 + 30 * SECOND_NS)


@pytest.mark.parametrize(
    ("attempts", "last_reason", "ends"),
    [
        (1, "", False),
        (2, "internal", False),
        (3, "internal", True),
        (4, "internal", True),
        # The receiver failed before; the first fault of ours is tried again.
        (9, "timed_out", False),
    ],
)
def test_fault_of_ours_is_tried_again_twice_and_then_rejects(
    attempts: int, last_reason: str, ends: bool
) -> None:
    decision = decide_retry(
        Deferred(reason=FailureReason.INTERNAL),
        pending("a", attempts=attempts, last_reason=last_reason),
        now_ns=0,
        draw=0.0,
        delays_seconds=(10.0,),
    )

    rejected = DeliveryEnded(outcome=Outcome.REJECTED, reason=FailureReason.INTERNAL)
    assert decision == (rejected if ends else RetryAt(reason=FailureReason.INTERNAL, next_attempt_at_ns=0))


@pytest.mark.parametrize(
    ("channel", "unknown_attempts", "ends"),
    [
        (Channel.WEBHOOK, 0, False),
        (Channel.WEBHOOK, 9, False),
        (Channel.EMAIL, 0, False),
        (Channel.EMAIL, 1, True),
        (Channel.EMAIL, 2, True),
    ],
)
def test_mail_that_may_have_arrived_is_repeated_once_and_a_webhook_until_it_is_answered(
    channel: Channel, unknown_attempts: int, ends: bool
) -> None:
    delivery = pending(
        "a", channel=channel, attempts=1, unknown_attempts=unknown_attempts, expires_at_ns=99 * SECOND_NS
    )

    decision = decide_retry(Unknown(), delivery, now_ns=0, draw=0.5, delays_seconds=(10.0,))

    unknown = DeliveryEnded(outcome=Outcome.UNKNOWN, reason=FailureReason.UNKNOWN)
    again = RetryAt(reason=FailureReason.UNKNOWN, next_attempt_at_ns=5 * SECOND_NS)
    assert decision == (unknown if ends else again)


@pytest.mark.parametrize(
    ("channel", "unknown_attempts", "decision"),
    [
        (Channel.WEBHOOK, 3, RetryAt(reason=FailureReason.UNKNOWN, next_attempt_at_ns=11)),
        (Channel.EMAIL, 0, RetryAt(reason=FailureReason.UNKNOWN, next_attempt_at_ns=11 + 5 * SECOND_NS)),
        (Channel.EMAIL, 1, DeliveryEnded(outcome=Outcome.UNKNOWN, reason="unknown")),
    ],
)
def test_interrupted_webhook_is_repeated_at_once_and_a_mail_as_its_schedule_says(
    channel: Channel, unknown_attempts: int, decision: RetryDecision
) -> None:
    delivery = pending(
        "a",
        channel=channel,
        attempts=1,
        unknown_attempts=unknown_attempts,
        is_interrupted=True,
        expires_at_ns=99 * SECOND_NS,
    )

    assert decide_interrupted(delivery, now_ns=11, draw=0.5, delays_seconds=(10.0,)) == decision
