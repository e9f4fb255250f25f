"""Simulated markets for docs/evidence.md: what both rules open by chance, and how soon they find a change.

Everything is decided by the product's own code: the statistics, the observations and the state machine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.kinds.correlation_break import CORRELATION_BREAK
from services.signals.core.kinds.evidence_break import EVIDENCE_BREAK
from services.signals.core.statistics.e_break import SCALE, STAKES, STARTS, AgreementBand, rolling_e_break
from services.signals.core.statistics.rolling import rolling_correlation, rolling_fisher_z
from shared.domain.divergences import Transition

Floats = NDArray[np.float64]

YEAR = 252
BAND = AgreementBand(low=0.42, high=0.52)
E_RULE, FISHER_RULE = EVIDENCE_BREAK.default_rule, CORRELATION_BREAK.default_rule
# Both statistics have full windows from here on.
WARM = 2 * YEAR
_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One direction of a rule over one path: the closes at which it opened and closed."""

    opened: tuple[int, ...]
    closed: tuple[int, ...]


# -- markets -----------------------------------------------------------------------------------------------


def correlation_of(agreement: float | Floats) -> Floats:
    """Return the correlation at which legs with elliptical returns agree with a probability."""
    return np.sin(np.pi * (np.asarray(agreement, dtype=np.float64) - 0.5))


def agreement_of(correlation: float) -> float:
    """Return the probability with which legs with elliptical returns agree."""
    return 0.5 + math.asin(correlation) / math.pi


