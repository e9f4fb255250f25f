"""Write a decision down as the event that everyone is told: derived from the log alone."""

import hashlib
from collections.abc import Mapping

from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.kinds.registry import KINDS
from services.signals.core.pairs.decision_context import DecisionContext
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Evidence,
    Hedge,
    Kind,
    Significance,
    Transition,
)
from shared.domain.identity import divergence_id_of, event_id_of, fingerprint_of
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.pairs import Pair


def divergence_id(pair: Pair, kind: Kind, direction: Direction, life: DivergenceState) -> str:
    """Return the identity of an open divergence."""
    fingerprint = fingerprint_of(pair=pair.name, kind=kind, direction=direction)
    return divergence_id_of(fingerprint=fingerprint, rule_version=life.rule_version, onset=life.onset)


def build_event(
    *,
    pair: Pair,
    rule: Rule,
    direction: Direction,
    transition: Transition,
    life: DivergenceState,
    confirmation: Confirmation,
    sequence: int,
    at_ns: int,
    grounds: DecisionContext,
    hedge: Hedge,
    confirmed: Values,
    false_alarms: Mapping[tuple[str, str], float],
    code_version: str,
) -> DivergenceEvent:
    """Build the event of one transition.

    Parameters
    ----------
    life
        The divergence that is told about.
    confirmation
        What this transition rests on: a close, or a live price.
    sequence
        The pair's next number.
    at_ns
        Event time of the decision.
    grounds
        What the decision rests on.
    hedge, confirmed
        The hedge answer and the statistics of the newest committed session.
    false_alarms
        Openings a year by chance, by pair and rule version.
    """
    identity = divergence_id(pair, rule.kind, direction, life)
    is_confirmed = confirmation is Confirmation.CONFIRMED
    valid_seconds = rule.confirmed_valid_seconds if is_confirmed else rule.provisional_valid_seconds
    return DivergenceEvent(
        type=transition,
        event_id=event_id_of(
            divergence_id=identity, transition=transition, occurrence=life.transition_counts[transition.value]
        ),
        divergence_id=identity,
        fingerprint=fingerprint_of(pair=pair.name, kind=rule.kind, direction=direction),
        sequence=sequence,
        pair=pair.name,
        kind=rule.kind,
        direction=direction,
        severity=life.severity,
        confirmation=confirmation,
        occurred_at=format_rfc3339(at_ns),
        opened_at=format_rfc3339(life.opened_at_ns),
        not_after=format_rfc3339(at_ns + valid_seconds * NS_PER_SECOND),
        values=grounds.values,
        thresholds=rule.thresholds,
        hedge=hedge,
        legs=grounds.legs,
        evidence=Evidence(
            inputs=grounds.inputs,
            window_sha256=hashlib.sha256(grounds.window.astype("<f8").tobytes()).hexdigest(),
            rule_version=rule.version,
            code_version=code_version,
        ),
        links={"compare": pair.page},
        significance=_significance(pair, rule, confirmed, false_alarms),
        is_flapping=life.is_flapping,
    )


def _significance(
    pair: Pair, rule: Rule, confirmed: Values, false_alarms: Mapping[tuple[str, str], float]
) -> Significance | None:
    size = KINDS[rule.kind].correlation_size
    if size is None:
        return None
    return Significance(
        correlation=Estimate(
            value=confirmed.get(f"corr_{size}"),
            low=confirmed.get(f"corr_ci_{size}_low"),
            high=confirmed.get(f"corr_ci_{size}_high"),
        ),
        effective_size=confirmed.get(f"n_eff_{size}"),
        false_alarms_per_year=false_alarms.get((pair.name, rule.version)),
    )
