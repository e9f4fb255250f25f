"""Each row of the table in divergence/on_price.py: what a live price does."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.on_price import (
    decide_on_expiry,
    decide_on_hold_end,
    decide_on_price,
    decide_on_stale_feed,
    hold_ends_at_ns,
)
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase, Suppressed
from shared.domain.divergences import Confirmation, Severity, Transition
from tests.support.builders_market import MINUTE, SECOND, ny

RULE = Rule()
T0 = ny("2019-06-03 10:00")
HOLD = 5 * MINUTE
BELOW, ABOVE = -1e-9, 1e-9

PENDING = DivergenceState(phase=Phase.PENDING, warning_since_ns=T0)
PENDING_CRITICAL = replace(PENDING, critical_since_ns=T0 + MINUTE)
PROVISIONAL = DivergenceState(phase=Phase.OPEN, onset="x", opened_at_ns=T0, transition_counts={"open": 1})
PROVISIONAL_CRITICAL = replace(PROVISIONAL, severity=Severity.CRITICAL)
CONFIRMED = replace(PROVISIONAL, confirmed_severity=Severity.WARNING)
CONFIRMED_CRITICAL_BY_PRICE = replace(CONFIRMED, severity=Severity.CRITICAL)
CONFIRMED_CRITICAL = replace(CONFIRMED_CRITICAL_BY_PRICE, confirmed_severity=Severity.CRITICAL)


def seen(state: DivergenceState) -> DivergenceState:
    """Return a state without what it remembers of earlier states and onsets; that has tests of its own."""
    return replace(state, recent_states=0, last_onset="")


def seen_step(decision: Decision) -> Decision:
    return replace(decision, state=seen(decision.state))


def price(state: DivergenceState, x: float, at_ns: int = T0) -> Decision:
    return decide_on_price(state, x, at_ns=at_ns, rule=RULE)


def deadline(state: DivergenceState, at_ns: int, *, age_ns: int = 0) -> Decision:
    return decide_on_hold_end(state, at_ns=at_ns, price_ts_ns=at_ns - age_ns, rule=RULE)


def test_idle_at_warning_becomes_pending() -> None:
    decision = price(DivergenceState(), 2.0)

    assert seen_step(decision) == Decision(state=DivergenceState(phase=Phase.PENDING, warning_since_ns=T0))


def test_idle_below_warning_stays_idle() -> None:
    assert price(DivergenceState(), 2.0 + BELOW) == Decision(state=DivergenceState())


def test_idle_at_critical_starts_to_hold_both_levels() -> None:
    assert price(DivergenceState(), 3.0).state.critical_since_ns == T0
    assert price(DivergenceState(), 3.0 + BELOW).state.critical_since_ns is None


def test_pending_below_warning_becomes_idle() -> None:
    assert price(PENDING, 2.0 + BELOW) == Decision(state=DivergenceState())


def test_pending_below_warning_keeps_its_cooldown() -> None:
    cooling = replace(PENDING, cooldown_sessions_left=3, cooldown_provisional_only=True, is_muted=True)

    assert price(cooling, 0.0).state == DivergenceState(
        cooldown_sessions_left=3, cooldown_provisional_only=True
    )


def test_pending_at_warning_keeps_its_onset() -> None:
    assert price(PENDING, 2.0, T0 + MINUTE).state == PENDING


def test_pending_reaching_critical_starts_to_hold_it_and_leaving_it_stops() -> None:
    reached = price(PENDING, 3.0, T0 + MINUTE)
    assert seen(reached.state) == PENDING_CRITICAL
    assert price(reached.state, 3.1, T0 + 2 * MINUTE).state == PENDING_CRITICAL

    assert price(reached.state, 3.0 + BELOW, T0 + 2 * MINUTE).state == PENDING


def test_pending_is_due_when_warning_was_held_for_the_hold() -> None:
    assert hold_ends_at_ns(PENDING, RULE) == T0 + HOLD
    assert hold_ends_at_ns(PENDING_CRITICAL, RULE) == T0 + HOLD


def test_idle_and_quietly_open_are_never_due() -> None:
    for state in (DivergenceState(), PROVISIONAL, CONFIRMED_CRITICAL, replace(PENDING, is_muted=True)):
        assert hold_ends_at_ns(state, RULE) is None


def test_critical_open_is_not_due_whatever_it_holds() -> None:
    assert hold_ends_at_ns(replace(PROVISIONAL_CRITICAL, critical_since_ns=T0), RULE) is None


def test_warning_held_in_cooldown_is_muted() -> None:
    cooling = replace(PENDING, cooldown_sessions_left=1)

    decision = deadline(cooling, T0 + HOLD)

    assert seen_step(decision) == Decision(
        state=replace(cooling, is_muted=True), suppressed=Suppressed.COOLDOWN
    )


def test_warning_held_in_cooldown_with_critical_held_less_is_muted_until_critical_is_held() -> None:
    cooling = replace(PENDING_CRITICAL, cooldown_sessions_left=1)

    muted = deadline(cooling, T0 + HOLD).state

    assert muted.is_muted
    assert hold_ends_at_ns(muted, RULE) == T0 + MINUTE + HOLD
    opened = deadline(muted, T0 + MINUTE + HOLD)
    assert (opened.transition, opened.state.severity) == (Transition.OPEN, Severity.CRITICAL)


def test_warning_held_with_a_stale_price_becomes_idle() -> None:
    decision = deadline(PENDING, T0 + HOLD, age_ns=120 * SECOND + 1)

    assert seen_step(decision) == Decision(state=DivergenceState(), suppressed=Suppressed.STALE)


def test_price_is_stale_after_two_minutes_not_at_them() -> None:
    assert deadline(PENDING, T0 + HOLD, age_ns=120 * SECOND).transition is Transition.OPEN


def test_warning_held_opens_provisionally() -> None:
    decision = deadline(PENDING, T0 + HOLD)

    assert decision.transition is Transition.OPEN
    assert decision.state == decision.reported
    assert seen(decision.state) == DivergenceState(
        phase=Phase.OPEN,
        onset="2019-06-03T14:05:00.000000Z",
        opened_at_ns=T0 + HOLD,
        rule_version=RULE.version,
        severity=Severity.WARNING,
        confirmed_severity=None,
        transition_counts={"open": 1},
    )
    assert decision.state.confirmation is Confirmation.PROVISIONAL


def test_opening_goes_on_holding_critical() -> None:
    opened = deadline(PENDING_CRITICAL, T0 + HOLD).state

    assert (opened.severity, opened.critical_since_ns) == (Severity.WARNING, T0 + MINUTE)
    assert hold_ends_at_ns(opened, RULE) == T0 + MINUTE + HOLD


def test_critical_held_as_long_as_warning_opens_as_critical() -> None:
    both = replace(PENDING, critical_since_ns=T0)

    opened = deadline(both, T0 + HOLD).state

    assert (opened.severity, opened.critical_since_ns) == (Severity.CRITICAL, None)


def test_critical_held_a_nanosecond_less_opens_as_warning() -> None:
    opened = deadline(replace(PENDING, critical_since_ns=T0 + 1), T0 + HOLD).state

    assert opened.severity is Severity.WARNING


def test_critical_held_opens_through_a_cooldown() -> None:
    both = replace(PENDING, critical_since_ns=T0, cooldown_sessions_left=5)

    assert deadline(both, T0 + HOLD).transition is Transition.OPEN


def test_open_warning_starts_and_stops_to_hold_critical() -> None:
    held = price(PROVISIONAL, 3.0, T0 + MINUTE)
    assert seen(held.state) == replace(PROVISIONAL, critical_since_ns=T0 + MINUTE)
    assert held.transition is None

    assert price(held.state, 3.0 + BELOW).state == PROVISIONAL


def test_critical_held_with_a_stale_price_stays_warning() -> None:
    holding = replace(PROVISIONAL, critical_since_ns=T0)

    decision = deadline(holding, T0 + HOLD, age_ns=120 * SECOND + 1)

    assert seen_step(decision) == Decision(state=PROVISIONAL, suppressed=Suppressed.STALE)


def test_critical_held_escalates() -> None:
    holding = replace(CONFIRMED, critical_since_ns=T0)
    assert hold_ends_at_ns(holding, RULE) == T0 + HOLD

    decision = deadline(holding, T0 + HOLD)

    assert decision.transition is Transition.ESCALATED
    assert seen(decision.state) == replace(
        CONFIRMED, severity=Severity.CRITICAL, transition_counts={"open": 1, "escalated": 1}
    )


@pytest.mark.parametrize("state", [PROVISIONAL_CRITICAL, CONFIRMED_CRITICAL_BY_PRICE])
def test_critical_not_confirmed_by_a_close_eases_at_warning(state: DivergenceState) -> None:
    assert price(state, 2.0 + ABOVE) == Decision(state=state)

    decision = price(state, 2.0)

    assert decision.transition is Transition.EASED
    assert decision.state.severity is Severity.WARNING


def test_critical_confirmed_by_a_close_does_not_ease_by_price() -> None:
    assert price(CONFIRMED_CRITICAL, -5.0) == Decision(state=CONFIRMED_CRITICAL)


@pytest.mark.parametrize("state", [PROVISIONAL, PROVISIONAL_CRITICAL])
def test_provisional_closes_at_leave_and_cools_down(state: DivergenceState) -> None:
    assert price(state, 1.0 + ABOVE).transition is not Transition.CLOSED

    decision = price(state, 1.0)

    assert decision.transition is Transition.CLOSED
    assert seen(decision.state) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)
    assert decision.reported is not None
    assert decision.reported.transition_counts["closed"] == 1


def test_confirmed_does_not_close_by_price() -> None:
    assert price(CONFIRMED, 1.0) == Decision(state=CONFIRMED)


def test_provisional_that_no_close_decided_expires() -> None:
    decision = decide_on_expiry(PROVISIONAL, RULE)

    assert decision.transition is Transition.EXPIRED
    assert seen(decision.state) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)


def test_silence_stops_a_pending_hold() -> None:
    assert decide_on_stale_feed(replace(PENDING_CRITICAL, cooldown_sessions_left=2)) == Decision(
        state=DivergenceState(cooldown_sessions_left=2), suppressed=Suppressed.STALE
    )


def test_silence_stops_the_hold_of_an_escalation_and_keeps_the_divergence() -> None:
    assert decide_on_stale_feed(replace(CONFIRMED, critical_since_ns=T0)) == Decision(state=CONFIRMED)


def test_silence_says_nothing_about_an_idle_life() -> None:
    assert decide_on_stale_feed(DivergenceState()) == Decision(state=DivergenceState())


def test_each_transition_of_one_life_is_counted() -> None:
    decision = price(
        replace(PROVISIONAL_CRITICAL, transition_counts={"open": 1, "escalated": 2, "eased": 1}), 1.5
    )

    assert decision.state.transition_counts == {"open": 1, "escalated": 2, "eased": 2}
