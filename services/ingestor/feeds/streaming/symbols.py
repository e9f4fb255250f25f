"""Kinds of symbols: which of them a venue can have at all is known before it is asked."""

import re
from typing import Final

_CURRENCIES: Final = frozenset(
    ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "PLN", "SGD", "HKD", "MXN")
)
_METALS: Final = frozenset(("XAU", "XAG", "XPT", "XPD"))
_TICKER: Final = re.compile(r"[A-Z0-9][A-Z0-9.=^-]*")


def is_any(_: str) -> bool:
    """Return True: the venue says itself what it does not have."""
    return True


def is_pair(symbol: str) -> bool:
    """Return whether a symbol is of the form ``BASE/QUOTE``.

    Examples
    --------
    >>> is_pair("PAXG/USD"), is_pair("IWM"), is_pair("PAXG/")
    (True, False, False)
    """
    base, _, quote = symbol.partition("/")
    return bool(base and quote)


def is_token_pair(symbol: str) -> bool:
    """Return whether a symbol is of an exchange for tokens: a pair, and no metal.

    Examples
    --------
    >>> is_token_pair("PAXG/USD"), is_token_pair("XAU/USD")
    (True, False)
    """
    return is_pair(symbol) and symbol.partition("/")[0] not in _METALS


def is_over_the_counter(symbol: str) -> bool:
    """Return whether a symbol is a metal or a currency in a currency.

    Examples
    --------
    >>> is_over_the_counter("XAU/USD"), is_over_the_counter("PAXG/USD")
    (True, False)
    """
    base, _, quote = symbol.partition("/")
    return base in _METALS | _CURRENCIES and quote in _CURRENCIES


def is_listed(symbol: str) -> bool:
    """Return whether a symbol is that of a listed share or fund.

    Examples
    --------
    >>> is_listed("IWM"), is_listed("XAU/USD")
    (True, False)
    """
    return _TICKER.fullmatch(symbol) is not None
