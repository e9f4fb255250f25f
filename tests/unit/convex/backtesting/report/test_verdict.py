"""The verdict claims a difference only where the intervals show one."""

from typing import Any

import pytest

from convex.backtesting.report.data_quality import DataQuality, Gap, LegQuality
from convex.backtesting.report.verdict import chance_sentence, data_clause, followed_sentence, period_sentence
from shared.domain.divergences import Direction, Estimate, Interval, Kind, ObservedOpenings, Significance
from shared.domain.snapshots import OutcomeSummary
from tests.support.report_builder import PAIR

NOTHING = Estimate(value=None)


def figure(observed: tuple[float, float], expected: tuple[float, float] | None) -> Significance:
    middle = sum(observed) / 2
    return Significance(
        correlation=None,
        effective_size=None,
        false_alarms_per_year=sum(expected) / 2 if expected else None,
        interval=Interval(low=expected[0], high=expected[1]) if expected else None,
        observed=ObservedOpenings(
            count=10, per_year=Estimate(value=middle, low=observed[0], high=observed[1])
        ),
    )


def outcome(low: float | None, high: float | None, **changes: Any) -> OutcomeSummary:
    fields: dict[str, Any] = {
        "kind": Kind.RATIO_STRETCH,
        "direction": Direction.RISK_OFF,
        "horizon_sessions": 20,
        "count": 40,
        "hits": 32,
        "hit_rate": Estimate(value=0.8, low=0.64, high=0.91),
        "hit_rate_adjusted": Estimate(value=0.8, low=low, high=high),
        "lead": NOTHING,
        "other": NOTHING,
        "ratio": NOTHING,
        "usual_rate": 0.6,
        "episodes": 30,
        "comparisons": 3,
    }
    return OutcomeSummary(**(fields | changes))


def leg(missing: int) -> LegQuality:
    return LegQuality(
        title="Gold",
        closes=500,
        first="2019-01-02",
        last="2020-12-31",
        missing=missing,
        largest_gap=Gap(sessions=missing, first="2019-02-01", last="2019-02-01") if missing else None,
        is_adjusted=False,
        unchanged=0,
        longest_unchanged=1,
    )


def period(**changes: Any) -> str:
    fields: dict[str, Any] = {"observed": 504, "alerts": 24, "openings": 9, "faults": 0, "quality": None}
    labels = ["2019-01-02"] * 503 + ["2020-12-31"]
    return period_sentence(changes.pop("sessions", labels), **(fields | changes))


def test_alerts_are_counted_and_related_to_the_years_in_which_they_could_come() -> None:
    said = period(faults=1, quality=DataQuality(legs=(leg(3),), held_back=1))

    assert said == (
        "From 2 Jan 2019 to 31 Dec 2020 (504 sessions; 3 missing in Gold, 1 close held back) these rules "
        "sent 24 alerts, 12.0 a year, about 9 divergences and 1 data fault."
    )


def test_rate_counts_only_the_sessions_in_which_something_could_open() -> None:
    said = period(observed=252)

    assert "504 sessions, in 252 of which a divergence could open" in said
    assert "24.0 a year" in said


def test_less_than_a_year_has_no_rate() -> None:
    said = period(observed=251)

    assert "a year," not in said
    assert "too short a time for a rate a year" in said


def test_no_alert_needs_no_rate() -> None:
    assert period(alerts=0, openings=0).endswith("these rules sent no alert.")


def test_less_than_a_year_is_not_compared_with_chance() -> None:
    known = Significance(
        correlation=None,
        effective_size=None,
        false_alarms_per_year=0.9,
        interval=Interval(low=0.5, high=1.5),
    )

    assert "too short a time to compare" in chance_sentence({Kind.HEDGE_LOST: known})


def test_no_session_at_all_says_so() -> None:
    assert period(sessions=[]) == "There is no session that both legs have, so nothing could open."


def test_complete_data_are_said_to_be_complete() -> None:
    assert data_clause(DataQuality(legs=(leg(0),), held_back=0)) == "none missing, no close held back"


