"""The life of one divergence: a statistic ``x``, signed so that it grows with the divergence.

By price (live, provisional; ``W`` warning, ``C`` critical, ``L`` leave):

======================== ======================================== ==================== ==============
phase                    condition                                becomes              transition
======================== ======================================== ==================== ==============
IDLE                     x >= W                                   PENDING              -
PENDING                  x < W                                    IDLE                 -
PENDING                  W held, in cooldown, C not held          PENDING, muted       - (cooldown)
PENDING                  W held, price stale                      IDLE                 - (stale)
PENDING                  W held, or muted and C held              OPEN, provisional    open
PENDING                  the feed is STALE                        IDLE                 - (stale)
OPEN warning             C held, price stale                      OPEN warning         - (stale)
OPEN warning             C held                                   OPEN critical        escalated
OPEN provisional         x <= L                                   IDLE, cooldown       closed
OPEN confirmed           x <= L                                   OPEN                 -
OPEN critical, not borne
out by a close           x <= W, and > L while provisional        OPEN warning         eased
OPEN provisional         no close came until the second after it  IDLE, cooldown       expired
======================== ======================================== ==================== ==============

By a close (confirmed):

======================== ======================================== ==================== ==============
IDLE, PENDING            x >= W, in a cooldown for closes, x < C  same                 - (cooldown)
IDLE, PENDING            x >= W                                   OPEN, confirmed      open
OPEN provisional         x >= W                                   OPEN, confirmed      revised
OPEN provisional         x < W, opened by that close              IDLE, cooldown       not_confirmed
OPEN provisional         x < W, opened after that close           OPEN, provisional    -
OPEN confirmed           x <= L                                   IDLE, cooldown       closed
OPEN warning             x >= C                                   OPEN critical        escalated
OPEN critical            x <= W                                   OPEN warning         eased
OPEN critical by price   x >= C                                   OPEN critical        revised
OPEN critical by price   x < C                                    OPEN warning         eased
OPEN                     x is None                                same                 - (undefined)
IDLE, PENDING            x is None                                same                 -
PENDING, muted           the cooldown is over                     IDLE                 -
======================== ======================================== ==================== ==============

``L < W`` is the hysteresis; a level is left at the enter threshold of the level below. A confirmed divergence
ends by closes only: a live price never speaks against one. After the end of a divergence that no close had
confirmed the cooldown holds back provisional openings only: an early warning that failed must not cost a
confirmed one.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.signals.core.rules import Rule
from shared.domain.divergences import Confirmation, Severity, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The state of one fingerprint between two decisions.

    Parameters
    ----------
    warning_since_ns, critical_since_ns
        Event time from which the live statistic has held the level; None while it does not.
    is_muted
        Pending long enough, but in cooldown.
    onset
        Session label of an opening by a new close, RFC 3339 watermark of one by price or by a correction.
    rule_version
        Of the rule that opened it: part of its identity until it ends, whatever the rule becomes meanwhile.
    severity, confirmed_severity
        What holds, and what closes bear out; the latter is None while provisional.
    counts
        How often the open divergence made each transition.
    cooldown_left
        Sessions until it may open again.
    cooldown_spares_closes
        The cooldown holds back provisional openings only.
    """

    phase: Phase = Phase.IDLE
    warning_since_ns: int | None = None
    critical_since_ns: int | None = None
    is_muted: bool = False
    onset: str = ""
    opened_at_ns: int = 0
    rule_version: str = ""
    severity: Severity = Severity.WARNING
    confirmed_severity: Severity | None = None
    counts: dict[str, int] = field(default_factory=dict)
    cooldown_left: int = 0
    cooldown_spares_closes: bool = False

    @property
    def confirmation(self) -> Confirmation:
        """Return whether closes bear the divergence out."""
        return Confirmation.PROVISIONAL if self.confirmed_severity is None else Confirmation.CONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
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

    life: Life
    transition: Transition | None = None
    told: Life | None = None
    suppressed: Suppressed | None = None


