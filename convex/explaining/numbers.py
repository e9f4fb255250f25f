"""Numbers as a person types them into a calculator: eight significant digits, never ``1.2e-05``."""

import math
from typing import Final

_DIGITS: Final = 8
_MOST_DECIMALS: Final = 12


def number(value: float | None) -> str:
    """Return a number with eight significant digits, ``undefined`` for None.

    Examples
    --------
    >>> number(0.0000123456789), number(-2.31), number(1676.6), number(None)
    ('0.000012345679', '-2.3100000', '1676.6000', 'undefined')
    >>> number(0.0), number(123456789.0)
    ('0', '123456789')
    """
    if value is None:
        return "undefined"
    if value == 0:
        return "0"
    return f"{value:.{max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))}f}"


def term(value: float) -> str:
    """Return a number as it stands after an operator: a negative one in brackets.

    Examples
    --------
    >>> term(2.31), term(-2.31)
    ('2.3100000', '(-2.3100000)')
    """
    return number(value) if value >= 0 else f"({number(value)})"


def price(value: float) -> str:
    """Return a price with the digits that it has, at least two decimals.

    Examples
    --------
    >>> price(1676.6), price(99.97), price(1301.125), price(138.57142857142856)
    ('1676.60', '99.97', '1301.125', '138.571429')
    """
    text = f"{value:.6f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.rpartition(".")[2]))


def against(value: float, level: float) -> str:
    """Return a value with as few decimals, at least two, as leave it on its side of a level.

    Examples
    --------
    >>> against(2.3111, 2.0), against(1.99961, 2.0), against(2.0, 2.0)
    ('2.31', '1.9996', '2.00')
    """
    for decimals in range(2, _MOST_DECIMALS):
        text = f"{value:.{decimals}f}"
        if _side(float(text), level) == _side(value, level):
            return text
    return repr(value)


def _side(value: float, level: float) -> int:
    return (value > level) - (value < level)
