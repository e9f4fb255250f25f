"""Lengths of time against what a person would write by hand."""

import pytest

from shared.text.durations import format_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "under 1 s"),
        (0.99, "under 1 s"),
        (1.0, "1 s"),
        (59.99, "59 s"),
        (60.0, "1 min"),
        (61.0, "1 min 1 s"),
        (3599.0, "59 min 59 s"),
        (3600.0, "1 h"),
        (3630.0, "1 h"),
        (59_700.0, "16 h 35 min"),
        (86399.0, "23 h 59 min"),
        (86400.0, "1 d"),
        (90_060.0, "1 d 1 h"),
        (8_640_000.0, "100 d"),
        (-5.0, "under 1 s"),
        (None, "—"),
    ],
)
def test_a_length_of_time_is_shown_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


def test_the_caller_says_what_an_unknown_length_of_time_is_shown_as() -> None:
    assert format_duration(None, missing="not known yet") == "not known yet"