def by_price(life: Life, x: float, *, at_ns: int, rule: Rule) -> Step:
    """Judge a live value of the statistic; what needs holding only starts or stops to be held here."""
    if life.phase is not Phase.OPEN:
        if x < rule.warning:
            return Step(life=_idle(life))
        since = life.warning_since_ns if life.phase is Phase.PENDING else at_ns
        return Step(
            life=replace(
                life,
                phase=Phase.PENDING,
                warning_since_ns=since,
                critical_since_ns=_held_since(life.critical_since_ns, x >= rule.critical, at_ns),
            )
        )
    if life.confirmed_severity is None and x <= rule.leave:
        return _end(life, Transition.CLOSED, rule)
    if life.severity is Severity.CRITICAL:
        if life.confirmed_severity is not Severity.CRITICAL and x <= rule.warning:
            return _tell(replace(life, severity=Severity.WARNING, critical_since_ns=None), Transition.EASED)
        return Step(life=life)
    return Step(
        life=replace(life, critical_since_ns=_held_since(life.critical_since_ns, x >= rule.critical, at_ns))
    )


def levels_by_price(life: Life, rule: Rule) -> tuple[float, ...]:
    """Return the levels whose crossing `by_price` answers: between two of them it changes nothing.

    Examples
    --------
    >>> levels_by_price(Life(), Rule(warning=2.0, critical=3.0, leave=1.0))
    (2.0,)
    """
    if life.phase is Phase.IDLE:
        return (rule.warning,)
    if life.phase is Phase.PENDING:
        return (rule.warning, rule.critical)
    ends = (rule.leave,) if life.confirmed_severity is None else ()
    if life.severity is Severity.WARNING:
        return (*ends, rule.critical)
    return ends if life.confirmed_severity is Severity.CRITICAL else (*ends, rule.warning)


def next_deadline_ns(life: Life, rule: Rule) -> int | None:
    """Return the event time at which a level will have been held long enough; None when none is held."""
    if life.phase is Phase.PENDING and not life.is_muted:
        since = life.warning_since_ns
    elif life.phase is Phase.PENDING or (life.phase is Phase.OPEN and life.severity is Severity.WARNING):
        since = life.critical_since_ns
    else:
        since = None
    return since + rule.hold_seconds * NS_PER_SECOND if since is not None else None


def by_deadline(life: Life, *, at_ns: int, price_ts_ns: int, rule: Rule) -> Step:
    """Judge a level that was held until ``at_ns``, which is what `next_deadline_ns` answered.

    Parameters
    ----------
    price_ts_ns
        Event time of the last price: a price that stopped coming holds nothing.
    """
    is_stale = at_ns - price_ts_ns > rule.stale_after_seconds * NS_PER_SECOND
    if life.phase is Phase.OPEN:
        if is_stale:
            return Step(life=replace(life, critical_since_ns=None), suppressed=Suppressed.STALE)
        escalated = replace(life, severity=Severity.CRITICAL, critical_since_ns=None)
        return _tell(escalated, Transition.ESCALATED)
    if is_stale:
        return Step(life=_idle(life), suppressed=Suppressed.STALE)
    critical_since = life.critical_since_ns
    is_critical = critical_since is not None and at_ns - critical_since >= rule.hold_seconds * NS_PER_SECOND
    if life.cooldown_left > 0 and not is_critical:
        return Step(life=replace(life, is_muted=True), suppressed=Suppressed.COOLDOWN)
    opened = _opened(
        onset=format_rfc3339(at_ns),
        at_ns=at_ns,
        severity=Severity.CRITICAL if is_critical else Severity.WARNING,
        confirmed=None,
        rule=rule,
    )
    return _tell(replace(opened, critical_since_ns=None if is_critical else critical_since), Transition.OPEN)


def by_silence(life: Life) -> Step:
    """Judge a feed that went stale: what is being held is held no longer."""
    if life.phase is Phase.PENDING:
        return Step(life=_idle(life), suppressed=Suppressed.STALE)
    return Step(life=replace(life, critical_since_ns=None))


def under_new_rule(life: Life) -> Life:
    """Return the state to go on from when the rule has changed: what was held was held to other levels."""
    return by_silence(life).life


def by_expiry(life: Life, rule: Rule) -> Step:
    """End a provisional divergence that no close has confirmed or refuted in time."""
    return _end(life, Transition.EXPIRED, rule)


