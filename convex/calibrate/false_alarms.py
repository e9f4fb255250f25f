"""How often chance alone would open each rule in a year, with what that figure is worth."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.history import History
from convex.calibrate.history_uncertainty import (
    resampled_history,
    resampling_block,
    uncertainty_interval,
)
from convex.calibrate.null_paths import (
    NOT_COUNTED,
    NullModel,
    null_model,
    null_paths,
    volatility_block_length,
)
from convex.calibrate.rule_openings import can_count, rule_openings
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.statistics.rolling import Floats
from shared.domain.divergences import Kind, Null
from shared.domain.kinds import KIND_TRAITS
from shared.domain.pairs import Pair

REFITS: Final = 20
"""Resampled histories that an interval is computed from."""
# Of each resampled history: with fewer paths their random error would hide what the histories differ by.
_LEAST_REFIT_PATHS: Final = 50


def expect_false_alarms(
    history: History,
    rules: Iterable[Rule],
    *,
    pair: Pair,
    seed: int,
    paths: int,
    years: int,
    block_length: float | None = None,
    refits: int = REFITS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[FalseAlarms, ...]:
    """Estimate the false alarms of each rule whose openings can be counted; other rules are left out.

    Parameters
    ----------
    history
        The pair's history, from which the synthetic ones are drawn.
    rules
        At most one of each kind.
    pair
        The pair that the history is of.
    seed
        Not negative. The same seed gives the same paths; a run with more paths begins with the same ones.
    paths, years
        At least 2 and at least 1.
    block_length
        Mean length in sessions; Politis and White's choice when not given.
    refits
        Resampled histories, at least 2, for the interval; 0 for no interval. All of them together take about
        as many paths as the figure, and at least 50 each.
    on_progress
        Called with the paths done so far, and all that are to do.

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
    if refits < 0 or refits == 1:
        raise ValueError(f"needs at least 2 refits or none, was {refits}")
    evaluated = [rule for rule in rules if can_count(rule.kind, pair)]
    nulls = list(dict.fromkeys(_null_of(rule) for rule in evaluated))
    refit_paths = max(_LEAST_REFIT_PATHS, math.ceil(paths / refits)) if refits else 0
    every, done = len(nulls) * (paths + refits * refit_paths), 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        on_progress(done, every)

    found: dict[str, FalseAlarms] = {}
    for null in nulls:
        of_null = [rule for rule in evaluated if _null_of(rule) is null]
        study = _Study(rules=of_null, pair=pair, years=years, block_length=block_length, advance=advance)
        fit = study.rates(null, history.lead, history.other, np.random.SeedSequence(seed), paths=paths)
        # A second sequence of the same seed: the figure does not depend on the number of refits.
        again = [
            study.refit(null, history, each, paths=refit_paths)
            for each in np.random.SeedSequence([seed, 1]).spawn(refits)
        ]
        for at, rule in enumerate(of_null):
            found[rule.kind] = _figure(
                rule, history, pair=pair, seed=seed, years=years, fit=fit, refits=again, at=at
            )
    return tuple(found[rule.kind] for rule in evaluated)


def _null_of(rule: Rule) -> Null:
    null = KIND_TRAITS[rule.kind].null
    assert null is not None  # noqa: S101 - each kind whose openings can be counted has one
    return null


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """What a null's paths of one history gave: openings a year, shape ``(rules, paths)``."""

    rates: NDArray[np.float64]
    block_length: float
    model: NullModel

    def figure(self, at: int) -> tuple[float, float]:
        """Return a rule's openings a year, and the random error of that number."""
        rates = self.rates[at]
        return float(rates.mean()), float(rates.std(ddof=1)) / math.sqrt(rates.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """The rules of one null, and how their openings are counted."""

    rules: list[Rule]
    pair: Pair
    years: int
    block_length: float | None
    advance: Callable[[int], None]

    def rates(
        self, null: Null, lead: Floats, other: Floats, seeds: np.random.SeedSequence, *, paths: int
    ) -> _Fit:
        """Count the openings in paths that are drawn from a history."""
        model = null_model(null, lead, other)
        mean_block = volatility_block_length(lead, other) if self.block_length is None else self.block_length
        counts: list[list[NDArray[np.int64]]] = [[] for _ in self.rules]
        for legs in null_paths(model, seeds=seeds, paths=paths, years=self.years, mean_block=mean_block):
            for rule, of_rule in zip(self.rules, counts, strict=True):
                of_rule.append(rule_openings(rule, *legs, pair=self.pair, after=NOT_COUNTED).counts)
            self.advance(len(legs[0]))
        rates = np.array([np.concatenate(of_rule) for of_rule in counts]) / self.years
        return _Fit(rates=rates, block_length=mean_block, model=model)

    def refit(self, null: Null, history: History, seeds: np.random.SeedSequence, *, paths: int) -> _Fit:
        """Do the same with another history of the same market."""
        of_history, of_paths = seeds.spawn(2)
        generator = np.random.Generator(np.random.PCG64(of_history))
        lead, other = resampled_history(
            generator, history.lead, history.other, block=_resampling_block(history)
        )
        return self.rates(null, lead, other, of_paths, paths=paths)


def _resampling_block(history: History) -> float:
    memory = volatility_block_length(history.lead, history.other)
    return resampling_block(history.lead.size, memory=memory)


def _figure(
    rule: Rule,
    history: History,
    *,
    pair: Pair,
    seed: int,
    years: int,
    fit: _Fit,
    refits: list[_Fit],
    at: int,
) -> FalseAlarms:
    per_year, standard_error = fit.figure(at)
    paths = fit.rates.shape[1]
    interval = None
    if refits:
        again = [each.figure(at) for each in refits]
        blocks = history.lead.size / _resampling_block(history)
        interval = uncertainty_interval(
            per_year, standard_error, again, blocks=blocks, simulated_years=paths * years
        )
    seen = rule_openings(rule, history.lead[np.newaxis], history.other[np.newaxis], pair=pair, after=0)
    is_of_baseline = rule.kind is Kind.EVIDENCE_BREAK
    return FalseAlarms(
        pair=pair.name,
        kind=rule.kind,
        rule_version=rule.version,
        per_year=per_year,
        standard_error=standard_error,
        low=interval.low if interval is not None else None,
        high=interval.high if interval is not None else None,
        refits=len(refits) or None,
        null=_null_of(rule),
        correlation=getattr(fit.model, "correlation", None),
        agreement_low=pair.agreement_low if is_of_baseline else None,
        agreement_high=pair.agreement_high if is_of_baseline else None,
        block_length=fit.block_length,
        paths=paths,
        years=years,
        seed=seed,
        first_session=history.first_session,
        last_session=history.last_session,
        returns=history.lead.size,
        observed=int(seen.counts[0]),
        observed_sessions=int(seen.sessions[0]),
    )
