"""Instants written as a number since 1970: of seconds, milliseconds, microseconds or nanoseconds."""

import re
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.domain.instants import INSTANTS_END_NS

# 1999-01-01T00:00:00Z, as in the calendar of sessions.
_FIRST_NS: Final = 915_148_800_000_000_000
# From one unit to the next is a factor of 1,000, from the first year to the last one of 2.3: a number is an
# instant of the calendar's years in one unit at most.
_NS_PER_UNIT: Final = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
# Arrow would also read 0x10.
_DIGITS: Final = re.compile(rb"[0-9]+\x00*")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def is_number(text: str) -> bool:
    """Return whether a text can be a number since 1970."""
    return _NUMBER.fullmatch(text) is not None


def unit_of(text: str) -> str | None:
    """Return in which unit a number is an instant from 1999 to 2035, or None where it is in none.

    Examples
    --------
    >>> unit_of("1398902400"), unit_of("1398902400123"), unit_of("20140501000000")
    ('seconds', 'milliseconds', None)
    """
    if not is_number(text):
        return None
    number = Decimal(text)
    for unit, ns in _NS_PER_UNIT.items():
        if _FIRST_NS <= number * ns < INSTANTS_END_NS:
            return unit
    return None


def parse_epoch(texts: pa.StringArray, unit: str) -> NDArray[np.int64]:
    """Return numbers as nanoseconds since the Unix epoch, exactly.

    Raises
    ------
    ValueError
        If any text is no such number, or no instant from 1999 to 2035.

    Examples
    --------
    >>> parse_epoch(pa.array(["1398902400.123456789"]), "seconds").tolist()
    [1398902400123456789]
    """
    whole = _whole_numbers(texts)
    if whole is not None and whole.max() < INSTANTS_END_NS // _NS_PER_UNIT[unit]:
        found = whole * _NS_PER_UNIT[unit]
        if (found >= _FIRST_NS).all():
            return found
    try:
        found = np.array([_exact(text, unit) for text in texts.to_pylist()], dtype=np.int64)
    except OverflowError as error:
        raise ValueError("is no instant") from error
    if (found < _FIRST_NS).any() or (found >= INSTANTS_END_NS).any():
        raise ValueError(f"is no instant from 1999 to 2035 in {unit}")
    return found


def _whole_numbers(texts: pa.StringArray) -> NDArray[np.int64] | None:
    """Return the texts as integers, or None where one of them is something else or too large."""
    if _DIGITS.fullmatch(bytes(texts.buffers()[2] or b"")) is None:
        return None
    try:
        whole = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    # The buffer itself: to_numpy would import pandas.
    return np.frombuffer(whole.buffers()[1], dtype=np.int64)[whole.offset : whole.offset + len(whole)]


def _exact(text: str, unit: str) -> int:
    if not is_number(text):
        raise ValueError("is no number")
    whole, _, decimals = text.partition(".")
    if not decimals:
        return int(whole) * _NS_PER_UNIT[unit]
    ns = Decimal(text) * _NS_PER_UNIT[unit]
    if ns != int(ns):
        raise ValueError("has parts of a nanosecond")
    return int(ns)