def by_close(
    life: Life, x: float | None, *, session: str, close_ns: int, at_ns: int, rule: Rule, new_sessions: int
) -> Step:
    """Judge the statistic of a committed session.

    Parameters
    ----------
    x
        The statistic at that session; None is undefined.
    close_ns
        The session's close: an early warning from after it waits for the next one.
    at_ns
        Event time from which both legs' bars may be used.
    new_sessions
        Sessions that have passed since the last judgement, this one included: so much of a cooldown is over.
        0 when a known session is judged again after a correction.
    """
    if life.cooldown_left > 0:
        life = replace(life, cooldown_left=max(0, life.cooldown_left - new_sessions))
        if life.cooldown_left == 0 and life.is_muted:
            # The next price starts to be held anew: a level held in a cooldown is old news.
            life = _idle(life)
    if x is None:
        return Step(life=life, suppressed=Suppressed.UNDEFINED if life.phase is Phase.OPEN else None)
    if life.phase is not Phase.OPEN:
        # A session may have opened one already: what its correction opens is another, with its own onset.
        onset = session if new_sessions > 0 else format_rfc3339(at_ns)
        return _close_while_idle(life, x, onset=onset, at_ns=at_ns, rule=rule)
    if life.confirmed_severity is None:
        return _close_while_provisional(life, x, close_ns=close_ns, rule=rule)
    return _close_while_confirmed(life, x, rule=rule)


def restate(life: Life) -> Step:
    """Tell an open, confirmed divergence again, because the data it stands on were corrected."""
    return _tell(life, Transition.REVISED)


def _close_while_idle(life: Life, x: float, *, onset: str, at_ns: int, rule: Rule) -> Step:
    if x < rule.warning:
        return Step(life=life)
    severity = _severity(x, rule)
    is_cooling = life.cooldown_left > 0 and not life.cooldown_spares_closes
    if is_cooling and severity is Severity.WARNING:
        return Step(life=life, suppressed=Suppressed.COOLDOWN)
    opened = _opened(onset=onset, at_ns=at_ns, severity=severity, confirmed=severity, rule=rule)
    return _tell(opened, Transition.OPEN)


def _close_while_provisional(life: Life, x: float, *, close_ns: int, rule: Rule) -> Step:
    if x >= rule.warning:
        return _tell(_confirmed(life, _severity(x, rule)), Transition.REVISED)
    if life.opened_at_ns <= close_ns:
        return _end(life, Transition.NOT_CONFIRMED, rule)
    return Step(life=life)


def _close_while_confirmed(life: Life, x: float, *, rule: Rule) -> Step:
    if x <= rule.leave:
        return _end(life, Transition.CLOSED, rule)
    is_critical = x >= rule.critical
    if life.severity is Severity.WARNING:
        if is_critical:
            return _tell(_confirmed(life, Severity.CRITICAL), Transition.ESCALATED)
        return Step(life=life)
    if life.confirmed_severity is Severity.CRITICAL:
        if x <= rule.warning:
            return _tell(_confirmed(life, Severity.WARNING), Transition.EASED)
        return Step(life=life)
    if is_critical:
        return _tell(_confirmed(life, Severity.CRITICAL), Transition.REVISED)
    return _tell(_confirmed(life, Severity.WARNING), Transition.EASED)


def _severity(x: float, rule: Rule) -> Severity:
    return Severity.CRITICAL if x >= rule.critical else Severity.WARNING


def _held_since(since_ns: int | None, is_held: bool, at_ns: int) -> int | None:
    if not is_held:
        return None
    return at_ns if since_ns is None else since_ns


def _idle(life: Life) -> Life:
    if life.phase is Phase.IDLE:
        return life
    return Life(cooldown_left=life.cooldown_left, cooldown_spares_closes=life.cooldown_spares_closes)


def _opened(*, onset: str, at_ns: int, severity: Severity, confirmed: Severity | None, rule: Rule) -> Life:
    return Life(
        phase=Phase.OPEN,
        onset=onset,
        opened_at_ns=at_ns,
        rule_version=rule.version,
        severity=severity,
        confirmed_severity=confirmed,
    )


def _confirmed(life: Life, severity: Severity) -> Life:
    return replace(life, severity=severity, confirmed_severity=severity, critical_since_ns=None)


def _tell(life: Life, transition: Transition) -> Step:
    counts = {**life.counts, transition.value: life.counts.get(transition.value, 0) + 1}
    told = replace(life, counts=counts)
    return Step(life=told, transition=transition, told=told)


def _end(life: Life, transition: Transition, rule: Rule) -> Step:
    told = _tell(life, transition).told
    spares = transition is not Transition.CLOSED or life.confirmed_severity is None
    idle = Life(cooldown_left=rule.cooldown_sessions, cooldown_spares_closes=spares)
    return Step(life=idle, transition=transition, told=told)
