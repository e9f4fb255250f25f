"""An event of every kind, direction and type, to try a template on before the first real one arrives.

Each comes twice: with every number that it can have, and with none, as at the start of a history.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from shared.contracts.records import DIVERGENCES
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
    Significance,
    Transition,
)
from shared.domain.identity import divergence_id_of, event_id_of, fingerprint_of
from shared.domain.kinds import KIND_TRAITS

_AT: Final = "2026-01-05T14:30:00.000000Z"
_NOT_AFTER: Final = "2026-01-05T18:30:00.000000Z"
_OF_EVERY_MARKET_KIND: Final = ("corr_20", "corr_60", "corr_90", "corr_252", "beta_60")
_OF_THE_RATIO: Final = ("log_ratio", "z_90", "mean_90", "std_90", "pctl_90")
_OF_THE_CHANGE: Final = (
    "fisher_z",
    "corr_change",
    "corr_ci_20_low",
    "corr_ci_20_high",
    "corr_ci_252_low",
    "corr_ci_252_high",
    "n_eff_20",
    "n_eff_252",
)
_OF_THE_EVIDENCE: Final = ("e_break", "agreement_low", "agreement_high")
_VALUES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.RATIO_STRETCH: (*_OF_THE_RATIO, *_OF_EVERY_MARKET_KIND),
    Kind.OPPOSITE_MOVES: (
        "opposite_moves",
        "return_5_lead",
        "return_5_other",
        "return_gap_std_90",
        *_OF_EVERY_MARKET_KIND,
    ),
    Kind.CORRELATION_BREAK: (*_OF_THE_CHANGE, *_OF_EVERY_MARKET_KIND, *_OF_THE_EVIDENCE),
    Kind.HEDGE_LOST: (
        "corr_ci_60_low",
        "corr_ci_60_high",
        "n_eff_60",
        *_OF_EVERY_MARKET_KIND,
        *_OF_THE_EVIDENCE,
    ),
    Kind.EVIDENCE_BREAK: (
        "e_tightening",
        "e_loosening",
        "agreement_60",
        *_OF_THE_EVIDENCE,
        *_OF_EVERY_MARKET_KIND,
    ),
    Kind.REGIME_CHANGE: ("regime_before", "regime", *_OF_THE_RATIO, *_OF_EVERY_MARKET_KIND),
    Kind.DATA_FAULT: (),
}
_LEVELS: Final = {"warning": 2.0, "critical": 3.0, "leave": 1.0}
_NUMBER: Final = 0.5
_KNOWN: Final = Estimate(value=_NUMBER, low=0.25, high=0.75)
_UNKNOWN: Final = Estimate(value=None)


@cache
def example_events() -> tuple[tuple[DivergenceEvent, bytes], ...]:
    """Return the examples, each with its bytes."""
    return tuple((event, DIVERGENCES.encode(event)) for event in _all_examples())


def examples_among(types: Collection[str] | None, kinds: Collection[str] | None) -> Iterator[bytes]:
    """Return the examples of some types and kinds; None means all."""
    for event, value in example_events():
        if (types is None or event.type in types) and (kinds is None or event.kind in kinds):
            yield value


def _all_examples() -> Iterator[DivergenceEvent]:
    for kind, traits in KIND_TRAITS.items():
        for direction in traits.directions:
            for transition in Transition:
                for severity in Severity:
                    yield _example(
                        kind, direction, transition, severity, is_bare=severity is Severity.WARNING
                    )


def _example(
    kind: Kind, direction: Direction, transition: Transition, severity: Severity, *, is_bare: bool
) -> DivergenceEvent:
    pair = "gold-iwm"
    fingerprint = fingerprint_of(pair=pair, kind=kind, direction=direction)
    divergence_id = divergence_id_of(fingerprint=fingerprint, rule_version="example", onset=_AT)
    has_correlation = kind in (Kind.CORRELATION_BREAK, Kind.HEDGE_LOST)
    estimate = _UNKNOWN if is_bare else _KNOWN
    return DivergenceEvent(
        type=transition,
        event_id=event_id_of(divergence_id=divergence_id, transition=transition, occurrence=1),
        divergence_id=divergence_id,
        fingerprint=fingerprint,
        sequence=0 if transition is Transition.TEST else 1,
        pair=pair,
        kind=kind,
        direction=direction,
        severity=severity,
        confirmation=Confirmation.PROVISIONAL if is_bare else Confirmation.CONFIRMED,
        occurred_at=_AT,
        opened_at=_AT,
        not_after=_NOT_AFTER,
        values=_values(kind, transition, is_bare=is_bare),
        thresholds=_LEVELS if KIND_TRAITS[kind].statistic is not None else {},
        hedge=Hedge(
            ratio=estimate,
            beta=estimate,
            effectiveness=estimate,
            stress_corr=estimate,
            ratio_tls=estimate,
            ratio_kalman=estimate,
        ),
        legs=() if transition is Transition.TEST or (is_bare and not kind.is_market) else _legs(),
        evidence=Evidence(
            inputs=(EvidenceInput(instrument="IWM.ARCX", session="2026-01-02"),),
            window_sha256="0" * 64,
            rule_version="example",
            code_version="0",
        ),
        links={"compare": "/compare/gold-vs-iwm"},
        significance=Significance(
            correlation=estimate,
            effective_size=None if is_bare else 20.0,
            false_alarms_per_year=None if is_bare else 1.0,
        )
        if has_correlation
        else None,
        is_flapping=not is_bare and transition is Transition.REVISED,
    )


def _values(kind: Kind, transition: Transition, *, is_bare: bool) -> dict[str, float | None]:
    if transition is Transition.TEST:
        return {}
    if kind.is_market:
        return dict.fromkeys(_VALUES[kind], None if is_bare else _NUMBER)
    if not transition.is_final:
        return {"stale": 60.0} if is_bare else {"missing_bar": 0.0, "revised_from": 99.5, "revised_to": 99.97}
    return {"lasted_seconds": 60.0}


def _legs() -> tuple[Leg, ...]:
    return (
        Leg(instrument="PAXG/USD.KRAKEN", price=4_350.25, age_seconds=0.4, source="kraken"),
        Leg(instrument="IWM.ARCX", price=251.5, age_seconds=59_710.0, source="yahoo"),
    )
