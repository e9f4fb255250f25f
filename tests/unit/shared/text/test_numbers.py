"""Numbers against what a person would write by hand."""

import math

import pytest

from shared.domain.divergences import Estimate
from shared.text.numbers import (
    DASH,
    format_count,
    format_interval,
    format_level,
    format_log_return,
    format_number,
    format_p_value,
    format_percent,
    format_price,
    format_signed,
    format_signed_percent,
)

UNDEFINED = (None, math.nan, math.inf, -math.inf)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.891, "1,234,567.89"), (99.97, "99.97"), (0.0, "0.00"), (-3.5, "−3.50"), (None, "—")],
)
def test_a_price_has_thousands_separators_and_two_decimals(value: float | None, text: str) -> None:
    assert format_price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.405, "+2.40"),
        (2.4051, "+2.41"),
        (-12.0, "−12.00"),
        (0.004, "0.00"),
        (-0.004, "0.00"),
        (0.0, "0.00"),
    ],
)
def test_a_signed_number_shows_its_sign_unless_it_rounds_to_zero(value: float, text: str) -> None:
    assert format_signed(value) == text


def test_a_minus_is_as_wide_as_a_plus() -> None:
    assert format_signed(-1.0)[0] == "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0124, "+1.24%"), (-0.3532, "−35.32%"), (12.0, "+1,200.00%"), (-0.00004, "0.00%")],
)
def test_a_signed_percentage_is_a_fraction_times_100(fraction: float, text: str) -> None:
    assert format_signed_percent(fraction, 2) == text


def test_a_percentage_has_no_plus() -> None:
    assert (format_percent(0.444), format_percent(-0.0746), format_percent(1.0, 0)) == (
        "44.4%",
        "−7.5%",
        "100%",
    )


def test_a_number_rounds_to_its_decimals() -> None:
    assert (format_number(2.64603, 4), format_number(0.0, 1), format_number(-7.0, 0)) == (
        "2.6460",
        "0.0",
        "−7",
    )


@pytest.mark.parametrize("value", UNDEFINED)
def test_an_undefined_number_is_a_dash_or_the_words_of_the_caller(value: float | None) -> None:
    for show in (
        format_number,
        format_signed,
        format_price,
        format_percent,
        format_signed_percent,
        format_log_return,
    ):
        assert show(value) == DASH
        assert show(value, missing="not known yet") == "not known yet"


def test_a_p_value_that_is_not_known_is_a_dash() -> None:
    assert (format_p_value(None), format_p_value(None, missing="?"), format_p_value(0.001)) == (
        "—",
        "?",
        "0.001",
    )


@pytest.mark.parametrize(("log_return", "text"), [(0.0562, "+5.8%"), (0.0, "0.0%"), (-0.0643, "−6.2%")])
def test_a_log_return_is_shown_as_the_change_of_the_price(log_return: float, text: str) -> None:
    """exp(x) - 1, worked by hand."""
    assert format_log_return(log_return) == text


@pytest.mark.parametrize("absurd", [100.1, -100.1, 1e300])
def test_a_log_return_that_no_market_has_is_not_shown(absurd: float) -> None:
    assert format_log_return(absurd) == DASH


@pytest.mark.parametrize(
    ("level", "text"),
    [(2.0, "2"), (2.58, "2.58"), (0.1, "0.1"), (0.0, "0"), (-0.5, "−0.5"), (300.0, "300"), (1200.0, "1,200")],
)
def test_a_level_has_the_digits_that_it_needs(level: float, text: str) -> None:
    assert format_level(level) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 sessions"), (1, "1 session"), (2000, "2,000 sessions")])
def test_a_count_agrees_with_its_noun(count: int, text: str) -> None:
    assert format_count(count, "session") == text


def test_an_interval_is_shown_in_the_form_of_its_estimate() -> None:
    share = Estimate(value=0.08, low=-0.01, high=0.15)

    assert format_interval(share) == "95%: −0.01 to 0.15"
    assert format_interval(share, format_percent) == "95%: −1.0% to 15.0%"


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(value=None, low=0.1, high=0.7),
        Estimate(value=math.nan, low=0.1, high=0.7),
        Estimate(value=0.4, low=0.1),
        Estimate(value=0.4, high=0.7),
        Estimate(value=0.4, low=0.1, high=math.inf),
    ],
)
def test_an_interval_without_both_ends_is_empty(estimate: Estimate) -> None:
    assert format_interval(estimate) == ""
