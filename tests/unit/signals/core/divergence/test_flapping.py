"""Nagios's flap detection, and what it does to a divergence that would end."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from services.signals.core.divergence.flapping import change_share, flaps, noted, states_until_settled
from services.signals.core.divergence.on_close import by_close
from services.signals.core.divergence.on_price import by_deadline, by_price, next_deadline_ns
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Observation, Phase, Suppressed
from shared.domain.divergences import Severity, Transition
from tests.support.builders_market import MINUTE, ny

RULE = Rule(cooldown_sessions=0)
CLOSE = ny("2019-06-03 16:00")
# Eleven changes in the last 21 states, and the newest state is open.
RESTLESS = noted(0, True)
for _ in range(5):
    RESTLESS = noted(noted(RESTLESS, False), True)


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
        bits = noted(bits, state)

    assert change_share(bits) == pytest.approx(nagios_share(states), abs=1e-12)


def test_states_older_than_the_last_21_are_forgotten() -> None:
    assert noted(noted(0, True), False, times=21) == 0


@pytest.mark.parametrize(("was", "share", "flapping"), [(False, 0.49, False), (True, 0.3, True)])
def test_between_a_quarter_and_a_half_it_stays_what_it_was(was: bool, share: float, flapping: bool) -> None:
    # 6 or 8 of 20 changes.
    states = noted(0, True)
    for _ in range(3):
        states = noted(noted(states, False), True)
    assert 0.25 <= change_share(states) < 0.5
    assert flaps(states, was_flapping=was) is flapping
    assert share < 0.5


def test_settling_takes_as_many_states_as_it_says() -> None:
    count = states_until_settled(RESTLESS)

    assert count > 0
    assert flaps(noted(RESTLESS, True, times=count - 1), was_flapping=True)
    assert not flaps(noted(RESTLESS, True, times=count), was_flapping=True)


def close(life: DivergenceState, x: float, *, new_sessions: int = 1, **kwargs: Any) -> Decision:
    return by_close(
        life,
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
    second = close(first.life, 0.5)

    assert (first.transition, first.life.phase, first.life.is_flapping) == (
        Transition.REVISED,
        Phase.OPEN,
        True,
    )
    assert first.told is not None
    assert first.told.is_flapping
    assert (second.transition, second.suppressed) == (None, Suppressed.FLAPPING)
    assert second.life.phase is Phase.OPEN


def test_held_divergence_closes_once_it_has_settled() -> None:
    life = close(CONFIRMED, 0.5).life
    steps = 0
    while life.phase is Phase.OPEN:
        step = close(life, 0.5)
        life, steps = step.life, steps + 1

    assert step.transition is Transition.CLOSED
    assert 3 < steps < 20
    assert not life.is_flapping


def test_correction_of_a_session_is_no_state_of_its_own() -> None:
    assert close(CONFIRMED, 1.5, new_sessions=0).life.recent_states == RESTLESS


def test_divergence_that_opens_and_closes_at_every_close_is_held_from_the_ninth_change_on() -> None:
    life, steps = DivergenceState(), list[Decision]()
    for index in range(30):
        steps.append(close(life, 3.5 if index % 2 == 0 else 0.0))
        life = steps[-1].life

    assert [step.transition for step in steps[:9]] == [Transition.OPEN, Transition.CLOSED] * 4 + [
        Transition.OPEN
    ]
    # The weights of the nine newest changes are half of all: the fifth opening says that it will be held.
    assert [step.told.is_flapping for step in steps[:9] if step.told] == [False] * 8 + [True]
    assert {step.transition for step in steps[9:]} == {None}


def test_early_warning_that_flaps_is_held_open_and_says_so_once() -> None:
    life = DivergenceState(phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS)

    first = by_price(life, 0.5, at_ns=1, rule=RULE)
    again = by_price(first.life, 0.4, at_ns=2, rule=RULE)

    assert (first.transition, first.life.is_flapping) == (Transition.REVISED, True)
    assert again == Decision(life=first.life)


def test_early_warning_that_flaps_already_is_counted_when_it_would_end() -> None:
    life = DivergenceState(
        phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS, is_flapping=True
    )

    step = by_price(life, 0.5, at_ns=1, rule=RULE)

    assert (step.transition, step.suppressed, step.life.phase) == (None, Suppressed.FLAPPING, Phase.OPEN)


def test_early_warning_that_is_held_open_stops_to_hold_the_critical_level() -> None:
    """It escalated at the end of the hold, with the price back inside all levels."""
    life = DivergenceState(
        phase=Phase.OPEN, onset="x", transition_counts={"open": 1}, recent_states=RESTLESS, is_flapping=True
    )
    beyond = by_price(life, 3.5, at_ns=0, rule=RULE)

    back = by_price(beyond.life, 0.5, at_ns=MINUTE, rule=RULE)

    assert next_deadline_ns(beyond.life, RULE) == 5 * MINUTE
    assert next_deadline_ns(back.life, RULE) is None


def test_early_warning_notes_its_opening_once() -> None:
    pending = DivergenceState(phase=Phase.PENDING, warning_since_ns=0)
    opened = by_deadline(pending, at_ns=5 * MINUTE, price_ts_ns=5 * MINUTE, rule=RULE)
    known = by_deadline(
        replace(pending, recent_states=1), at_ns=5 * MINUTE, price_ts_ns=5 * MINUTE, rule=RULE
    )

    assert opened.life.recent_states == known.life.recent_states == 1
