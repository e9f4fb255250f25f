"""Each row of the table in divergence/on_close.py: what a close does."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close, restate
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase, Suppressed
from shared.domain.divergences import Confirmation, Severity, Transition
from tests.support.builders_market import ny

RULE = Rule()
CLOSE = ny("2019-06-03 16:00")
KNOWN = ny("2019-06-03 20:15")
BELOW, ABOVE = -1e-9, 1e-9

PENDING = DivergenceState(phase=Phase.PENDING, warning_since_ns=CLOSE)
PROVISIONAL = DivergenceState(phase=Phase.OPEN, onset="x", opened_at_ns=CLOSE, transition_counts={"open": 1})
PROVISIONAL_CRITICAL = replace(PROVISIONAL, severity=Severity.CRITICAL, critical_since_ns=None)
CONFIRMED = replace(PROVISIONAL, confirmed_severity=Severity.WARNING)
CRITICAL_BY_PRICE = replace(CONFIRMED, severity=Severity.CRITICAL)
CRITICAL = replace(CRITICAL_BY_PRICE, confirmed_severity=Severity.CRITICAL)
WARNING_ABOVE = [2.0, 3.0 + BELOW]


def seen(state: DivergenceState) -> DivergenceState:
    """Return a state without what it remembers of earlier states and onsets; that has tests of its own."""
    return replace(state, recent_states=0, last_onset="")


def seen_step(decision: Decision) -> Decision:
    return replace(decision, state=seen(decision.state))


def close(state: DivergenceState, x: float | None, *, new_sessions: int = 1) -> Decision:
    return decide_on_close(
        state,
        None if x is None else Observation(x=x, leave_value=x),
        session="2019-06-03",
        close_ns=CLOSE,
        at_ns=KNOWN,
        rule=RULE,
        new_sessions=new_sessions,
    )


@pytest.mark.parametrize("state", [DivergenceState(), PENDING])
@pytest.mark.parametrize("x", WARNING_ABOVE)
def test_close_at_warning_opens_confirmed(state: DivergenceState, x: float) -> None:
    decision = close(state, x)

    assert decision.transition is Transition.OPEN
    assert seen(decision.state) == DivergenceState(
        phase=Phase.OPEN,
        onset="2019-06-03",
        opened_at_ns=KNOWN,
        rule_version=RULE.version,
        severity=Severity.WARNING,
        confirmed_severity=Severity.WARNING,
        transition_counts={"open": 1},
    )
    assert decision.state.confirmation is Confirmation.CONFIRMED


@pytest.mark.parametrize("state", [DivergenceState(), PENDING])
def test_close_at_critical_opens_critical(state: DivergenceState) -> None:
    decision = close(state, 3.0)

    assert (decision.state.severity, decision.state.confirmed_severity) == (
        Severity.CRITICAL,
        Severity.CRITICAL,
    )


@pytest.mark.parametrize("state", [DivergenceState(), PENDING])
def test_close_below_warning_changes_nothing(state: DivergenceState) -> None:
    assert close(state, 2.0 + BELOW) == Decision(state=state)


@pytest.mark.parametrize("phase", [DivergenceState(), PENDING])
def test_close_at_warning_in_a_cooldown_says_nothing(phase: DivergenceState) -> None:
    cooling = replace(phase, cooldown_sessions_left=2)

    decision = close(cooling, 3.0 + BELOW)

    assert seen_step(decision) == Decision(
        state=replace(phase, cooldown_sessions_left=1), suppressed=Suppressed.COOLDOWN
    )


def test_close_at_critical_opens_through_a_cooldown() -> None:
    assert close(DivergenceState(cooldown_sessions_left=5), 3.0).transition is Transition.OPEN


def test_cooldown_after_a_failed_warning_does_not_hold_back_a_close() -> None:
    spared = DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)

    assert close(spared, 2.0).transition is Transition.OPEN


def test_cooldown_ends_with_its_last_session() -> None:
    assert close(DivergenceState(cooldown_sessions_left=1), 2.0).transition is Transition.OPEN


def test_cooldown_counts_every_session_that_passed() -> None:
    """Would have caught: a refill of three sessions took one session off a cooldown."""
    assert (
        close(DivergenceState(cooldown_sessions_left=5), 0.0, new_sessions=3).state.cooldown_sessions_left
        == 2
    )
    assert (
        close(DivergenceState(cooldown_sessions_left=2), 0.0, new_sessions=3).state.cooldown_sessions_left
        == 0
    )


def test_evaluating_a_session_again_takes_nothing_off_a_cooldown() -> None:
    assert (
        close(DivergenceState(cooldown_sessions_left=2), 0.0, new_sessions=0).state.cooldown_sessions_left
        == 2
    )


def test_muted_level_is_held_anew_once_the_cooldown_is_over() -> None:
    muted = replace(PENDING, cooldown_sessions_left=1, is_muted=True)

    assert close(muted, 0.0).state == DivergenceState()
    assert close(replace(muted, cooldown_sessions_left=2), 0.0).state == replace(
        muted, cooldown_sessions_left=1
    )


def test_level_that_is_being_held_goes_on_when_the_cooldown_ends() -> None:
    assert close(replace(PENDING, cooldown_sessions_left=1), 0.0).state == PENDING


@pytest.mark.parametrize(
    ("x", "severity"), [(2.0, Severity.WARNING), (3.0 + BELOW, Severity.WARNING), (3.0, Severity.CRITICAL)]
)
@pytest.mark.parametrize("state", [PROVISIONAL, PROVISIONAL_CRITICAL])
def test_close_confirms_a_provisional_one_with_its_own_severity(
    state: DivergenceState, x: float, severity: Severity
) -> None:
    decision = close(replace(state, critical_since_ns=5), x)

    assert decision.transition is Transition.REVISED
    assert seen(decision.state) == replace(
        state,
        severity=severity,
        confirmed_severity=severity,
        transition_counts={"open": 1, "revised": 1},
        critical_since_ns=None,
    )


def test_close_below_warning_does_not_confirm_what_opened_by_it() -> None:
    decision = close(PROVISIONAL, 2.0 + BELOW)

    assert decision.transition is Transition.NOT_CONFIRMED
    assert seen(decision.state) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=True)


def test_close_says_nothing_about_what_opened_after_it() -> None:
    later = replace(PROVISIONAL, opened_at_ns=CLOSE + 1)

    assert close(later, 2.0 + BELOW) == Decision(state=later)


@pytest.mark.parametrize("state", [CONFIRMED, CRITICAL_BY_PRICE, CRITICAL])
def test_close_at_leave_closes_and_cools_down(state: DivergenceState) -> None:
    decision = close(state, 1.0)

    assert decision.transition is Transition.CLOSED
    assert seen(decision.state) == DivergenceState(cooldown_sessions_left=5, cooldown_provisional_only=False)


def test_confirmed_warning_between_leave_and_critical_stays() -> None:
    for x in (1.0 + ABOVE, 3.0 + BELOW):
        assert seen_step(close(CONFIRMED, x)) == Decision(state=CONFIRMED)


def test_confirmed_warning_at_critical_escalates() -> None:
    decision = close(replace(CONFIRMED, critical_since_ns=5), 3.0)

    assert decision.transition is Transition.ESCALATED
    assert seen(decision.state) == replace(CRITICAL, transition_counts={"open": 1, "escalated": 1})


def test_critical_eases_at_warning() -> None:
    assert seen_step(close(CRITICAL, 2.0 + ABOVE)) == Decision(state=CRITICAL)

    decision = close(CRITICAL, 2.0)

    assert decision.transition is Transition.EASED
    assert seen(decision.state) == replace(CONFIRMED, transition_counts={"open": 1, "eased": 1})


def test_critical_by_price_is_confirmed_by_a_close_at_critical() -> None:
    decision = close(CRITICAL_BY_PRICE, 3.0)

    assert decision.transition is Transition.REVISED
    assert seen(decision.state) == replace(CRITICAL, transition_counts={"open": 1, "revised": 1})


@pytest.mark.parametrize("x", [3.0 + BELOW, 1.0 + ABOVE])
def test_critical_by_price_eases_when_the_close_does_not_confirm_it(x: float) -> None:
    decision = close(CRITICAL_BY_PRICE, x)

    assert decision.transition is Transition.EASED
    assert seen(decision.state) == replace(CONFIRMED, transition_counts={"open": 1, "eased": 1})


@pytest.mark.parametrize("state", [PROVISIONAL, CONFIRMED, CRITICAL])
def test_undefined_statistic_leaves_an_open_one_and_is_counted(state: DivergenceState) -> None:
    assert close(state, None) == Decision(state=state, suppressed=Suppressed.UNDEFINED)


@pytest.mark.parametrize("state", [DivergenceState(), PENDING])
def test_undefined_statistic_is_nothing_to_an_idle_one(state: DivergenceState) -> None:
    assert close(state, None) == Decision(state=state)


def test_undefined_statistic_lets_the_cooldown_pass() -> None:
    assert close(DivergenceState(cooldown_sessions_left=2), None).state.cooldown_sessions_left == 1


def test_opening_by_a_correction_has_the_watermark_as_its_onset() -> None:
    """Would have caught: opened, corrected to closed, corrected to open: the same identity told twice."""
    assert close(DivergenceState(), 3.5, new_sessions=0).state.onset == "2019-06-04T00:15:00.000000Z"


def test_restating_tells_the_same_divergence_again() -> None:
    decision = restate(replace(CONFIRMED, transition_counts={"open": 1, "revised": 1}))

    assert decision.transition is Transition.REVISED
    assert seen(decision.state) == replace(CONFIRMED, transition_counts={"open": 1, "revised": 2})
