"""Dates below a chart: as many as the width of the page has room for.

A page has no script, so it cannot choose the labels when it is shown. Each label instead names the widths of
the page at which it is shown (`WIDTHS`), and the style sheet hides it at the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from convex.backtesting.report.lines import WIDTH, x_of
from shared.text.instants import format_session

# The least width of a panel in pixels where the page is at least 1,100, at least 700, or less than that wide.
WIDTHS: Final[Mapping[str, float]] = {"wide": 880.0, "medium": 500.0, "narrow": 170.0}

_LABEL_PIXELS: Final = 40.0
_SESSIONS_A_MONTH: Final = 21.0
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 48, 60, 120, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateMark:
    """A date on the horizontal axis.

    Parameters
    ----------
    x
        Its place, 0 to `WIDTH`.
    widths
        Those of `WIDTHS` at which it is shown, separated by spaces.
    """

    x: float
    label: str
    widths: str


def date_marks(labels: Sequence[str]) -> list[DateMark]:
    """Return the first session of some months, labelled by the month or, in January, by the year.

    Parameters
    ----------
    labels
        Sessions, ascending; at least one.

    Examples
    --------
    >>> days = [f"2019-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 22)]
    >>> [(mark.label, mark.widths) for mark in date_marks(days)][:3]
    [('Feb', 'wide medium'), ('Mar', 'wide medium'), ('Apr', 'wide medium narrow')]
    >>> [(mark.label, mark.widths) for mark in date_marks(["2014-05-01", "2014-05-02"])]
    [('1 May 2014', 'wide medium narrow')]
    """
    month_pixels = {name: pixels * _SESSIONS_A_MONTH / len(labels) for name, pixels in WIDTHS.items()}
    steps = {
        name: next((step for step in _MONTHS if step * pixels >= _LABEL_PIXELS), _MONTHS[-1])
        for name, pixels in month_pixels.items()
    }
    marks = []
    for at in range(1, len(labels)):
        if labels[at][:7] == labels[at - 1][:7]:
            continue
        first = date.fromisoformat(labels[at])
        ordinal = first.year * 12 + first.month - 1
        widths = " ".join(name for name, step in steps.items() if ordinal % step == 0)
        if widths:
            label = f"{first:%Y}" if first.month == 1 else f"{first:%b}"
            marks.append(DateMark(x=x_of(at - 0.5, len(labels)), label=label, widths=widths))
    if marks:
        return marks
    # No month begins in the record: its first session is all there is to name.
    return [DateMark(x=x_of(0, len(labels)), label=format_session(labels[0]), widths=" ".join(WIDTHS))]


def widths_with_room(places: Iterable[float], pixels: float) -> list[str]:
    """Return for each of several labels the widths of the page at which it does not cover an earlier one.

    Parameters
    ----------
    places
        Ascending, 0 to `WIDTH`.
    pixels
        Room that a label needs.

    Examples
    --------
    >>> widths_with_room([10.0, 20.0, 300.0], pixels=18.0)
    ['wide medium narrow', '', 'wide medium narrow']
    """
    last = dict.fromkeys(WIDTHS, -2.0 * WIDTH)
    found = []
    for place in places:
        here = [name for name, width in WIDTHS.items() if (place - last[name]) * width / WIDTH >= pixels]
        last |= dict.fromkeys(here, place)
        found.append(" ".join(here))
    return found