def gaussian(rng: np.random.Generator, correlation: Floats, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return independent Gaussian returns."""
    one, own = rng.standard_normal((2, *shape))
    return one, correlation * one + np.sqrt(1 - correlation**2) * own


def fat_tails(rng: np.random.Generator, correlation: Floats, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return returns of a bivariate Student t with 3 degrees of freedom: both legs jump together."""
    one, two = gaussian(rng, correlation, shape)
    scale = np.sqrt(3 / rng.chisquare(3, shape))
    return one * scale, two * scale


def clusters(rng: np.random.Generator, correlation: Floats, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return returns whose volatilities follow a GARCH(1, 1) of each leg's own, with Gaussian shocks."""
    shocks = gaussian(rng, correlation, shape)
    legs = []
    for shock in shocks:
        variance, moved = np.ones(shape[0]), np.empty(shape)
        for at in range(shape[1]):
            moved[:, at] = np.sqrt(variance) * shock[:, at]
            variance = 0.02 + 0.1 * moved[:, at] ** 2 + 0.88 * variance
        legs.append(moved)
    return legs[0], legs[1]


def always(agreement: float) -> Callable[[np.random.Generator, tuple[int, int]], Floats]:
    """Return the course of a probability that never changes."""
    return lambda _rng, shape: np.full(shape, agreement)


def wandering(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return a probability that jumps within the band, every 20 to 500 sessions."""
    values = np.empty(shape)
    for row in values:
        at = 0
        while at < shape[1]:
            until = at + int(rng.integers(20, 500))
            row[at:until] = rng.uniform(BAND.low, BAND.high)
            at = until
    return values


def from_edge_to_edge(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return a probability that jumps between the edges of the band, every 20 to 500 sessions."""
    middle = (BAND.low + BAND.high) / 2
    return np.where(wandering(rng, shape) > middle, BAND.high, BAND.low)


NULLS = {
    "always at the upper edge, 52%": (always(BAND.high), gaussian),
    "always at the lower edge, 42%": (always(BAND.low), gaussian),
    "in the middle, 47%": (always(0.47), gaussian),
    "jumps within the band": (wandering, gaussian),
    "jumps from edge to edge": (from_edge_to_edge, gaussian),
    "upper edge, Student t(3)": (always(BAND.high), fat_tails),
    "lower edge, Student t(3)": (always(BAND.low), fat_tails),
    "upper edge, volatility clusters": (always(BAND.high), clusters),
    "edge to edge, volatility clusters": (from_edge_to_edge, clusters),
}

# -- rules -------------------------------------------------------------------------------------------------


def evidence(a: Floats, b: Floats) -> dict[str, Floats]:
    """Return what `evidence_break` compares with its levels, by direction."""
    found = rolling_e_break(a, b, BAND)
    return {"tightening": found.tightening, "loosening": found.loosening}


def fisher(a: Floats, b: Floats) -> dict[str, Floats]:
    """Return what `correlation_break` compares with its levels: not a number where it may not open."""
    recent, usual = rolling_correlation(a, b, 20), rolling_correlation(a, b, YEAR)
    z = np.full(a.shape, np.nan)
    change = np.zeros(a.shape)
    z[:, YEAR - 1 :] = rolling_fisher_z(recent, usual)
    change[:, YEAR - 1 :] = recent.correlation[:, YEAR - 20 :] - usual.correlation
    is_large = np.abs(change) >= FISHER_RULE.min_change
    return {"tightening": z, "loosening": -z, "is_large": is_large.astype(np.float64)}


def courses(x: Floats, rule: Rule, is_large: Floats | None = None) -> list[Course]:
    """Return when a rule opened and closed on each path, decided by the engine's state machine."""
    large = np.ones(x.shape) if is_large is None else is_large
    return [_course(x[path], large[path] > 0, rule) for path in range(len(x))]


def _course(x: Floats, large: NDArray[np.bool_], rule: Rule) -> Course:
    opened, closed, at, state = [], [], 0, DivergenceState()
    for start in np.flatnonzero((x >= rule.warning) & large).tolist():
        if start < at:
            continue
        at, is_over = start, False
        while not is_over and at < x.size:
            value = float(x[at])
            seen = Observation(x=value, leave_value=value, can_open=bool(large[at]))
            decision = decide_on_close(
                state, seen, session=str(at), close_ns=at, at_ns=at, rule=rule, new_sessions=1
            )
            if decision.transition is Transition.OPEN:
                opened.append(at)
            elif decision.transition is Transition.CLOSED:
                closed.append(at)
            state = decision.state
            at += 1
            is_over = state == DivergenceState(last_onset=state.last_onset)
    return Course(opened=tuple(opened), closed=tuple(closed))


def all_courses(a: Floats, b: Floats) -> dict[str, dict[str, list[Course]]]:
    """Return the courses of both rules on some paths, by rule and direction."""
    e, z = evidence(a, b), fisher(a, b)
    return {
        "evidence_break": {name: courses(x, E_RULE) for name, x in e.items()},
        "correlation_break": {
            name: courses(z[name], FISHER_RULE, z["is_large"]) for name in ("tightening", "loosening")
        },
    }


# -- what is counted ---------------------------------------------------------------------------------------


def false_alarms(name: str, *, paths: int, years: int, seed: int) -> dict[str, Floats]:
    """Return the openings in 252 sessions of each path of a market in which the baseline holds, by rule."""
    probability, market = NULLS[name]
    rng = np.random.default_rng([seed, list(NULLS).index(name)])
    size = WARM + years * YEAR
    rates: dict[str, list[float]] = {"evidence_break": [], "correlation_break": []}
    for _ in range(0, paths, _AT_ONCE):
        correlation = correlation_of(probability(rng, (_AT_ONCE, size)))
        found = all_courses(*market(rng, correlation, (_AT_ONCE, size)))
        for rule, by_direction in found.items():
            for path in range(_AT_ONCE):
                opened = [at for each in by_direction.values() for at in each[path].opened if at >= WARM]
                rates[rule].append(len(opened) / years)
    return {rule: np.array(of_paths) for rule, of_paths in rates.items()}


def delays(
    before: float, after: float, market: Callable[..., tuple[Floats, Floats]], *, paths: int, seed: int
) -> dict[str, Floats]:
    """Return by rule how many sessions after a change of the correlation it opened in the right direction.

    Infinite where it did not in 252 sessions. Paths on which it was open, or cooling down, at the change are
    left out: there an opening would say nothing about the change.
    """
    rng = np.random.default_rng(seed)
    direction = "tightening" if after > before else "loosening"
    correlation = np.concatenate((np.full(WARM, before), np.full(YEAR, after)))
    found: dict[str, list[float]] = {"evidence_break": [], "correlation_break": []}
    for _ in range(0, paths, _AT_ONCE):
        legs = market(rng, correlation, (_AT_ONCE, WARM + YEAR))
        for rule, by_direction in all_courses(*legs).items():
            for course in by_direction[direction]:
                earlier = [at for at in course.opened if at < WARM]
                ended = [at for at in course.closed if at < WARM - 5]
                if len(earlier) > len(ended):
                    continue
                later = [at for at in course.opened if at >= WARM]
                # The first session with the new correlation is session 1.
                found[rule].append(later[0] - WARM + 1 if later else math.inf)
    return {rule: np.array(of_rule) for rule, of_rule in found.items()}


def sessions_from_the_closing_level(
    agreement: float, *, paths: int, seed: int, limit: int = 100_000
) -> Floats:
    """Return how long the evidence of one direction takes from 20 to 252, if nothing is ever forgotten.

    It is the process of the proof: no window, no cooldown, the odds fair at exactly this probability.
    """
    rng = np.random.default_rng(seed)
    stakes = np.array(STAKES)[:, np.newaxis]
    odds = (1 - agreement) / agreement
    wealth = np.full((len(STAKES), paths), E_RULE.leave / SCALE)
    took, rows = np.full(paths, np.inf), np.arange(paths)
    for at in range(1, limit + 1):
        won = rng.random(rows.size) < agreement
        wealth = (1 + wealth) * np.where(won, 1 + stakes * odds, 1 - stakes)
        is_open = SCALE * wealth.mean(axis=0) >= E_RULE.warning
        took[rows[is_open]] = at
        rows, wealth = rows[~is_open], wealth[:, ~is_open]
        if not rows.size:
            break
    return took


def rate_against_an_adversary(*, paths: int, years: int, seed: int) -> Floats:
    """Return the openings in 252 sessions where somebody who sees the evidence chooses the probability.

    At each session it is the edge of the band on the side whose evidence is larger and not open yet.
    """
    rng = np.random.default_rng(seed)
    stakes = np.array(STAKES)[np.newaxis, :, np.newaxis]
    edges = np.array([BAND.high, 1 - BAND.low])
    wealth = np.zeros((paths, 2, len(STAKES), STARTS))
    is_open, openings = np.zeros((paths, 2), dtype=bool), np.zeros(paths)
    evidence_now = np.zeros((paths, 2))
    for at in range(WARM + years * YEAR):
        waits = np.where(is_open, -1.0, evidence_now)
        aims_up = waits[:, 0] >= waits[:, 1]
        agrees = rng.random(paths) < np.where(aims_up, BAND.high, BAND.low)
        wealth[..., at % STARTS] = 1.0
        for direction, won in ((0, agrees), (1, ~agrees)):
            odds = (1 - edges[direction]) / edges[direction]
            wealth[:, direction] *= np.where(won[:, np.newaxis, np.newaxis], 1 + stakes * odds, 1 - stakes)
        evidence_now = SCALE * wealth.sum(axis=3).mean(axis=2)
        opens = ~is_open & (evidence_now >= E_RULE.warning)
        if at >= WARM:
            openings += opens.sum(axis=1)
        is_open = (is_open | opens) & (evidence_now > E_RULE.leave)
    return openings / years
