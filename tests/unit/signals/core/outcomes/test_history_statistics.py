"""The statistics of every session at once are those of each session by itself."""

import numpy as np
import pytest

from services.signals.core.confirmed import confirmed_values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.history_statistics import statistics_of_history
from services.signals.core.statistics.e_break import AgreementBand
from tests.oracle.pair_oracle import read_pair
from tests.support.data import shared_data
from tests.unit.signals.core.outcomes.closes import closes

BAND = AgreementBand(low=0.42, high=0.52)


def assert_equal_to_the_engine(aligned: AlignedSessions, *, every: int = 1) -> None:
    history = statistics_of_history(aligned, BAND)
    assert len(history) == len(aligned)
    for index in range(0, len(aligned), every):
        alone = confirmed_values(aligned.until(index + 1, limit=index + 1), BAND)
        for name, value in history[index].items():
            expected = alone[name]
            if expected is None:
                assert value is None, (index, name)
            else:
                assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), (index, name)


def wandering(count: int, *, seed: int = 1) -> tuple[list[float], list[float]]:
    moves = np.random.default_rng(seed).standard_t(4, (2, count)) * 0.01
    lead, other = 100.0 * np.exp(moves.cumsum(axis=1))
    return lead.tolist(), other.tolist()


def test_a_wandering_history_has_every_statistic_in_the_end() -> None:
    aligned = closes(*wandering(290))

    assert_equal_to_the_engine(aligned, every=7)
    assert None not in statistics_of_history(aligned, BAND)[-1].values()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 20, 21, 60, 61, 90, 91, 92, 252, 253])
def test_each_statistic_begins_with_the_session_with_which_its_window_is_full(count: int) -> None:
    assert_equal_to_the_engine(closes(*wandering(count)), every=max(1, count - 1))


def test_a_leg_that_does_not_move_leaves_its_statistics_undefined() -> None:
    lead, other = wandering(270)
    other[100:190] = [other[100]] * 90

    aligned = closes(lead, other)

    assert_equal_to_the_engine(aligned, every=10)
    assert statistics_of_history(aligned)[180]["corr_60"] is None
    assert statistics_of_history(aligned)[269]["fisher_z"] is not None


def test_legs_that_move_as_one_have_no_gap_and_the_end_of_fishers_scale() -> None:
    lead, _ = wandering(270)
    aligned = closes(lead, lead)

    assert_equal_to_the_engine(aligned, every=10)
    last = statistics_of_history(aligned)[-1]
    assert (last["corr_20"], last["corr_ci_60_low"]) == (1.0, 1.0)
    assert (last["z_90"], last["opposite_moves"], last["fisher_z"]) == (None, None, None)


def test_a_bad_close_leaves_no_trace_once_it_has_left_the_windows() -> None:
    lead, other = wandering(500)
    spoilt = lead.copy()
    spoilt[100] *= 1e6

    # The evidence looks back over 120 sessions, each of which needs the 252 before it.
    with_it, without = (statistics_of_history(closes(each, other), BAND)[-1] for each in (spoilt, lead))

    assert with_it == without


def test_real_history_has_the_engines_statistics() -> None:
    pair = read_pair(
        shared_data("pair_gold_daily_20121114_20210331.csv"),
        shared_data("pair_iwm_daily_20121114_20210331.csv"),
    )
    aligned = closes(pair["gold"].tolist(), pair["adjusted"].tolist())

    assert_equal_to_the_engine(aligned, every=13)
