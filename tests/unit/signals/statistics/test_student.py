"""Student's quantile against scipy's and against printed tables."""

import pytest
from scipy import stats

from services.signals.core.statistics.student import student_975, student_cdf, student_quantile


@pytest.mark.parametrize("degrees", [*range(1, 41), 58, 59, 60, 119, 250, 251, 798, 799, 5000])
def test_quantile_is_scipys(degrees: int) -> None:
    assert student_975(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-12)


@pytest.mark.parametrize(("degrees", "printed"), [(1, "12.706"), (2, "4.303"), (10, "2.228"), (120, "1.980")])
def test_quantile_is_the_printed_one(degrees: int, printed: str) -> None:
    assert f"{student_975(degrees):.3f}" == printed


def test_no_degree_of_freedom_has_no_quantile() -> None:
    for compute in (student_975, lambda degrees: student_quantile(0.8, degrees)):
        with pytest.raises(ValueError, match="degrees must be at least 1, was 0"):
            compute(0)
    with pytest.raises(ValueError, match="degrees must be at least 1, was 0"):
        student_cdf(0.0, 0)


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 9, 60])
@pytest.mark.parametrize("probability", [0.5, 0.51, 0.8, 0.99, 0.9999])
def test_any_quantile_from_the_middle_up_is_scipys(degrees: int, probability: float) -> None:
    wanted = stats.t.ppf(probability, degrees)

    assert student_quantile(probability, degrees) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("probability", [0.49, 1.0])
def test_quantile_of_no_such_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match=f"below 1, was {probability}"):
        student_quantile(probability, 8)


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 9, 60])
@pytest.mark.parametrize("t", [-40.0, -3.0, -0.1, 0.0, 0.7, 2.0, 12.0])
def test_probability_is_scipys(degrees: int, t: float) -> None:
    assert student_cdf(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), abs=1e-12)
