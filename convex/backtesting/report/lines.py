"""Lines and bands of a panel, with no more points than its pixels can show.

The horizontal axis of every panel is `WIDTH` units wide; the page stretches it to the panel's width.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from convex.backtesting.report.axis import Axis

WIDTH: Final = 1000.0
# Four points in each of them draw the same pixels as all points would.
_COLUMNS: Final = 720

Point = tuple[float, float]


def x_of(position: float, count: int) -> float:
    """Return where a session is, in the middle of its place among ``count`` sessions.

    Examples
    --------
    >>> x_of(0, 4), x_of(3.5, 4)
    (125.0, 1000.0)
    """
    return WIDTH * (position + 0.5) / count


def polylines(values: Sequence[float | None], axis: Axis, kind: str) -> str:
    """Return a line; undefined values leave a gap, not a straight line across it.

    Parameters
    ----------
    values
        One for each session.
    kind
        Class of the line.
    """
    return "".join(
        f'<polyline class="{kind}" points="{_points(thinned(run))}"/>' for run in _runs(values, axis)
    )


def band(lows: Sequence[float | None], highs: Sequence[float | None], axis: Axis, kind: str) -> str:
    """Return the area between two lines where both are defined."""
    both = [low if high is not None else None for low, high in zip(lows, highs, strict=True)]
    above = [high if low is not None else None for low, high in zip(lows, highs, strict=True)]
    return "".join(
        f'<polygon class="{kind}" points="{_points([*thinned(upper), *reversed(thinned(lower))])}"/>'
        for lower, upper in zip(_runs(both, axis), _runs(above, axis), strict=True)
    )


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return the first, the lowest, the highest and the last point of each column of pixels.

    Parameters
    ----------
    points
        Ascending by their horizontal place.

    Examples
    --------
    >>> thinned([(0.0, 1.0), (1.0, 2.0)])
    [(0.0, 1.0), (1.0, 2.0)]
    >>> many = [(WIDTH * at / 9000, float(at % 7)) for at in range(9000)]
    >>> len(thinned(many)) <= 4 * 720
    True
    """
    if len(points) <= 4 * _COLUMNS:
        return list(points)
    kept: list[Point] = []
    for _, column in groupby(points, lambda point: int(point[0] * _COLUMNS / WIDTH)):
        here = list(column)
        chosen = {0, len(here) - 1}
        chosen.add(min(range(len(here)), key=lambda at: here[at][1]))
        chosen.add(max(range(len(here)), key=lambda at: here[at][1]))
        kept += [here[at] for at in sorted(chosen)]
    return kept


def _runs(values: Sequence[float | None], axis: Axis) -> list[list[Point]]:
    count, runs = len(values), []
    for is_known, run in groupby(enumerate(values), lambda item: item[1] is not None):
        if is_known:
            runs.append([(x_of(at, count), axis.y(value)) for at, value in run if value is not None])
    return runs


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
