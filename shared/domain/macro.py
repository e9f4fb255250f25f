"""Macro observations: what a series said of one date, and from when on it said so."""

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.errors import QualityError

# Far beyond any rate, index or price, and exact enough in a double.
MOST_VALUE: Final = 1e15
_INT64_END: Final = 1 << 63
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The value of one series on one date, as one vintage has it.

    A series may be revised: then the same date has several observations, one for each vintage, and none of
    them replaces another.

    Parameters
    ----------
    series
        Provider and name, such as ``fred:DFII10``.
    date
        What the value is of, ``YYYY-MM-DD``.
    vintage
        From this date on the source had the value, ``YYYY-MM-DD``. The source's own statement where it makes
        one (FRED), otherwise the UTC date on which it was first received.
    value
        None where the source has no value for the date, such as on a holiday.
    unit
        Such as ``percent``, ``index``, ``usd``.
    source
        The provider, such as ``fred``.
    known_at_ns
        The instant from which on it may be used, nanoseconds since the Unix epoch.

    Raises
    ------
    QualityError
        If a date is none, the value is not finite or beyond `MOST_VALUE`, or ``known_at_ns`` is out of range.

    Examples
    --------
    >>> Observation(series="fred:DFII10", date="2024-05-24", vintage="2024-05-28", value=2.13, unit="percent",
    ...             source="fred", known_at_ns=0).key
    'fred:DFII10|2024-05-24|2024-05-28'
    """

    series: str
    date: str
    vintage: str
    value: float | None
    unit: str
    source: str
    known_at_ns: int

    def __post_init__(self) -> None:
        for name, text in (("date", self.date), ("vintage", self.vintage)):
            if not is_date(text):
                raise QualityError(
                    f"{name} of {self.series} must be YYYY-MM-DD, was {text!r}"[:300],
                    reason="implausible_date",
                )
        if self.value is not None and not abs(self.value) <= MOST_VALUE:
            raise QualityError(
                f"{self.series} on {self.date} must lie within ±{MOST_VALUE:g}, was {self.value}",
                reason="not_finite" if not math.isfinite(self.value) else "outside_range",
            )
        if not 0 <= self.known_at_ns < _INT64_END:
            raise QualityError(
                f"known_at_ns of {self.series} on {self.date} must lie between 0 and 2**63, "
                f"was {self.known_at_ns}",
                reason="implausible_instant",
            )

    @property
    def key(self) -> str:
        """Return the key of its record in ``macro.v1``."""
        return f"{self.series}|{self.date}|{self.vintage}"


def is_date(text: str) -> bool:
    """Return whether a text is a date of the calendar, written ``YYYY-MM-DD``.

    Examples
    --------
    >>> is_date("2024-02-29"), is_date("2023-02-29"), is_date("20240229")
    (True, False, False)
    """
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
