"""One leg's figures: what each needs, and what it says."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.leg_summary import Change, leg_summary


def test_figures_are_those_worked_out_by_hand() -> None:
    summary = leg_summary(np.array([1.0, 100.0, 80.0, 125.0, 100.0]), size=4)
    assert summary is not None
    assert summary.last == 100.0
    assert summary.change_1 == Change(absolute=-25.0, percent=-20.0)
    assert (summary.minimum, summary.maximum, summary.mean) == (80.0, 125.0, 101.25)
    # Deviations -1.25, -21.25, 23.75, -1.25.
    assert summary.std == pytest.approx(math.sqrt(1018.75 / 3.0), rel=1e-14)
    # Of 1, 100, 80, 125 two are below 100 and one is equal.
    assert summary.percentile == 0.625
    assert summary.drawdown == pytest.approx(-0.2, rel=1e-14)
    logs = [math.log(100.0), math.log(0.8), math.log(1.5625), math.log(0.8)]
    mean = sum(logs) / 4.0
    assert summary.volatility == pytest.approx(
        math.sqrt(252.0 * sum((each - mean) ** 2 for each in logs) / 3.0), rel=1e-14
    )


@pytest.mark.parametrize(
    ("sessions", "field"), [(1, "change_1"), (5, "change_5"), (20, "change_20"), (90, "change_90")]
)
def test_a_change_needs_one_close_more_than_its_sessions(sessions: int, field: str) -> None:
    closes = 100.0 + np.arange(sessions + 1.0)
    assert getattr(leg_summary(closes), field) == Change(absolute=float(sessions), percent=float(sessions))
    assert getattr(leg_summary(closes[1:]), field) is None


def test_a_window_not_yet_full_has_no_extremes_and_no_moments() -> None:
    closes = np.linspace(100.0, 120.0, 89)
    summary = leg_summary(closes)
    assert summary is not None
    assert summary.last == 120.0
    assert summary.change_20 is not None
    unknown = (summary.minimum, summary.maximum, summary.mean, summary.std, summary.drawdown)
    assert unknown == (None, None, None, None, None)
    assert (summary.percentile, summary.volatility, summary.change_90) == (None, None, None)


def test_percentile_and_volatility_need_one_close_more_than_the_extremes() -> None:
    closes = np.linspace(100.0, 120.0, 91)
    at_90, at_91 = leg_summary(closes[:90]), leg_summary(closes)
    assert at_90 is not None
    assert at_91 is not None
    assert (at_90.minimum, at_90.percentile, at_90.volatility) == (100.0, None, None)
    assert at_91.minimum == closes[1]
    assert at_91.percentile == 1.0
    assert at_91.volatility is not None


def test_a_new_high_has_no_drawdown() -> None:
    summary = leg_summary(np.array([1.0, 2.0, 3.0]), size=3)
    assert summary is not None
    assert summary.drawdown == 0.0


def test_a_flat_leg_has_zeros_that_are_true() -> None:
    summary = leg_summary(np.full(91, 0.1))
    assert summary is not None
    assert summary.change_90 == Change(absolute=0.0, percent=0.0)
    assert (summary.std, summary.drawdown, summary.percentile, summary.volatility) == (0.0, 0.0, 0.5, 0.0)


def test_no_close_no_summary() -> None:
    assert leg_summary(np.array([])) is None


def test_one_close_is_a_summary_of_itself() -> None:
    summary = leg_summary(np.array([42.0]))
    assert summary is not None
    assert (summary.last, summary.change_1, summary.minimum) == (42.0, None, None)


def test_a_window_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        leg_summary(np.array([1.0, 2.0]), size=1)
    of_two = leg_summary(np.array([1.0, 3.0]), size=2)
    assert of_two is not None
    assert (of_two.mean, of_two.std) == (2.0, math.sqrt(2.0))


def test_every_figure_is_a_plain_float() -> None:
    summary = leg_summary(np.linspace(100.0, 120.0, 91))
    assert summary is not None
    assert summary.change_1 is not None
    figures = (
        summary.last, summary.minimum, summary.maximum, summary.mean, summary.std, summary.percentile,
        summary.drawdown, summary.volatility, summary.change_1.absolute, summary.change_1.percent,
    )  # fmt: skip
    assert {type(figure) for figure in figures} == {float}
