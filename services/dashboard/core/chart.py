"""The last sessions as lines: geometry in 0..100 from the left and from the top, no markup."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from shared.domain.snapshots import SessionHistory
from shared.text.numbers import format_number

_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Two labels closer than this, in percent of the panel's height, would overlap.
_LABEL_GAP: Final = 8.0
_LEAST_SESSIONS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLabel:
    """A text at a position on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A polyline, with its last value as a label at its end.

    Parameters
    ----------
    points
        ``x,y`` pairs for SVG, joined by spaces.
    """

    name: str
    points: str
    end: AxisLabel


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Lines on one vertical scale.

    Parameters
    ----------
    low, high
        Values at the bottom and at the top.
    band
        Top and bottom of the shaded band; None without one.
    """

    low: float
    high: float
    ticks: tuple[AxisLabel, ...]
    lines: tuple[Line, ...]
    band: tuple[float, float] | None = None
    middle: float | None = None

    def y_of(self, value: float) -> float:
        """Return the position of a value, 0 at the top."""
        return round(100 * (self.high - value) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One session in numbers, for the table below the chart."""

    session: str
    lead: float
    other: float
    lead_rebased: float
    other_rebased: float
    log_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Both legs rebased to 100, and their log ratio below."""

    legs: Panel
    ratio: Panel
    months: tuple[AxisLabel, ...]
    rows: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePoint:
    """Where the provisional values are, to the right of the last close; None where there is none."""

    lead: float | None
    ratio: float | None


def make_chart(
    history: SessionHistory,
    *,
    live_price: float | None = None,
    live_ratio: float | None = None,
) -> Chart | None:
    """Return the chart of a history; None with fewer than two sessions, which are not enough for a line.

    Parameters
    ----------
    live_price, live_ratio
        Provisional values that must fit on the scales.

    Examples
    --------
    >>> history = SessionHistory(session=("2020-03-17", "2020-03-18"), lead=(1500.0, 1650.0),
    ...                          other=(110.0, 99.0), log_ratio=(2.6, 2.8))
    >>> [line.end.text for line in make_chart(history).legs.lines]
    ['110.0', '90.0']
    """
    count = len(history.session)
    if count < _LEAST_SESSIONS:
        return None
    lead = tuple(100 * value / history.lead[0] for value in history.lead)
    other = tuple(100 * value / history.other[0] for value in history.other)
    live_lead = () if live_price is None else (100 * live_price / history.lead[0],)
    legs = _panel((*lead, *other, *live_lead), decimals=0)
    legs = _with_lines(legs, (("lead", lead, 1), ("other", other, 1)))
    mean, std = fmean(history.log_ratio), stdev(history.log_ratio)
    high, low = mean + 2 * std, mean - 2 * std
    live = () if live_ratio is None else (live_ratio,)
    ratio = _panel((*history.log_ratio, high, low, *live), decimals=2)
    ratio = _with_lines(ratio, (("ratio", history.log_ratio, 3),), band=(high, low), middle=mean)
    rows = tuple(
        HistoryRow(session=s, lead=a, other=b, lead_rebased=ra, other_rebased=rb, log_ratio=x)
        for s, a, b, ra, rb, x in zip(
            history.session, history.lead, history.other, lead, other, history.log_ratio, strict=True
        )
    )
    return Chart(legs=legs, ratio=ratio, months=_months(history.session), rows=rows)


def live_point(
    chart: Chart, history: SessionHistory, *, price: float | None, ratio: float | None
) -> LivePoint:
    """Return where the provisional values are in a chart whose scales include them."""
    return LivePoint(
        lead=None if price is None else chart.legs.y_of(100 * price / history.lead[0]),
        ratio=None if ratio is None else chart.ratio.y_of(ratio),
    )


def nice_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return round numbers that enclose a range, its ends included.

    Examples
    --------
    >>> nice_ticks(71.3, 108.2)
    (70.0, 80.0, 90.0, 100.0, 110.0)
    >>> nice_ticks(5.0, 5.0)
    (4.5, 4.75, 5.0, 5.25, 5.5)
    """
    if high <= low:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    # The tolerance of 1e-9 allows for rounding in the division; nobody could see it in the chart.
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(index * step, 10) for index in range(first, last + 1))


def _panel(values: tuple[float, ...], *, decimals: int) -> Panel:
    marks = nice_ticks(min(values), max(values))
    empty = Panel(low=marks[0], high=marks[-1], ticks=(), lines=())
    digits = decimals if all(round(mark, decimals) == mark for mark in marks) else decimals + 1
    ticks = tuple(AxisLabel(at=empty.y_of(mark), text=format_number(mark, digits)) for mark in marks)
    return Panel(low=empty.low, high=empty.high, ticks=ticks, lines=())


def _with_lines(
    panel: Panel,
    series: tuple[tuple[str, tuple[float, ...], int], ...],
    *,
    band: tuple[float, float] | None = None,
    middle: float | None = None,
) -> Panel:
    ends = _apart([panel.y_of(values[-1]) for _, values, _ in series])
    lines = tuple(
        Line(
            name=name,
            points=" ".join(
                f"{_x_of(index, len(values))},{panel.y_of(value)}" for index, value in enumerate(values)
            ),
            end=AxisLabel(at=end, text=format_number(values[-1], decimals)),
        )
        for (name, values, decimals), end in zip(series, ends, strict=True)
    )
    return Panel(
        low=panel.low,
        high=panel.high,
        ticks=panel.ticks,
        lines=lines,
        band=None if band is None else (panel.y_of(band[0]), panel.y_of(band[1])),
        middle=None if middle is None else panel.y_of(middle),
    )


def _x_of(index: int, count: int) -> float:
    # The rightmost place is left free for the live point.
    return round(100 * index / count, 2)


def _apart(ends: list[float]) -> list[float]:
    if len(ends) != _LEAST_SESSIONS or abs(ends[0] - ends[1]) >= _LABEL_GAP:
        return ends
    middle = min(max(sum(ends) / 2, _LABEL_GAP / 2), 100 - _LABEL_GAP / 2)
    above, below = middle - _LABEL_GAP / 2, middle + _LABEL_GAP / 2
    return [above, below] if ends[0] <= ends[1] else [below, above]


def _months(sessions: tuple[str, ...]) -> tuple[AxisLabel, ...]:
    ticks = []
    for index in range(1, len(sessions)):
        year, month = sessions[index][:4], sessions[index][5:7]
        if month != sessions[index - 1][5:7]:
            name = _MONTHS[int(month)]
            text = f"{name} {year}" if month == "01" else name
            ticks.append(AxisLabel(at=_x_of(index, len(sessions)), text=text))
    return tuple(ticks)
