"""How often a rule would open in a year in which the relationship never changes."""

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.block_length import stationary_block_length
from convex.calibrate.history import History
from convex.calibrate.null_model import NullModel, null_model
from convex.calibrate.observations import KINDS, WARM_UP, observations_of
from convex.calibrate.openings import count_openings
from convex.calibrate.stationary_bootstrap import stationary_rows
from services.signals.core.divergence.rules import Rule
from services.signals.false_alarms.figure import FalseAlarms

YEAR: Final = 252
# A path begins with nothing open. After a year the share of open divergences no longer depends on that.
_SETTLING: Final = YEAR
# Paths computed at once: their arrays fit into the cache.
_AT_ONCE: Final = 10


def expect_false_alarms(
    history: History,
    rules: tuple[Rule, ...],
    *,
    pair: str,
    seed: int,
    paths: int,
    years: int,
    block_length: float | None = None,
    on_progress: Callable[[int], None] = lambda _paths: None,
) -> tuple[FalseAlarms, ...]:
    """Estimate the false alarms of each rule whose kind a correlation decides; other rules are left out.

    Parameters
    ----------
    history
        The pair's history, from which the synthetic ones are drawn.
    rules
        At most one of each kind.
    seed
        Not negative. The same seed gives the same paths; a run with more paths begins with the same ones.
    paths, years
        At least 2 and at least 1.
    block_length
        Mean length in sessions; Politis and White's choice when not given.
    on_progress
        Called with the paths done so far.

    Returns
    -------
    tuple
        In the order of the rules.

    Raises
    ------
    ValueError
        If the history's legs do not move, or a number is out of its range.
    """
    if paths < 2 or years < 1:
        raise ValueError(f"needs at least 2 paths of a year, was {paths} of {years}")
    evaluated = tuple(rule for rule in rules if rule.kind in KINDS)
    model = null_model(history.lead, history.other)
    mean_block = volatility_block_length(history) if block_length is None else block_length
    counts: list[list[NDArray[np.int64]]] = [[] for _ in evaluated]
    done = 0
    for lead, other in _synthetic(model, seed=seed, paths=paths, years=years, mean_block=mean_block):
        for rule, of_rule in zip(evaluated, counts, strict=True):
            of_rule.append(_openings(rule, lead, other))
        done += len(lead)
        on_progress(done)
    return tuple(
        _estimate(np.concatenate(of_rule) / years, rule, history, model, pair, seed, years, mean_block)
        for rule, of_rule in zip(evaluated, counts, strict=True)
    )


def volatility_block_length(history: History) -> float:
    """Return how long blocks must be to keep the legs' clusters of volatility, in sessions.

    The signs of returns have hardly any memory, and the relationship is fixed by construction. Blocks are
    needed for the size of the moves, so they are as long as the longer memory of the legs' squared returns.
    """
    return max(stationary_block_length(leg**2) for leg in (history.lead, history.other))


def _synthetic(
    model: NullModel, *, seed: int, paths: int, years: int, mean_block: float
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield the returns of both legs, some paths at a time; each path has random numbers of its own."""
    size = WARM_UP + _SETTLING + years * YEAR - 1
    seeds = np.random.SeedSequence(seed).spawn(paths)
    for begin in range(0, paths, _AT_ONCE):
        generators = [np.random.Generator(np.random.PCG64(each)) for each in seeds[begin : begin + _AT_ONCE]]
        rows = np.stack(
            [
                stationary_rows(each, source=model.lead.size, size=size, mean_block=mean_block)
                for each in generators
            ]
        )
        signs = np.stack([each.integers(2, size=size) * 2.0 - 1.0 for each in generators])
        yield model.returns(rows, signs)


def _openings(rule: Rule, lead: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.int64]:
    total = np.zeros(len(lead), dtype=np.int64)
    for observations in observations_of(rule, lead, other):
        total += count_openings(observations, rule, after=_SETTLING)
    return total


def _estimate(
    rates: NDArray[np.float64],
    rule: Rule,
    history: History,
    model: NullModel,
    pair: str,
    seed: int,
    years: int,
    mean_block: float,
) -> FalseAlarms:
    return FalseAlarms(
        pair=pair,
        kind=rule.kind,
        rule_version=rule.version,
        per_year=float(rates.mean()),
        standard_error=float(rates.std(ddof=1)) / math.sqrt(rates.size),
        correlation=model.correlation,
        block_length=mean_block,
        paths=rates.size,
        years=years,
        seed=seed,
        first_session=history.first_session,
        last_session=history.last_session,
        returns=history.lead.size,
    )
