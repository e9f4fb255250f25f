"""Each row of the tables in divergence/on_data_fault.py and on_change.py, and what a fault holds back."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_change, decide_on_close
from services.signals.core.divergence.on_data_fault import (
    decide_on_correction,
    decide_on_data_fault,
    decide_on_settled,
    settled_at_ns,
)
from services.signals.core.divergence.on_price import decide_on_hold_end
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase, Suppressed
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.divergences import Confirmation, Kind, Severity, Transition
from tests.support.builders_market import MINUTE, ny

RULE = next(rule for rule in PUBLISHED_RULES if rule.kind is Kind.DATA_FAULT)
T0 = ny("2019-06-03 11:00")
OPENED = DivergenceState(
    phase=Phase.OPEN,
    onset="2019-06-03T15:00:00.000000Z",
    opened_at_ns=T0,
    rule_version=RULE.version,
    confirmed_severity=Severity.WARNING,
    transition_counts={"open": 1},
    recent_states=1,
    state_recorded_at_ns=T0,
)


def test_fault_opens_at_once() -> None:
    decision = decide_on_data_fault(DivergenceState(), True, at_ns=T0, rule=RULE)

    assert (decision.transition, decision.state) == (Transition.OPEN, OPENED)
    assert decision.state.confirmation is Confirmation.CONFIRMED


@pytest.mark.parametrize(("state", "is_at_fault"), [(DivergenceState(), False), (OPENED, True)])
def test_nothing_new_is_nothing(state: DivergenceState, is_at_fault: bool) -> None:
    assert decide_on_data_fault(state, is_at_fault, at_ns=T0 + MINUTE, rule=RULE) == Decision(state=state)


def test_fault_closes_when_it_ends() -> None:
    decision = decide_on_data_fault(OPENED, False, at_ns=T0 + MINUTE, rule=RULE)

    assert (decision.transition, decision.state.phase, decision.state.cooldown_sessions_left) == (
        Transition.CLOSED,
        Phase.IDLE,
        5,
    )


def flicker(times: int, *, every_ns: int) -> tuple[DivergenceState, list[Decision], int]:
    state, at_ns, decisions = DivergenceState(), T0, list[Decision]()
    for index in range(times):
        decisions.append(decide_on_data_fault(state, index % 2 == 0, at_ns=at_ns, rule=RULE))
        state, at_ns = decisions[-1].state, at_ns + every_ns
    return state, decisions, at_ns - every_ns


def test_feed_that_drops_every_minute_is_held_at_fault_until_it_settles() -> None:
    state, decisions, at_ns = flicker(24, every_ns=MINUTE)

    told = [decision.transition for decision in decisions]
    # The opening that makes it flap says so; after it there is silence.
    held = max(index for index, transition in enumerate(told) if transition is not None)
    last = decisions[held].reported
    assert last is not None
    assert (told[held], last.is_flapping) == (Transition.OPEN, True)
    assert [decision.suppressed for decision in decisions[held + 1 :]].count(Suppressed.FLAPPING) > 3
    assert state.phase is Phase.OPEN

    settled_ns = settled_at_ns(state)
    assert settled_ns is not None
    assert (settled_ns - at_ns) % (10 * MINUTE) == 0
    assert 0 < settled_ns - at_ns < 220 * MINUTE
    end = decide_on_settled(state, at_ns=settled_ns, rule=RULE)
    assert (end.transition, end.state.phase, end.state.is_flapping) == (Transition.CLOSED, Phase.IDLE, False)


def test_feed_that_drops_once_an_hour_does_not_flap() -> None:
    state, decisions, _ = flicker(40, every_ns=60 * MINUTE)

    assert [decision.transition for decision in decisions] == [Transition.OPEN, Transition.CLOSED] * 20
    assert not state.is_flapping


def test_fault_while_it_is_held_open_says_nothing_new() -> None:
    state, _, at_ns = flicker(24, every_ns=MINUTE)

    decision = decide_on_data_fault(state, True, at_ns=at_ns + MINUTE, rule=RULE)

    assert (decision.transition, decision.suppressed, decision.state.phase) == (None, None, Phase.OPEN)
    assert settled_at_ns(decision.state) is None


def test_fault_whose_end_makes_it_flap_is_held_open_and_says_so() -> None:
    restless = replace(OPENED, recent_states=0b101010101011)

    decision = decide_on_data_fault(restless, False, at_ns=T0 + MINUTE, rule=RULE)

    assert (decision.transition, decision.state.phase, decision.state.is_flapping) == (
        Transition.REVISED,
        Phase.OPEN,
        True,
    )


def test_only_what_is_held_open_settles() -> None:
    assert settled_at_ns(DivergenceState()) is None
    assert settled_at_ns(OPENED) is None


def test_revision_is_over_in_the_instant_in_which_it_is_seen() -> None:
    decisions = decide_on_correction(DivergenceState(), at_ns=T0, rule=RULE)

    assert [decision.transition for decision in decisions] == [Transition.OPEN, Transition.CLOSED]
    assert decisions[1].state.phase is Phase.IDLE


def test_two_revisions_in_one_instant_are_two_divergences() -> None:
    first = decide_on_correction(DivergenceState(), at_ns=T0, rule=RULE)
    second = decide_on_correction(first[1].state, at_ns=T0, rule=RULE)
    third = decide_on_correction(second[1].state, at_ns=T0, rule=RULE)

    onsets = [decisions[0].state.onset for decisions in (first, second, third)]
    assert onsets == [
        "2019-06-03T15:00:00.000000Z",
        "2019-06-03T15:00:00.000000Z#2",
        "2019-06-03T15:00:00.000000Z#3",
    ]


def test_change_opens_and_closes_confirmed() -> None:
    rule = Rule(kind=Kind.REGIME_CHANGE)
    decisions = decide_on_change(
        DivergenceState(), onset="2019-06-03", at_ns=T0, rule=rule, is_inhibited=False
    )

    assert [decision.transition for decision in decisions] == [Transition.OPEN, Transition.CLOSED]
    assert all(
        decision.reported is not None and decision.reported.onset == "2019-06-03" for decision in decisions
    )
    assert {decision.reported.confirmation for decision in decisions if decision.reported} == {
        Confirmation.CONFIRMED
    }


def test_change_is_held_back_while_the_data_are_at_fault() -> None:
    rule = Rule(kind=Kind.REGIME_CHANGE)

    assert decide_on_change(
        DivergenceState(), onset="2019-06-03", at_ns=T0, rule=rule, is_inhibited=True
    ) == (Decision(state=DivergenceState(), suppressed=Suppressed.INHIBITED),)


MARKET = Rule()
CONFIRMED = replace(OPENED, recent_states=0, state_recorded_at_ns=0)


def close(state: DivergenceState, x: float, *, can_open: bool = True, is_inhibited: bool = True) -> Decision:
    decision = decide_on_close(
        state,
        Observation(x=x, leave_value=x, can_open=can_open),
        session="2019-06-03",
        close_ns=T0,
        at_ns=T0,
        rule=MARKET,
        new_sessions=1,
        is_inhibited=is_inhibited,
    )
    return replace(decision, state=replace(decision.state, recent_states=0))


def test_nothing_opens_by_a_close_while_the_data_are_at_fault() -> None:
    assert close(DivergenceState(), 3.5) == Decision(state=DivergenceState(), suppressed=Suppressed.INHIBITED)


def test_nothing_escalates_by_a_close_while_the_data_are_at_fault() -> None:
    assert close(CONFIRMED, 3.5) == Decision(state=CONFIRMED, suppressed=Suppressed.INHIBITED)


def test_what_ends_by_a_close_ends_although_the_data_are_at_fault() -> None:
    assert close(CONFIRMED, 0.5).transition is Transition.CLOSED


def test_early_warning_is_confirmed_although_the_data_are_at_fault() -> None:
    provisional = replace(CONFIRMED, confirmed_severity=None)

    assert close(provisional, 2.5).transition is Transition.REVISED


def test_close_whose_other_conditions_fail_opens_and_escalates_nothing() -> None:
    assert close(DivergenceState(), 3.5, can_open=False, is_inhibited=False) == Decision(
        state=DivergenceState()
    )
    assert close(CONFIRMED, 3.5, can_open=False, is_inhibited=False) == Decision(state=CONFIRMED)


def test_hold_ends_without_effect_while_the_data_are_at_fault() -> None:
    pending = DivergenceState(phase=Phase.PENDING, warning_since_ns=T0, critical_since_ns=T0)
    decision = decide_on_hold_end(
        pending, at_ns=T0 + 5 * MINUTE, price_ts_ns=T0 + 5 * MINUTE, rule=MARKET, is_inhibited=True
    )

    assert decision == Decision(state=DivergenceState(), suppressed=Suppressed.INHIBITED)


def test_escalation_by_price_is_held_back_while_the_data_are_at_fault() -> None:
    holding = replace(CONFIRMED, critical_since_ns=T0)
    decision = decide_on_hold_end(
        holding, at_ns=T0 + 5 * MINUTE, price_ts_ns=T0 + 5 * MINUTE, rule=MARKET, is_inhibited=True
    )

    assert decision == Decision(state=CONFIRMED, suppressed=Suppressed.INHIBITED)
