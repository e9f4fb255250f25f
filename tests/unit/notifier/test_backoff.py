from datetime import UTC, datetime

import pytest

from services.notifier.core.backoff import parse_retry_after, wait_seconds

AT = datetime(2025, 11, 28, 12, 0, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 90 ", 90.0),
        ("86401", 86_400.0),
        ("9" * 5_000, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        ("Fri, 28 Nov 2025 12:00:30 GMT", 30.0),
        ("Fri, 28 Nov 2025 13:00:30 +0100", 30.0),
        ("Fri, 28 Nov 2025 12:00:30 -0000", 30.0),
        ("Fri, 28 Nov 2025 11:59:00 GMT", 0.0),
        ("Fri, 28 Nov 2125 12:00:00 GMT", 86_400.0),
        ("Fri, 99 Nov 2025 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, at=AT) == seconds
