"""What is taken back when event time was too far: what the passing of time alone did after an instant.

1. The legs: a close that has not come is no bar, a bar waits for its ``known_at`` again, and a fault that is
   not due yet has not begun.
2. The divergences: one that opened after it ends; holds and ends count from that instant; see
   `divergence.going_back`.
3. The pairs are evaluated again, faults first. So a fault that was reported too early ends, and a divergence
   that should be open opens; each by an event of its own.

Two things stay changed: the sessions of a cooldown that a close from the future has used up, and, until the
next close, the oldest session of a full history, which that close has pushed out.
"""

from collections.abc import Sequence

from services.signals.core.engine.leg_pairs import LegPairs
from services.signals.core.pairs.effects import Effects, merge
from shared.domain.bars import Bar
from shared.domain.sessions import SessionCalendar


def undo_after(
    at_ns: int, legs: Sequence[LegPairs], calendar: SessionCalendar, *, since_ns: int
) -> tuple[Effects, list[Bar]]:
    """Take back what the passing of time alone did after an instant.

    Parameters
    ----------
    legs
        Those that are not frozen, the lead's first.
    since_ns
        Event time before it was too far: closes that came later may have been held back by a fault that had
        not begun.

    Returns
    -------
    tuple
        The effects, and the bars that wait for their ``known_at`` again.
    """
    waiting: list[Bar] = []
    changed: set[str] = set()
    for leg in legs:
        is_changed, bars = leg.undo_after(at_ns, calendar)
        waiting += bars
        changed.update(monitor.pair.name for monitor in leg.monitors if is_changed)
    monitors = legs[0].monitors
    parts = [monitor.end_undone(at_ns, is_changed=monitor.pair.name in changed) for monitor in monitors]
    for monitor in monitors:
        monitor.transitions.undo_after(at_ns)
    parts += [leg.evaluate_faults(at_ns) for leg in legs]
    for monitor in monitors:
        is_changed = monitor.pair.name in changed
        parts.append(monitor.undo_after(at_ns, is_changed=is_changed, since_ns=since_ns))
    return merge(parts), waiting
