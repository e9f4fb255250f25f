"""What a price does that comes now and stays, in each situation of a divergence."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.held_price import transitions_if_held
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState, Phase
from shared.domain.divergences import Severity, Transition

RULE = Rule()
NOW = 1_000_000_000_000
IDLE = DivergenceState()
COOLING = DivergenceState(cooldown_sessions_left=3)
PENDING = DivergenceState(phase=Phase.PENDING, warning_since_ns=NOW - 60_000_000_000)
MUTED = replace(PENDING, is_muted=True, cooldown_sessions_left=3)
PROVISIONAL = DivergenceState(phase=Phase.OPEN, onset="x", opened_at_ns=NOW, recent_states=1)
CONFIRMED = replace(PROVISIONAL, confirmed_severity=Severity.WARNING)
CRITICAL_BY_PRICE = replace(CONFIRMED, severity=Severity.CRITICAL)
CRITICAL = replace(CRITICAL_BY_PRICE, confirmed_severity=Severity.CRITICAL)
FLAPPING = replace(PROVISIONAL, recent_states=0b101010101010101010101, is_flapping=True)
OPEN, ESCALATED, EASED, CLOSED = (
    Transition.OPEN,
    Transition.ESCALATED,
    Transition.EASED,
    Transition.CLOSED,
)


@pytest.mark.parametrize(
    ("state", "x", "expected"),
    [
        (IDLE, 1.99, ()),
        (IDLE, 2.0, (OPEN,)),
        (IDLE, 3.0, (OPEN,)),
        (COOLING, 2.99, ()),
        (COOLING, 3.0, (OPEN,)),
        (PENDING, 1.99, ()),
        (PENDING, 2.0, (OPEN,)),
        # It has been held for a minute, so it opens before the critical level has been held.
        (PENDING, 3.0, (OPEN, ESCALATED)),
        (MUTED, 2.5, ()),
        (MUTED, 3.0, (OPEN,)),
        (PROVISIONAL, 3.0, (ESCALATED,)),
        (PROVISIONAL, 1.01, ()),
        (PROVISIONAL, 1.0, (CLOSED,)),
        (replace(PROVISIONAL, severity=Severity.CRITICAL), 2.0, (EASED,)),
        (CONFIRMED, 1.0, ()),
        (CONFIRMED, 3.0, (ESCALATED,)),
        (CRITICAL_BY_PRICE, 2.0, (EASED,)),
        (CRITICAL, 2.0, ()),
        (FLAPPING, 1.0, ()),
    ],
)
def test_price_that_stays(state: DivergenceState, x: float, expected: tuple[Transition, ...]) -> None:
    assert transitions_if_held(state, x, at_ns=NOW, rule=RULE, is_inhibited=False) == expected


@pytest.mark.parametrize("state", [IDLE, COOLING, PENDING, MUTED, PROVISIONAL, CONFIRMED])
def test_price_opens_and_escalates_nothing_while_the_data_are_at_fault(state: DivergenceState) -> None:
    assert transitions_if_held(state, 3.5, at_ns=NOW, rule=RULE, is_inhibited=True) == ()


def test_early_warning_is_withdrawn_although_the_data_are_at_fault() -> None:
    assert transitions_if_held(PROVISIONAL, 0.5, at_ns=NOW, rule=RULE, is_inhibited=True) == (CLOSED,)
