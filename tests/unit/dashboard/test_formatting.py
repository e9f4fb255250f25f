"""Texts against what a person would write by hand."""

import pytest

from services.dashboard.core.formatting import (
    format_age,
    format_instant,
    format_percent,
    format_plain,
    format_price,
    format_share,
    format_signed,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.891, "1,234,567.89"),
        (99.97, "99.97"),
        (0.0, "0.00"),
        (-3.5, "−3.50"),
        (None, "—"),
    ],
)
def test_a_price_has_thousands_separators_and_two_decimals(value: float | None, text: str) -> None:
    assert format_price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.405, "+2.40"), (2.4051, "+2.41"), (-12.0, "−12.00"), (0.004, "0.00"), (-0.004, "0.00"), (None, "—")],
)
def test_a_signed_number_shows_its_sign_unless_it_rounds_to_zero(value: float | None, text: str) -> None:
    assert format_signed(value) == text


def test_a_minus_is_as_wide_as_a_plus() -> None:
    assert format_signed(-1.0)[0] == "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.0124, "+1.24%"), (-0.3532, "−35.32%"), (12.0, "+1,200.00%"), (None, "—")]
)
def test_a_percentage_is_a_fraction_times_100_with_its_sign(fraction: float | None, text: str) -> None:
    assert format_percent(fraction) == text


def test_a_share_has_no_plus() -> None:
    assert (format_share(0.444), format_share(-0.0746), format_share(None)) == ("44.4%", "−7.5%", "—")


def test_a_plain_number_rounds_to_its_decimals() -> None:
    assert (format_plain(2.64603, 4), format_plain(0.0, 1), format_plain(None)) == ("2.6460", "0.0", "—")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (59.99, "59 s"),
        (60.0, "1 min 00 s"),
        (3599.0, "59 min 59 s"),
        (3600.0, "1 h 00 min"),
        (86399.0, "23 h 59 min"),
        (86400.0, "1 d 0 h"),
        (-5.0, "0 s"),
        (None, "—"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert format_age(seconds) == text


def test_an_instant_is_told_in_utc() -> None:
    assert format_instant("2020-03-18T16:00:00-04:00") == "2020-03-18 20:00:00 UTC"
    assert format_instant(None) == "—"
