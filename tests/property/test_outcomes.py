"""Outcomes, whatever the closes: scored at once or as the history grows, they are the same."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.signals.core.confirmed import confirmed_values
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.history_statistics import statistics_of_history
from services.signals.core.outcomes.intervals import Sample, hit_rates, medians
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.outcomes.scoring import Opening, rescored
from services.signals.core.outcomes.summary import summarise
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Estimate
from tests.property.statistics_strategies import Pair, long_pair, pair

_FIRST_DAY = 737_000
_NO_MOVES = np.zeros((3, 1))
_returns = st.floats(-0.2, 0.2)


def aligned_of(returns: Pair) -> AlignedSessions:
    """Return sessions on successive days, one more than there are returns."""
    a, b = (np.concatenate(([0.0], np.cumsum(each))) for each in returns)
    raw = np.ones_like(a)  # nothing here reads the raw closes
    return AlignedSessions(
        days=np.arange(_FIRST_DAY, _FIRST_DAY + len(a), dtype=np.int32),
        lead=raw,
        other=raw,
        log_ratio=a - b,
        lead_returns=returns[0],
        other_returns=returns[1],
    )


@st.composite
def openings(draw: st.DrawFn, aligned: AlignedSessions) -> list[Opening]:
    """Draw openings at sessions of a history, ascending, no two alike."""
    keys = st.tuples(st.integers(0, len(aligned) - 1), st.sampled_from(sorted(CLAIMS)))
    sessions = aligned.sessions
    return [
        Opening(kind=kind, direction=direction, session=sessions[index])
        for index, (kind, direction) in sorted(draw(st.lists(keys, max_size=30, unique=True)))
    ]


@given(st.data(), st.integers(2, 90), st.integers(22, 60))
def test_scored_at_once_and_as_the_history_grows_is_the_same(
    data: st.DataObject, sessions: int, limit: int
) -> None:
    """Windows of 22 sessions hold an opening until its last horizon is reached, whatever comes later."""
    whole = aligned_of(data.draw(long_pair(sessions - 1)))
    drawn = data.draw(openings(whole))

    ledger = Ledger()
    for count in range(1, sessions + 1):
        grown = whole.until(count, limit=limit)
        ledger = ledger.rescored(grown)
        for each in drawn:
            if each.session == grown.sessions[-1]:
                ledger = ledger.with_opening(each.kind, each.direction, session=each.session)

    assert ledger.openings == rescored(drawn, whole)


@given(st.data(), st.integers(2, 60))
def test_windows_that_move_by_any_number_of_sessions_lose_nothing_that_followed(
    data: st.DataObject, sessions: int
) -> None:
    whole = aligned_of(data.draw(long_pair(sessions - 1)))
    ledger = Ledger().with_history(tuple(data.draw(openings(whole)))).rescored(whole)
    left = data.draw(st.integers(0, sessions))

    assert ledger.rescored(whole.until(sessions, limit=left)) == ledger


@given(st.data(), st.integers(2, 60))
def test_a_summary_counts_every_opening_that_is_old_enough(data: st.DataObject, sessions: int) -> None:
    whole = aligned_of(data.draw(pair(sessions - 1, sessions - 1)))
    drawn = data.draw(openings(whole))

    for each in summarise(rescored(drawn, whole), whole):
        old = [
            one
            for one in drawn
            if (one.kind, one.direction) == (each.kind, each.direction)
            and whole.sessions.index(one.session) + 1 + each.horizon_sessions < sessions
        ]
        assert each.count == len(old)
        assert 0 <= each.hits <= each.count
        assert (each.hit_rate.value is None) == (each.count == 0)
        assert (each.usual_rate is None) == (sessions <= 1 + each.horizon_sessions)
        assert (each.episodes or 0) <= each.count
        assert (each.episodes == 0) == (each.count == 0)
        assert _is_inside(each.hit_rate, each.hit_rate_adjusted)


@st.composite
def episodes_of_some(draw: st.DrawFn, count: int) -> NDArray[np.intp]:
    """Draw which of several openings begin an episode."""
    begins = draw(st.lists(st.booleans(), min_size=count - 1, max_size=count - 1))
    return np.cumsum([False, *begins])


@given(st.data(), st.integers(0, 200), st.integers(1, 200))
def test_a_hit_rate_lies_in_its_interval_and_misses_mirror_it(
    data: st.DataObject, hits: int, misses: int
) -> None:
    was_hit, episodes = np.arange(hits + misses) < hits, data.draw(episodes_of_some(hits + misses))
    (rate,), (mirrored,) = hit_rates(
        [Sample(hits=each, moves=_NO_MOVES, episodes=episodes) for each in (was_hit, ~was_hit)]
    )
    assert rate.low is not None
    assert rate.high is not None
    assert rate.value is not None
    assert mirrored.low is not None
    assert 0.0 <= rate.low <= rate.value <= rate.high <= 1.0
    assert abs(rate.high - (1.0 - mirrored.low)) < 1e-12


@given(st.data(), st.lists(_returns, min_size=1, max_size=80), st.floats(0.1, 10.0))
def test_a_median_lies_in_its_interval_and_turns_with_the_sign(
    data: st.DataObject, values: list[float], by: float
) -> None:
    episodes = data.draw(episodes_of_some(len(values)))
    moves = np.array([values] * 3)
    (found, _, _), (turned, _, _) = medians(
        [Sample(hits=moves[0] > 0, moves=each, episodes=episodes) for each in (moves, -by * moves)]
    )

    assert found.value is not None
    if found.low is None or found.high is None:
        assert len(set(episodes.tolist())) < 6 or len(values) > len(set(episodes.tolist()))
        assert (found.low, found.high, turned.low, turned.high) == (None,) * 4
        return
    assert found.low <= found.value <= found.high
    assert {found.low, found.high} <= set(values)
    assert (turned.low, turned.high) == (-by * found.high, -by * found.low)


def _is_inside(plain: Estimate, adjusted: Estimate | None) -> bool:
    assert adjusted is not None
    if plain.low is None or plain.high is None or adjusted.low is None or adjusted.high is None:
        return plain == adjusted
    return adjusted.low <= plain.low <= plain.high <= adjusted.high


BAND = AgreementBand(low=0.45, high=0.52)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 300))
def test_every_sessions_statistics_are_the_engines(data: st.DataObject, sessions: int) -> None:
    whole = aligned_of(data.draw(long_pair(sessions)))
    at = data.draw(st.integers(0, sessions))

    history = statistics_of_history(whole, BAND)[at]

    alone = confirmed_values(whole.until(at + 1, limit=at + 1), BAND)
    for name, value in history.items():
        expected = alone[name]
        assert (value is None) == (expected is None)
        if value is not None and expected is not None:
            assert abs(value - expected) <= 1e-9 * max(1.0, abs(expected))


@settings(deadline=None)
@given(pair(91, 120))
def test_whether_a_statistic_is_undefined_is_the_engines_answer_on_flat_legs_too(returns: Pair) -> None:
    whole = aligned_of(returns)

    history, alone = statistics_of_history(whole)[-1], confirmed_values(whole)

    # At the very ends of Fisher's scale one rounding decides: there only the engine's own answer counts.
    for name in ("z_90", "opposite_moves", "return_5_lead", "corr_20", "corr_60", "corr_ci_60_low"):
        assert (history[name] is None) == (alone[name] is None), name
