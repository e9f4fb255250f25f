"""Nagios's flap detection, and what it does to a divergence that would end."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from services.signals.core.divergence.flapping import (
    change_share,
    is_flapping,
    states_until_settled,
    with_state,
)
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.on_price import decide_on_hold_end, decide_on_price, hold_ends_at_ns
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase, Suppressed
from shared.domain.divergences import Severity, Transition
from tests.support.builders_market import MINUTE, ny

RULE = Rule(cooldown_sessions=0)
CLOSE = ny("2019-06-03 16:00")
# Eleven changes in the last 21 states, and the newest state is open.
RESTLESS = with_state(0, True)
for _ in range(5):
    RESTLESS = with_state(with_state(RESTLESS, False), True)


def nagios_share(states: list[bool]) -> float:
    """Compute the share as the documentation of Nagios does: 21 states, oldest first."""
    changed = [a != b for a, b in pairwise(states)]
    weights = [0.8 + 0.4 * index / 19 for index in range(20)]
    return sum(weight for weight, is_change in zip(weights, changed, strict=True) if is_change) / 20


@pytest.mark.parametrize("seed", range(20))
def test_share_is_that_of_nagios(seed: int) -> None:
    states = [bool(seed * 7919 >> (index % 13) & 1) ^ (index % (seed + 2) == 0) for index in range(21)]
    bits = 0
    for state in states:
        bits = with_state(bits, state)

    assert change_share(bits) == pytest.approx(nagios_share(states), abs=1e-12)


def test_states_older_than_the_last_21_are_forgotten() -> None:
    assert with_state(with_state(0, True), False, times=21) == 0


@pytest.mark.parametrize(("was", "share", "flapping"), [(False, 0.49, False), (True, 0.3, True)])
def test_between_a_quarter_and_a_half_it_stays_what_it_was(was: bool, share: float, flapping: bool) -> None:
    # 6 or 8 of 20 changes.
    states = with_state(0, True)
    for _ in range(3):
        states = with_state(with_state(states, False), True)
    assert 0.25 <= change_share(states) < 0.5
    assert is_flapping(states, was_flapping=was) is flapping
    assert share < 0.5


def test_settling_takes_as_many_states_as_it_says() -> None:
    count = states_until_settled(RESTLESS)

    assert count > 0
    assert is_flapping(with_state(RESTLESS, True, times=count - 1), was_flapping=True)
    assert not is_flapping(with_state(RESTLESS, True, times=count), was_flapping=True)


def close(state: DivergenceState, x: float, *, new_sessions: int = 1, **kwargs: Any) -> Decision:
    return decide_on_close(
        state,
        Observation(x=x, leave_value=x),
        session="2019-06-03",
        close_ns=CLOSE,
        at_ns=CLOSE,
        rule=RULE,
        new_sessions=new_sessions,
        **kwargs,
    )


CONFIRMED = DivergenceState(
    phase=Phase.OPEN,
    onset="x",
    opened_at_ns=CLOSE,
    confirmed_severity=Severity.WARNING,
    transition_counts={"open": 1},
    recent_states=RESTLESS,
)


def test_divergence_that_begins_to_flap_is_held_open_and_says_so_once() -> None:
    first = close(CONFIRMED, 0.5)
    second = close(first.state, 0.5)

    assert (first.transition, first.state.phase, first.state.is_flapping) == (
        Transition.REVISED,
        Phase.OPEN,
        True,
    )
    assert first.reported is not None
    assert first.reported.is_flapping
    assert (second.transition, second.suppressed) == (None, Suppressed.FLAPPING)
    assert second.state.phase is Phase.OPEN


def test_held_divergence_closes_once_it_has_settled() -> None:
    state = close(CONFIRMED, 0.5).state
    decisions = 0
    while state.phase is Phase.OPEN:
        decision = close(state, 0.5)
        state, decisions = decision.state, decisions + 1

    assert decision.transition is Transition.CLOSED
    assert 3 < decisions < 20
    assert not state.is_flapping


def test_correction_of_a_session_is_no_state_of_its_own() -> None:
    assert close(CONFIRMED, 1.5, new_sessions=0).state.recent_states == RESTLESS


def test_divergence_that_opens_and_closes_at_every_close_is_held_from_the_ninth_change_on() -> None:
    state, decisions = DivergenceState(), list[Decision]()
    for index in range(30):
        decisions.append(close(state, 3.5 if index % 2 == 0 else 0.0))
        state = decisions[-1].state

    assert [decision.transition for decision in decisions[:9]] == [Transition.OPEN, Transition.CLOSED] * 4 + [
        Transition.OPEN
    ]
    # The weights of the nine newest changes are half of all: the fifth opening says that it will be held.
    assert [decision.reported.is_flapping for decision in decisions[:9] if decision.reported] == [
        False
    ] * 8 + [True]
    assert {decision.transition for decision in decisions[9:]} == {None}


def test_early_warning_that_flaps_is_held_open_and_says_so_once() -> None:
    state = DivergenceState(
        phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS
    )

    first = decide_on_price(state, 0.5, at_ns=1, rule=RULE)
    again = decide_on_price(first.state, 0.4, at_ns=2, rule=RULE)

    assert (first.transition, first.state.is_flapping) == (Transition.REVISED, True)
    assert again == Decision(state=first.state)


def test_early_warning_that_flaps_already_is_counted_when_it_would_end() -> None:
    state = DivergenceState(
        phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS, is_flapping=True
    )

    decision = decide_on_price(state, 0.5, at_ns=1, rule=RULE)

    assert (decision.transition, decision.suppressed, decision.state.phase) == (
        None,
        Suppressed.FLAPPING,
        Phase.OPEN,
    )


def test_early_warning_that_is_held_open_stops_to_hold_the_critical_level() -> None:
    """It escalated at the end of the hold, with the price back inside all levels."""
    state = DivergenceState(
        phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS, is_flapping=True
    )
    beyond = decide_on_price(state, 3.5, at_ns=0, rule=RULE)

    back = decide_on_price(beyond.state, 0.5, at_ns=MINUTE, rule=RULE)

    assert hold_ends_at_ns(beyond.state, RULE) == 5 * MINUTE
    assert hold_ends_at_ns(back.state, RULE) is None


def test_early_warning_notes_its_opening_once() -> None:
    pending = DivergenceState(phase=Phase.PENDING, warning_since_ns=0)
    opened = decide_on_hold_end(pending, at_ns=5 * MINUTE, price_ts_ns=5 * MINUTE, rule=RULE)
    known = decide_on_hold_end(
        replace(pending, recent_states=1), at_ns=5 * MINUTE, price_ts_ns=5 * MINUTE, rule=RULE
    )

    assert opened.state.recent_states == known.state.recent_states == 1
