"""Correlation over IWM's worst sessions."""

import numpy as np
import pytest

from services.signals.core.statistics.stress import stress_correlation


def _ladder(size: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.arange(size, dtype=np.float64)


def test_only_the_worst_tenth_counts() -> None:
    # 252 rungs: the quantile is 25.1, so rungs 0..25 are stressed; gold turns at 26.
    b = _ladder(252)
    assert stress_correlation(np.where(b <= 25.0, -b, b), b) == pytest.approx(-1.0, rel=1e-14)
    partly = stress_correlation(np.where(b <= 24.0, -b, b), b)
    assert partly is not None
    assert partly > -0.9


def test_a_session_exactly_at_the_percentile_counts() -> None:
    # 191 rungs: the quantile is rung 19 itself, so 20 sessions are stressed and not 19.
    b = _ladder(191)
    assert stress_correlation(-b, b, size=191) == pytest.approx(-1.0, rel=1e-14)


def test_none_with_fewer_than_twenty_stressed_sessions() -> None:
    # 190 rungs: the quantile is 18.9, which leaves 19.
    b = _ladder(190)
    assert stress_correlation(-b, b, size=190) is None


def test_none_until_the_window_is_full() -> None:
    b = _ladder(252)
    assert stress_correlation(-b, b) is not None
    assert stress_correlation(-b[1:], b[1:]) is None
    assert stress_correlation(b[:0], b[:0]) is None


def test_none_when_a_leg_is_flat_over_the_stressed_sessions() -> None:
    b = _ladder(252)
    assert stress_correlation(np.where(b <= 25.0, 0.1, b), b) is None
    assert stress_correlation(b, np.where(b <= 40.0, -0.1, b)) is None


def test_order_in_time_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=252), rng.normal(size=252)
    shuffled = rng.permutation(252)
    assert stress_correlation(a[shuffled], b[shuffled]) == pytest.approx(stress_correlation(a, b), rel=1e-12)


def test_the_percentile_is_the_windows_own() -> None:
    b = _ladder(252)
    crash = np.full(100, -1e6)
    assert stress_correlation(np.append(crash, -b), np.append(crash, b)) == stress_correlation(-b, b)


def test_windows_of_one_and_unequal_legs_are_refused() -> None:
    b = _ladder(252)
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        stress_correlation(b, b, size=1)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        stress_correlation(b, b[1:])
