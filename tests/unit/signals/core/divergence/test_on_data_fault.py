"""Each row of the tables in divergence/on_data_fault.py and on_change.py, and what a fault holds back."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.on_change import by_change
from services.signals.core.divergence.on_close import by_close
from services.signals.core.divergence.on_data_fault import by_fault, by_revision, by_settling, settled_at_ns
from services.signals.core.divergence.on_price import by_deadline
from services.signals.core.divergence.rules import PUBLISHED, Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Observation, Phase, Suppressed
from shared.domain.divergences import Confirmation, Kind, Severity, Transition
from tests.support.builders_market import MINUTE, ny

RULE = next(rule for rule in PUBLISHED if rule.kind is Kind.DATA_FAULT)
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
    step = by_fault(DivergenceState(), True, at_ns=T0, rule=RULE)

    assert (step.transition, step.life) == (Transition.OPEN, OPENED)
    assert step.life.confirmation is Confirmation.CONFIRMED


@pytest.mark.parametrize(("life", "is_at_fault"), [(DivergenceState(), False), (OPENED, True)])
def test_nothing_new_is_nothing(life: DivergenceState, is_at_fault: bool) -> None:
    assert by_fault(life, is_at_fault, at_ns=T0 + MINUTE, rule=RULE) == Decision(life=life)


def test_fault_closes_when_it_ends() -> None:
    step = by_fault(OPENED, False, at_ns=T0 + MINUTE, rule=RULE)

    assert (step.transition, step.life.phase, step.life.cooldown_sessions_left) == (
        Transition.CLOSED,
        Phase.IDLE,
        5,
    )


def flicker(times: int, *, every_ns: int) -> tuple[DivergenceState, list[Decision], int]:
    life, at_ns, steps = DivergenceState(), T0, list[Decision]()
    for index in range(times):
        steps.append(by_fault(life, index % 2 == 0, at_ns=at_ns, rule=RULE))
        life, at_ns = steps[-1].life, at_ns + every_ns
    return life, steps, at_ns - every_ns


def test_feed_that_drops_every_minute_is_held_at_fault_until_it_settles() -> None:
    life, steps, at_ns = flicker(24, every_ns=MINUTE)

    told = [step.transition for step in steps]
    # The opening that makes it flap says so; after it there is silence.
    held = max(index for index, transition in enumerate(told) if transition is not None)
    last = steps[held].told
    assert last is not None
    assert (told[held], last.is_flapping) == (Transition.OPEN, True)
    assert [step.suppressed for step in steps[held + 1 :]].count(Suppressed.FLAPPING) > 3
    assert life.phase is Phase.OPEN

    settled_ns = settled_at_ns(life)
    assert settled_ns is not None
    assert (settled_ns - at_ns) % (10 * MINUTE) == 0
    assert 0 < settled_ns - at_ns < 220 * MINUTE
    end = by_settling(life, at_ns=settled_ns, rule=RULE)
    assert (end.transition, end.life.phase, end.life.is_flapping) == (Transition.CLOSED, Phase.IDLE, False)


def test_feed_that_drops_once_an_hour_does_not_flap() -> None:
    life, steps, _ = flicker(40, every_ns=60 * MINUTE)

    assert [step.transition for step in steps] == [Transition.OPEN, Transition.CLOSED] * 20
    assert not life.is_flapping


def test_fault_while_it_is_held_open_says_nothing_new() -> None:
    life, _, at_ns = flicker(24, every_ns=MINUTE)

    step = by_fault(life, True, at_ns=at_ns + MINUTE, rule=RULE)

    assert (step.transition, step.suppressed, step.life.phase) == (None, None, Phase.OPEN)
    assert settled_at_ns(step.life) is None


def test_fault_whose_end_makes_it_flap_is_held_open_and_says_so() -> None:
    restless = replace(OPENED, recent_states=0b101010101011)

    step = by_fault(restless, False, at_ns=T0 + MINUTE, rule=RULE)

    assert (step.transition, step.life.phase, step.life.is_flapping) == (Transition.REVISED, Phase.OPEN, True)


def test_only_what_is_held_open_settles() -> None:
    assert settled_at_ns(DivergenceState()) is None
    assert settled_at_ns(OPENED) is None


def test_revision_is_over_in_the_instant_in_which_it_is_seen() -> None:
    steps = by_revision(DivergenceState(), at_ns=T0, rule=RULE)

    assert [step.transition for step in steps] == [Transition.OPEN, Transition.CLOSED]
    assert steps[1].life.phase is Phase.IDLE


def test_two_revisions_in_one_instant_are_two_divergences() -> None:
    first = by_revision(DivergenceState(), at_ns=T0, rule=RULE)
    second = by_revision(first[1].life, at_ns=T0, rule=RULE)
    third = by_revision(second[1].life, at_ns=T0, rule=RULE)

    onsets = [steps[0].life.onset for steps in (first, second, third)]
    assert onsets == [
        "2019-06-03T15:00:00.000000Z",
        "2019-06-03T15:00:00.000000Z#2",
        "2019-06-03T15:00:00.000000Z#3",
    ]


def test_change_opens_and_closes_confirmed() -> None:
    rule = Rule(kind=Kind.REGIME_CHANGE)
    steps = by_change(DivergenceState(), onset="2019-06-03", at_ns=T0, rule=rule, is_inhibited=False)

    assert [step.transition for step in steps] == [Transition.OPEN, Transition.CLOSED]
    assert all(step.told is not None and step.told.onset == "2019-06-03" for step in steps)
    assert {step.told.confirmation for step in steps if step.told} == {Confirmation.CONFIRMED}


def test_change_is_held_back_while_the_data_are_at_fault() -> None:
    rule = Rule(kind=Kind.REGIME_CHANGE)

    assert by_change(DivergenceState(), onset="2019-06-03", at_ns=T0, rule=rule, is_inhibited=True) == (
        Decision(life=DivergenceState(), suppressed=Suppressed.INHIBITED),
    )


MARKET = Rule()
CONFIRMED = replace(OPENED, recent_states=0, state_recorded_at_ns=0)


def close(life: DivergenceState, x: float, *, can_open: bool = True, is_inhibited: bool = True) -> Decision:
    step = by_close(
        life,
        Observation(x=x, leave_value=x, can_open=can_open),
        session="2019-06-03",
        close_ns=T0,
        at_ns=T0,
        rule=MARKET,
        new_sessions=1,
        is_inhibited=is_inhibited,
    )
    return replace(step, life=replace(step.life, recent_states=0))


def test_nothing_opens_by_a_close_while_the_data_are_at_fault() -> None:
    assert close(DivergenceState(), 3.5) == Decision(life=DivergenceState(), suppressed=Suppressed.INHIBITED)


def test_nothing_escalates_by_a_close_while_the_data_are_at_fault() -> None:
    assert close(CONFIRMED, 3.5) == Decision(life=CONFIRMED, suppressed=Suppressed.INHIBITED)


def test_what_ends_by_a_close_ends_although_the_data_are_at_fault() -> None:
    assert close(CONFIRMED, 0.5).transition is Transition.CLOSED


def test_early_warning_is_borne_out_although_the_data_are_at_fault() -> None:
    provisional = replace(CONFIRMED, confirmed_severity=None)

    assert close(provisional, 2.5).transition is Transition.REVISED


def test_close_whose_other_conditions_fail_opens_and_escalates_nothing() -> None:
    assert close(DivergenceState(), 3.5, can_open=False, is_inhibited=False) == Decision(
        life=DivergenceState()
    )
    assert close(CONFIRMED, 3.5, can_open=False, is_inhibited=False) == Decision(life=CONFIRMED)


def test_hold_ends_unheard_while_the_data_are_at_fault() -> None:
    pending = DivergenceState(phase=Phase.PENDING, warning_since_ns=T0, critical_since_ns=T0)
    step = by_deadline(
        pending, at_ns=T0 + 5 * MINUTE, price_ts_ns=T0 + 5 * MINUTE, rule=MARKET, is_inhibited=True
    )

    assert step == Decision(life=DivergenceState(), suppressed=Suppressed.INHIBITED)


def test_escalation_by_price_is_held_back_while_the_data_are_at_fault() -> None:
    holding = replace(CONFIRMED, critical_since_ns=T0)
    step = by_deadline(
        holding, at_ns=T0 + 5 * MINUTE, price_ts_ns=T0 + 5 * MINUTE, rule=MARKET, is_inhibited=True
    )

    assert step == Decision(life=CONFIRMED, suppressed=Suppressed.INHIBITED)
