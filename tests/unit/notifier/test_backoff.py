import pytest

from services.notifier.core.backoff import wait_seconds


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
