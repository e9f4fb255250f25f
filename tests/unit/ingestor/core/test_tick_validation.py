"""Ticks that cannot be true."""

import pytest

from services.ingestor.core.tick_validation import check_quote, check_trade
from shared.errors import QualityError

_S = 1_000_000_000


@pytest.mark.parametrize(
    ("bid", "ask", "ahead_ns", "reason"),
    [
        (0.0, 1.0, 0, "not_positive"),
        (1.0, 0.0, 0, "not_positive"),
        (-1.0, 1.0, 0, "not_positive"),
        (float("nan"), 1.0, 0, "not_positive"),
        (1.0, float("inf"), 0, "not_positive"),
        (1e-10, 1.0, 0, "outside_range"),
        (1.0, 1e13, 0, "outside_range"),
        (1.1, 1.0, 0, "crossed"),
        (1.0, 1.0, 5 * _S + 1, "future"),
    ],
)
def test_quote_is_refused_with_its_reason(bid: float, ask: float, ahead_ns: int, reason: str) -> None:
    with pytest.raises(QualityError) as caught:
        check_quote(ts_event_ns=ahead_ns, ts_received_ns=0, bid=bid, ask=ask)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("price", "size", "ahead_ns", "reason"),
    [
        (0.0, 1.0, 0, "not_positive"),
        (1.0, 0.0, 0, "not_positive"),
        (1e13, 1.0, 0, "outside_range"),
        (1.0, 1.0, 5 * _S + 1, "future"),
    ],
)
def test_trade_is_refused_with_its_reason(price: float, size: float, ahead_ns: int, reason: str) -> None:
    with pytest.raises(QualityError) as caught:
        check_trade(ts_event_ns=ahead_ns, ts_received_ns=0, price=price, size=size)
    assert caught.value.reason == reason


def test_sound_ticks_pass_up_to_the_limits() -> None:
    check_quote(ts_event_ns=5 * _S, ts_received_ns=0, bid=1.0, ask=1.0)
    check_trade(ts_event_ns=5 * _S, ts_received_ns=0, price=1e-9, size=1e-9)
