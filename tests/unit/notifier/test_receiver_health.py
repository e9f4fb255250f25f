from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.receiver_health import HealthPolicy, ReceiverHealth

POLICY = HealthPolicy(max_in_flight=8, pause_after=2, probe_min_seconds=5.0, probe_max_seconds=60.0)


def health(policy: HealthPolicy = POLICY) -> ReceiverHealth:
    return ReceiverHealth(policy)


def failed(each: ReceiverHealth, *at: float, **more: float) -> ReceiverHealth:
    for now in at:
        each.start()
        each.fail(now, draw=0.0, **more)
    return each


def test_receiver_gets_one_message_until_it_has_answered_and_then_twice_as_many_up_to_its_limit() -> None:
    each = health()
    rooms = []
    for _ in range(6):
        room = each.room(0.0)
        rooms.append(room)
        for _ in range(room):
            each.start()
        assert not each.may_start(0.0)
        assert each.opens_at() is None
        for _ in range(room):
            each.succeed()

    # It doubles with each answer, so a window of two that is answered twice is one of eight.
    assert rooms == [1, 2, 8, 8, 8, 8]


def test_receiver_that_failed_once_gets_one_message_at_a_time() -> None:
    each = failed(health(), 10.0)

    assert not each.is_paused
    assert each.room(10.0) == 1
    each.start()
    assert each.room(10.0) == 0
    assert each.opens_at() is None


def test_receiver_that_failed_twice_in_a_row_is_paused_until_its_probe() -> None:
    each = failed(health(), 10.0, 12.0)

    assert each.is_paused
    assert not each.may_start(16.9)
    assert each.opens_at() == 17.0
    assert each.room(17.0) == 1


def test_success_between_two_failures_pauses_nobody() -> None:
    each = failed(health(), 10.0)
    each.start()
    each.succeed()

    assert not failed(each, 12.0).is_paused
    assert each.failing_since == 12.0


@pytest.mark.parametrize(
    ("outage_seconds", "wait_seconds"),
    [(1.0, 5.0), (300.0, 5.0), (810.0, 13.5), (3_600.0, 60.0), (1e9, 60.0)],
)
def test_time_between_probes_is_a_sixtieth_of_the_outage_within_bounds(
    outage_seconds: float, wait_seconds: float
) -> None:
    each = failed(health(), 0.0, outage_seconds)

    assert each.opens_at() == pytest.approx(outage_seconds + wait_seconds)


def test_probe_comes_up_to_half_earlier_so_that_receivers_are_not_asked_together() -> None:
    each = failed(health(), 0.0)
    each.start()
    each.fail(1.0, draw=0.999999)

    assert each.opens_at() == pytest.approx(3.5, abs=0.001)


def test_probe_waits_no_longer_than_the_message_that_failed() -> None:
    assert failed(health(), 0.0, 1.0, due_in_seconds=0.25).opens_at() == 1.25


def test_success_of_a_probe_ends_the_pause() -> None:
    each = failed(health(), 0.0, 1.0)
    each.start()
    each.succeed()

    assert not each.is_paused
    assert each.failing_since is None
    assert each.room(1.0) == 2


def test_receiver_that_asks_to_be_left_alone_is_even_if_another_message_succeeds() -> None:
    each = health()
    for _ in range(2):
        each.start()
    each.fail(10.0, draw=0.0, retry_after_seconds=3_600.0)
    each.succeed()

    assert not each.may_start(3_609.9)
    assert each.opens_at() == 3_610.0
    assert each.may_start(3_610.0)


def test_shorter_request_does_not_shorten_a_longer_one() -> None:
    each = failed(health(), 0.0, retry_after_seconds=100.0)

    assert failed(each, 1.0, retry_after_seconds=2.0).opens_at() == 100.0


def test_receiver_without_a_pause_follows_the_schedule_of_each_message() -> None:
    each = failed(health(HealthPolicy(max_in_flight=8, pause_after=None)), 0.0, 1.0, 2.0, 3.0)

    assert not each.is_paused
    assert each.room(3.0) == 1


def test_attempt_that_says_nothing_about_the_receiver_changes_nothing() -> None:
    each = failed(health(), 0.0, 1.0)
    each.start()
    each.release()

    assert each.is_paused
    assert each.in_flight == 0


def test_receiver_that_failed_before_a_restart_is_probed_first() -> None:
    each = health()
    each.restore(failing_since=-100.0, not_before=0.0)

    assert each.is_paused
    assert each.room(0.0) == 1
    each.start()
    assert each.room(0.0) == 0


def test_request_to_be_left_alone_outlives_a_restart() -> None:
    each = health()
    each.restore(failing_since=None, not_before=50.0)

    assert not each.is_paused
    assert (each.room(49.9), each.room(50.0)) == (0, 1)


def test_somebody_who_knows_that_it_is_well_ends_every_wait() -> None:
    each = failed(health(), 0.0, 1.0, retry_after_seconds=3_600.0)
    each.retry_now()

    assert each.may_start(1.0)


@given(st.lists(st.tuples(st.sampled_from(["start", "ok", "fail", "none"]), st.floats(0, 100)), max_size=60))
def test_never_more_in_flight_than_the_limit_whatever_happens(steps: list[tuple[str, float]]) -> None:
    each, now = health(), 0.0
    for step, passed in steps:
        now += passed
        if step == "start":
            if each.may_start(now):
                each.start()
        elif each.in_flight:
            fail = partial(each.fail, now, draw=0.5)
            ends: dict[str, Callable[[], None]] = {"ok": each.succeed, "none": each.release, "fail": fail}
            ends[step]()
        assert 0 <= each.in_flight <= POLICY.max_in_flight
        opens_at = each.opens_at()
        assert opens_at is None or each.may_start(max(opens_at, now))
