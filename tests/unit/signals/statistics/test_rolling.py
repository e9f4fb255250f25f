"""The statistics of all windows at once are those of each window by itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.statistics.correlation import estimate_correlation
from services.signals.core.statistics.moments import mean_std
from services.signals.core.statistics.rolling import rolling_correlation, rolling_std, rolling_zscore
from services.signals.core.statistics.zscore import baseline, zscore


def same(ours: float, theirs: float | None) -> bool:
    if theirs is None:
        return math.isnan(ours)
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@given(st.data())
def test_every_window_has_the_scalar_correlation_and_effective_size(data: st.DataObject) -> None:
    seed, size = data.draw(st.integers(0, 10_000)), data.draw(st.sampled_from([4, 5, 7, 20]))
    length = data.draw(st.integers(size, 60))
    generator = np.random.default_rng(seed)
    x, y = generator.standard_t(4, (2, 2, length)) * 0.01 + data.draw(st.sampled_from([0.0, 0.001, -1.0]))
    echo = data.draw(st.floats(-0.9, 0.9))
    y[:, 1:] += echo * y[:, :-1] + echo * x[:, 1:]
    begin = data.draw(st.integers(0, length))
    x[0, begin : begin + data.draw(st.integers(0, 30))] = 0.1

    rolled = rolling_correlation(x, y, size)

    assert rolled.correlation.shape == rolled.effective_size.shape == (2, length - size + 1)
    for path in range(2):
        for at in range(length - size + 1):
            theirs = estimate_correlation(x[path, at : at + size], y[path, at : at + size], size)
            assert same(rolled.correlation[path, at], theirs.correlation if theirs else None)
            assert same(rolled.effective_size[path, at], theirs.effective_size if theirs else None)


@pytest.mark.parametrize("size", [2, 3, 4, 60, 90])
def test_every_window_has_the_scalar_standard_deviation(size: int) -> None:
    x = np.random.default_rng(1).standard_t(4, 200) + 1_000.0
    x[50:150] = 0.1

    found = rolling_std(x, size)

    assert found.shape == (200 - size + 1,)
    for at in range(found.size):
        assert found[at] == pytest.approx(mean_std(x[at : at + size]).std, rel=1e-9)
    assert found[50] == 0.0


def test_leg_with_itself_is_exactly_1_and_with_its_mirror_image_exactly_minus_1() -> None:
    x = np.random.default_rng(1).standard_normal((3, 500))

    assert (rolling_correlation(x, x, 20).correlation == 1.0).all()
    assert (rolling_correlation(x, -2.0 * x, 252).correlation == -1.0).all()


def test_twenty_years_lose_no_digit_that_counts() -> None:
    x, y = np.random.default_rng(1).standard_normal((2, 1, 5_500)) * 0.01

    rolled = rolling_correlation(x, y, 252)

    for at in (0, 2_000, 5_248):
        theirs = estimate_correlation(x[0, at : at + 252], y[0, at : at + 252], 252)
        assert theirs is not None
        assert rolled.correlation[0, at] == pytest.approx(theirs.correlation, abs=1e-14)
        assert rolled.effective_size[0, at] == pytest.approx(theirs.effective_size, rel=1e-13)


def test_a_bad_value_leaves_no_trace_in_the_windows_after_it() -> None:
    x, y = np.random.default_rng(1).standard_normal((2, 400))
    spoilt = x.copy()
    spoilt[100] = 1e12

    with_it, without = (rolling_correlation(each, y, 60) for each in (spoilt, x))

    assert (with_it.correlation[101:] == without.correlation[101:]).all()
    assert (with_it.effective_size[101:] == without.effective_size[101:]).all()
    assert (rolling_std(spoilt, 60)[101:] == rolling_std(x, 60)[101:]).all()


@pytest.mark.parametrize("length", [0, 1, 3, 19])
def test_series_shorter_than_a_window_has_no_window(length: int) -> None:
    found = rolling_correlation(np.ones(length), np.ones(length), 20)

    assert found.correlation.shape == found.effective_size.shape == (0,)
    assert rolling_std(np.ones(length), 20).shape == (0,)


def test_legs_of_different_shapes_are_no_pair() -> None:
    with pytest.raises(ValueError, match="one shape"):
        rolling_correlation(np.ones((2, 5)), np.ones((2, 6)), 4)


def test_window_too_small_for_the_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4, was 3"):
        rolling_correlation(np.ones(9), np.ones(9), 3)
    with pytest.raises(ValueError, match="at least 2, was 1"):
        rolling_std(np.ones(9), 1)


@pytest.mark.parametrize("size", [2, 3, 90])
def test_every_value_has_its_scalar_zscore(size: int) -> None:
    x = np.random.default_rng(1).standard_t(4, (2, 200)).cumsum(axis=1) + 100.0
    x[1, 50:150] = 0.1

    found = rolling_zscore(x, size)

    assert found.shape == (2, 200 - size)
    for path in range(2):
        for at in range(size, 200):
            theirs = zscore(float(x[path, at]), baseline(x[path, :at], size))
            assert same(found[path, at - size], theirs)


def test_zscore_of_fewer_values_than_a_window_is_none() -> None:
    assert rolling_zscore(np.ones((2, 3)), 3).shape == (2, 0)
    with pytest.raises(ValueError, match="size must be at least 2"):
        rolling_zscore(np.ones(5), 1)
