"""The state of one divergence between two decisions, and the moves of the decision tables.

Each kind of input has its own table beside this file: closes, live prices and data faults. A row of a table
names a condition and a move; the moves that several tables share are here.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from services.signals.core.divergence.flapping import is_flapping, with_state
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Confirmation, Severity, Transition


class Phase(StrEnum):
    """The phase of a divergence."""

    IDLE = "idle"
    PENDING = "pending"
    OPEN = "open"


class Suppressed(StrEnum):
    """Why nothing was reported although the statistic crossed a level."""

    COOLDOWN = "cooldown"
    STALE = "stale"
    UNDEFINED = "undefined"
    INHIBITED = "inhibited"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceState:
    """The state of one fingerprint between two decisions.

    Parameters
    ----------
    warning_since_ns, critical_since_ns
        Event time from which the live statistic has held the level; None while it does not.
    is_muted
        A level was held long enough to open, but the divergence is in its cooldown.
    onset
        Session label if a new close opened it, else the watermark of the opening in RFC 3339.
    opened_at_ns
        Event time of the opening; 0 while none is open.
    last_onset
        Onset of the divergence before this one. A second divergence at the same instant needs another onset.
    rule_version
        Version of the rule that opened it: part of its identity until it ends, even if the rule changes.
    severity, confirmed_severity
        The severity now, and the one that the last close confirmed; the latter is None while the divergence
        is provisional.
    transition_counts
        How often the open divergence made each transition.
    cooldown_sessions_left
        Sessions until it may open again.
    cooldown_provisional_only
        The cooldown holds back provisional openings only.
    recent_states, state_recorded_at_ns, is_flapping
        The last 21 states as bits, newest lowest; when the newest was recorded (faults only); whether they
        change too often. See ``flapping.py``.
    ended_at_ns
        Event time at which the last divergence ended; 0 while one is open, and before the first.
    """

    phase: Phase = Phase.IDLE
    warning_since_ns: int | None = None
    critical_since_ns: int | None = None
    is_muted: bool = False
    onset: str = ""
    last_onset: str = ""
    opened_at_ns: int = 0
    rule_version: str = ""
    severity: Severity = Severity.WARNING
    confirmed_severity: Severity | None = None
    transition_counts: dict[str, int] = field(default_factory=dict)
    cooldown_sessions_left: int = 0
    cooldown_provisional_only: bool = False
    recent_states: int = 0
    state_recorded_at_ns: int = 0
    is_flapping: bool = False
    ended_at_ns: int = 0

    @property
    def is_at_rest(self) -> bool:
        """Return whether a close that opens nothing leaves the state as it is."""
        return self.phase is Phase.IDLE and not self.cooldown_sessions_left and not self.recent_states

    @property
    def confirmation(self) -> Confirmation:
        """Return whether a close has confirmed the divergence."""
        return Confirmation.PROVISIONAL if self.confirmed_severity is None else Confirmation.CONFIRMED


NEVER_OPENED: Final = DivergenceState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one input did to a divergence.

    Parameters
    ----------
    state
        The state after it.
    transition
        What to report; None for nothing.
    reported
        The state to report: the divergence as it was when it ended, or as it is now.
    suppressed
        Why nothing is reported although the statistic crossed a level.
    """

    state: DivergenceState
    transition: Transition | None = None
    reported: DivergenceState | None = None
    suppressed: Suppressed | None = None


class Situation(StrEnum):
    """What the rows of a table are grouped by: the phase, and how an open divergence was confirmed."""

    IDLE = "idle"
    PENDING = "pending"
    PROVISIONAL = "open, provisional"
    WARNING = "open, warning"
    CRITICAL = "open, critical"
    CRITICAL_BY_PRICE = "open, critical by price"


def situation_of(state: DivergenceState) -> Situation:
    """Return which rows of a table apply to a state.

    Examples
    --------
    >>> situation_of(DivergenceState()).value, situation_of(DivergenceState(phase=Phase.OPEN)).value
    ('idle', 'open, provisional')
    """
    if state.phase is Phase.IDLE:
        return Situation.IDLE
    if state.phase is Phase.PENDING:
        return Situation.PENDING
    if state.confirmed_severity is None:
        return Situation.PROVISIONAL
    if state.severity is Severity.WARNING:
        return Situation.WARNING
    if state.confirmed_severity is Severity.CRITICAL:
        return Situation.CRITICAL
    return Situation.CRITICAL_BY_PRICE


