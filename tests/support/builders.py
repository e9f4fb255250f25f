"""Values for tests with valid defaults: say only what the test is about."""

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
from shared.domain.identity import divergence_id_of, event_id_of, fingerprint_of


def divergence(**changes: Any) -> DivergenceEvent:
    """Return a provisional opening around the payrolls release of 2014-05-02, changed as asked.

    The identities follow from what is changed, unless they are given: two events with the same ``pair``,
    ``direction`` and ``onset`` belong to one divergence. ``onset`` and ``occurrence`` are no fields of the
    event; they only go into its identity.
    """
    pair = changes.get("pair", "gold-iwm")
    kind = changes.get("kind", Kind.RATIO_STRETCH)
    direction = changes.get("direction", Direction.RISK_OFF)
    transition = changes.get("type", Transition.OPEN)
    onset = changes.pop("onset", "2014-05-02T12:30:10.000000Z")
    fingerprint = changes.get("fingerprint", fingerprint_of(pair=pair, kind=kind, direction=direction))
    divergence_id = changes.get(
        "divergence_id", divergence_id_of(fingerprint=fingerprint, rule_version="test-1", onset=onset)
    )
    event_id = event_id_of(
        divergence_id=divergence_id, transition=transition, occurrence=changes.pop("occurrence", 1)
    )
    fields: dict[str, Any] = {
        "type": transition,
        "event_id": event_id,
        "divergence_id": divergence_id,
        "fingerprint": fingerprint,
        "sequence": 1,
        "pair": pair,
        "kind": kind,
        "direction": direction,
        "severity": Severity.WARNING,
        "confirmation": Confirmation.PROVISIONAL,
        "occurred_at": "2014-05-02T12:35:10.000000Z",
        "opened_at": "2014-05-02T12:35:10.000000Z",
        "not_after": "2014-05-02T16:35:10.000000Z",
        "values": {
            "log_ratio": 2.4662,
            "z_90": 2.31,
            "mean_90": 2.41,
            "std_90": 0.0243,
            "pctl_90": 0.989,
            "corr_20": -0.21,
            "corr_60": 0.04,
            "corr_90": 0.08,
            "corr_252": 0.12,
            "beta_60": 0.03,
        },
        "thresholds": {"warning": 2.0, "critical": 3.0, "leave": 1.0},
        "hedge": Hedge(
            ratio=Estimate(value=0.42, low=0.1, high=0.74),
            beta=Estimate(value=0.03),
            effectiveness=Estimate(value=None),
            stress_corr=Estimate(value=-0.37),
        ),
        "legs": (
            Leg(instrument="XAU/USD.REPLAY", price=1304.35, age_seconds=0.4, source="replay"),
            Leg(instrument="IWM.REPLAY", price=111.34, age_seconds=59_710.0, source="replay"),
        ),
        "evidence": Evidence(
            inputs=(
                EvidenceInput(instrument="XAU/USD.REPLAY", ts_event_ns=1_399_034_110_000_000_000),
                EvidenceInput(instrument="IWM.REPLAY", session="2014-05-01"),
            ),
            window_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            rule_version="test-1",
            code_version="0.1.0",
        ),
        "links": {"compare": "/compare/gold-vs-iwm"},
    }
    return DivergenceEvent(**(fields | changes))
