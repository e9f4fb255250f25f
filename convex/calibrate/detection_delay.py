"""What a quieter rule costs: how soon, and how surely, a change of a standard size reaches its warning level.

What changes depends on what the rule asks:

- where a correlation decides, it rises by 0.5, to at most 0.95, and stays there;
- where the ratio decides, it moves by ten standard deviations of its daily change within ten sessions, on top
  of what it does by chance, and stays there.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from convex.calibrate.constant_correlation import ConstantCorrelation
from convex.calibrate.null_paths import NullModel
from convex.calibrate.observations import Observations, observations_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from services.signals.core.statistics.rolling import Floats
from shared.domain.pairs import Pair

RISE: Final = 0.5
MOST_CORRELATION: Final = 0.95
MOVE: Final = 1.0
MOVE_SESSIONS: Final = 10
WAIT: Final = YEAR // 2
"""Sessions after the beginning of the change in which the level must be reached."""
# Two years before the change fill every window with what was.
_BEFORE: Final = 2 * YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How a standard change reaches the warning level of a rule.

    Parameters
    ----------
    share
        Of the changes that reach it within half a year.
    by_chance
        The same share without a change.
    sessions
        The median number of sessions that it takes; None where less than half reach it.
    """

    share: float
    by_chance: float
    sessions: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPaths:
    """A rule's statistic on paths in which the change begins after two years.

    Parameters
    ----------
    observed
        In the direction of the change.
    """

    observed: Observations

    def delay(self, rule: Rule) -> Delay:
        """Return how the change reaches the warning level of a rule.

        Paths whose statistic is above ``leave`` when the change comes are left out: there a divergence may be
        open by chance.
        """
        sessions = self._sessions(rule, _BEFORE)
        # The half year before the change shows what chance does in as many sessions.
        by_chance = self._sessions(rule, _BEFORE - WAIT)
        median = float(np.median(sessions)) if sessions.size else np.inf
        return Delay(
            share=_share(sessions),
            by_chance=_share(by_chance),
            sessions=median if np.isfinite(median) else None,
        )

    def _sessions(self, rule: Rule, begin: int) -> Floats:
        """Return, of each quiet path, the sessions from one on until the level is reached; else infinity."""
        x, leave = self.observed.x, self.observed.leave_value
        is_quiet = leave[:, begin - 1] <= rule.leave
        reached = ((x >= rule.warning) & self.observed.can_open)[is_quiet, begin : begin + WAIT]
        return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1.0, np.inf)


def _share(sessions: Floats) -> float:
    return float(np.isfinite(sessions).mean()) if sessions.size else 0.0


def changed_paths(
    rule: Rule,
    model: NullModel,
    *,
    pair: Pair,
    seeds: np.random.SeedSequence,
    paths: int,
    mean_block: float,
) -> ChangedPaths:
    """Draw paths of a null in which the standard change comes.

    Parameters
    ----------
    rule
        Its kind says what changes.
    model
        Of the pair's history.
    seeds
        Each path has random numbers of its own.
    mean_block
        Mean length of the bootstrap's blocks, sessions.
    """
    each_seed = seeds.spawn(paths)

    def drawn(from_model: NullModel) -> tuple[Floats, Floats]:
        generators = [np.random.Generator(np.random.PCG64(seed)) for seed in each_seed]
        return from_model.draw(generators, size=_BEFORE + WAIT, mean_block=mean_block)

    lead, other = drawn(model)
    if isinstance(model, ConstantCorrelation):
        # The same sessions, put together with another correlation.
        risen = replace(model, correlation=min(model.correlation + RISE, MOST_CORRELATION))
        lead[:, _BEFORE:], other[:, _BEFORE:] = (each[:, _BEFORE:] for each in drawn(risen))
    else:
        moving = slice(_BEFORE, _BEFORE + MOVE_SESSIONS)
        step = 0.5 * MOVE * float((lead - other).std())
        lead[:, moving] += step
        other[:, moving] -= step
    # The first direction of each kind is that of a rise, and that of the lead.
    return ChangedPaths(observed=observations_of(rule, lead, other, pair=pair)[0])
