"""One statistic as the page shows it: its name, its text, and why it has no value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_NO_REASON: Final = "Undefined; the signals service gave no reason."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A labelled number.

    Parameters
    ----------
    text
        Formatted; a dash when the value is undefined.
    why
        Why there is no value; None when there is one.
    note
        Its interval or what it means; empty without.
    position
        Where a value in −1..1 is on a scale from 0 to 100; None for a value of another range.
    span
        Both ends of its interval on the same scale; None without.
    """

    key: str
    label: str
    hint: str
    text: str
    why: str | None
    note: str = ""
    position: float | None = None
    span: tuple[float, float] | None = None


def reason_for(undefined: Mapping[str, str], *keys: str, fallback: str | None = None) -> str:
    """Return the first reason that is given under one of the keys, else the fallback.

    Examples
    --------
    >>> reason_for({"z_90": "82 of 90 sessions."}, "provisional.z_90", "z_90")
    '82 of 90 sessions.'
    >>> reason_for({}, "z_90")
    'Undefined; the signals service gave no reason.'
    """
    return next((undefined[key] for key in keys if undefined.get(key)), fallback or _NO_REASON)


def position_of(value: float) -> float:
    """Return where a value in −1..1 is on a scale from 0 to 100; a value beyond is at its end.

    Examples
    --------
    >>> position_of(-0.314), position_of(1.2)
    (34.3, 100.0)
    """
    return round(50 * (1 + max(-1.0, min(1.0, value))), 2)
