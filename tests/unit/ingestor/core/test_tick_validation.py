"""Ticks that cannot be true, whatever the market does."""

import pytest

from services.ingestor.core.tick_validation import check_quote, check_trade
from shared.errors import QualityError


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (0.0, 1.0, "not_positive"),
        (1.0, 0.0, "not_positive"),
        (-1.0, 1.0, "not_positive"),
        (float("nan"), 1.0, "not_positive"),
        (1.0, float("nan"), "not_positive"),
        (1.0, float("inf"), "not_positive"),
        (1e-10, 1.0, "outside_range"),
        (1.0, 1e13, "outside_range"),
        (1.1, 1.0, "crossed"),
    ],
)
def test_quote_is_refused_with_its_reason(bid: float, ask: float, reason: str) -> None:
    with pytest.raises(QualityError) as caught:
        check_quote(bid=bid, ask=ask)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("price", "size", "reason"),
    [
        (0.0, 1.0, "not_positive"),
        (1.0, 0.0, "not_positive"),
        (1.0, float("inf"), "not_positive"),
        (float("nan"), 1.0, "not_positive"),
        (1e13, 1.0, "outside_range"),
        (1e-10, 1.0, "outside_range"),
    ],
)
def test_trade_is_refused_with_its_reason(price: float, size: float, reason: str) -> None:
    with pytest.raises(QualityError) as caught:
        check_trade(price=price, size=size)
    assert caught.value.reason == reason


def test_sound_ticks_pass_up_to_the_limits() -> None:
    check_quote(bid=1e-9, ask=1e12)
    check_quote(bid=1.0, ask=1.0)
    check_trade(price=1e-9, size=1e-9)
