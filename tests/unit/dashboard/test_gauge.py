"""Positions on the z scale, worked by hand: 100 units for z from -4 to 4."""

from services.dashboard.core.gauge import Thresholds, make_gauge


def test_zero_is_in_the_middle_and_a_unit_of_z_is_an_eighth() -> None:
    gauge = make_gauge(confirmed=0.0, provisional=-1.0)
    assert (gauge.confirmed, gauge.provisional) == (50.0, 37.5)


def test_an_undefined_z_has_no_place() -> None:
    gauge = make_gauge(confirmed=None, provisional=None)
    assert (gauge.confirmed, gauge.provisional, gauge.beyond) == (None, None, ())


def test_what_is_beyond_the_scale_is_at_its_edge_and_says_so() -> None:
    gauge = make_gauge(confirmed=4.01, provisional=-4.0)
    assert (gauge.confirmed, gauge.provisional, gauge.beyond) == (100.0, 0.0, ("confirmed",))


def test_bands_cover_the_scale_without_gap_or_overlap() -> None:
    bands = make_gauge(confirmed=None, provisional=None).bands
    assert [band.name for band in bands] == [
        *("critical", "warning", "between", "calm", "between", "warning", "critical")
    ]
    assert [(band.x, band.width) for band in bands] == [
        *((0.0, 12.5), (12.5, 12.5), (25.0, 12.5), (37.5, 25.0), (62.5, 12.5), (75.0, 12.5), (87.5, 12.5))
    ]


def test_the_scale_grows_with_the_critical_threshold() -> None:
    thresholds = Thresholds(leave=1.0, warning=3.0, critical=9.0)
    gauge = make_gauge(confirmed=5.0, provisional=None, thresholds=thresholds)
    assert gauge.confirmed == 75.0
    assert [mark.text for mark in gauge.marks] == ["−9", "−3", "−1", "0", "+1", "+3", "+9"]
