"""The values that a rule is compared with at each close of many histories, all computed at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.statistics.e_break import AgreementBand, rolling_e_break
from services.signals.core.statistics.rolling import (
    Floats,
    rolling_correlation,
    rolling_fisher_z,
    rolling_interval_low,
    rolling_std,
    rolling_zscore,
)
from services.signals.core.statistics.zscore import FLAT_STD
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from shared.domain.pairs import Pair

WARM_UP: Final = 252
"""Returns in the longest window of any kind: from as many returns on, each statistic has a value."""
# Sessions of the moves that `opposite_moves` compares.
_SPAN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """The fields of the engine's `Observation`, for one direction of a kind.

    Parameters
    ----------
    x, leave_value, can_open
        Shape ``(paths, returns)``: what is observed at the close that ends each return. Not a number is
        undefined, as it is until the windows are full.
    """

    x: Floats
    leave_value: Floats
    can_open: NDArray[np.bool_]


def observations_of(rule: Rule, lead: Floats, other: Floats, *, pair: Pair) -> tuple[Observations, ...]:
    """Compute the values that the rule of a kind with levels is compared with at each close.

    Parameters
    ----------
    rule
        The rule.
    lead, other
        Log returns, shape ``(paths, returns)`` each, at least 252 returns.
    pair
        The pair that the returns stand for.

    Returns
    -------
    tuple
        One for each of the kind's directions, in their order.

    Raises
    ------
    KeyError
        If the kind has no levels.
    ValueError
        If the kind needs a baseline and the pair has none.
    """
    return _OBSERVATIONS[rule.kind](rule, lead, other, pair)


def ratio_zscores(lead: Floats, other: Floats) -> Floats:
    """Return ``z_90`` of the log ratio at the close that ends each return, shape as the returns."""
    # The first return has two closes.
    log_ratio = np.concatenate((np.zeros((len(lead), 1)), np.cumsum(lead - other, axis=-1)), axis=-1)
    return _from_end(rolling_zscore(log_ratio, RATIO_WINDOW), lead)


def _ratio_stretch(rule: Rule, lead: Floats, other: Floats, _pair: Pair) -> tuple[Observations, ...]:
    return _symmetric(rule, ratio_zscores(lead, other))


def _opposite_moves(rule: Rule, lead: Floats, other: Floats, _pair: Pair) -> tuple[Observations, ...]:
    moved = tuple(_sums(each, _SPAN) for each in (lead, other))
    usual = _from_end(rolling_std(lead - other, RATIO_WINDOW), lead)
    usual[usual <= FLAT_STD] = np.nan
    distance = (moved[0] - moved[1]) / (usual * np.sqrt(_SPAN))
    return _symmetric(rule, distance, can_open=moved[0] * moved[1] < 0.0)


def _correlation_break(rule: Rule, lead: Floats, other: Floats, _pair: Pair) -> tuple[Observations, ...]:
    recent, usual = rolling_correlation(lead, other, 20), rolling_correlation(lead, other, 252)
    z = _from_end(rolling_fisher_z(recent, usual), lead)
    change = recent.correlation[:, 252 - 20 :] - usual.correlation
    can_open = np.abs(_from_end(change, lead)) >= rule.min_change
    return _symmetric(rule, z, can_open=can_open)


def _hedge_lost(_rule: Rule, lead: Floats, other: Floats, _pair: Pair) -> tuple[Observations, ...]:
    recent = rolling_correlation(lead, other, 60)
    r, low = (_from_end(each, lead) for each in (recent.correlation, rolling_interval_low(recent)))
    # An interval that ends at a level is not above it. As in the engine, the next float below is compared.
    x = np.nextafter(low, -np.inf)
    return (Observations(x=x, leave_value=r, can_open=np.ones(r.shape, dtype=np.bool_)),)


def _evidence_break(_rule: Rule, lead: Floats, other: Floats, pair: Pair) -> tuple[Observations, ...]:
    evidence = rolling_e_break(lead, other, _band_of(pair))
    always = np.ones(lead.shape, dtype=np.bool_)
    return tuple(
        Observations(x=x, leave_value=x, can_open=always) for x in (evidence.tightening, evidence.loosening)
    )


def _band_of(pair: Pair) -> AgreementBand:
    if pair.agreement_low is None or pair.agreement_high is None:
        raise ValueError(f"pair {pair.name} has no baseline of agreement to test")
    return AgreementBand(low=pair.agreement_low, high=pair.agreement_high)


def _symmetric(
    rule: Rule, statistic: Floats, *, can_open: NDArray[np.bool_] | None = None
) -> tuple[Observations, ...]:
    """Return the observations of a kind whose directions are the two signs of one statistic."""
    always = np.ones(statistic.shape, dtype=np.bool_) if can_open is None else can_open
    signed = (sign_of(direction) * statistic for direction in DIRECTIONS[rule.kind])
    return tuple(Observations(x=x, leave_value=x, can_open=always) for x in signed)


def _from_end(values: Floats, like: Floats) -> Floats:
    """Return values that begin with a full window as an array of another's shape, first not a number."""
    whole = np.full(like.shape, np.nan)
    whole[:, like.shape[-1] - values.shape[-1] :] = values
    return whole


def _sums(returns: Floats, span: int) -> Floats:
    """Return the sum of each return and the ``span - 1`` before it."""
    size = returns.shape[-1] - span + 1
    return _from_end(sum((returns[:, at : at + size] for at in range(1, span)), returns[:, :size]), returns)


_OBSERVATIONS: Final[dict[Kind, Callable[[Rule, Floats, Floats, Pair], tuple[Observations, ...]]]] = {
    Kind.RATIO_STRETCH: _ratio_stretch,
    Kind.OPPOSITE_MOVES: _opposite_moves,
    Kind.CORRELATION_BREAK: _correlation_break,
    Kind.HEDGE_LOST: _hedge_lost,
    Kind.EVIDENCE_BREAK: _evidence_break,
}
LEVEL_KINDS: Final = tuple(_OBSERVATIONS)
"""The kinds that open by a level, and are observed here."""
