"""What is said about evidence agrees with the statistic that it is about."""

import pytest

from services.signals.core.statistics.e_break import SCALE
from shared.text.evidence import GROWTH_A_SESSION, describe_guarantee, format_e_value


def test_guarantee_is_that_of_the_statistic() -> None:
    assert GROWTH_A_SESSION == SCALE


@pytest.mark.parametrize(
    ("thresholds", "sessions"),
    [
        ({"warning": 252.0, "leave": 20.0, "critical": 2520.0}, "252 sessions"),
        ({"warning": 1_000.0, "leave": 0.0}, "1,087 sessions"),
    ],
)
def test_guarantee_is_in_sessions_between_openings(thresholds: dict[str, float], sessions: str) -> None:
    assert f"at most once in {sessions} on average" in describe_guarantee(thresholds)


@pytest.mark.parametrize(
    "thresholds",
    [{}, {"warning": 252.0}, {"warning": 2.0, "leave": 3.0}, {"warning": 0.0, "leave": -1.7e308}],
)
def test_no_guarantee_without_the_levels_it_follows_from(thresholds: dict[str, float]) -> None:
    assert describe_guarantee(thresholds) == ""


def test_small_evidence_keeps_a_decimal() -> None:
    assert [format_e_value(each) for each in (0.04, 2.55, 9.96, 10.0, 12_345.6)] == [
        "0.0",
        "2.5",
        "10.0",
        "10",
        "12,346",
    ]
