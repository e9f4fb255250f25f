"""The state of one divergence between two decisions, and the few moves that every table makes.

Each input has a table of its own beside this file: live prices, closes, changes without a duration, faults.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Confirmation, Severity, Transition


class Phase(StrEnum):
    """Where in its life a divergence is."""

    IDLE = "idle"
    PENDING = "pending"
    OPEN = "open"


class Suppressed(StrEnum):
    """Why a decision was not made although the statistic asks for it."""

    COOLDOWN = "cooldown"
    STALE = "stale"
    UNDEFINED = "undefined"
    INHIBITED = "inhibited"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a close says about one direction of one kind.

    Parameters
    ----------
    x
        The statistic, signed so that it grows with the divergence: held against warning and critical.
    leave_value
        Held against leave; for most kinds the same statistic.
    can_open
        Whether the kind's other conditions for an opening or an escalation hold.
    """

    x: float
    leave_value: float
    can_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceState:
    """The state of one fingerprint between two decisions.

    Parameters
    ----------
    warning_since_ns, critical_since_ns
        Event time from which the live statistic has held the level; None while it does not.
    is_muted
        Pending long enough, but in cooldown.
    onset
        Session label of an opening by a new close, RFC 3339 watermark of any other.
    opened_at_ns
        Event time of the opening; 0 while none is open.
    last_onset
        Of the divergence before: a second one in the same instant is another, with another onset.
    rule_version
        Of the rule that opened it: part of its identity until it ends, whatever the rule becomes meanwhile.
    severity, confirmed_severity
        What holds, and what closes bear out; the latter is None while provisional.
    transition_counts
        How often the open divergence made each transition.
    cooldown_sessions_left
        Sessions until it may open again.
    cooldown_provisional_only
        The cooldown holds back provisional openings only.
    recent_states, state_recorded_at_ns, is_flapping
        The last 21 states as bits, newest lowest; when the newest was noted (faults only); whether they
        change too often. See ``flapping.py``.
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

    @property
    def confirmation(self) -> Confirmation:
        """Return whether closes bear the divergence out."""
        return Confirmation.PROVISIONAL if self.confirmed_severity is None else Confirmation.CONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one input made of a life.

    Parameters
    ----------
    life
        The state after it.
    transition
        What to tell the world; None is nothing.
    told
        The state to tell it about: the divergence as it was when it ended, or as it is now.
    suppressed
        Why nothing is told although the statistic asks for it.
    """

    life: DivergenceState
    transition: Transition | None = None
    told: DivergenceState | None = None
    suppressed: Suppressed | None = None


def idle(life: DivergenceState) -> DivergenceState:
    """Return what is left of a life that is neither open nor pending: its cooldown and its memory."""
    if life.phase is Phase.IDLE:
        return life
    return DivergenceState(
        last_onset=life.onset or life.last_onset,
        cooldown_sessions_left=life.cooldown_sessions_left,
        cooldown_provisional_only=life.cooldown_provisional_only,
        recent_states=life.recent_states,
        state_recorded_at_ns=life.state_recorded_at_ns,
        is_flapping=life.is_flapping,
    )


def opened(
    life: DivergenceState,
    *,
    onset: str,
    at_ns: int,
    severity: Severity,
    confirmed: Severity | None,
    rule: Rule,
) -> DivergenceState:
    """Return a divergence that begins now.

    Examples
    --------
    Two in one instant are two, and have two identities:

    >>> first = opened(DivergenceState(), onset="2019-06-03", at_ns=0, severity=Severity.WARNING,
    ...                confirmed=None, rule=Rule())
    >>> opened(idle(first), onset="2019-06-03", at_ns=0, severity=Severity.WARNING, confirmed=None,
    ...        rule=Rule()).onset
    '2019-06-03#2'
    """
    before, _, number = life.last_onset.partition("#")
    return DivergenceState(
        phase=Phase.OPEN,
        onset=f"{onset}#{int(number or 1) + 1}" if before == onset else onset,
        opened_at_ns=at_ns,
        rule_version=rule.version,
        severity=severity,
        confirmed_severity=confirmed,
        recent_states=life.recent_states,
        state_recorded_at_ns=life.state_recorded_at_ns,
        is_flapping=life.is_flapping,
    )


def tell(life: DivergenceState, transition: Transition) -> Decision:
    """Return a step that tells about a life, counted."""
    counts = {**life.transition_counts, transition.value: life.transition_counts.get(transition.value, 0) + 1}
    told = replace(life, transition_counts=counts)
    return Decision(life=told, transition=transition, told=told)


def end(life: DivergenceState, transition: Transition, rule: Rule) -> Decision:
    """Return a step that ends a divergence; the cooldown begins."""
    told = tell(life, transition).told
    spares = transition is not Transition.CLOSED or life.confirmed_severity is None
    after = replace(
        idle(life), cooldown_sessions_left=rule.cooldown_sessions, cooldown_provisional_only=spares
    )
    return Decision(life=after, transition=transition, told=told)


def severity_at(x: float, rule: Rule) -> Severity:
    """Return how far a statistic that opens a divergence went."""
    return Severity.CRITICAL if x >= rule.critical else Severity.WARNING
