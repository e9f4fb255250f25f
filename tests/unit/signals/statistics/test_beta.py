"""The beta distribution against scipy and mpmath."""

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from services.signals.core.statistics.beta import beta_cdf, beta_quantile

Floats = NDArray[np.float64]


def shapes(count: int) -> tuple[Floats, Floats, Floats]:
    """Return shapes from a half to six hundred, and levels from 1e-6 to 1."""
    random = np.random.default_rng(4)
    a, b = np.exp(random.uniform(np.log(0.5), np.log(600.0), (2, count)))
    return a, b, np.exp(random.uniform(np.log(1e-6), 0.0, count))


def test_distribution_function_is_scipys_for_any_shapes() -> None:
    a, b, _ = shapes(3_000)
    x = np.random.default_rng(5).uniform(0.0, 1.0, 3_000)

    assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-11)


def test_distribution_function_is_mpmaths_to_twelve_digits() -> None:
    for a, b, x in ((0.5, 7.25, 0.01), (12.0, 3.0, 0.9), (512.0, 1.0, 0.99), (1.5, 1.5, 0.5)):
        expected = float(mpmath.betainc(a, b, 0, x, regularized=True))

        (found,) = beta_cdf(np.array([x]), np.array([a]), np.array([b])).tolist()

        assert found == pytest.approx(expected, rel=1e-12)


def test_distribution_function_ends_at_0_and_1() -> None:
    a, b, _ = shapes(50)

    assert (beta_cdf(np.zeros(50), a, b) == 0.0).all()
    assert (beta_cdf(np.ones(50), a, b) == 1.0).all()


def test_quantiles_are_scipys_far_into_the_lower_tail_too() -> None:
    a, b, level = shapes(3_000)

    assert beta_quantile(level, a, b) == pytest.approx(stats.beta.ppf(level, a, b), rel=1e-9)


def test_a_quantile_has_the_probability_that_was_asked_for() -> None:
    a, b, level = shapes(500)

    assert beta_cdf(beta_quantile(level, a, b), a, b) == pytest.approx(level, rel=1e-9)
