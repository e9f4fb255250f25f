"""The vertical axis of a panel: the range that holds some values, and the marks at which it is labelled."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.text.numbers import format_level

# A label is 11 pixels high.
LABEL_GAP: Final = 13.0
_ROUND: Final = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A labelled place of an axis.

    Parameters
    ----------
    kind
        Class of its line.
    """

    value: float
    label: str
    kind: str = "grid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A vertical axis.

    Parameters
    ----------
    low, high
        Ends of the range, ``low < high``.
    height
        Pixels.
    marks
        Inside the range.
    """

    low: float
    high: float
    height: float
    marks: tuple[Mark, ...]

    def y(self, value: float) -> float:
        """Return the distance of a value from the top, in pixels."""
        return self.height * (self.high - value) / (self.high - self.low)

    def labelled(self) -> list[Mark]:
        """Return the marks whose labels have room; of two that are too close, the earlier one is kept."""
        kept: list[Mark] = []
        for mark in self.marks:
            if all(abs(self.y(mark.value) - self.y(each.value)) >= LABEL_GAP for each in kept):
                kept.append(mark)
        return kept


def linear_axis(values: Iterable[float], *, height: float, unit: str = "") -> Axis:
    """Return an axis with round marks.

    Parameters
    ----------
    values
        At least one.
    unit
        Follows each label. With ``%`` the values are fractions and the labels percentages.

    Examples
    --------
    >>> [mark.label for mark in linear_axis([80.0, 290.0], height=200.0).marks]
    ['100', '150', '200', '250', '300']
    >>> [mark.label for mark in linear_axis([-0.3, 0.0], height=200.0, unit="%").marks]
    ['−30%', '−20%', '−10%', '0%']

    A line that never moves still has a range:

    >>> axis = linear_axis([5.0, 5.0], height=100.0)
    >>> axis.low < 5.0 < axis.high
    True
    """
    low, high = _with_margin(values)
    factor = 100.0 if unit == "%" else 1.0
    marks = tuple(
        Mark(value=value, label=f"{format_level(value * factor)}{unit}") for value in _round_values(low, high)
    )
    return Axis(low=low, high=high, height=height, marks=marks)


def log_axis(logs: Iterable[float], *, height: float) -> Axis:
    """Return an axis of logarithms whose marks are round numbers.

    Parameters
    ----------
    logs
        At least one; its labels say what they are the logarithms of.

    Examples
    --------
    >>> [mark.label for mark in log_axis([math.log(7.0), math.log(24.0)], height=200.0).marks]
    ['10', '20', '15', '25']
    """
    low, high = _with_margin(logs, least=0.01)
    exponents = range(math.floor(low / math.log(10.0)), math.floor(high / math.log(10.0)) + 1)
    decades = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
    found = [value for value in decades if low <= math.log(value) <= high]
    # Where the range is less than a decade or two, those are few: fill in the round numbers between them.
    found += [value for value in _round_values(math.exp(low), math.exp(high), 8) if value > 0.0]
    marks = {round(math.log(value), 9): value for value in reversed(found)}
    in_order = sorted(marks.items(), key=lambda item: found.index(item[1]))
    return Axis(
        low=low,
        high=high,
        height=height,
        marks=tuple(Mark(value=log, label=format_level(value)) for log, value in in_order),
    )


def spread(places: Sequence[float], *, gap: float, height: float) -> list[float]:
    """Move labels apart, as little as it takes, and keep them inside a height where they fit.

    Parameters
    ----------
    places
        Ascending.

    Examples
    --------
    >>> spread([10.0, 12.0, 80.0], gap=15.0, height=100.0)
    [10.0, 25.0, 80.0]
    >>> spread([90.0, 95.0, 99.0], gap=15.0, height=100.0)
    [70.0, 85.0, 100.0]
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    limit = height
    for at in reversed(range(len(moved))):
        moved[at] = min(moved[at], limit)
        limit = moved[at] - gap
    return moved


def _with_margin(values: Iterable[float], *, least: float = 0.0) -> tuple[float, float]:
    known = list(values)
    low, high = min(known), max(known)
    margin = max((high - low) * 0.06, least) or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def _round_values(low: float, high: float, wanted: int = 5) -> list[float]:
    rough = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in _ROUND if unit * each >= rough)
    return [step * each for each in range(math.ceil(low / step), math.floor(high / step) + 1)]
