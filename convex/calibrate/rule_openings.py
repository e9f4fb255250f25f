"""How often a rule of any kind opens over many histories, both directions of the kind together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.observations import LEVEL_KINDS, observations_of, ratio_zscores
from convex.calibrate.openings import count_openings
from convex.calibrate.regime_changes import count_regime_changes
from services.signals.core.divergence.rules import Rule
from services.signals.core.statistics.rolling import Floats
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair

KINDS = (*LEVEL_KINDS, Kind.REGIME_CHANGE)
"""The kinds whose openings can be counted."""


def can_count(kind: Kind, pair: Pair) -> bool:
    """Return whether the openings of a kind can be counted in histories of a pair."""
    has_baseline = pair.agreement_low is not None
    return kind in KINDS and (has_baseline or kind is not Kind.EVIDENCE_BREAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOpenings:
    """How often a rule opened in each of many histories.

    Parameters
    ----------
    counts
        Openings, shape ``(paths,)``.
    sessions
        Closes at which the rule's statistic had a value, shape ``(paths,)``.
    """

    counts: NDArray[np.int64]
    sessions: NDArray[np.int64]


def rule_openings(rule: Rule, lead: Floats, other: Floats, *, pair: Pair, after: int) -> RuleOpenings:
    """Count the openings of a rule.

    Parameters
    ----------
    rule
        Of one of the `KINDS`.
    lead, other
        Log returns, shape ``(paths, returns)`` each, at least 252 returns.
    pair
        The pair that the returns stand for.
    after
        The first ``after`` closes of each path decide but are not counted.
    """
    if rule.kind is Kind.REGIME_CHANGE:
        z = ratio_zscores(lead, other)
        return RuleOpenings(counts=count_regime_changes(z, after=after), sessions=_defined(z, after))
    directions = observations_of(rule, lead, other, pair=pair)
    counts = [count_openings(each, rule, after=after) for each in directions]
    return RuleOpenings(counts=np.sum(counts, axis=0), sessions=_defined(directions[0].x, after))


def _defined(statistic: Floats, after: int) -> NDArray[np.int64]:
    count: NDArray[np.int64] = np.isfinite(statistic[:, after:]).sum(axis=-1)
    return count
