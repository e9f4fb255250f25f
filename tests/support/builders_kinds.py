"""A believable divergence of every kind and direction, with the statistics that decide it."""

from typing import Any, Final

from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Hedge,
    Interval,
    Kind,
    Null,
    ObservedOpenings,
    Period,
    Significance,
)
from tests.support.builders import divergence

WHOLE_HEDGE: Final = Hedge(
    ratio=Estimate(value=0.42, low=0.1, high=0.74),
    beta=Estimate(value=-0.19, low=-0.33, high=-0.05),
    effectiveness=Estimate(value=0.081, low=0.012, high=0.154),
    stress_corr=Estimate(value=-0.37, low=-0.63, high=-0.04),
    ratio_tls=Estimate(value=0.51, low=0.14, high=0.93),
    ratio_kalman=Estimate(value=0.38, low=0.21, high=0.55),
)
KINDS_AND_DIRECTIONS: Final = (
    (Kind.RATIO_STRETCH, Direction.RISK_OFF),
    (Kind.RATIO_STRETCH, Direction.RISK_ON),
    (Kind.OPPOSITE_MOVES, Direction.RISK_OFF),
    (Kind.OPPOSITE_MOVES, Direction.RISK_ON),
    (Kind.CORRELATION_BREAK, Direction.TIGHTENING),
    (Kind.CORRELATION_BREAK, Direction.LOOSENING),
    (Kind.HEDGE_LOST, Direction.RISK_OFF),
    (Kind.EVIDENCE_BREAK, Direction.TIGHTENING),
    (Kind.EVIDENCE_BREAK, Direction.LOOSENING),
    (Kind.REGIME_CHANGE, Direction.RISK_OFF),
    (Kind.REGIME_CHANGE, Direction.RISK_ON),
    (Kind.DATA_FAULT, Direction.LEAD),
    (Kind.DATA_FAULT, Direction.OTHER),
)
_RATIO: Final = {"log_ratio": 2.4662, "mean_90": 2.41, "std_90": 0.0243, "pctl_90": 0.989}
_CONTEXT: Final = {"corr_20": -0.21, "corr_60": 0.04, "corr_90": 0.08, "corr_252": 0.12, "beta_60": 0.03}


_PERIOD: Final = Period(first_session="2007-01-03", last_session="2014-04-30")
# Openings a year by chance with their interval, and what the history had: its count and rate.
_CHANCE: Final[dict[Kind, tuple[Null, tuple[float, float, float], tuple[int, float, float, float]]]] = {
    Kind.RATIO_STRETCH: (Null.UNRELATED_LEGS, (3.6, 2.9, 4.4), (23, 3.2, 2.0, 4.8)),
    Kind.OPPOSITE_MOVES: (Null.UNRELATED_LEGS, (5.1, 4.4, 5.9), (39, 5.4, 3.8, 7.4)),
    Kind.CORRELATION_BREAK: (Null.CONSTANT_CORRELATION, (0.5, 0.3, 0.7), (17, 2.3, 1.4, 3.7)),
    Kind.HEDGE_LOST: (Null.CONSTANT_CORRELATION, (0.1, 0.05, 0.38), (5, 0.7, 0.22, 1.6)),
    Kind.EVIDENCE_BREAK: (Null.CONSTANT_CORRELATION, (0.3, 0.2, 0.5), (2, 0.27, 0.03, 1.0)),
    Kind.REGIME_CHANGE: (Null.UNRELATED_LEGS, (13.2, 12.4, 14.0), (100, 13.7, 11.2, 16.7)),
}


def chance_of(
    kind: Kind, correlation: Estimate | None = None, effective_size: float | None = None
) -> Significance:
    """Return the whole figure of a kind, in which all that may be said about chance occurs."""
    null, (per_year, low, high), (count, rate, least, most) = _CHANCE[kind]
    return Significance(
        correlation=correlation,
        effective_size=effective_size,
        false_alarms_per_year=per_year,
        n_eff=effective_size,
        interval=Interval(low=low, high=high),
        null=null,
        period=_PERIOD,
        observed=ObservedOpenings(count=count, per_year=Estimate(value=rate, low=least, high=most)),
    )


