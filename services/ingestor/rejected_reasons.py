"""Why input is rejected: the reasons of the metric and of the dead letters, a closed set."""

from typing import Final

REJECTED_REASONS: Final = (
    "future",
    "too_old",
    "out_of_order",
    "wide_spread",
    "outlier",
    "crossed",
    "not_positive",
    "undecodable",
    "implausible_instant",
    "outside_range",
    "one_sided",
    "negative_volume",
    "trade_gap",
    "parser_failed",
    # Of macro observations.
    "implausible_date",
)
