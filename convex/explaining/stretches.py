"""Which live prices an explanation needs."""

from convex.explaining.holding import held_since_ns
from shared.domain.divergences import DivergenceEvent


def stretches_of(event: DivergenceEvent) -> dict[str, tuple[int, int]]:
    """Return from when and until when prices of each leg are needed; not for a leg judged by its close."""
    since_ns = held_since_ns(event)
    return {
        each.instrument: (min(each.ts_event_ns, since_ns or each.ts_event_ns), each.ts_event_ns)
        for each in event.evidence.inputs
        if each.ts_event_ns is not None
    }
