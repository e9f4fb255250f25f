"""What followed the openings of a backtest as a CSV file; empty is None, floats are written as ``repr``."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from shared.domain.divergences import Estimate
from shared.domain.snapshots import OutcomeSummary

# Other people's scripts read these columns in this order: never remove or move one, and add only at the end.
OUTCOME_COLUMNS: Final = (
    "kind",
    "direction",
    "horizon_sessions",
    "openings",
    "hits",
    "episodes",
    "hit_rate",
    "hit_rate_low",
    "hit_rate_high",
    "hit_rate_adjusted_low",
    "hit_rate_adjusted_high",
    "comparisons",
    "usual_rate",
    "gold_median",
    "gold_median_low",
    "gold_median_high",
    "iwm_median",
    "iwm_median_low",
    "iwm_median_high",
    "ratio_median",
    "ratio_median_low",
    "ratio_median_high",
)

_UNKNOWN: Final = Estimate(value=None)


def outcomes_bytes(outcomes: Iterable[OutcomeSummary]) -> bytes:
    """Return the file: the names of the columns, then a row for each kind, direction and horizon."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(OUTCOME_COLUMNS)
    writer.writerows(map(outcome_row, outcomes))
    return text.getvalue().encode()


def outcome_row(one: OutcomeSummary) -> tuple[str, ...]:
    """Return one row, one text for each of `OUTCOME_COLUMNS`."""
    adjusted = one.hit_rate_adjusted or _UNKNOWN
    numbers = (
        one.count,
        one.hits,
        one.episodes,
        one.hit_rate.value,
        one.hit_rate.low,
        one.hit_rate.high,
        adjusted.low,
        adjusted.high,
        one.comparisons,
        one.usual_rate,
        *(end for move in (one.lead, one.other, one.ratio) for end in (move.value, move.low, move.high)),
    )
    return (
        one.kind.value,
        one.direction.value,
        str(one.horizon_sessions),
        *("" if number is None else repr(number) for number in numbers),
    )
