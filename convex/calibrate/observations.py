"""The values that a rule is compared with at each close of many synthetic histories, all computed at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.statistics.rolling import (
    Floats,
    rolling_correlation,
    rolling_fisher_z,
    rolling_interval_low,
)
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS

# Returns in the longest window: the first observation needs as many.
WARM_UP: Final = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """The fields of the engine's `Observation`, for one direction of a kind.

    Parameters
    ----------
    x, leave_value, can_open
        Shape ``(paths, sessions - 251)``, from the first full window of 252 returns on. Not a number is
        undefined.
    """

    x: Floats
    leave_value: Floats
    can_open: NDArray[np.bool_]


def observations_of(rule: Rule, lead: Floats, other: Floats) -> tuple[Observations, ...]:
    """Compute the values that the rule of one of the `KINDS` is compared with at each close.

    Parameters
    ----------
    rule
        The rule.
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
    return _OBSERVATIONS[rule.kind](rule, lead, other)


def _correlation_break(rule: Rule, lead: Floats, other: Floats) -> tuple[Observations, ...]:
    recent, usual = rolling_correlation(lead, other, 20), rolling_correlation(lead, other, 252)
    z = rolling_fisher_z(recent, usual)
    change = recent.correlation[:, WARM_UP - 20 :] - usual.correlation
    can_open = np.abs(change) >= rule.min_change
    signed = (sign_of(direction) * z for direction in DIRECTIONS[rule.kind])
    return tuple(Observations(x=x, leave_value=x, can_open=can_open) for x in signed)


def _hedge_lost(_rule: Rule, lead: Floats, other: Floats) -> tuple[Observations, ...]:
    recent = rolling_correlation(lead, other, 60)
    r, low = (each[:, WARM_UP - 60 :] for each in (recent.correlation, rolling_interval_low(recent)))
    # An interval that ends at a level is not above it. As in the engine, the next float below is compared.
    x = np.nextafter(low, -np.inf)
    return (Observations(x=x, leave_value=r, can_open=np.ones(r.shape, dtype=np.bool_)),)


_OBSERVATIONS: Final[dict[Kind, Callable[[Rule, Floats, Floats], tuple[Observations, ...]]]] = {
    Kind.CORRELATION_BREAK: _correlation_break,
    Kind.HEDGE_LOST: _hedge_lost,
}
KINDS: Final = tuple(_OBSERVATIONS)
"""The kinds that a correlation decides."""
