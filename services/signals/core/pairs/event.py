"""Build the event that reports a transition, from nothing but what the log holds."""

import hashlib
from dataclasses import replace
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.engine_config import EngineConfig
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

_NO_FIGURE: Final = Significance(correlation=None, effective_size=None, false_alarms_per_year=None)


def divergence_id(pair: Pair, kind: Kind, direction: Direction, state: DivergenceState) -> str:
    """Return the identity of an open divergence."""
    fingerprint = fingerprint_of(pair=pair.name, kind=kind, direction=direction)
    return divergence_id_of(fingerprint=fingerprint, rule_version=state.rule_version, onset=state.onset)


def build_event(
    *,
    pair: Pair,
    rule: Rule,
    direction: Direction,
    transition: Transition,
    state: DivergenceState,
    confirmation: Confirmation,
    sequence: int,
    at_ns: int,
    context: DecisionContext,
    hedge: Hedge,
    confirmed: Values,
    config: EngineConfig,
) -> DivergenceEvent:
    """Build the event of one transition.

    Parameters
    ----------
    state
        The divergence that is reported.
    confirmation
        Whether a close or a live price caused this transition.
    sequence
        The pair's next number.
    at_ns
        Event time of the decision.
    context
        The evidence of the decision.
    hedge, confirmed
        The hedge answer and the statistics of the newest committed session.
    config
        See `EngineConfig`.
    """
    identity = divergence_id(pair, rule.kind, direction, state)
    is_confirmed = confirmation is Confirmation.CONFIRMED
    valid_seconds = rule.confirmed_valid_seconds if is_confirmed else rule.provisional_valid_seconds
    return DivergenceEvent(
        type=transition,
        event_id=event_id_of(
            divergence_id=identity,
            transition=transition,
            occurrence=state.transition_counts[transition.value],
        ),
        divergence_id=identity,
        fingerprint=fingerprint_of(pair=pair.name, kind=rule.kind, direction=direction),
        sequence=sequence,
        pair=pair.name,
        kind=rule.kind,
        direction=direction,
        severity=state.severity,
        confirmation=confirmation,
        occurred_at=format_rfc3339(at_ns),
        opened_at=format_rfc3339(state.opened_at_ns),
        not_after=format_rfc3339(at_ns + valid_seconds * NS_PER_SECOND),
        values=context.values,
        probability=context.probability,
        thresholds=rule.thresholds,
        hedge=hedge,
        legs=context.legs,
        evidence=Evidence(
            inputs=context.inputs,
            window_sha256=hashlib.sha256(context.window.astype("<f8").tobytes()).hexdigest(),
            rule_version=config.version_of(rule),
            code_version=config.code_version,
        ),
        links={"compare": pair.page},
        significance=_significance(pair, rule, confirmed, config),
        is_flapping=state.is_flapping,
    )


def _significance(pair: Pair, rule: Rule, confirmed: Values, config: EngineConfig) -> Significance | None:
    if not rule.kind.is_market:
        return None
    size = KINDS[rule.kind].correlation_size
    chance = config.false_alarms.get((pair.name, config.version_of(rule)))
    known = _NO_FIGURE if chance is None or not chance.holds_for(pair) else chance.significance
    if size is None:
        return known
    worth = confirmed.get(f"n_eff_{size}")
    return replace(known, correlation=_correlation(size, confirmed), effective_size=worth, n_eff=worth)


def _correlation(size: int, confirmed: Values) -> Estimate:
    return Estimate(
        value=confirmed.get(f"corr_{size}"),
        low=confirmed.get(f"corr_ci_{size}_low"),
        high=confirmed.get(f"corr_ci_{size}_high"),
    )
