"""Each row of the table in divergence/on_price.py: what a live price does."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.on_price import (
    by_deadline,
    by_expiry,
    by_price,
    by_stale_feed,
    next_deadline_ns,
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


def seen(life: DivergenceState) -> DivergenceState:
    """Return a life without what it remembers of earlier states and onsets; that has tests of its own."""
    return replace(life, recent_states=0, last_onset="")


def seen_step(step: Decision) -> Decision:
    return replace(step, life=seen(step.life))


def price(life: DivergenceState, x: float, at_ns: int = T0) -> Decision:
    return by_price(life, x, at_ns=at_ns, rule=RULE)


def deadline(life: DivergenceState, at_ns: int, *, age_ns: int = 0) -> Decision:
    return by_deadline(life, at_ns=at_ns, price_ts_ns=at_ns - age_ns, rule=RULE)


def test_idle_at_warning_becomes_pending() -> None:
    step = price(DivergenceState(), 2.0)

    assert seen_step(step) == Decision(life=DivergenceState(phase=Phase.PENDING, warning_since_ns=T0))


def test_idle_below_warning_stays_idle() -> None:
    assert price(DivergenceState(), 2.0 + BELOW) == Decision(life=DivergenceState())


def test_idle_at_critical_starts_to_hold_both_levels() -> None:
    assert price(DivergenceState(), 3.0).life.critical_since_ns == T0
    assert price(DivergenceState(), 3.0 + BELOW).life.critical_since_ns is None


def test_pending_below_warning_becomes_idle() -> None:
    assert price(PENDING, 2.0 + BELOW) == Decision(life=DivergenceState())


def test_pending_below_warning_keeps_its_cooldown() -> None:
    cooling = replace(PENDING, cooldown_sessions_left=3, cooldown_provisional_only=True, is_muted=True)

    assert price(cooling, 0.0).life == DivergenceState(
        cooldown_sessions_left=3, cooldown_provisional_only=True
    )


def test_pending_at_warning_keeps_its_onset() -> None:
    assert price(PENDING, 2.0, T0 + MINUTE).life == PENDING


def test_pending_reaching_critical_starts_to_hold_it_and_leaving_it_stops() -> None:
    reached = price(PENDING, 3.0, T0 + MINUTE)
    assert seen(reached.life) == PENDING_CRITICAL
    assert price(reached.life, 3.1, T0 + 2 * MINUTE).life == PENDING_CRITICAL

    assert price(reached.life, 3.0 + BELOW, T0 + 2 * MINUTE).life == PENDING


def test_pending_is_due_when_warning_was_held_for_the_hold() -> None:
    assert next_deadline_ns(PENDING, RULE) == T0 + HOLD
    assert next_deadline_ns(PENDING_CRITICAL, RULE) == T0 + HOLD


def test_idle_and_quietly_open_are_never_due() -> None:
    for life in (DivergenceState(), PROVISIONAL, CONFIRMED_CRITICAL, replace(PENDING, is_muted=True)):
        assert next_deadline_ns(life, RULE) is None


def test_critical_open_is_not_due_whatever_it_holds() -> None:
    assert next_deadline_ns(replace(PROVISIONAL_CRITICAL, critical_since_ns=T0), RULE) is None


def test_warning_held_in_cooldown_is_muted() -> None:
    cooling = replace(PENDING, cooldown_sessions_left=1)

    step = deadline(cooling, T0 + HOLD)

    assert seen_step(step) == Decision(life=replace(cooling, is_muted=True), suppressed=Suppressed.COOLDOWN)


def test_warning_held_in_cooldown_with_critical_held_less_is_muted_until_critical_is_held() -> None:
    cooling = replace(PENDING_CRITICAL, cooldown_sessions_left=1)

    muted = deadline(cooling, T0 + HOLD).life

    assert muted.is_muted
    assert next_deadline_ns(muted, RULE) == T0 + MINUTE + HOLD
    opened = deadline(muted, T0 + MINUTE + HOLD)
    assert (opened.transition, opened.life.severity) == (Transition.OPEN, Severity.CRITICAL)


def test_warning_held_with_a_stale_price_becomes_idle() -> None:
    step = deadline(PENDING, T0 + HOLD, age_ns=120 * SECOND + 1)

    assert seen_step(step) == Decision(life=DivergenceState(), suppressed=Suppressed.STALE)


def test_price_is_stale_after_two_minutes_not_at_them() -> None:
    assert deadline(PENDING, T0 + HOLD, age_ns=120 * SECOND).transition is Transition.OPEN


def test_warning_held_opens_provisionally() -> None:
    step = deadline(PENDING, T0 + HOLD)

    assert step.transition is Transition.OPEN
    assert step.life == step.told
    assert seen(step.life) == DivergenceState(
        phase=Phase.OPEN,
        onset="2019-06-03T14:05:00.000000Z",
        opened_at_ns=T0 + HOLD,
        rule_version=RULE.version,
        severity=Severity.WARNING,
        confirmed_severity=None,
        transition_counts={"open": 1},
    )
    assert step.life.confirmation is Confirmation.PROVISIONAL


def test_opening_goes_on_holding_critical() -> None:
    opened = deadline(PENDING_CRITICAL, T0 + HOLD).life

    assert (opened.severity, opened.critical_since_ns) == (Severity.WARNING, T0 + MINUTE)
    assert next_deadline_ns(opened, RULE) == T0 + MINUTE + HOLD


def test_critical_held_as_long_as_warning_opens_as_critical() -> None:
    both = replace(PENDING, critical_since_ns=T0)

    opened = deadline(both, T0 + HOLD).life

    assert (opened.severity, opened.critical_since_ns) == (Severity.CRITICAL, None)


def test_critical_held_a_nanosecond_less_opens_as_warning() -> None:
    opened = deadline(replace(PENDING, critical_since_ns=T0 + 1), T0 + HOLD).life

    assert opened.severity is Severity.WARNING


def test_critical_held_opens_through_a_cooldown() -> None:
    both = replace(PENDING, critical_since_ns=T0, cooldown_sessions_left=5)

    assert deadline(both, T0 + HOLD).transition is Transition.OPEN


def test_open_warning_starts_and_stops_to_hold_critical() -> None:
    held = price(PROVISIONAL, 3.0, T0 + MINUTE)
    assert seen(held.life) == replace(PROVISIONAL, critical_since_ns=T0 + MINUTE)
    assert held.transition is None

    assert price(held.life, 3.0 + BELOW).life == PROVISIONAL


def test_critical_held_with_a_stale_price_stays_warning() -> None:
    holding = replace(PROVISIONAL, critical_since_ns=T0)

    step = deadline(holding, T0 + HOLD, age_ns=120 * SECOND + 1)

    assert seen_step(step) == Decision(life=PROVISIONAL, suppressed=Suppressed.STALE)


def test_critical_held_escalates() -> None:
    holding = replace(CONFIRMED, critical_since_ns=T0)
    assert next_deadline_ns(holding, RULE) == T0 + HOLD

    step = deadline(holding, T0 + HOLD)

    assert step.transition is Transition.ESCALATED
    assert seen(step.life) == replace(
        CONFIRMED, severity=Severity.CRITICAL, transition_counts={"open": 1, "escalated": 1}
    )


@pytest.mark.parametrize("life", [PROVISIONAL_CRITICAL, CONFIRMED_CRITICAL_BY_PRICE])
def test_critical_not_borne_out_by_a_close_eases_at_warning(life: DivergenceState) -> None:
    assert price(life, 2.0 + ABOVE) == Decision(life=life)

    step = price(life, 2.0)

    assert step.transition is Transition.EASED
    assert step.life.severity is Severity.WARNING


def test_critical_borne_out_by_a_close_does_not_ease_by_price() -> None:
    assert price(CONFIRMED_CRITICAL, -5.0) == Decision(life=CONFIRMED_CRITICAL)


@pytest.mark.parametrize("life", [PROVISIONAL, PROVISIONAL_CRITICAL])
def test_provisional_closes_at_leave_and_cools_down(life: DivergenceState) -> None:
    assert price(life, 1.0 + ABOVE).transition is not Transition.CLOSED

    step = price(life, 1.0)

    assert step.transition is Transition.CLOSED
    assert seen(step.life) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)
    assert step.told is not None
    assert step.told.transition_counts["closed"] == 1


def test_confirmed_does_not_close_by_price() -> None:
    assert price(CONFIRMED, 1.0) == Decision(life=CONFIRMED)


def test_provisional_that_no_close_judged_expires() -> None:
    step = by_expiry(PROVISIONAL, RULE)

    assert step.transition is Transition.EXPIRED
    assert seen(step.life) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)


def test_silence_stops_a_pending_hold() -> None:
    assert by_stale_feed(replace(PENDING_CRITICAL, cooldown_sessions_left=2)) == Decision(
        life=DivergenceState(cooldown_sessions_left=2), suppressed=Suppressed.STALE
    )


def test_silence_stops_the_hold_of_an_escalation_and_keeps_the_divergence() -> None:
    assert by_stale_feed(replace(CONFIRMED, critical_since_ns=T0)) == Decision(life=CONFIRMED)


def test_silence_says_nothing_about_an_idle_life() -> None:
    assert by_stale_feed(DivergenceState()) == Decision(life=DivergenceState())


def test_each_transition_of_one_life_is_counted() -> None:
    step = price(
        replace(PROVISIONAL_CRITICAL, transition_counts={"open": 1, "escalated": 2, "eased": 1}), 1.5
    )

    assert step.life.transition_counts == {"open": 1, "escalated": 2, "eased": 2}
