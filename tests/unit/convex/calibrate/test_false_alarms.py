"""The expected number is the one of a market whose answer is known, and does not know of a change in it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from convex.calibrate.block_length import stationary_block_length
from convex.calibrate.false_alarms import expect_false_alarms
from convex.calibrate.history import History
from convex.calibrate.null_paths import volatility_block_length
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.divergences import Kind, Null
from shared.errors import ConfigError
from tests.support.builders_market import pair

PAIR = pair()
BREAK, LOST = (
    next(rule for rule in PUBLISHED_RULES if rule.kind is kind)
    for kind in (Kind.CORRELATION_BREAK, Kind.HEDGE_LOST)
)


def history(relation: NDArray[np.float64] | float, size: int = 4_000, *, seed: int = 11) -> History:
    lead, own = np.random.default_rng(seed).standard_normal((2, size)) * 0.01
    return History(
        sessions=("2001-01-02", *["2002-01-02"] * (size - 1), "2016-12-30"),
        lead=lead,
        other=relation * lead + np.sqrt(1.0 - np.square(relation)) * own,
    )


def expected(
    given: History, *rules: Rule, seed: int = 1, paths: int = 60, years: int = 10, refits: int = 0
) -> list[FalseAlarms]:
    return list(
        expect_false_alarms(given, rules, pair=PAIR, seed=seed, paths=paths, years=years, refits=refits)
    )


def effective(x: pd.Series, y: pd.Series, size: int) -> pd.Series:
    """Return section 6's effective size of every window, by its formula."""
    product = np.concatenate([np.full(size - 1, np.nan), *_echoes(x, size)]) * np.concatenate(
        [np.full(size - 1, np.nan), *_echoes(y, size)]
    )
    return pd.Series(size * (1 - product) / (1 + product)).clip(4, size)


def _echoes(x: pd.Series, size: int) -> list[NDArray[np.float64]]:
    windows = np.lib.stride_tricks.sliding_window_view(x.to_numpy(), size)
    echoes = []
    for begin in range(0, len(windows), 2_000):
        part = windows[begin : begin + 2_000]
        deviations = part - part.mean(axis=1, keepdims=True)
        products = (deviations[:, 1:] * deviations[:, :-1]).sum(axis=1)
        echoes.append(products / (deviations**2).sum(axis=1))
    return echoes


def openings(
    x: NDArray[np.float64], leave_value: NDArray[np.float64], may: NDArray[np.bool_], rule: Rule
) -> int:
    """Count by the words of section 7; what flaps is too rare to be missed."""
    is_open, cooldown, count = False, 0, 0
    for value, end, allowed in zip(x, leave_value, may, strict=True):
        cooldown = max(0, cooldown - 1)
        if is_open:
            if end <= rule.leave:
                is_open, cooldown = False, 5
        elif allowed and value >= (rule.critical if cooldown else rule.warning):
            is_open, count = True, count + 1
    return count


def by_brute_force(relation: float, years: int) -> tuple[float, float]:
    """Return both kinds' openings a year in a market of normal returns of one correlation."""
    generator = np.random.default_rng(99)
    lead, own = generator.standard_normal((2, 252 + years * 252))
    x, y = pd.Series(lead), pd.Series(relation * lead + np.sqrt(1 - relation**2) * own)
    r20, r60, r252 = (x.rolling(size).corr(y) for size in (20, 60, 252))
    spread = 1 / (effective(x, y, 20) - 3) + 1 / (effective(x, y, 252) - 3)
    z = ((np.arctanh(r20) - np.arctanh(r252)) / np.sqrt(spread)).to_numpy()[252:]
    gate = ((r20 - r252).abs() >= 0.3).to_numpy()[252:]
    low = np.tanh(np.arctanh(r60) - 1.959964 / np.sqrt(effective(x, y, 60) - 3)).to_numpy()[252:]
    of_break = openings(z, z, gate, BREAK) + openings(-z, -z, gate, BREAK)
    of_lost = openings(low, r60.to_numpy()[252:], np.ones(low.size, dtype=bool), LOST)
    return of_break / years, of_lost / years


@pytest.mark.parametrize("relation", [0.0, -0.2])
def test_number_of_a_normal_market_is_the_one_that_brute_force_counts(relation: float) -> None:
    years = 600
    of_break, of_lost = by_brute_force(relation, years)

    found = expected(history(relation, 8_000), BREAK, LOST, paths=60, years=10)

    for figure, counted in zip(found, (of_break, of_lost), strict=True):
        # Openings are nearly independent, so a count's error is about its root; three errors of both sides,
        # and a tenth for the history, which is one of many that the market could have had.
        error = np.hypot(figure.standard_error, np.sqrt(counted / years))
        assert abs(figure.per_year - counted) < 3 * error + 0.1 * counted


@pytest.mark.parametrize(("before", "after"), [(0.4, -0.4), (-0.5, 0.3)])
def test_change_in_the_history_does_not_raise_the_number(before: float, after: float) -> None:
    way = np.repeat([before, after], 2_000)
    unbroken = (before + after) / 2

    of_changed = expected(history(way), BREAK, LOST, paths=100)
    of_unchanged = expected(history(unbroken), BREAK, LOST, paths=100)

    assert of_changed[0].correlation == pytest.approx(unbroken, abs=0.03)
    for changed, unchanged in zip(of_changed, of_unchanged, strict=True):
        error = np.hypot(changed.standard_error, unchanged.standard_error)
        assert abs(changed.per_year - unchanged.per_year) < 3 * error + 0.1 * unchanged.per_year


