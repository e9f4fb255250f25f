import pytest

from services.notifier.core.classify import Answer, Deferred, Delivered, Gone, Reason, Rejected
from services.notifier.core.verdict import Ended, Waits, is_expired, verdict_of
from shared.domain.deliveries import Outcome
from tests.unit.notifier.test_ordering import pending

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (Delivered(), Ended(outcome=Outcome.DELIVERED, reason="")),
        (Rejected(reason=Reason.NOT_FOUND), Ended(outcome=Outcome.REJECTED, reason="not_found")),
        (Gone(), Ended(outcome=Outcome.GONE, reason="gone")),
    ],
)
def test_final_answer_ends_a_delivery(answer: Answer, ended: Ended) -> None:
    assert verdict_of(answer, pending("a"), now_ns=0, draw=0.5, delays_seconds=(10.0,)) == ended


def test_deferred_delivery_waits_along_the_schedule() -> None:
    delivery = pending("a", attempts=1, expires_at_ns=1_000 * SECOND_NS)
    answer = Deferred(reason=Reason.SERVER_ERROR)

    verdict = verdict_of(answer, delivery, now_ns=50, draw=0.5, delays_seconds=(10.0, 40.0))

    assert verdict == Waits(reason=Reason.SERVER_ERROR, next_attempt_at_ns=50 + 20 * SECOND_NS)


def test_deferred_delivery_waits_as_long_as_it_was_asked_to() -> None:
    delivery = pending("a", expires_at_ns=1_000 * SECOND_NS)
    answer = Deferred(reason=Reason.RATE_LIMITED, retry_after_seconds=90.0)

    verdict = verdict_of(answer, delivery, now_ns=0, draw=0.5, delays_seconds=(10.0,))

    assert verdict == Waits(reason=Reason.RATE_LIMITED, next_attempt_at_ns=90 * SECOND_NS)


def test_delivery_that_would_wait_past_its_deadline_ends_there() -> None:
    delivery = pending("a", expires_at_ns=3 * SECOND_NS)
    answer = Deferred(reason=Reason.TIMED_OUT)

    verdict = verdict_of(answer, delivery, now_ns=0, draw=0.5, delays_seconds=(10.0,))

    assert verdict == Waits(reason=Reason.TIMED_OUT, next_attempt_at_ns=3 * SECOND_NS)


@pytest.mark.parametrize(("now_ns", "expired"), [(999, False), (1_000, True), (1_001, True)])
def test_deadline_itself_is_too_late(now_ns: int, expired: bool) -> None:
    assert is_expired(pending("a", expires_at_ns=1_000), now_ns=now_ns) is expired