def to_idle(state: DivergenceState) -> DivergenceState:
    """Return what is kept of a state that is neither open nor pending: its cooldown and its recent states."""
    return DivergenceState(
        last_onset=state.onset or state.last_onset,
        cooldown_sessions_left=state.cooldown_sessions_left,
        cooldown_provisional_only=state.cooldown_provisional_only,
        recent_states=state.recent_states,
        state_recorded_at_ns=state.state_recorded_at_ns,
        is_flapping=state.is_flapping,
        ended_at_ns=state.ended_at_ns,
    )


def to_open(
    state: DivergenceState,
    *,
    onset: str,
    at_ns: int,
    severity: Severity,
    confirmed: Severity | None,
    rule: Rule,
) -> DivergenceState:
    """Return a divergence that opens now.

    Examples
    --------
    Two divergences that open at the same instant have two onsets, and so two identities:

    >>> first = to_open(DivergenceState(), onset="2019-06-03", at_ns=0, severity=Severity.WARNING,
    ...                 confirmed=None, rule=Rule())
    >>> to_open(to_idle(first), onset="2019-06-03", at_ns=0, severity=Severity.WARNING, confirmed=None,
    ...         rule=Rule()).onset
    '2019-06-03#2'
    """
    before, _, number = state.last_onset.partition("#")
    return DivergenceState(
        phase=Phase.OPEN,
        onset=f"{onset}#{int(number or 1) + 1}" if before == onset else onset,
        opened_at_ns=at_ns,
        rule_version=rule.version,
        severity=severity,
        confirmed_severity=confirmed,
        recent_states=state.recent_states,
        state_recorded_at_ns=state.state_recorded_at_ns,
        is_flapping=state.is_flapping,
    )


def confirm(state: DivergenceState, severity: Severity) -> DivergenceState:
    """Return an open divergence with the severity that a close confirmed."""
    return replace(state, severity=severity, confirmed_severity=severity, critical_since_ns=None)


def record_state(state: DivergenceState, is_open: bool) -> DivergenceState:
    """Return a state with one more recent state, and with its flapping decided again."""
    recent = with_state(state.recent_states, is_open)
    return replace(
        state, recent_states=recent, is_flapping=is_flapping(recent, was_flapping=state.is_flapping)
    )


def keep(state: DivergenceState, suppressed: Suppressed | None = None) -> Decision:
    """Return a decision that reports nothing, with the reason if a report was held back."""
    return Decision(state=state, suppressed=suppressed)


def report(state: DivergenceState, transition: Transition) -> Decision:
    """Return a decision that reports a transition, counted."""
    counts = {
        **state.transition_counts,
        transition.value: state.transition_counts.get(transition.value, 0) + 1,
    }
    reported = replace(state, transition_counts=counts)
    return Decision(state=reported, transition=transition, reported=reported)


def end(state: DivergenceState, transition: Transition, rule: Rule) -> Decision:
    """Return a decision that ends a divergence; its cooldown begins.

    If no close had confirmed the divergence, the cooldown holds back provisional openings only: an early
    warning that failed must not hold back an opening by a close.
    """
    reported = report(state, transition).reported
    after = replace(
        to_idle(state),
        cooldown_sessions_left=rule.cooldown_sessions,
        cooldown_provisional_only=transition is not Transition.CLOSED or state.confirmed_severity is None,
    )
    return Decision(state=after, transition=transition, reported=reported)


def close_unless_flapping(
    state: DivergenceState, rule: Rule, *, was_flapping: bool, is_new: bool = True
) -> Decision:
    """Return a decision that closes a divergence, or holds it open while it flaps.

    A divergence that begins to flap reports that once, as ``revised``; from then on each close that is held
    back is counted.

    Parameters
    ----------
    was_flapping
        Whether it flapped before its newest state was recorded.
    is_new
        Whether to count the closing if it is held back; False if it was counted before.
    """
    if not state.is_flapping:
        return end(state, Transition.CLOSED, rule)
    if not was_flapping:
        return report(state, Transition.REVISED)
    return keep(state, Suppressed.FLAPPING if is_new else None)


def open_and_close(
    state: DivergenceState, *, onset: str, at_ns: int, rule: Rule
) -> tuple[Decision, Decision]:
    """Return the two decisions of a divergence without a duration: it opens and ends in one instant."""
    warning = Severity.WARNING
    opened = report(
        to_open(state, onset=onset, at_ns=at_ns, severity=warning, confirmed=warning, rule=rule),
        Transition.OPEN,
    )
    return opened, end(opened.state, Transition.CLOSED, rule)
