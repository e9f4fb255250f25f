"""Every statistic of markets in which things go wrong, against 50 digits from the closes, to 1e-12.

Bars go in the way they come: a bad tick and its correction, a history that is adjusted for a split and sent
again, sessions that one leg does not have. What is compared has gone through the histories and their join.
"""

from dataclasses import replace

import mpmath
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.signals.core.confirmed import confirmed_values
from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.history import LegHistory
from services.signals.core.statistics.hedge_answer import hedge_answer
from shared.domain.bars import Bar
from tests.oracle.fifty_digits import Exact, log_returns, values_of
from tests.oracle.fifty_digits_hedge import hedge_of
from tests.property.statistics_strategies import FaultyMarket, faulty_market

# 50 digits of everything take a fifth of a second. The engine keeps 800 sessions; that is another limit only.
_KEPT = 300
EVIDENCE = ("e_break", "e_tightening", "e_loosening", "agreement_low", "agreement_high")
_FEW = settings(max_examples=40, deadline=None)


def _filled(bars: list[Bar]) -> LegHistory:
    history = LegHistory(limit=_KEPT)
    for bar in bars:
        history.put(bar)
    return history


def _aligned(market: FaultyMarket) -> AlignedSessions:
    return align(_filled(market.lead.bars), _filled(market.other.bars))


def _agrees(value: float | None, exact: Exact | None) -> bool:
    if value is None or exact is None:
        return value is None and exact is None
    return bool(abs(mpmath.mpf(value) - exact.value) <= mpmath.mpf("1e-12") * exact.scale)


@_FEW
@given(faulty_market(_KEPT + 40))
def test_every_statistic_is_exact_or_none_as_the_definition_says(market: FaultyMarket) -> None:
    values, exact = confirmed_values(_aligned(market)), values_of(*market.closes(_KEPT))
    # Without a stated baseline there is no evidence against it. The share of agreement has its own oracle.
    values.pop("agreement_60")
    assert {name: values.pop(name) for name in EVIDENCE} == dict.fromkeys(EVIDENCE)
    assert values.keys() == exact.keys()
    wrong = {name: (values[name], exact[name]) for name in values if not _agrees(values[name], exact[name])}
    assert not wrong


@_FEW
@given(faulty_market(_KEPT + 40))
def test_every_estimate_of_the_hedge_and_its_interval_is_exact(market: FaultyMarket) -> None:
    assume(not market.has_flat_leg)
    aligned = _aligned(market)
    hedge = hedge_answer(aligned.lead_returns, aligned.other_returns)
    closes = ([mpmath.mpf(float(close)) for close in leg] for leg in market.closes(_KEPT))
    for name, exact in hedge_of(*map(log_returns, closes)).items():
        estimate = getattr(hedge, name)
        scale = max(abs(number) for number in exact if number is not None)
        if name == "ratio_tls":
            # What is exact is the angle; its tangent runs away towards the vertical.
            scale = 1 + scale**2
        for number, expected in zip((estimate.value, estimate.low, estimate.high), exact, strict=True):
            known = None if expected is None else Exact(value=expected, scale=scale)
            assert _agrees(number, known), (name, estimate, exact)


@_FEW
@given(
    market=faulty_market(_KEPT + 40),
    ticks=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([1e3, 1e6, 1e-6])), min_size=1, max_size=4),
)
def test_a_bad_tick_that_has_left_changes_no_bit(
    market: FaultyMarket, ticks: list[tuple[int, float]]
) -> None:
    # The first ten sessions have left, however many of the later ones are missing: at most 15.
    factors = {sorted(market.lead.closes)[at]: factor for at, factor in ticks}
    bad = [_scaled(bar, factors.get(bar.session, 1.0)) for bar in market.lead.bars]
    clean, dirty = _aligned(market), align(_filled(bad), _filled(market.other.bars))
    assert confirmed_values(dirty) == confirmed_values(clean)
    assert hedge_answer(dirty.lead_returns, dirty.other_returns) == hedge_answer(
        clean.lead_returns, clean.other_returns
    )


def _scaled(bar: Bar, factor: float) -> Bar:
    # Never beyond what a bar may cost at all.
    factor = min(factor, 9e11 / max(bar.close, bar.adj_close))
    return replace(bar, close=bar.close * factor, adj_close=bar.adj_close * factor)
