"""Every kind is whole: traits, definition, a rule of its own, claims only for its directions."""

import numpy as np
import pytest

from services.signals.core.kinds.registry import (
    CLAIMS,
    CONTEXT_KINDS,
    DEFAULT_RULES,
    KINDS,
    LEVEL_KINDS,
    PUBLISHED_RULES,
    observe,
)
from services.signals.core.legs.aligned import AlignedSessions
from shared.domain.divergences import Direction, Kind
from shared.domain.kinds import KIND_TRAITS, statistic_of


def test_every_kind_has_a_definition_and_traits_in_one_order() -> None:
    assert tuple(KINDS) == tuple(KIND_TRAITS) == tuple(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_default_rule_is_of_its_own_kind(kind: Kind) -> None:
    assert KINDS[kind].default_rule.kind is kind
    assert [rule.kind for rule in PUBLISHED_RULES].count(kind) == 1


def test_kinds_that_are_context_have_a_published_rule_but_open_nothing_by_default() -> None:
    assert {Kind.OPPOSITE_MOVES, Kind.REGIME_CHANGE} == CONTEXT_KINDS
    assert tuple(rule for rule in PUBLISHED_RULES if rule.kind not in CONTEXT_KINDS) == DEFAULT_RULES


@pytest.mark.parametrize("kind", LEVEL_KINDS)
def test_kind_of_a_level_observes_nothing_while_its_statistic_is_undefined(kind: Kind) -> None:
    for direction in KIND_TRAITS[kind].directions:
        assert observe(KINDS[kind].default_rule, direction, {}) is None


@pytest.mark.parametrize("kind", LEVEL_KINDS)
def test_deciding_statistic_is_among_the_values_of_an_event(kind: Kind) -> None:
    for direction in KIND_TRAITS[kind].directions:
        assert statistic_of(kind, direction) in KINDS[kind].decided_by
    assert KIND_TRAITS[kind].statistic in KINDS[kind].decided_by


def test_claims_are_made_of_directions_that_a_kind_has() -> None:
    assert all(direction in KIND_TRAITS[kind].directions for kind, direction in CLAIMS)
    assert not [kind for kind, _ in CLAIMS if not kind.is_market]


def test_evidence_of_a_return_kind_is_the_last_returns_of_both_legs() -> None:
    n = 400
    lead, other = np.arange(1.0, n + 1), np.arange(1.0, n + 1) * 2
    aligned = AlignedSessions(
        days=np.arange(n, dtype=np.int32),
        lead=lead,
        other=other,
        log_ratio=np.log(lead / other),
        lead_returns=np.log(lead[1:] / lead[:-1]),
        other_returns=np.log(other[1:] / other[:-1]),
    )

    sizes = {kind: len(KINDS[kind].window(aligned)) for kind in Kind}

    assert sizes == {
        Kind.RATIO_STRETCH: 90,
        Kind.OPPOSITE_MOVES: 180,
        Kind.CORRELATION_BREAK: 504,
        Kind.HEDGE_LOST: 120,
        Kind.EVIDENCE_BREAK: 744,
        Kind.REGIME_CHANGE: 90,
        Kind.DATA_FAULT: 0,
    }
    assert KINDS[Kind.HEDGE_LOST].window(aligned)[-1] == aligned.other_returns[-1]
    assert KINDS[Kind.RATIO_STRETCH].window(aligned)[-1] == aligned.log_ratio[-2]


def test_lost_hedge_reads_the_same_in_its_only_direction() -> None:
    assert KIND_TRAITS[Kind.HEDGE_LOST].directions == (Direction.RISK_OFF,)
