"""The distribution of the next close's z-score against pandas and scipy, and against simulated closes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from services.signals.core.pairs.deadband import deadband
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.next_close import (
    NextClose,
    ReturnSpread,
    live_next_close,
    margin_of,
    next_close_since,
    return_spread,
    sampled_next_close,
)
from services.signals.core.statistics.zscore import baseline
from services.signals.core.triggers.price_at_level import lead_price_at, ratio_at
from tests.oracle.next_close_oracle import Expectation, expect

Floats = NDArray[np.float64]
BASE = MeanStd(mean=2.0, std=0.03)
RETURNS = ReturnSpread(lead_std=0.01, other_std=0.015, correlation=0.4)


def closes(seed: int, *, beta: float = 0.3, count: int = 120) -> tuple[Floats, Floats]:
    """Return closes of two legs with fat tails; the other follows the lead by ``beta``."""
    rng = np.random.default_rng(seed)
    lead = 0.01 * rng.standard_t(5, count)
    other = beta * lead + 0.012 * rng.standard_t(5, count)
    return 1_300 * np.exp(np.cumsum(lead)), 150 * np.exp(np.cumsum(other))


def ours(
    lead: Floats, other: Floats, *, is_live: bool, lead_to_come: float, other_to_come: float
) -> NextClose:
    ratios = np.log(lead / other)
    base = baseline(ratios, 90)
    returns = return_spread(np.diff(np.log(lead)), np.diff(np.log(other)))
    assert base is not None
    assert returns is not None
    if is_live:
        return live_next_close(base, returns, lead_to_come=lead_to_come, other_to_come=other_to_come)
    return next_close_since(
        base, returns, then=float(ratios[-1]), lead_to_come=lead_to_come, other_to_come=other_to_come
    )


def require_same(found: NextClose, ratio: float, wanted: Expectation) -> None:
    assert found.expected(ratio) == pytest.approx(wanted.mean, rel=1e-9, abs=1e-9)
    assert found.spread == pytest.approx(wanted.std, rel=1e-9)
    for sign in (1, -1):
        for level in (-3.0, -1.0, 0.5, 2.0, 3.0, 8.0):
            assert found.probability(ratio, level=level, sign=sign) == pytest.approx(
                wanted.probability(level, sign), abs=1e-9
            )
        for probability in (0.5, 0.8, 0.99):
            assert found.likely(ratio, sign=sign, margin=margin_of(probability)) == pytest.approx(
                wanted.likely(probability, sign), abs=1e-9
            )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("beta", [-1.5, 0.0, 0.9, 1.6])
def test_a_close_of_the_other_leg_is_carried_forward_as_scipy_says(seed: int, beta: float) -> None:
    lead, other = closes(seed, beta=beta)
    price = float(lead[-1] * 1.013)

    found = ours(lead, other, is_live=False, lead_to_come=0.37, other_to_come=2.0)

    wanted = expect(lead, other, lead_price=price, lead_to_come=0.37, other_to_come=2.0)
    require_same(found, math.log(price / other[-1]), wanted)


@pytest.mark.parametrize("seed", range(6))
def test_two_live_prices_are_taken_as_they_are(seed: int) -> None:
    lead, other = closes(seed)
    price, price_of_other = float(lead[-1] * 1.013), float(other[-1] * 0.98)

    found = ours(lead, other, is_live=True, lead_to_come=0.2, other_to_come=0.4)

    wanted = expect(
        lead, other, lead_price=price, other_price=price_of_other, lead_to_come=0.2, other_to_come=0.4
    )
    require_same(found, math.log(price / price_of_other), wanted)


def test_once_the_lead_has_closed_no_live_price_counts() -> None:
    lead, other = closes(3)
    close = float(lead[-1] * 0.99)
    ahead = ours(lead, other, is_live=False, lead_to_come=0.0, other_to_come=1.0)

    found = sampled_next_close(ahead, math.log(close / other[-1]))

    wanted = expect(lead, other, lead_price=close, lead_to_come=0.0)
    for live in (1.0, 2.0, 5.0):
        require_same(found, live, wanted)


def test_too_few_returns_say_nothing() -> None:
    lead, other = (np.diff(np.log(leg)) for leg in closes(0, count=61))

    assert return_spread(lead, other) is not None
    assert return_spread(lead[1:], other[1:]) is None


@pytest.mark.parametrize("flat", [0, 1])
def test_a_leg_that_did_not_move_says_nothing(flat: int) -> None:
    legs = [np.diff(np.log(leg)) for leg in closes(0)]
    legs[flat] = np.zeros_like(legs[flat])

    assert return_spread(*legs) is None


def test_legs_in_line_leave_no_doubt() -> None:
    certain = NextClose(base=BASE, weight=1.0, offset=0.0, spread=0.0)

    assert certain.probability(2.06, level=1.9999, sign=1.0) == 1.0
    assert certain.probability(2.06, level=2.0001, sign=1.0) == 0.0


@pytest.mark.parametrize(("other_std", "weight"), [(0.01, 0.5), (0.02, 0.0), (0.03, -0.5)])
def test_the_further_the_other_leg_follows_the_less_the_lead_s_price_says(
    other_std: float, weight: float
) -> None:
    """A beta of 1 leaves the live price without a say; beyond it a rising lead lowers the ratio."""
    returns = ReturnSpread(lead_std=0.01, other_std=other_std, correlation=0.5)

    ahead = next_close_since(BASE, returns, then=2.05, lead_to_come=1.0, other_to_come=1.0)

    assert ahead.weight == pytest.approx(weight, abs=1e-15)
    assert ahead.expected(2.05) == pytest.approx(0.05 / 0.03)
    assert ahead.expected(2.08) == pytest.approx((0.05 + weight * 0.03) / 0.03)


def test_a_weight_of_almost_nothing_is_nothing() -> None:
    returns = ReturnSpread(lead_std=0.01, other_std=0.01, correlation=0.9995)

    ahead = next_close_since(BASE, returns, then=2.05, lead_to_come=1.0, other_to_come=1.0)

    assert ahead.weight == 0.0
    assert ratio_at(2.0, ahead, sign=1.0, margin=0.7) is None
    assert lead_price_at(2.0, ahead, sign=1.0, margin=0.7, other_price=150.0) is None
    assert deadband(2.05, levels=[(1.0, 2.0)], ahead=ahead, margin=0.7) == (0.0, math.inf)


def test_a_level_out_of_reach_is_the_highest_price_and_no_error() -> None:
    ahead = NextClose(base=MeanStd(mean=2.0, std=9.0), weight=0.0011, offset=0.0, spread=0.4)

    assert ratio_at(50.0, ahead, sign=1.0, margin=0.7) == math.exp(700.0)
    assert ratio_at(50.0, ahead, sign=-1.0, margin=0.7) == math.exp(-700.0)


_WEIGHTS = st.one_of(st.floats(-2.0, -0.01), st.floats(0.01, 2.0))


@given(
    weight=_WEIGHTS,
    ratio=st.floats(1.5, 2.5),
    spread=st.floats(0.0, 2.0),
    sign=st.sampled_from([1.0, -1.0]),
    level=st.sampled_from([1.0, 2.0, 3.0]),
)
def test_price_of_a_level_is_where_the_likely_z_crosses_it(
    weight: float, ratio: float, spread: float, sign: float, level: float
) -> None:
    ahead = NextClose(base=BASE, weight=weight, offset=(1 - weight) * 2.01, spread=spread)
    margin = margin_of(0.8)
    at = lead_price_at(level, ahead, sign=sign, margin=margin, other_price=150.0)
    assert at is not None
    grows = sign * weight > 0

    def reaches(price: float) -> bool:
        return ahead.likely(math.log(price / 150.0), sign=sign, margin=margin) >= level

    assert reaches(at * (1 + 1e-9)) == grows
    assert reaches(at * (1 - 1e-9)) != grows
    # The band around any ratio ends there, on the side on which it lies.
    low, high = deadband(ratio, levels=[(sign, level)], ahead=ahead, margin=margin)
    now = math.exp(ratio)
    ends = [each for each in (low, high) if each not in (0.0, math.inf)]
    assert ends == pytest.approx([at / 150.0], rel=1e-9)
    assert low <= now <= high or at / 150.0 == pytest.approx(now, rel=1e-9)


@pytest.mark.parametrize("degrees", [None, 8])
@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.7])
def test_probabilities_are_those_of_simulated_closes(degrees: int | None, correlation: float) -> None:
    """Of 40,000 closes simulated apart the share beyond a level is the mean probability, in each fifth."""
    rng = np.random.default_rng(11)
    count, share = 40_000, 0.4
    scale = (
        np.ones(count) if degrees is None else np.sqrt((degrees - 2) / rng.chisquare(degrees, count))
    )  # one scale for a session: the ratio's error is Student's
    lead_passed = 0.01 * math.sqrt(1 - share) * rng.normal(size=count)
    lead_rest = 0.01 * math.sqrt(share) * rng.normal(size=count) * scale
    alone = 0.015 * math.sqrt(1 - correlation**2) * rng.normal(size=count) * scale
    beta = correlation * 1.5
    returns = ReturnSpread(lead_std=0.01, other_std=0.015, correlation=correlation)
    ahead = next_close_since(BASE, returns, then=2.05, lead_to_come=share, other_to_come=1.0)
    live = 2.05 + lead_passed
    close = live + lead_rest - beta * (lead_passed + lead_rest) - alone
    hits = (close - BASE.mean) / BASE.std >= 2.0
    told = np.array([ahead.probability(each, level=2.0, sign=1.0) for each in live.tolist()])

    for rows in np.array_split(np.argsort(told), 5):
        error = math.sqrt(float((told[rows] * (1 - told[rows])).sum())) / len(rows)
        tolerance = 4 * error + (0.015 if degrees is None else 0.0)
        assert float(hits[rows].mean()) == pytest.approx(float(told[rows].mean()), abs=tolerance)


@pytest.mark.parametrize("probability", [0.5, 0.6, 0.8, 0.95, 0.99])
def test_margin_is_scipys(probability: float) -> None:
    wanted = stats.t(8, scale=math.sqrt(6 / 8)).ppf(probability)

    assert margin_of(probability) == pytest.approx(wanted, abs=1e-12)
