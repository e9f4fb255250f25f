"""The made-up market of the soak: each tick's price says which tick it is, so that the log can be audited."""

import math
from typing import Final

# The market's period: prices move by a basis point a second, far less than any rule would reject.
_PERIOD: Final = 600.0
SPREAD: Final = 0.2
_WRAP: Final = 1_000_000
_STEP: Final = 1e-8


def level(number: int, rate: float) -> float:
    """Return the market's level, to the cent, at the time of a tick."""
    return round(2_000.0 + 5.0 * math.sin(2 * math.pi * number / rate / _PERIOD), 2)


def quote_of(number: int, rate: float) -> tuple[float, float]:
    """Return bid and ask of a quote; the bid's last six decimals are its number."""
    bid = round(level(number, rate) + (number % _WRAP) * _STEP, 8)
    return bid, round(bid + SPREAD, 8)


def number_of(bid: float, *, near: int) -> int:
    """Return the number of a quote by its bid; ``near`` is that of one before it."""
    tail = round((bid - math.floor(bid * 100 + 1e-7) / 100) / _STEP)
    base = near - near % _WRAP + tail
    return min((base - _WRAP, base, base + _WRAP), key=lambda number: abs(number - near))


def trade_price(trade_id: int, rate: float) -> float:
    """Return the price of a trade."""
    return round(level(trade_id, rate) + (trade_id % 100) * 1e-4, 4)
