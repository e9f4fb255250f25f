"""What a change does that has no duration: it opens a divergence and ends it in the same instant.

===== ============================== ===== ============
phase condition                      becomes transitions
===== ============================== ===== ============
IDLE  it changed                     IDLE  open, closed
IDLE  it changed, data at fault      IDLE  - (inhibited)
===== ============================== ===== ============
"""

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Suppressed, end, opened, tell
from shared.domain.divergences import Severity, Transition


def by_change(
    life: DivergenceState, *, onset: str, at_ns: int, rule: Rule, is_inhibited: bool
) -> tuple[Decision, ...]:
    """Judge a change that was seen at a close; return the steps in order."""
    if is_inhibited:
        return (Decision(life=life, suppressed=Suppressed.INHIBITED),)
    warning = Severity.WARNING
    begun = tell(
        opened(life, onset=onset, at_ns=at_ns, severity=warning, confirmed=warning, rule=rule),
        Transition.OPEN,
    )
    return begun, end(begun.life, Transition.CLOSED, rule)
