"""The sessions that both legs have, and what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.confirmed import confirmed_values, leg_values, regimes
from services.signals.core.legs.aligned import align
from services.signals.core.legs.close_sampling import sample_close
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.last_price import LastPrice
from services.signals.core.legs.leg import Leg
from shared.domain.bars import Bar
from tests.support.builders_market import MINUTE, bar, calendar


def leg(*bars: Bar, limit: int = 800) -> LegHistory:
    history = LegHistory(limit=limit)
    for each in bars:
        history.put(each)
    return history


FIRST = bar("2019-06-03", 150.0)


@given(*[st.sets(st.integers(0, 40)) for _ in range(2)])
def test_sessions_in_common_are_found_whatever_either_leg_misses(first: set[int], second: set[int]) -> None:
    labels = calendar().labels
    gold = leg(*(bar(labels[at], 1_300.0 + at) for at in sorted(first)))
    iwm = leg(*(bar(labels[at], 150.0 + at, adj_close=75.0 + at) for at in sorted(second)))

    both = align(gold, iwm)

    common = sorted(first & second)
    assert both.sessions == tuple(labels[at] for at in common)
    assert both.labels(3) == tuple(labels[at] for at in common[-3:])
    assert both.lead.tolist() == [1_300.0 + at for at in common]
    assert both.other.tolist() == [150.0 + at for at in common]
    adjusted = np.array([(1_300.0 + at, 75.0 + at) for at in common]).reshape(-1, 2)
    assert both.log_ratio.tolist() == np.log(adjusted[:, 0] / adjusted[:, 1]).tolist()
    assert both.lead_returns.tolist() == np.log(adjusted[1:, 0] / adjusted[:-1, 0]).tolist()


def test_legs_are_joined_on_the_sessions_that_both_have() -> None:
    gold = leg(
        *(bar(s, p) for s, p in (("2019-06-03", 1_300.0), ("2019-06-04", 1_310.0), ("2019-06-06", 1_320.0)))
    )
    iwm = leg(
        bar("2019-06-04", 150.0, adj_close=75.0),
        bar("2019-06-05", 151.0),
        bar("2019-06-06", 152.0, adj_close=76.0),
    )

    both = align(gold, iwm)

    assert len(both) == 2
    assert both.sessions == ("2019-06-04", "2019-06-06")
    assert both.lead.tolist() == [1_310.0, 1_320.0]
    assert both.other.tolist() == [150.0, 152.0]  # raw, for display
    np.testing.assert_allclose(both.log_ratio, [np.log(1_310 / 75), np.log(1_320 / 76)], rtol=1e-15)
    np.testing.assert_allclose(both.lead_returns, [np.log(1_320 / 1_310)], rtol=1e-12)
    np.testing.assert_allclose(both.other_returns, [np.log(76 / 75)], rtol=1e-12)


def test_history_as_it_stood_then_has_its_own_returns_only() -> None:
    labels = calendar().labels[:6]
    gold = leg(*(bar(s, 1_300.0 + i) for i, s in enumerate(labels)))
    iwm = leg(*(bar(s, 150.0 + i) for i, s in enumerate(labels)))
    both = align(gold, iwm)

    then = both.until(4, limit=3)

    assert then.sessions == labels[1:4]
    assert then.lead.tolist() == [1_301.0, 1_302.0, 1_303.0]
    np.testing.assert_allclose(then.lead_returns, np.diff(np.log([1_301.0, 1_302.0, 1_303.0])), atol=1e-15)
    assert len(then.other_returns) == 2
    assert len(then.log_ratio) == 3
    assert both.until(1, limit=800).lead_returns.tolist() == []
    assert both.until(0, limit=800).sessions == ()


def test_no_session_has_no_statistic() -> None:
    assert confirmed_values(align(leg(), leg())) == {}
    assert regimes(np.array([])) == []


def test_one_session_has_a_ratio_and_nothing_else() -> None:
    values = confirmed_values(align(leg(FIRST), leg(bar("2019-06-03", 75.0))))

    assert values.pop("log_ratio") == pytest.approx(np.log(2.0), abs=1e-15)
    assert len(values) >= 18
    assert set(values.values()) == {None}


def test_regime_is_reported_from_the_91st_session_on() -> None:
    # Alternating around 0 with a std of 0.01 * sqrt(90 / 89), then at +2 of them.
    ratios = np.array([0.01, -0.01] * 45 + [0.02])

    names = [state.name for state in regimes(ratios)]

    assert names == [None] * 90 + ["RISK_OFF"]


def test_leg_values_are_fractions_by_name() -> None:
    values = leg_values(np.linspace(100.0, 190.0, 91))

    assert values["last"] == 190.0
    assert values["change_90"] == 90.0
    assert values["change_90_pct"] == pytest.approx(0.9, abs=1e-12)
    assert values["change_5"] == pytest.approx(5.0, abs=1e-12)
    assert (values["min"], values["max"], values["drawdown"]) == (101.0, 190.0, 0.0)
    assert leg_values(np.array([])) == {}


def test_sample_is_the_price_until_it_is_older_than_fifteen_minutes() -> None:
    leg = Leg(instrument="XAU/USD.TEST", last_price=LastPrice(price=1_300.0, ts_ns=1_000))

    sampled = sample_close(leg, session="2019-06-03", close_ns=1_000 + 15 * MINUTE)
    assert sampled is not None
    assert (sampled.close, sampled.known_at_ns, sampled.source) == (1_300.0, 1_000 + 15 * MINUTE, "sampled")
    assert sample_close(leg, session="2019-06-03", close_ns=1_000 + 15 * MINUTE + 1) is None
    assert sample_close(Leg(instrument="XAU/USD.TEST"), session="2019-06-03", close_ns=5) is None
