"""Student's quantile against scipy's and against printed tables."""

import pytest
from scipy import stats

from services.signals.core.statistics.student import student_975


@pytest.mark.parametrize("degrees", [*range(1, 41), 58, 59, 60, 119, 250, 251, 798, 799, 5000])
def test_quantile_is_scipys(degrees: int) -> None:
    assert student_975(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-12)


@pytest.mark.parametrize(("degrees", "printed"), [(1, "12.706"), (2, "4.303"), (10, "2.228"), (120, "1.980")])
def test_quantile_is_the_printed_one(degrees: int, printed: str) -> None:
    assert f"{student_975(degrees):.3f}" == printed


def test_no_degree_of_freedom_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="degrees must be at least 1, was 0"):
        student_975(0)