def test_number_falls_as_thresholds_rise() -> None:
    rules = [replace(BREAK, warning=warning) for warning in (2.0, 2.58, 3.0)]
    numbers = [expected(history(0.0), rule)[0].per_year for rule in rules]
    assert numbers[0] > 2 * numbers[1] > 4 * numbers[2] > 0

    rules = [replace(LOST, warning=warning) for warning in (0.02, 0.1, 0.2)]
    numbers = [expected(history(0.0), rule)[0].per_year for rule in rules]
    assert numbers[0] > numbers[1] > numbers[2]


def test_gate_on_the_change_of_the_correlation_decides_too() -> None:
    open_gate, closed = replace(BREAK, min_change=0.0), replace(BREAK, min_change=2.0)

    assert expected(history(0.0), closed)[0].per_year == 0.0
    assert expected(history(0.0), open_gate)[0].per_year >= expected(history(0.0), BREAK)[0].per_year


def test_hedge_is_lost_by_chance_the_more_often_the_nearer_the_relationship_is_to_none() -> None:
    numbers = [expected(history(relation), LOST)[0].per_year for relation in (-0.2, -0.1, 0.0)]

    assert numbers[0] < numbers[1] < numbers[2]


def test_equal_seeds_give_equal_figures_and_others_do_not() -> None:
    first, again, other = (expected(history(0.0), BREAK, LOST, seed=seed, paths=20) for seed in (1, 1, 2))

    assert first == again
    assert first[0].per_year != other[0].per_year


def test_path_does_not_depend_on_how_many_follow_it() -> None:
    few, many = (expected(history(0.0), BREAK, seed=3, paths=paths, years=5)[0] for paths in (50, 51))

    # The first 50 of the 51 are the same ones: the last one's openings are what the sums differ by.
    difference = (many.per_year * 51 - few.per_year * 50) * 5
    assert difference == pytest.approx(round(difference), abs=1e-9)
    assert difference >= 0


def test_standard_error_falls_with_the_root_of_the_paths() -> None:
    few, many = (expected(history(0.0), BREAK, paths=paths, years=5)[0] for paths in (50, 200))

    assert many.standard_error == pytest.approx(few.standard_error / 2, rel=0.3)


def test_figure_says_what_it_stands_on() -> None:
    given = history(-0.2)
    figure = expected(given, BREAK, paths=5, years=2, seed=4)[0]

    assert (figure.pair, figure.kind, figure.rule_version) == (
        "gold-iwm",
        Kind.CORRELATION_BREAK,
        BREAK.version,
    )
    assert (figure.paths, figure.years, figure.seed) == (5, 2, 4)
    assert (figure.first_session, figure.last_session, figure.returns) == ("2001-01-02", "2016-12-30", 4_000)
    assert figure.block_length == volatility_block_length(given.lead, given.other)


def test_blocks_are_as_long_as_the_wilder_leg_needs() -> None:
    given = history(0.0)
    mood = np.exp(np.convolve(np.random.default_rng(5).standard_normal(4_039), np.ones(40) / 8, "valid"))
    clustered = replace(given, other=given.other * mood)

    assert volatility_block_length(clustered.lead, clustered.other) == stationary_block_length(
        clustered.other**2
    )
    assert volatility_block_length(clustered.lead, clustered.other) > 2 * volatility_block_length(
        given.lead, given.other
    )


def test_length_of_a_block_can_be_given() -> None:
    (figure,) = expect_false_alarms(
        history(0.0), (BREAK,), pair=PAIR, seed=1, paths=2, years=1, block_length=7.5, refits=0
    )

    assert figure.block_length == 7.5


def test_each_kind_about_the_market_has_a_figure_under_its_own_null() -> None:
    """Evidence against a baseline has none for a pair without one."""
    found = expected(history(0.0), *PUBLISHED_RULES, paths=2, years=1)

    assert [(figure.kind, figure.null) for figure in found] == [
        (Kind.RATIO_STRETCH, Null.UNRELATED_LEGS),
        (Kind.OPPOSITE_MOVES, Null.UNRELATED_LEGS),
        (Kind.CORRELATION_BREAK, Null.CONSTANT_CORRELATION),
        (Kind.HEDGE_LOST, Null.CONSTANT_CORRELATION),
        (Kind.REGIME_CHANGE, Null.UNRELATED_LEGS),
    ]
    assert [figure.correlation is None for figure in found] == [True, True, False, False, True]


def test_evidence_against_a_baseline_has_a_figure_where_the_pair_states_one() -> None:
    (rule,) = (rule for rule in PUBLISHED_RULES if rule.kind is Kind.EVIDENCE_BREAK)
    inside, outside = (
        expect_false_alarms(
            history(relation),
            (rule,),
            pair=replace(PAIR, agreement_low=0.45, agreement_high=0.55),
            seed=1,
            paths=20,
            years=10,
            refits=0,
        )[0]
        for relation in (0.0, 0.9)
    )

    assert inside.null is Null.CONSTANT_CORRELATION
    assert inside.per_year < 1.0
    # A market that was never in the band opens it once, and it stays open.
    assert outside.observed == 1


@pytest.mark.parametrize(("paths", "years"), [(1, 5), (5, 0)])
def test_one_path_has_no_spread_and_no_year_no_number(paths: int, years: int) -> None:
    with pytest.raises(ValueError, match="at least 2 paths of a year"):
        expected(history(0.0), BREAK, paths=paths, years=years)


@pytest.mark.parametrize(
    ("field", "value"),
    [("per_year", -0.1), ("per_year", float("nan")), ("correlation", 1.5), ("block_length", float("inf"))],
)
def test_figure_out_of_its_range_is_refused(field: str, value: float) -> None:
    figure = expected(history(0.0), BREAK, paths=2, years=1)[0]

    with pytest.raises(ConfigError, match=f"^{field}: is out of range"):
        replace(figure, **{field: value})  # type: ignore[arg-type]  # fields of numbers