@pytest.mark.parametrize(
    ("lowest", "is_claimed"),
    [(2.01, True), (2.0, False), (1.5, False)],
    ids=["above the highest by chance", "equal to it", "below it"],
)
def test_more_often_than_chance_needs_the_lowest_rate_above_the_highest_by_chance(
    lowest: float, *, is_claimed: bool
) -> None:
    said = chance_sentence({Kind.HEDGE_LOST: figure((lowest, 5.0), (1.0, 2.0))})

    assert said.startswith("More often than chance explains opened hedge lost") is is_claimed
    assert (said == "Hedge lost is not shown to open more often than by chance.") is not is_claimed


def test_kinds_that_are_not_above_chance_are_counted_beside_those_that_are() -> None:
    said = chance_sentence(
        {
            Kind.RATIO_STRETCH: figure((1.0, 3.0), (1.5, 2.5)),
            Kind.CORRELATION_BREAK: figure((3.0, 5.0), (1.0, 2.0)),
            Kind.HEDGE_LOST: figure((3.0, 5.0), None),
        }
    )

    assert said == (
        "More often than chance explains opened correlation break (4.0 a year, 95%: 3.0 to 5.0; by chance "
        "1.5, 95%: 1.0 to 2.0); 1 other kind is not shown to."
    )


def test_several_kinds_within_chance_are_one_sentence() -> None:
    same = figure((1.0, 3.0), (1.5, 2.5))

    said = chance_sentence({Kind.RATIO_STRETCH: same, Kind.HEDGE_LOST: same})

    assert said == "No kind is shown to open more often than by chance."


@pytest.mark.parametrize("chance", [{}, {Kind.HEDGE_LOST: figure((3.0, 5.0), None)}])
def test_kinds_without_a_figure_are_compared_with_nothing(chance: dict[Kind, Significance]) -> None:
    assert "is not known here, so none is compared" in chance_sentence(chance)


def test_what_followed_differs_only_where_the_widened_interval_excludes_the_usual_rate() -> None:
    # The plain interval, 64% to 91%, excludes 60%; the widened one does not.
    said = followed_sentence([outcome(0.58, 0.94)], PAIR)

    assert said == (
        "What followed is not shown to differ from what usually follows; with the most openings, 20 sessions "
        "after “Ratio stretch, risk-off”, the ratio came back: IWM outperformed Gold in 32 of 40 or 80% "
        "(95%: 58% to 94%) against 60% of all sessions."
    )
    assert followed_sentence([outcome(0.61, 0.94)], PAIR).startswith(
        "What followed differs from what usually follows: 20 sessions after “Ratio stretch, risk-off”"
    )


def test_row_with_the_most_openings_is_quoted_and_the_longest_horizon_of_it() -> None:
    rows = [
        outcome(0.1, 0.9, horizon_sessions=1, count=41, hits=3),
        outcome(0.1, 0.9, horizon_sessions=5, count=41, hits=4),
        outcome(0.1, 0.9, horizon_sessions=20, count=40, hits=5),
    ]

    assert "5 sessions after" in followed_sentence(rows, PAIR)
    assert "in 4 of 41" in followed_sentence(rows, PAIR)


def test_more_than_two_unusual_rows_are_counted() -> None:
    said = followed_sentence([outcome(0.7, 0.9), outcome(0.7, 0.9), outcome(0.7, 0.9)], PAIR)

    assert said.endswith(", and 1 more row below differs too.")
    assert followed_sentence([outcome(0.7, 0.9)] * 4, PAIR).endswith(", and 2 more rows below differ too.")


@pytest.mark.parametrize(
    "rows", [[], [outcome(None, None, count=0, hits=0)], [outcome(0.1, 0.9, usual_rate=None)]]
)
def test_nothing_old_enough_says_so(rows: list[OutcomeSummary]) -> None:
    assert followed_sentence(rows, PAIR) == "No opening is old enough to say what followed."
