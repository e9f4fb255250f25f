"""How long a provider may ask to be left alone, whatever it writes."""

import pytest

from services.ingestor.feeds.http import retry_after_seconds


@pytest.mark.parametrize("text", ["", "²", "٣", "soon", "-5", "1.5", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_what_is_no_count_of_seconds_means_the_default(text: str) -> None:
    """Would have caught: "²" is a digit to Python and no number to float; it ended the ingestor."""
    assert retry_after_seconds(text, 7.0) == 7.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("30", 30.0), (" 30 ", 30.0), ("3600", 3600.0), ("3601", 3600.0), ("9" * 400, 3600.0)],
)
def test_a_wait_is_never_longer_than_an_hour(text: str, seconds: float) -> None:
    assert retry_after_seconds(text, 7.0) == seconds
