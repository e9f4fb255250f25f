"""Correlations over every window of many synthetic histories at once.

The engine reads each window anew (``services/signals/core/statistics``), because a stream has no end and a
bad value must leave no trace. A synthetic history is short, and its values come from a checked file: here
sums that run over the whole row, less its mean, are subtracted from each other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAST_EFFECTIVE_SIZE: Final = 4
# Running sums cannot tell a correlation of exactly 1 from one that near.
_WHOLE: Final = 1.0 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingCorrelation:
    """One correlation for each window, and how many independent pairs the window is worth.

    Parameters
    ----------
    correlation, effective_size
        Shape ``(paths, sessions - size + 1)``: the first is of the first full window. Not a number where a
        leg is flat: an array has no None, and no comparison with it holds, as with None in the engine.
    """

    correlation: NDArray[np.float64]
    effective_size: NDArray[np.float64]


class RunningSums:
    """What every window of two rows of returns is made of.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(paths, sessions)`` each; finite.

    Raises
    ------
    ValueError
        If the shapes differ or are not of two dimensions.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 3.0, 0.0, 7.0]])
    >>> sums = RunningSums(x, x**2)
    >>> [round(float(each), 4) for each in sums.correlation(4).correlation[0]]
    [0.9583, 0.9605]
    >>> [float(each) for each in sums.correlation(4).effective_size[0]]
    [4.0, 4.0]
    """

    def __init__(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        if x.shape != y.shape or x.ndim != 2:
            raise ValueError(f"returns must be two tables of one shape, were {x.shape} and {y.shape}")
        self._x = x - x.mean(axis=1, keepdims=True)
        self._y = y - y.mean(axis=1, keepdims=True)
        self._of_x, self._of_y = _running(self._x), _running(self._y)
        self._of_xx, self._of_yy = _running(self._x**2), _running(self._y**2)
        self._of_xy = _running(self._x * self._y)
        self._of_echo_x = _running(self._x[:, 1:] * self._x[:, :-1])
        self._of_echo_y = _running(self._y[:, 1:] * self._y[:, :-1])
        self._of_steps_x, self._of_steps_y = _steps(x), _steps(y)

    def correlation(self, size: int) -> RollingCorrelation:
        """Return `pearson` and `effective_size` of every window of ``size`` sessions, at least 4."""
        sum_x, sum_y = _windows(self._of_x, size), _windows(self._of_y, size)
        squares_x = _windows(self._of_xx, size) - sum_x**2 / size
        squares_y = _windows(self._of_yy, size) - sum_y**2 / size
        products = _windows(self._of_xy, size) - sum_x * sum_y / size
        is_flat = _is_flat(self._of_steps_x, size) | _is_flat(self._of_steps_y, size)
        is_flat |= (squares_x <= 0.0) | (squares_y <= 0.0)
        squares_x[is_flat] = squares_y[is_flat] = np.nan
        correlation = products / np.sqrt(squares_x * squares_y)
        whole = np.abs(correlation) >= _WHOLE
        correlation[whole] = np.sign(correlation[whole])
        persistence = _echo(self._x, self._of_echo_x, sum_x, size) / squares_x
        persistence *= _echo(self._y, self._of_echo_y, sum_y, size) / squares_y
        worth = size * (1.0 - persistence) / (1.0 + persistence)
        return RollingCorrelation(
            correlation=correlation, effective_size=np.clip(worth, _LEAST_EFFECTIVE_SIZE, size)
        )


def _running(x: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.zeros((x.shape[0], x.shape[1] + 1))
    np.cumsum(x, axis=1, out=sums[:, 1:])
    return sums


def _windows(running: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return running[:, size:] - running[:, :-size]


def _steps(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the sessions that differ from the one before: whole numbers tell a flat window exactly."""
    steps = np.zeros(x.shape, dtype=np.int64)
    np.cumsum(x[:, 1:] != x[:, :-1], axis=1, out=steps[:, 1:])
    return steps


def _is_flat(steps: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    is_flat: NDArray[np.bool_] = steps[:, size - 1 :] == steps[:, : steps.shape[1] - size + 1]
    return is_flat


def _echo(
    x: NDArray[np.float64], running: NDArray[np.float64], sums: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Return the sum of each window's products of neighbours, as deviations from its mean."""
    mean = sums / size
    without_ends = 2.0 * sums - x[:, : sums.shape[1]] - x[:, size - 1 :]
    return _windows(running, size - 1) - mean * without_ends + (size - 1) * mean**2
