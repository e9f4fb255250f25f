"""How soon and how surely a change of a standard size reaches a level."""

import numpy as np
import pytest

from convex.calibrate.constant_correlation import constant_correlation
from convex.calibrate.detection_delay import WAIT, ChangedPaths, Delay, changed_paths
from convex.calibrate.null_paths import NullModel
from convex.calibrate.observations import Observations
from convex.calibrate.unrelated_legs import UnrelatedLegs
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from services.signals.core.kinds.registry import KINDS
from shared.domain.divergences import Kind
from tests.support.builders_market import pair
from tests.support.made_up_markets import gaussian

LEAD, OTHER = (each[0] for each in gaussian(np.random.default_rng(4), 1, 1_500))
MODELS: dict[Kind, NullModel] = {
    Kind.RATIO_STRETCH: UnrelatedLegs(lead=LEAD, other=OTHER),
    Kind.CORRELATION_BREAK: constant_correlation(LEAD, OTHER),
}


def changed(kind: Kind, model: NullModel | None = None) -> ChangedPaths:
    return changed_paths(
        KINDS[kind].default_rule,
        MODELS[kind] if model is None else model,
        pair=pair(),
        seeds=np.random.SeedSequence(1),
        paths=100,
        mean_block=5.0,
    )


def paths_of(*statistics: list[float]) -> ChangedPaths:
    """Return paths that are quiet before the change; the statistic after it is given."""
    x = np.zeros((len(statistics), 2 * YEAR + WAIT))
    for path, values in zip(x, statistics, strict=True):
        path[2 * YEAR : 2 * YEAR + len(values)] = values
    return ChangedPaths(observed=Observations(x=x, leave_value=x, can_open=np.ones(x.shape, dtype=bool)))


def test_sessions_are_counted_from_the_first_close_of_the_change() -> None:
    delay = paths_of([2.0], [0.0, 0.0, 2.5], [1.9, 0.0, 0.0, 0.0, 3.0]).delay(Rule())

    assert (delay.share, delay.sessions) == (1.0, 3.0)


def test_median_is_open_where_less_than_half_reach_the_level() -> None:
    delay = paths_of([2.0], [1.9], [1.9]).delay(Rule())

    assert delay.share == pytest.approx(1 / 3)
    assert delay.sessions is None


def test_paths_on_which_a_divergence_may_be_open_already_are_left_out() -> None:
    paths = paths_of([0.0, 2.0], [2.0])
    paths.observed.x[1, 2 * YEAR - 1] = 1.5

    assert paths.delay(Rule()).sessions == 2.0
    paths.observed.x[0, 2 * YEAR - 1] = 1.5
    assert paths.delay(Rule()) == Delay(share=0.0, by_chance=0.0, sessions=None)


def test_close_that_cannot_open_does_not_count() -> None:
    paths = paths_of([2.0, 2.0])
    paths.observed.can_open[0, 2 * YEAR] = False

    assert paths.delay(Rule()).sessions == 2.0


def test_half_year_before_the_change_shows_what_chance_does() -> None:
    paths = paths_of([2.0], [0.0])
    paths.observed.x[1, 2 * YEAR - WAIT] = 2.0

    assert paths.delay(Rule()).by_chance == 0.5
    paths.observed.x[1, 2 * YEAR - WAIT] = 1.9
    assert paths.delay(Rule()).by_chance == 0.0


@pytest.mark.parametrize("kind", MODELS)
def test_change_reaches_the_published_level_more_often_than_chance(kind: Kind) -> None:
    delay = changed(kind).delay(KINDS[kind].default_rule)

    assert delay.share > delay.by_chance + 0.2
    assert delay.sessions is not None
    assert delay.sessions < WAIT / 2


def test_correlation_does_not_rise_above_0_95() -> None:
    model = constant_correlation(LEAD, LEAD + 0.3 * OTHER)
    assert model.correlation > 0.6

    observed = changed(Kind.HEDGE_LOST, model).observed

    assert 0.9 < float(np.median(observed.leave_value[:, -1])) < 0.99
    before = float(np.median(observed.leave_value[:, 2 * YEAR - 1]))
    assert before == pytest.approx(model.correlation, abs=0.05)


def test_same_seeds_give_the_same_paths() -> None:
    once, again = (changed(Kind.CORRELATION_BREAK).observed.x for _ in range(2))

    assert np.array_equal(once, again, equal_nan=True)
