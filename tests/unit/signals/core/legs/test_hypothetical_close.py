"""A hypothetical close gives the arrays that the engine has after it, to the last bit."""

import numpy as np
import pytest

from services.signals.core.confirmed import confirmed_values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.pair_legs import PairLegs
from services.signals.core.legs.session_clock import SessionClock
from tests.support.builders_market import LEAD, OTHER, bar, calendar


def legs_with(count: int, *, adjusted: float = 1.0, ahead: bool = False) -> PairLegs:
    """Return legs with so many sessions in common; the other leg may have one more."""
    rng = np.random.default_rng(count)
    legs = PairLegs(Leg(instrument=LEAD), Leg(instrument=OTHER), clock=SessionClock(calendar()))
    closes = np.array([1_300.0, 150.0]) * np.exp(np.cumsum(rng.normal(0, 0.01, (count + 1, 2)), axis=0))
    labels = calendar().labels
    for label, (lead, other) in zip(labels[:count], closes[:count].tolist(), strict=True):
        legs.lead.history.put(bar(label, lead, instrument=LEAD))
        legs.other.history.put(bar(label, other, adj_close=other * adjusted))
    if ahead:
        other = float(closes[-1, 1])
        legs.other.history.put(bar(labels[count], other, adj_close=other * adjusted))
    return legs


def assert_same(found: AlignedSessions, expected: AlignedSessions) -> None:
    # Raw closes of the other leg are for the page; no statistic uses them.
    for name in ("lead", "log_ratio", "lead_returns", "other_returns"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("adjusted", [1.0, 0.97])
@pytest.mark.parametrize("count", [1, 2, 130])
def test_it_is_what_both_legs_have_after_that_close(count: int, adjusted: float, ahead: bool) -> None:
    legs = legs_with(count, adjusted=adjusted, ahead=ahead)
    following = legs.next_close()
    newest = legs.other.history.newest()
    assert following is not None
    assert newest is not None

    for offset, price in enumerate((1_299.99, 1_400.0, 1_250.5)):
        session = calendar().labels[count + 1 + offset]
        legs = legs_with(count, adjusted=adjusted, ahead=ahead)
        legs.lead.history.put(bar(session, price, instrument=LEAD))
        legs.other.history.put(bar(session, newest.close, adj_close=newest.adj_close))
        expected = legs.align()
        assert_same(following.at(price), expected)
        assert confirmed_values(following.at(price)) == confirmed_values(expected)
        # At once for many prices: the same numbers.
        prices = np.array([price, 1_000.0])
        assert following.log_ratios(prices)[0] == expected.log_ratio[-1]
        assert following.lead_returns(prices)[0] == expected.lead_returns[-1]
        assert following.other_return == expected.other_returns[-1]


def test_a_pair_without_a_session_has_no_next_close() -> None:
    assert legs_with(0).next_close() is None
    assert legs_with(0, ahead=True).next_close() is None