def divergence_of(kind: Kind, direction: Direction, **changes: Any) -> DivergenceEvent:
    """Return the confirmed opening of a kind in a direction, changed as asked."""
    return divergence(
        **{
            "kind": kind,
            "direction": direction,
            "confirmation": Confirmation.CONFIRMED,
            "hedge": WHOLE_HEDGE,
            "significance": chance_of(kind) if kind.is_market else None,
            **_decided(kind, direction),
            **changes,
        }
    )


def _decided(kind: Kind, direction: Direction) -> dict[str, Any]:
    sign = -1.0 if direction in (Direction.RISK_ON, Direction.LOOSENING) else 1.0
    match kind:
        case Kind.RATIO_STRETCH:
            ratio = _RATIO if sign > 0 else {**_RATIO, "log_ratio": 2.3538, "pctl_90": 0.011}
            return {"values": {**ratio, "z_90": 2.31 * sign, **_CONTEXT}}
        case Kind.OPPOSITE_MOVES:
            moves = {
                "opposite_moves": 2.47 * sign,
                "return_5_lead": 0.0412 * sign,
                "return_5_other": -0.0643 * sign,
                "return_gap_std_90": 0.0191,
            }
            return {"values": moves | _CONTEXT}
        case Kind.CORRELATION_BREAK:
            return _correlation_break(sign)
        case Kind.HEDGE_LOST:
            decided = {"corr_ci_60_low": 0.12, "corr_ci_60_high": 0.63, "n_eff_60": 48.0}
            return {
                "values": decided | _CONTEXT | {"corr_60": 0.41},
                "thresholds": {"warning": 0.1, "critical": 0.3, "leave": 0.0},
                "significance": chance_of(kind, Estimate(value=0.41, low=0.12, high=0.63), 48.0),
            }
        case Kind.EVIDENCE_BREAK:
            return _evidence_break(sign)
        case Kind.REGIME_CHANGE:
            regimes = {"regime_before": 0.0, "regime": sign}
            return {"values": {**regimes, **_RATIO, "z_90": 1.2 * sign, **_CONTEXT}, "thresholds": {}}
        case Kind.DATA_FAULT:
            cause = "stale" if direction is Direction.LEAD else "missing_bar"
            return {"values": {cause: 0.0}, "thresholds": {}}


def _correlation_break(sign: float) -> dict[str, Any]:
    low, high = (0.17, 0.81) if sign > 0 else (-0.81, -0.17)
    year = (-0.18, 0.08) if sign > 0 else (-0.08, 0.18)
    decided = {
        "fisher_z": 2.71 * sign,
        "corr_change": 0.62 * sign,
        "n_eff_20": 18.2,
        "n_eff_252": 231.0,
        "corr_ci_20_low": low,
        "corr_ci_20_high": high,
        "corr_ci_252_low": year[0],
        "corr_ci_252_high": year[1],
    }
    return {
        "values": decided | _CONTEXT | {"corr_20": 0.57 * sign, "corr_252": -0.05 * sign},
        "thresholds": {"warning": 2.58, "critical": 3.29, "leave": 1.64, "min_change": 0.3},
        "significance": chance_of(
            Kind.CORRELATION_BREAK, Estimate(value=0.57 * sign, low=low, high=high), 18.2
        ),
    }


def _evidence_break(sign: float) -> dict[str, Any]:
    large, small = (301.4, 2.6) if sign > 0 else (2.6, 301.4)
    return {
        "values": {
            "e_break": 304.0,
            "e_tightening": large,
            "e_loosening": small,
            "agreement_60": 0.7 if sign > 0 else 0.25,
            "agreement_low": 0.42,
            "agreement_high": 0.52,
        }
        | _CONTEXT,
        "thresholds": {"warning": 252.0, "critical": 2520.0, "leave": 20.0},
    }
