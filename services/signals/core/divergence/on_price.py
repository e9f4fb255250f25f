"""What a live price does to a divergence (provisional; ``W`` warning, ``C`` critical, ``L`` leave).

``x`` is the statistic, signed so that it grows with the divergence.

======================== ======================================== ==================== ==============
phase                    condition                                becomes              transition
======================== ======================================== ==================== ==============
IDLE                     x >= W                                   PENDING              -
PENDING                  x < W                                    IDLE                 -
PENDING                  W held, price stale                      IDLE                 - (stale)
PENDING                  W held, a leg's data at fault            IDLE                 - (inhibited)
PENDING                  W held, in cooldown, C not held          PENDING, muted       - (cooldown)
PENDING                  W held, or muted and C held              OPEN, provisional    open
PENDING                  the feed is STALE                        IDLE                 - (stale)
OPEN warning             C held, price stale                      OPEN warning         - (stale)
OPEN warning             C held, a leg's data at fault            OPEN warning         - (inhibited)
OPEN warning             C held                                   OPEN critical        escalated
OPEN provisional         x <= L, flapping                         OPEN, held           - (flapping)
OPEN provisional         x <= L                                   IDLE, cooldown       closed
OPEN confirmed           x <= L                                   OPEN                 -
OPEN critical, not borne
out by a close           x <= W, and > L while provisional        OPEN warning         eased
OPEN provisional         no close came until the second after it  IDLE, cooldown       expired
======================== ======================================== ==================== ==============

``L < W`` is the hysteresis; a level is left at the enter threshold of the level below. A confirmed divergence
ends by closes only: a live price never speaks against one. The divergence that begins to flap says so once,
as ``revised``.
"""

from dataclasses import replace

from services.signals.core.divergence.flapping import flaps, noted
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Phase,
    Suppressed,
    end,
    idle,
    opened,
    tell,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339


def by_price(life: DivergenceState, x: float, *, at_ns: int, rule: Rule) -> Decision:
    """Judge a live value of the statistic; what needs holding only starts or stops to be held here."""
    if life.phase is not Phase.OPEN:
        if x < rule.warning:
            return Decision(life=idle(life))
        since = life.warning_since_ns if life.phase is Phase.PENDING else at_ns
        return Decision(
            life=replace(
                life,
                phase=Phase.PENDING,
                warning_since_ns=since,
                critical_since_ns=_held_since(life.critical_since_ns, x >= rule.critical, at_ns),
            )
        )
    if life.confirmed_severity is None and x <= rule.leave:
        return _left(life, rule)
    if life.severity is Severity.CRITICAL:
        if life.confirmed_severity is not Severity.CRITICAL and x <= rule.warning:
            return tell(replace(life, severity=Severity.WARNING, critical_since_ns=None), Transition.EASED)
        return Decision(life=life)
    return Decision(
        life=replace(life, critical_since_ns=_held_since(life.critical_since_ns, x >= rule.critical, at_ns))
    )


def _left(life: DivergenceState, rule: Rule) -> Decision:
    was_flapping, is_news = life.is_flapping, bool(life.recent_states & 1)
    # A divergence that is held open for its flapping does not hold a level meanwhile.
    life = replace(life, critical_since_ns=None)
    if is_news:
        states = noted(life.recent_states, False)
        life = replace(life, recent_states=states, is_flapping=flaps(states, was_flapping=was_flapping))
    if not life.is_flapping:
        return end(life, Transition.CLOSED, rule)
    if not was_flapping:
        return tell(life, Transition.REVISED)
    return Decision(life=life, suppressed=Suppressed.FLAPPING if is_news else None)


def price_levels(life: DivergenceState, rule: Rule) -> tuple[float, ...]:
    """Return the levels whose crossing `by_price` answers: between two of them it changes nothing.

    Examples
    --------
    >>> price_levels(DivergenceState(), Rule(warning=2.0, critical=3.0, leave=1.0))
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


def is_holding(life: DivergenceState) -> bool:
    """Tell whether a level is being held, which silence would end.

    Examples
    --------
    >>> is_holding(DivergenceState()), is_holding(DivergenceState(phase=Phase.PENDING, warning_since_ns=0))
    (False, True)
    """
    return life.phase is Phase.PENDING or life.critical_since_ns is not None


def next_deadline_ns(life: DivergenceState, rule: Rule) -> int | None:
    """Return the event time at which a level will have been held long enough; None when none is held."""
    if life.phase is Phase.PENDING and not life.is_muted:
        since = life.warning_since_ns
    elif life.phase is Phase.PENDING or (life.phase is Phase.OPEN and life.severity is Severity.WARNING):
        since = life.critical_since_ns
    else:
        since = None
    return since + rule.hold_seconds * NS_PER_SECOND if since is not None else None


def by_deadline(
    life: DivergenceState, *, at_ns: int, price_ts_ns: int, rule: Rule, is_inhibited: bool = False
) -> Decision:
    """Judge a level that was held until ``at_ns``, which is what `next_deadline_ns` answered.

    Parameters
    ----------
    price_ts_ns
        Event time of the last price: a price that stopped coming holds nothing.
    is_inhibited
        A leg's data are at fault: nothing opens or escalates on them, and the hold begins anew.
    """
    reason: Suppressed | None = None
    if at_ns - price_ts_ns > rule.stale_after_seconds * NS_PER_SECOND:
        reason = Suppressed.STALE
    elif is_inhibited:
        reason = Suppressed.INHIBITED
    if life.phase is Phase.OPEN:
        unheld = replace(life, critical_since_ns=None)
        if reason is not None:
            return Decision(life=unheld, suppressed=reason)
        return tell(replace(unheld, severity=Severity.CRITICAL), Transition.ESCALATED)
    if reason is not None:
        return Decision(life=idle(life), suppressed=reason)
    critical_since = life.critical_since_ns
    is_critical = critical_since is not None and at_ns - critical_since >= rule.hold_seconds * NS_PER_SECOND
    if life.cooldown_sessions_left > 0 and not is_critical:
        return Decision(life=replace(life, is_muted=True), suppressed=Suppressed.COOLDOWN)
    begun = opened(
        life,
        onset=format_rfc3339(at_ns),
        at_ns=at_ns,
        severity=Severity.CRITICAL if is_critical else Severity.WARNING,
        confirmed=None,
        rule=rule,
    )
    states = begun.recent_states if begun.recent_states & 1 else noted(begun.recent_states, True)
    return tell(
        replace(
            begun,
            critical_since_ns=None if is_critical else critical_since,
            recent_states=states,
            is_flapping=flaps(states, was_flapping=begun.is_flapping),
        ),
        Transition.OPEN,
    )


def by_stale_feed(life: DivergenceState) -> Decision:
    """Judge a feed that went stale: what is being held is held no longer."""
    if life.phase is Phase.PENDING:
        return Decision(life=idle(life), suppressed=Suppressed.STALE)
    return Decision(life=replace(life, critical_since_ns=None))


def under_new_rule(life: DivergenceState) -> DivergenceState:
    """Return the state to go on from when the rule has changed: what was held was held to other levels."""
    return by_stale_feed(life).life


def by_expiry(life: DivergenceState, rule: Rule) -> Decision:
    """End a provisional divergence that no close has confirmed or refuted in time."""
    return end(life, Transition.EXPIRED, rule)


def _held_since(since_ns: int | None, is_held: bool, at_ns: int) -> int | None:
    if not is_held:
        return None
    return at_ns if since_ns is None else since_ns
