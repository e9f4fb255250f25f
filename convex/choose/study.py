"""The levels of one kind: what each costs, what followed it, and whether any of them beats chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from convex.calibrate.detection_delay import Delay, changed_paths
from convex.calibrate.history import History
from convex.calibrate.null_paths import null_model, volatility_block_length
from convex.choose.hit_rates import HitRate, hit_rate_of
from convex.choose.performance import LEAST_OPENINGS, Performance, evaluate, perform
from convex.choose.search_correction import SearchTest, rank_p_value, spa_p_value
from convex.choose.synthetic_histories import synthetic_histories
from convex.choose.walk_forward import FOLD, PAST, WalkForward, walk_forward
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from shared.domain.pairs import Pair
from shared.errors import ConfigError

SIGNIFICANT: Final = 0.05
"""The p-value up to which a level is said to beat chance."""
DRAWS: Final = 1_000
LEAST_RETURNS: Final = YEAR + PAST + FOLD
"""A year for the windows, two for the first choice and one to score it."""
_DELAY_PATHS: Final = 400
# Numbers after the seed that keep these random numbers apart.
_HISTORIES, _DELAYS, _SPA = 1, 2, 3


class Verdict(StrEnum):
    """What the study found."""

    BEATS_CHANCE = "beats_chance"
    NOT_CONFIRMED = "not_confirmed"
    NOTHING = "nothing"
    NEVER_OPENED = "never_opened"
    TOO_FEW_OPENINGS = "too_few_openings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rule of the grid.

    Parameters
    ----------
    rule
        With its levels.
    openings
        In the history, both directions together.
    per_year
        The same in 252 sessions.
    by_chance, by_chance_error
        Openings in 252 sessions of the kind's null, and the standard error of that number.
    hit_rates
        One for each of the horizons.
    ratios
        For each horizon, the excess over chance in units of its standard error; None where too few opened.
    delay
        Of a standard change until it reaches the warning level.
    """

    rule: Rule
    openings: int
    per_year: float
    by_chance: float
    by_chance_error: float
    hit_rates: tuple[HitRate, ...]
    ratios: tuple[float | None, ...]
    delay: Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The result.

    Parameters
    ----------
    kind, pair, seed
        What was studied, and with which random numbers.
    sessions
        Labels of all closes, one more than returns.
    closes
        At which the statistic has a value.
    levels
        Ascending by warning.
    walk
        The choices year by year.
    test
        Of the best of all levels and horizons; None where no level opened often enough.
    block_length
        Of the test's bootstrap, sessions.
    """

    kind: Kind
    pair: str
    seed: int
    sessions: tuple[str, ...]
    closes: int
    levels: tuple[Level, ...]
    walk: WalkForward
    test: SearchTest | None
    block_length: float

    @property
    def verdict(self) -> Verdict:
        """Return what was found."""
        if not any(level.openings for level in self.levels):
            return Verdict.NEVER_OPENED
        if self.test is None:
            return Verdict.TOO_FEW_OPENINGS
        if self.test.p_value > SIGNIFICANT:
            return Verdict.NOTHING
        return Verdict.BEATS_CHANCE if is_confirmed(self.walk.total) else Verdict.NOT_CONFIRMED

    @property
    def chosen(self) -> Level | None:
        """Return the level that beats chance; None where nothing does."""
        if self.test is None or self.verdict is not Verdict.BEATS_CHANCE:
            return None
        return self.levels[self.test.level]


def is_confirmed(total: HitRate) -> bool:
    """Return whether the levels chosen from the past alone did better than usual, in enough openings."""
    return total.count >= LEAST_OPENINGS and total.excess is not None and total.excess > 0.0


def study_levels(
    history: History,
    rules: Sequence[Rule],
    *,
    pair: Pair,
    seed: int,
    histories: int,
    draws: int = DRAWS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Study:
    """Compare the rules of a grid.

    Parameters
    ----------
    history
        At least `LEAST_RETURNS` returns.
    rules
        Of one kind, ascending by warning.
    seed
        Equal seeds give equal results.
    histories
        Synthetic histories, at least 19: fewer cannot give a p-value of 5 %.
    draws
        Of the bootstrap of the test of superior predictive ability.
    on_progress
        Called with the synthetic histories done so far, and all of them.

    Raises
    ------
    ConfigError
        If the history is too short.
    """
    if history.lead.size < LEAST_RETURNS:
        raise ConfigError(
            f"the files have {history.lead.size + 1} sessions in common; give at least {LEAST_RETURNS + 1}: "
            "a year for the windows, two for the first choice, one to score it"
        )
    kind = rules[0].kind
    null = KIND_TRAITS[kind].null
    assert null is not None  # noqa: S101 - a kind with levels has one
    model = null_model(null, history.lead, history.other)
    memory = volatility_block_length(history.lead, history.other)
    evaluated = evaluate(rules, history.lead, history.other, pair=pair)
    performance = perform(evaluated)
    chance = synthetic_histories(
        model,
        rules,
        pair=pair,
        size=history.lead.size,
        seeds=np.random.SeedSequence([seed, _HISTORIES]),
        histories=histories,
        mean_block=memory,
        on_progress=lambda done: on_progress(done, histories),
    )
    changed = changed_paths(
        rules[0],
        model,
        pair=pair,
        seeds=np.random.SeedSequence([seed, _DELAYS]),
        paths=_DELAY_PATHS,
        mean_block=memory,
    )
    test = None
    best = performance.best
    if best is not None:
        level, horizon = performance.columns[best]
        test = SearchTest(
            level=level,
            horizon=horizon,
            spa=spa_p_value(performance, draws=draws, seed=_seed_of(seed)),
            synthetic=rank_p_value(float(performance.ratios[best]), chance.best),
            columns=len(performance.columns),
            draws=draws,
            histories=histories,
        )
    closes = evaluated.size - evaluated.first
    levels = []
    for number, rule in enumerate(rules):
        opened = evaluated.opened[number]
        count = sum(map(len, opened))
        levels.append(
            Level(
                rule=rule,
                openings=count,
                per_year=count / (closes / YEAR),
                by_chance=float(chance.per_year[number]),
                by_chance_error=float(chance.standard_errors[number]),
                hit_rates=tuple(
                    hit_rate_of(opened, each, first=evaluated.first) for each in evaluated.followed
                ),
                ratios=_ratios_of(number, performance, len(evaluated.followed)),
                delay=changed.delay(rule),
            )
        )
    return Study(
        kind=kind,
        pair=pair.name,
        seed=seed,
        sessions=history.sessions,
        closes=closes,
        levels=tuple(levels),
        walk=walk_forward(evaluated),
        test=test,
        block_length=performance.block_length,
    )


def _seed_of(seed: int) -> int:
    """Return a seed for the bootstrap that is independent of the other random numbers of the study."""
    return int(np.random.SeedSequence([seed, _SPA]).generate_state(1)[0])


def _ratios_of(rule: int, performance: Performance, horizons: int) -> tuple[float | None, ...]:
    found = dict(zip(performance.columns, performance.ratios.tolist(), strict=True))
    return tuple(found.get((rule, horizon)) for horizon in range(horizons))
