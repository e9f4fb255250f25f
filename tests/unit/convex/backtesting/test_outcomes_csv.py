"""The file of outcomes has every number of the summary, exactly."""

import csv
import io

from convex.backtesting.outcomes_csv import OUTCOME_COLUMNS, outcomes_bytes
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeSummary
from tests.support.report_builder import made_up


def test_columns_are_those_that_scripts_of_others_read() -> None:
    assert ",".join(OUTCOME_COLUMNS) == (
        "kind,direction,horizon_sessions,openings,hits,episodes,hit_rate,hit_rate_low,hit_rate_high,"
        "hit_rate_adjusted_low,hit_rate_adjusted_high,comparisons,usual_rate,"
        "gold_median,gold_median_low,gold_median_high,iwm_median,iwm_median_low,iwm_median_high,"
        "ratio_median,ratio_median_low,ratio_median_high"
    )


def test_numbers_can_be_read_back_exactly_and_none_is_empty() -> None:
    one = OutcomeSummary(
        kind=Kind.HEDGE_LOST,
        direction=Direction.RISK_OFF,
        horizon_sessions=20,
        count=3,
        hits=1,
        hit_rate=Estimate(value=1 / 3, low=0.1, high=0.9),
        lead=Estimate(value=0.1 + 0.2),
        other=Estimate(value=-1e-17, low=-0.25, high=0.5),
        ratio=Estimate(value=None),
    )

    (row,) = csv.DictReader(io.StringIO(outcomes_bytes([one]).decode()))

    assert (row["kind"], row["direction"], row["horizon_sessions"]) == ("hedge_lost", "risk_off", "20")
    assert (row["openings"], row["hits"], row["episodes"]) == ("3", "1", "")
    assert float(row["hit_rate"]) == 1 / 3
    assert float(row["gold_median"]) == 0.1 + 0.2
    assert (row["gold_median_low"], row["gold_median_high"]) == ("", "")
    assert [float(row[f"iwm_median{end}"]) for end in ("", "_low", "_high")] == [-1e-17, -0.25, 0.5]
    assert row["ratio_median"] == row["usual_rate"] == row["hit_rate_adjusted_low"] == ""


def test_nothing_that_followed_is_a_header_alone() -> None:
    assert outcomes_bytes([]).decode().splitlines() == [",".join(OUTCOME_COLUMNS)]


def test_every_kind_direction_and_horizon_that_opened_has_a_row() -> None:
    outcomes = made_up(800).outcomes

    rows = list(csv.DictReader(io.StringIO(outcomes_bytes(outcomes).decode())))

    assert [(row["kind"], row["direction"], int(row["horizon_sessions"])) for row in rows] == [
        (one.kind, one.direction, one.horizon_sessions) for one in outcomes
    ]
