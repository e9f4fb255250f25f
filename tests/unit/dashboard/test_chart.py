"""Geometry of the chart against positions worked by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.core.chart import live_point, make_chart, nice_ticks
from shared.domain.snapshots import SessionHistory

HISTORY = SessionHistory(
    session=("2019-12-30", "2019-12-31", "2020-01-02", "2020-02-03"),
    lead=(200.0, 210.0, 190.0, 220.0),
    other=(50.0, 45.0, 55.0, 40.0),
    log_ratio=(1.0, 2.0, 3.0, 4.0),
)


def test_both_legs_start_at_100() -> None:
    chart = make_chart(HISTORY)
    assert chart is not None
    assert [(row.lead_rebased, row.other_rebased) for row in chart.rows] == [
        *((100.0, 100.0), (105.0, 90.0), (95.0, 110.0), (110.0, 80.0))
    ]


def test_lines_run_from_the_left_and_leave_a_place_for_the_live_point() -> None:
    chart = make_chart(HISTORY)
    assert chart is not None
    # The scale is 80..110 in tens: 100 is a third from the top.
    assert (chart.legs.low, chart.legs.high) == (80.0, 110.0)
    assert chart.legs.lines[0].points == "0.0,33.33 25.0,16.67 50.0,50.0 75.0,0.0"


def test_the_band_is_two_standard_deviations_around_the_mean() -> None:
    chart = make_chart(HISTORY)
    assert chart is not None
    assert chart.ratio.band is not None
    assert chart.ratio.middle is not None
    # Mean 2.5, standard deviation sqrt(5/3) = 1.29099 (n - 1), so -0.08199..5.08199 on a scale of -2..6.
    assert (chart.ratio.low, chart.ratio.high) == (-2.0, 6.0)
    assert chart.ratio.band == pytest.approx((11.475, 76.025), abs=0.01)
    assert chart.ratio.middle == 43.75


def test_months_are_marked_at_their_first_session_and_january_has_its_year() -> None:
    chart = make_chart(HISTORY)
    assert chart is not None
    assert [(month.at, month.text) for month in chart.months] == [(50.0, "Jan 2020"), (75.0, "Feb")]


def test_the_scale_makes_room_for_the_live_point() -> None:
    chart = make_chart(HISTORY, live_price=400.0, live_ratio=9.0)
    assert chart is not None
    point = live_point(chart, HISTORY, price=400.0, ratio=9.0)
    assert chart.legs.high == 200.0
    assert point.lead == 0.0
    assert point.ratio is not None
    assert 0.0 <= point.ratio < 20.0


def test_no_live_price_is_no_point() -> None:
    chart = make_chart(HISTORY)
    assert chart is not None
    point = live_point(chart, HISTORY, price=None, ratio=None)
    assert (point.lead, point.ratio) == (None, None)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_sessions_make_no_chart(count: int) -> None:
    short = SessionHistory(
        session=HISTORY.session[:count],
        lead=HISTORY.lead[:count],
        other=HISTORY.other[:count],
        log_ratio=HISTORY.log_ratio[:count],
    )
    assert make_chart(short) is None


def test_a_flat_history_still_has_a_scale() -> None:
    flat = SessionHistory(
        session=("2020-01-02", "2020-01-03"), lead=(5.0, 5.0), other=(5.0, 5.0), log_ratio=(0.0, 0.0)
    )
    chart = make_chart(flat)
    assert chart is not None
    assert chart.legs.low < 100.0 < chart.legs.high


def test_labels_of_lines_that_end_together_do_not_print_on_each_other() -> None:
    together = SessionHistory(
        session=("2020-01-02", "2020-01-03"), lead=(100.0, 150.0), other=(100.0, 151.0), log_ratio=(1.0, 1.1)
    )
    chart = make_chart(together)
    assert chart is not None
    lead, other = (line.end.at for line in chart.legs.lines)
    assert lead - other == pytest.approx(8.0)


@given(
    st.floats(min_value=-1e6, max_value=1e6, allow_nan=False),
    st.floats(min_value=1e-3, max_value=1e6, allow_nan=False),
)
def test_ticks_enclose_every_range_in_few_equal_steps(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    slack = 1e-6 * max(1.0, abs(low) + width)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + width - slack
    assert 2 <= len(ticks) <= 7
    steps = {round((after - before) / (ticks[1] - ticks[0]), 3) for before, after in pairwise(ticks)}
    assert steps == {1.0}
