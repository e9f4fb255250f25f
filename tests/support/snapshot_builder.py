"""Snapshots and divergence events with valid defaults; a test says what differs."""

from dataclasses import replace
from typing import Any

from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Evidence,
    EvidenceInput,
    Hedge,
    Kind,
    Leg,
    Severity,
    Transition,
)
from shared.domain.pairs import Pair
from shared.domain.snapshots import (
    ConfirmedStatistics,
    LegSnapshot,
    PairSnapshot,
    ProvisionalStatistics,
    SessionHistory,
)
from shared.domain.ticks import FeedState

PAIR = Pair(
    name="gold-iwm",
    title="Gold vs IWM",
    lead="XAU/USD.REPLAY",
    other="IWM.REPLAY",
    lead_title="Gold",
    other_title="IWM",
)

CONFIRMED_VALUES: dict[str, float | None] = {
    "log_ratio": 2.7041,
    "z_90": 2.4051,
    "pctl_90": 0.98889,
    "corr_20": -0.314,
    "corr_60": -0.12,
    "corr_90": 0.0451,
    "corr_252": 0.2,
    "spearman_60": -0.09,
    "ewm_corr_20": -0.2207,
    "beta_60": -0.11,
    "hedge_ratio_60": 0.52,
    "hedge_effectiveness_60": 0.034,
    "vol_lead_20": 0.246,
    "vol_other_20": 0.873,
    "lead_lag_120": 1.0,
    "stress_corr_252": -0.41,
    "half_life_252": 31.26,
    "corr_ci_20_low": -0.671,
    "corr_ci_20_high": 0.164,
    "n_eff_20": 18.42,
    "corr_ci_60_low": -0.362,
    "corr_ci_60_high": 0.138,
    "n_eff_60": 57.9,
    "corr_ci_90_low": -0.168,
    "corr_ci_90_high": 0.254,
    "n_eff_90": 84.3,
    "corr_ci_252_low": 0.077,
    "corr_ci_252_high": 0.317,
    "n_eff_252": 236.1,
    "fisher_z": -1.952,
    "corr_change": -0.514,
    "e_break": 31.4,
    "e_tightening": 8.2,
    "e_loosening": 23.2,
    "agreement_60": 0.4,
    "agreement_low": 0.42,
    "agreement_high": 0.52,
    "opposite_moves": 2.213,
    "return_5_lead": -0.0821,
    "return_5_other": -0.2204,
    "return_gap_std_90": 0.0279,
    "lead_lag_corr_120": 0.412,
    "lead_lag_band_120": 0.18,
    "coint_p_252": 0.0312,
}

HEDGE = Hedge(
    ratio=Estimate(value=0.52, low=0.11, high=0.93),
    beta=Estimate(value=-0.11, low=-0.24, high=0.02),
    effectiveness=Estimate(value=0.034, low=-0.021, high=0.086),
    stress_corr=Estimate(value=-0.41, low=-0.68, high=-0.04),
    ratio_tls=Estimate(value=3.9, low=1.2, high=9.7),
    ratio_kalman=Estimate(value=0.47, low=0.19, high=0.75),
)

SUMMARY: dict[str, float | None] = {
    "last": 1471.24,
    "change_1": -42.1,
    "change_1_pct": -0.02782,
    "change_5": 12.5,
    "change_5_pct": 0.00857,
    "change_20": -110.0,
    "change_20_pct": -0.06957,
    "change_90": 0.0,
    "change_90_pct": 0.0,
    "min": 1454.0,
    "max": 1680.3,
    "mean": 1540.75,
    "std": 55.5,
    "percentile": 0.12222,
    "drawdown": -0.12442,
    "vol": 0.1987,
}


def leg(**changes: Any) -> LegSnapshot:
    """Return the live lead leg, three seconds old."""
    default = LegSnapshot(
        instrument="XAU/USD.REPLAY",
        title="Gold",
        price=1486.43,
        price_at="2020-03-18T19:59:57.000000Z",
        age_seconds=3.0,
        source="replay",
        session=None,
        summary=SUMMARY,
    )
    return replace(default, **changes)


def other_leg(**changes: Any) -> LegSnapshot:
    """Return the other leg at yesterday's close."""
    return leg(
        **{
            "instrument": "IWM.REPLAY",
            "title": "IWM",
            "price": 106.66,
            "price_at": "2020-03-17T20:00:00.000000Z",
            "age_seconds": 86_400.0,
            "session": "2020-03-17",
            "summary": SUMMARY | {"last": 106.66},
            **changes,
        }
    )


def snapshot(**changes: Any) -> PairSnapshot:
    """Return a warm snapshot of `PAIR` during the session of 2020-03-18."""
    default = PairSnapshot(
        pair=PAIR.name,
        title=PAIR.title,
        page=PAIR.page,
        is_simulated=False,
        is_proxy=False,
        feed="replay",
        feed_state=FeedState.LIVE,
        watermark="2020-03-18T20:00:00.000000Z",
        sessions_known=600,
        legs=(leg(), other_leg()),
        confirmed=ConfirmedStatistics(
            session="2020-03-17",
            known_at="2020-03-18T00:15:00.000000Z",
            values=CONFIRMED_VALUES,
            regime="RISK_OFF",
        ),
        provisional=ProvisionalStatistics(
            ts_event="2020-03-18T19:59:57.000000Z",
            other_session="2020-03-17",
            lead_age_seconds=3.0,
            other_age_seconds=86_400.0,
            values={"log_ratio": 2.7311, "z_90": 3.127, "pctl_90": 1.0},
        ),
        undefined={},
        open=(),
        history=SessionHistory(
            session=("2020-03-13", "2020-03-16", "2020-03-17"),
            lead=(1529.9, 1514.1, 1528.3),
            other=(120.49, 103.36, 110.06),
            log_ratio=(2.5413, 2.6843, 2.6308),
        ),
        hedge=HEDGE,
    )
    return replace(default, **changes)


def event(**changes: Any) -> DivergenceEvent:
    """Return the confirmed opening of a warning, the pair's first event."""
    none = Estimate(value=None)
    default = DivergenceEvent(
        type=Transition.OPEN,
        event_id="ev_1",
        divergence_id="dv_1",
        fingerprint="fp_1",
        sequence=1,
        pair=PAIR.name,
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_OFF,
        severity=Severity.WARNING,
        confirmation=Confirmation.CONFIRMED,
        occurred_at="2020-03-18T00:15:00.000000Z",
        opened_at="2020-03-18T00:15:00.000000Z",
        not_after="2020-03-21T00:15:00.000000Z",
        values={"z_90": 2.4051, "log_ratio": 2.7041},
        thresholds={"warning": 2.0, "critical": 3.0, "leave": 1.0, "hold_seconds": 300.0},
        hedge=Hedge(ratio=none, beta=none, effectiveness=none, stress_corr=none),
        legs=(Leg(instrument="IWM.REPLAY", price=106.66, age_seconds=0.0, source="replay"),),
        evidence=Evidence(
            inputs=(EvidenceInput(instrument="IWM.REPLAY", session="2020-03-17"),),
            window_sha256="0" * 64,
            rule_version="ratio_stretch-1-00000000",
            code_version="0.1.0",
        ),
        links={"page": PAIR.page},
    )
    return replace(default, **changes)
