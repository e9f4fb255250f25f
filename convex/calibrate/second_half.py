"""Whether a figure made on the first half of a history agrees with what its rule does in the second half.

A figure that is compared with the history that it was computed from has seen that history. This check has
not: the null is fitted to the first half only, and the openings are those of the second.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from convex.calibrate.false_alarms import expect_false_alarms
from convex.calibrate.history import LEAST_RETURNS, History
from convex.calibrate.rule_openings import rule_openings
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR, FalseAlarms
from services.signals.core.statistics.poisson import poisson_rate
from shared.domain.divergences import ObservedOpenings
from shared.domain.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondHalf:
    """A rule's figure, and what it did after the history that the figure was computed from.

    Parameters
    ----------
    expected
        Computed from the first half.
    observed
        Openings in the second half; None if the statistic had no value there.
    """

    expected: FalseAlarms
    observed: ObservedOpenings | None


def check_second_half(
    history: History,
    rules: Iterable[Rule],
    *,
    pair: Pair,
    seed: int,
    paths: int,
    years: int,
    block_length: float | None,
    refits: int,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[SecondHalf, ...]:
    """Compute the figures of the first half of a history, and count the openings in the second.

    The parameters are those of `expect_false_alarms`.

    Raises
    ------
    ValueError
        If a half has fewer than `LEAST_RETURNS` returns.
    """
    half = history.lead.size // 2
    if half < LEAST_RETURNS:
        raise ValueError(f"each half needs at least {LEAST_RETURNS} returns, was {half}")
    known = list(rules)
    found = expect_false_alarms(
        history.until(half),
        known,
        pair=pair,
        seed=seed,
        paths=paths,
        years=years,
        block_length=block_length,
        refits=refits,
        on_progress=on_progress,
    )
    rule_of = {rule.kind: rule for rule in known}
    return tuple(
        SecondHalf(expected=each, observed=_openings_after(half, rule_of[each.kind], history, pair))
        for each in found
    )


def _openings_after(half: int, rule: Rule, history: History, pair: Pair) -> ObservedOpenings | None:
    # The first half decides as well: a divergence that is open at its end does not open again.
    seen = rule_openings(rule, history.lead[np.newaxis], history.other[np.newaxis], pair=pair, after=half)
    count, sessions = int(seen.counts[0]), int(seen.sessions[0])
    if not sessions:
        return None
    return ObservedOpenings(count=count, per_year=poisson_rate(count, sessions / YEAR))
