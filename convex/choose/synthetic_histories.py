"""The grid on synthetic histories of a kind's null: how often each level opens, and how good the best is.

The histories have as many sessions as the real one, and are drawn as those of ``convex calibrate`` are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from convex.calibrate.null_paths import NOT_COUNTED, NullModel
from convex.choose.performance import evaluate, perform
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from services.signals.core.statistics.rolling import Floats
from shared.domain.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class ByChance:
    """The grid in many synthetic histories.

    Parameters
    ----------
    per_year
        Openings of each rule in 252 sessions, both directions together, shape ``(rules,)``.
    standard_errors
        Of these, from the spread between the histories.
    best
        The largest ratio of each history, shape ``(histories,)``; minus infinity where no level opened often
        enough.
    """

    per_year: Floats
    standard_errors: Floats
    best: Floats


def synthetic_histories(
    model: NullModel,
    rules: Sequence[Rule],
    *,
    pair: Pair,
    size: int,
    seeds: np.random.SeedSequence,
    histories: int,
    mean_block: float,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> ByChance:
    """Evaluate the grid on synthetic histories.

    Parameters
    ----------
    model
        The null, fitted to the pair's history.
    size
        Returns of each history. The first `NOT_COUNTED` closes decide but count for no rate, so that the
        share of open divergences no longer depends on the beginning.
    seeds
        Each history has random numbers of its own: with more histories, the first ones stay the same.
    histories
        At least 2.
    mean_block
        Mean length of the bootstrap's blocks, sessions.
    on_progress
        Called with the histories done so far.
    """
    rates = np.empty((histories, len(rules)))
    best = np.full(histories, -np.inf)
    years = (size - NOT_COUNTED) / YEAR
    for number, seed in enumerate(seeds.spawn(histories)):
        generator = np.random.Generator(np.random.PCG64(seed))
        lead, other = model.draw([generator], size=size, mean_block=mean_block)
        evaluated = evaluate(rules, lead[0], other[0], pair=pair)
        for at, of_rule in enumerate(evaluated.opened):
            rates[number, at] = sum(int(np.count_nonzero(each >= NOT_COUNTED)) for each in of_rule) / years
        ratios = perform(evaluated).ratios
        if ratios.size:
            best[number] = ratios.max()
        on_progress(number + 1)
    return ByChance(
        per_year=rates.mean(axis=0),
        standard_errors=rates.std(axis=0, ddof=1) / np.sqrt(histories),
        best=best,
    )
