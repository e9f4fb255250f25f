"""How each kind finds the prices at which it would see something else, compared with trying every price."""

import numpy as np
import pytest

from services.signals.core.confirmed import confirmed_values
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import KINDS, PUBLISHED_RULES
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.e_break import AgreementBand
from services.signals.core.statistics.regime import START
from services.signals.core.triggers.next_close import Seen, next_close_regions, what_is_seen
from services.signals.core.triggers.price_grid import TICKS_PER_USD
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from tests.unit.signals.core.outcomes.closes import closes

SEARCHED = tuple(rule for rule in PUBLISHED_RULES if KINDS[rule.kind].price_search is not None)
LAST = 24.0
"""A cheap lead has few prices within a quarter of its last close, so that a test can try each."""
BAND = AgreementBand(low=0.42, high=0.52)
# Fewer sessions than any window, than the longest, and more.
COUNTS = (1, 60, 61, 90, 91, 251, 252, 300)


def history(count: int, *, seed: int, tie: float, flat: bool = False) -> HypotheticalClose:
    """Return a past of ``count`` sessions whose lead ends at `LAST`."""
    rng = np.random.default_rng(seed)
    other = rng.normal(0.0, 0.012, count)
    lead = tie * other + rng.normal(0.0, 0.01, count)
    if flat:
        lead[:] = 0.0
    legs = np.exp(np.cumsum(np.stack((lead, other)), axis=1))
    gold, iwm = LAST * legs[0] / legs[0, -1], 100.0 * legs[1] / legs[1, -1]
    return HypotheticalClose(
        closes(gold.tolist(), iwm.tolist()), lead_adj_close=LAST, other_adj_close=100.0, next_other=100.0
    )


def regions_of(following: HypotheticalClose, rule: Rule) -> dict[int, Seen]:
    """Return what the search says is seen at each price, in ticks."""
    found = next_close_regions(following, rules=[rule], regime=START, band=BAND, last_close=LAST)
    return {tick: each.seen for each in found[rule.kind] for tick in range(each.first, each.last + 1)}


def seen_at_every_price(following: HypotheticalClose, rule: Rule) -> dict[int, Seen]:
    search = KINDS[rule.kind].price_search
    assert search is not None
    return {
        tick: what_is_seen(search.values(following.at(tick / TICKS_PER_USD), BAND), rule, START)
        for tick in range(1_800, 3_001)
    }


@pytest.mark.parametrize("rule", SEARCHED, ids=lambda rule: rule.kind.value)
@pytest.mark.parametrize(
    ("count", "seed", "tie"), [(300, 1, 0.9), (300, 2, -0.7), (300, 3, 0.0), (91, 4, 0.5)]
)
def test_regions_hold_at_every_price(rule: Rule, count: int, seed: int, tie: float) -> None:
    following = history(count, seed=seed, tie=tie)

    assert regions_of(following, rule) == seen_at_every_price(following, rule)


@pytest.mark.parametrize("rule", SEARCHED, ids=lambda rule: rule.kind.value)
def test_a_lead_that_never_moved_is_undefined_at_its_last_price_alone(rule: Rule) -> None:
    following = history(300, seed=5, tie=0.0, flat=True)

    found = regions_of(following, rule)

    assert found == seen_at_every_price(following, rule)
    if rule.kind in (Kind.CORRELATION_BREAK, Kind.HEDGE_LOST):
        assert set(found[2_400].comparisons) == {None}
        assert None not in found[2_399].comparisons


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("rule", SEARCHED, ids=lambda rule: rule.kind.value)
def test_the_statistics_of_a_search_are_those_of_a_commit(rule: Rule, count: int) -> None:
    search = KINDS[rule.kind].price_search
    assert search is not None
    aligned = history(count, seed=6, tie=0.4).at(25.0)

    found, expected = search.values(aligned, BAND), confirmed_values(aligned, BAND)

    assert found == {name: expected[name] for name in found}
    definition = KINDS[rule.kind]
    if definition.observe is not None:
        for direction in DIRECTIONS[rule.kind]:
            assert definition.observe(rule, direction, found) == definition.observe(rule, direction, expected)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("rule", SEARCHED, ids=lambda rule: rule.kind.value)
def test_a_window_that_the_next_close_does_not_fill_has_no_margins(rule: Rule, count: int) -> None:
    search = KINDS[rule.kind].price_search
    assert search is not None
    following = history(count, seed=7, tie=0.4)

    margins = search.margins(rule, following, np.array([23.0, 24.5]))

    statistic = {Kind.REGIME_CHANGE: "z_90", Kind.HEDGE_LOST: "corr_60"}.get(rule.kind)
    names = [statistic] if statistic is not None else ["z_90", "opposite_moves", "fisher_z", "e_break"]
    values = search.values(following.at(23.0), BAND)
    is_defined = any(values.get(name) is not None for name in names)
    assert (margins.size > 0) is is_defined


def test_a_price_too_small_for_the_grid_has_no_regions() -> None:
    following = history(100, seed=8, tie=0.0)

    assert next_close_regions(following, rules=SEARCHED, regime=START, band=BAND, last_close=0.004) == {}


def test_a_kind_that_no_close_decides_has_no_regions() -> None:
    following = history(100, seed=9, tie=0.0)

    assert (
        next_close_regions(
            following, rules=[Rule(kind=Kind.DATA_FAULT)], regime=START, band=BAND, last_close=LAST
        )
        == {}
    )
