"""How long a server may ask a client to wait, whatever it writes into ``Retry-After``."""

from datetime import UTC, datetime

import pytest

from shared.domain.retry_after import parse_retry_after

AT = datetime(2025, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "header", ["", "²", "٣", "soon", "-5", "1.5", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"]
)
def test_without_an_instant_only_a_count_of_seconds_is_read(header: str) -> None:
    """Would have caught: "²" is a digit to Python and no number to float; it ended the ingestor."""
    assert parse_retry_after(header, longest_seconds=3_600.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("30", 30.0), (" 30 ", 30.0), ("3600", 3600.0), ("3601", 3600.0), ("9" * 400, 3600.0)],
)
def test_a_wait_is_never_longer_than_the_longest(header: str, seconds: float) -> None:
    assert parse_retry_after(header, longest_seconds=3_600.0) == seconds


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
def test_with_an_instant_seconds_and_dates_are_read(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, longest_seconds=86_400.0, at=AT) == seconds
