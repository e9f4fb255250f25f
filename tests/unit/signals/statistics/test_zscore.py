"""The z-score, its window of earlier sessions, and where it has no value."""

import numpy as np
import pytest

from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.zscore import baseline, zscore, zscores


def test_baseline_is_taken_over_the_last_values_only() -> None:
    assert baseline(np.array([1e6, 1.0, 2.0, 3.0]), 3) == MeanStd(mean=2.0, std=1.0)


def test_baseline_is_none_one_value_before_the_window_is_full() -> None:
    values = np.arange(90.0)
    assert baseline(values, 90) is not None
    assert baseline(values[1:], 90) is None
    assert baseline(values[:0], 90) is None


def test_baseline_of_a_flat_window_is_none() -> None:
    assert baseline(np.full(90, 0.1), 90) is None
    assert baseline(np.append(7.0, np.full(90, 0.1)), 90) is None
    assert baseline(np.append(7.0, np.full(89, 0.1)), 90) is not None


def test_a_window_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        baseline(np.arange(3.0), 1)
    assert baseline(np.arange(3.0), 2) == MeanStd(mean=1.5, std=np.sqrt(0.5))


def test_zscore_counts_standard_deviations_from_the_mean() -> None:
    window = MeanStd(mean=2.5, std=0.25)
    assert zscore(3.0, window) == 2.0
    assert zscore(2.25, window) == -1.0
    assert zscore(2.5, window) == 0.0


def test_zscore_without_a_window_or_a_scale_is_none() -> None:
    assert zscore(3.0, None) is None
    assert zscore(3.0, MeanStd(mean=2.0, std=0.0)) is None


def test_zscore_is_a_plain_float_also_for_a_numpy_value() -> None:
    assert type(zscore(np.float64(3.0), MeanStd(mean=2.5, std=0.25))) is float


def test_all_zscores_are_those_of_each_session() -> None:
    values = np.cumsum(np.random.default_rng(4).normal(size=300)) + 100.0
    scores = zscores(values, 90)
    assert np.isnan(scores[:90]).all()
    for s in range(90, 300):
        window = values[s - 90 : s]
        assert scores[s] == pytest.approx((values[s] - window.mean()) / np.std(window, ddof=1), rel=1e-9)


def test_all_zscores_are_nan_where_one_would_be_none() -> None:
    # The windows before 3 and 4 did not move, the one before 5 did: mean 0.2, std 0.1 * sqrt(3).
    values = np.array([0.1, 0.1, 0.1, 0.1, 0.4, 0.2])
    scores = zscores(values, 3)
    assert np.isnan(scores[:5]).all()
    assert scores[5] == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(zscores(values[:3], 3)).all()
    assert zscores(values[:0], 3).size == 0
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        zscores(values, 1)
