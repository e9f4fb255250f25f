from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.scheduling import ConcurrencyLimits, startable
from shared.domain.deliveries import Channel


def pending(delivery_id: str, **changes: Any) -> PendingDelivery:
    fields: dict[str, Any] = {
        "delivery_id": delivery_id,
        "event_id": "ev_1",
        "subscription": "desk",
        "channel": Channel.WEBHOOK,
        "receiver_id": "rc_1",
        "divergence_id": "dv_1",
        "sequence": 1,
        "message_id": "ev_1",
        "attempts": 0,
        "last_reason": "",
        "next_attempt_at_ns": 100,
        "expires_at_ns": 1_000,
    }
    return PendingDelivery(**(fields | changes))


def started(
    *waiting: PendingDelivery,
    running: tuple[PendingDelivery, ...] = (),
    limit: int = 10,
    limit_per_subscription: int = 5,
) -> list[str]:
    limits = ConcurrencyLimits(total=limit, per_subscription=limit_per_subscription)
    chosen = startable(waiting, running=running, now_ns=100, limits=limits)
    return [delivery.delivery_id for delivery in chosen]


def test_due_delivery_starts() -> None:
    assert started(pending("a", next_attempt_at_ns=100)) == ["a"]


def test_delivery_that_is_not_due_waits() -> None:
    assert started(pending("a", next_attempt_at_ns=101)) == []


def test_later_event_of_a_divergence_waits_for_the_earlier_one() -> None:
    assert started(pending("b", sequence=2), pending("a", sequence=1)) == ["a"]


def test_later_event_waits_even_while_the_earlier_one_is_deferred() -> None:
    assert started(pending("a", sequence=1, next_attempt_at_ns=500), pending("b", sequence=2)) == []


def test_later_event_waits_while_the_earlier_one_is_in_flight() -> None:
    assert started(pending("b", sequence=2), running=(pending("a", sequence=1),)) == []


def test_other_divergences_and_other_subscriptions_do_not_wait() -> None:
    waiting = (pending("b", divergence_id="dv_2"), pending("c", subscription="ann"))

    assert started(*waiting, running=(pending("a"),)) == ["b", "c"]


def test_those_that_wait_longest_start_first() -> None:
    waiting = (
        pending("young", divergence_id="dv_2", next_attempt_at_ns=90),
        pending("old", divergence_id="dv_3", next_attempt_at_ns=10),
    )

    assert started(*waiting, limit=1) == ["old"]


def test_no_more_start_than_the_limit_leaves() -> None:
    waiting = tuple(pending(str(number), divergence_id=str(number)) for number in range(9))
    running = (pending("r", divergence_id="r"),)

    assert len(started(*waiting, running=running, limit=4, limit_per_subscription=9)) == 3


def test_receiver_that_hangs_does_not_hold_up_the_others() -> None:
    hanging = tuple(pending(f"h{number}", divergence_id=str(number)) for number in range(3))
    waiting = (pending("next", divergence_id="next"), pending("ann", subscription="ann"))

    assert started(*waiting, running=hanging, limit_per_subscription=3) == ["ann"]


@st.composite
def queues(draw: st.DrawFn) -> list[PendingDelivery]:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 5), st.integers(0, 200)),
            unique_by=lambda row: row[:3],
        )
    )
    return [
        pending(
            str(row[:3]),
            subscription=row[0],
            divergence_id=row[1],
            sequence=row[2],
            next_attempt_at_ns=row[3],
        )
        for row in rows
    ]


@given(queues(), st.integers(0, 6), st.integers(1, 6), st.integers(1, 3))
def test_whatever_waits_order_and_limits_are_kept(
    rows: list[PendingDelivery], in_flight: int, limit: int, share: int
) -> None:
    running, waiting = rows[:in_flight], rows[in_flight:]

    limits = ConcurrencyLimits(total=limit, per_subscription=share)
    chosen = startable(waiting, running=running, now_ns=100, limits=limits)

    lanes = [delivery.lane for delivery in (*chosen, *running)]
    assert len({each.lane for each in chosen}) == len(chosen)
    assert not {each.lane for each in chosen} & {each.lane for each in running}
    assert len(lanes) <= max(limit, len(running))
    counts = Counter(each.subscription for each in (*chosen, *running))
    assert all(counts[each.subscription] <= share for each in chosen)
    for each in chosen:
        assert each.next_attempt_at_ns <= 100
        assert all(other.sequence >= each.sequence for other in waiting if other.lane == each.lane)
