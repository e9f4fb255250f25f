"""What each close of many synthetic histories says about a kind: as `core.readings`, but all at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.rolling import RunningSums
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Direction, Kind
from shared.domain.kinds import DIRECTIONS

# The standard normal's 97.5 % quantile, as in the engine's intervals.
_NORMAL_975: Final = 1.959963984540054
# Of the longest window that a rule reads: the first reading needs so many returns.
WARM_UP: Final = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The fields of the engine's `Observation`, for one direction of a kind.

    Parameters
    ----------
    x, leave_value, can_open
        Shape ``(paths, sessions - 251)``, from the first full window of 252 returns on. Not a number is
        undefined.
    """

    x: NDArray[np.float64]
    leave_value: NDArray[np.float64]
    can_open: NDArray[np.bool_]


def readings_of(rule: Rule, lead: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[Readings, ...]:
    """Compute what closes say about one of the `KINDS`.

    Parameters
    ----------
    rule
        Of the kind.
    lead, other
        Log returns, shape ``(paths, sessions)`` each, at least 252 sessions.

    Returns
    -------
    tuple
        One for each of the kind's directions.

    Raises
    ------
    KeyError
        If no correlation decides the kind.
    """
    return _READINGS[rule.kind](rule, RunningSums(lead, other))


def _correlation_break(rule: Rule, sums: RunningSums) -> tuple[Readings, ...]:
    recent, usual = sums.correlation(20), sums.correlation(252)
    skip = recent.correlation.shape[1] - usual.correlation.shape[1]
    r, n = recent.correlation[:, skip:], recent.effective_size[:, skip:]
    # Fisher's scale ends at ±1: there the engine has no statistic.
    is_whole = (np.abs(r) == 1.0) | (np.abs(usual.correlation) == 1.0)
    difference = np.arctanh(np.where(is_whole, np.nan, r))
    difference -= np.arctanh(np.where(is_whole, np.nan, usual.correlation))
    z = difference / np.sqrt(1.0 / (n - 3.0) + 1.0 / (usual.effective_size - 3.0))
    is_large = np.abs(r - usual.correlation) >= rule.min_change
    return tuple(_signed(direction, z, is_large) for direction in DIRECTIONS[rule.kind])


def _signed(direction: Direction, z: NDArray[np.float64], can_open: NDArray[np.bool_]) -> Readings:
    x = sign_of(direction) * z
    return Readings(x=x, leave_value=x, can_open=can_open)


def _hedge_lost(_rule: Rule, sums: RunningSums) -> tuple[Readings, ...]:
    recent = sums.correlation(60)
    skip = WARM_UP - 60
    r, n = recent.correlation[:, skip:], recent.effective_size[:, skip:]
    is_whole = np.abs(r) == 1.0
    low = np.tanh(np.arctanh(np.where(is_whole, 0.0, r)) - _NORMAL_975 / np.sqrt(n - 3.0))
    # The end of an interval at a level does not lie above it: as in the engine, the next float below.
    x = np.nextafter(np.where(is_whole, r, low), -np.inf)
    return (Readings(x=x, leave_value=r, can_open=np.ones(r.shape, dtype=np.bool_)),)


_READINGS: Final[dict[Kind, Callable[[Rule, RunningSums], tuple[Readings, ...]]]] = {
    Kind.CORRELATION_BREAK: _correlation_break,
    Kind.HEDGE_LOST: _hedge_lost,
}
KINDS: Final = tuple(_READINGS)
"""The kinds that a correlation decides."""
