"""The hedge of the report: known the session before, and its numbers equal those computed by hand."""

import math
from statistics import stdev

import numpy as np
import pytest

from convex.backtesting.report.episodes import Session
from convex.backtesting.report.hedge import hedge_test, performance, simple_returns
from convex.backtesting.report.hedge_section import hedge_section, hedge_sentence
from shared.domain.divergences import Estimate
from tests.support.report_builder import PAIR, made_up


def sessions(ratios: list[float | None]) -> list[Session]:
    return [
        Session(
            label=f"2020-01-{day:02}",
            lead=1.0,
            other=1.0,
            log_ratio=0.0,
            z=None,
            evaluated={},
            regime="",
            columns={"hedge_ratio_60": ratio},
        )
        for day, ratio in enumerate(ratios, 1)
    ]


def test_each_return_is_hedged_with_the_ratio_of_the_session_before() -> None:
    ratios = [0.5 + 0.01 * day for day in range(25)]
    lead, other = np.full(24, 0.01), np.full(24, -0.02)

    found = hedge_test(sessions([*ratios]), lead, other)

    assert found is not None
    assert found.ratios.tolist() == ratios[:-1]
    expected = math.prod(1 - 0.02 + ratio * 0.01 for ratio in ratios[:-1])
    assert found.hedged.wealth[-1] == pytest.approx(expected, rel=1e-12)
    assert found.alone.wealth[-1] == pytest.approx(0.98**24, rel=1e-12)
    # Neither the last ratio nor one of a later session is in any return.
    changed = hedge_test(sessions([*ratios[:-1], 99.0]), lead, other)
    assert changed is not None
    assert changed.hedged.wealth.tolist() == found.hedged.wealth.tolist()


def test_sessions_without_a_known_ratio_are_in_neither_position() -> None:
    ratios: list[float | None] = [None, None, *[0.5] * 10, None, *[0.5] * 12, None]
    returns = np.arange(1, 26) / 1000

    found = hedge_test(sessions(ratios), returns, returns)

    assert found is not None
    assert found.left_out == 1
    assert len(found.sessions) == 1 + found.ratios.size == 23
    assert found.sessions[:2] == ("2020-01-03", "2020-01-04")
    kept = [each for at, each in enumerate(returns) if ratios[at] is not None]
    assert found.alone.wealth[-1] == pytest.approx(math.prod(1 + each for each in kept), rel=1e-12)
    assert found.alone.volatility == pytest.approx(stdev(kept) * math.sqrt(252), rel=1e-12)
    assert "1 session without a known ratio" in hedge_section(found, PAIR)


def test_fewer_than_twenty_known_ratios_make_no_comparison() -> None:
    twenty = np.linspace(-0.01, 0.01, 20)

    assert hedge_test(sessions([0.5] * 20), twenty[:19], twenty[:19]) is None
    assert hedge_test(sessions([0.5] * 21), twenty, twenty) is not None
    assert "there are fewer" in hedge_section(None, PAIR)


def test_position_that_lost_everything_does_not_come_back() -> None:
    found = performance(np.array([0.5, -1.2, 3.0]), ["a", "b", "c", "d"])

    assert found.wealth.tolist() == [1.0, 1.5, 0.0, 0.0]
    assert (found.worst.depth, found.worst.begin, found.worst.lowest) == (-1.0, "b", "c")


def test_drawdown_recovers_at_the_first_session_that_reaches_the_peak_again() -> None:
    found = performance(np.array([0.0, -0.5, 0.5, 1.0, 0.1]), list("abcdef"))

    assert (found.worst.begin, found.worst.lowest, found.worst.recovered) == ("a", "c", "e")


def test_position_that_never_fell_has_no_drawdown() -> None:
    worst = performance(np.array([0.1, 0.0, 0.2]), list("abcd")).worst

    assert (worst.depth, worst.begin, worst.lowest, worst.recovered) == (0.0, None, None, None)


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (0.02, 0.05, 0.08, "removed 5.0%"),
        (-0.08, -0.05, -0.02, "added 5.0%"),
        (-0.01, 0.05, 0.1, "it is not shown that the hedge changed the variance"),
        (0.0, 0.05, 0.1, "it is not shown that the hedge changed the variance"),
    ],
)
def test_sentence_claims_an_effect_only_where_the_interval_excludes_zero(
    low: float, value: float, high: float, said: str
) -> None:
    sentence = hedge_sentence(Estimate(value=value, low=low, high=high), PAIR)

    assert said in sentence
    assert ("not shown" in sentence) is (low <= 0 <= high)


def test_flat_position_has_no_variance_to_remove() -> None:
    assert "no variance" in hedge_sentence(Estimate(value=None), PAIR)


def test_returns_are_those_of_adjusted_closes_from_session_to_session() -> None:
    replayed = made_up(5)
    assert replayed.every_bar is not None
    closes = replayed.every_bar.other.adj_closes.tolist()
    labels = replayed.every_bar.other.sessions
    # The session in the middle is in no row: its close could not be used.
    kept = [at for at in range(5) if at != 2]
    chosen = [
        Session(
            label=labels[at], lead=1.0, other=1.0, log_ratio=0.0, z=None, evaluated={}, regime="", columns={}
        )
        for at in kept
    ]

    _, other = simple_returns(chosen, replayed.every_bar)

    assert other.tolist() == pytest.approx(
        [closes[1] / closes[0] - 1, closes[3] / closes[1] - 1, closes[4] / closes[3] - 1], rel=1e-12
    )
