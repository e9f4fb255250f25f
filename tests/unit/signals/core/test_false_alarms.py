"""A figure shows an event what it needs, and refuses numbers that cannot be."""

from dataclasses import replace

import pytest

from services.signals.core.false_alarms import FalseAlarms
from shared.domain.divergences import Interval, Kind, Null, Period
from shared.errors import ConfigError
from tests.support.builders_market import pair

FIGURE = FalseAlarms(
    pair="gold-iwm",
    kind=Kind.RATIO_STRETCH,
    rule_version="ratio_stretch-1-0",
    per_year=3.6,
    standard_error=0.01,
    low=2.9,
    high=4.4,
    refits=20,
    null=Null.UNRELATED_LEGS,
    block_length=64.3,
    paths=1_000,
    years=20,
    seed=1,
    first_session="2012-11-14",
    last_session="2021-03-31",
    returns=2_106,
    observed=16,
    observed_sessions=2_016,
)


def test_figure_shows_its_interval_its_period_and_what_was_observed() -> None:
    assert FIGURE.interval == Interval(low=2.9, high=4.4)
    assert FIGURE.period == Period(first_session="2012-11-14", last_session="2021-03-31")
    assert FIGURE.openings is not None
    assert (FIGURE.openings.count, FIGURE.openings.per_year.value) == (16, 2.0)


@pytest.mark.parametrize("without", ["low", "high"])
def test_half_an_interval_is_none(without: str) -> None:
    assert replace(FIGURE, **{without: None}).interval is None  # type: ignore[arg-type]  # a name of a field


@pytest.mark.parametrize(
    "changes", [{"observed": None}, {"observed_sessions": None}, {"observed_sessions": 0}]
)
def test_openings_without_sessions_have_no_rate(changes: dict[str, int | None]) -> None:
    assert replace(FIGURE, **changes).openings is None  # type: ignore[arg-type]  # names of fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("per_year", 505.0),
        ("standard_error", -1.0),
        ("low", 3.7),
        ("low", -0.1),
        ("high", 3.5),
        ("high", float("inf")),
        ("observed", -1),
        ("observed_sessions", -1),
    ],
)
def test_number_out_of_its_range_is_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: is out of range, was {value}"):
        replace(FIGURE, **{field: value})  # type: ignore[arg-type]  # a name of a field


def test_a_figure_of_evidence_holds_only_for_the_baseline_that_it_was_computed_with() -> None:
    evidence = replace(FIGURE, kind=Kind.EVIDENCE_BREAK, agreement_low=0.42, agreement_high=0.52)
    with_baseline = replace(pair(), agreement_low=0.42, agreement_high=0.52)

    assert evidence.holds_for(with_baseline)
    assert not evidence.holds_for(replace(with_baseline, agreement_low=0.3))
    assert not evidence.holds_for(pair()), "the pair states no baseline"
    assert FIGURE.holds_for(pair()), "no other kind depends on it"
