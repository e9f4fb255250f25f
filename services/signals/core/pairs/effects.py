"""What one record did. It must be published, in this order, before the record is acknowledged."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from shared.domain.bars import Bar
from shared.domain.divergences import DivergenceEvent

_NO_REASONS: Final[Mapping[str, int]] = MappingProxyType(Counter())


def _no_reasons() -> Mapping[str, int]:
    return _NO_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The effects of one record, or of one step in processing it.

    Parameters
    ----------
    events, sampled
        To be published, in order.
    committed
        Sessions for which the second leg's bar came, so that both legs have them now.
    suppressed
        Decisions and inputs not acted on, counted by reason; an absent reason reads as 0.
    late_ticks
        Ticks older than one that came before them.
    changed
        Pairs that should be written to a checkpoint now.
    dirty
        Pairs whose last checkpoint is out of date.
    is_shared_changed
        Whether something changed that all pairs of the lead share: a leg's bars, its faults, the next close.
    """

    events: tuple[DivergenceEvent, ...] = ()
    sampled: tuple[Bar, ...] = ()
    committed: tuple[str, ...] = ()
    suppressed: Mapping[str, int] = field(default_factory=_no_reasons)
    late_ticks: int = 0
    changed: frozenset[str] = frozenset()
    dirty: frozenset[str] = frozenset()
    is_shared_changed: bool = False


NOTHING: Final = Effects()
"""The effects of almost every record. One shared object, so that it costs no allocation."""

SHARED_CHANGED: Final = Effects(is_shared_changed=True)


def suppress(reason: str, count: int = 1) -> Effects:
    """Return the effects of ``count`` decisions or inputs that were not acted on.

    Examples
    --------
    >>> suppress("stale").suppressed["stale"], NOTHING.suppressed["stale"]
    (1, 0)
    """
    return Effects(suppressed=Counter({reason: count}))


def merge(parts: Iterable[Effects]) -> Effects:
    """Return the effects of several steps as one, in their order.

    Examples
    --------
    >>> merge([NOTHING, suppress("stale"), suppress("stale")]).suppressed["stale"]
    2
    >>> merge([]) is NOTHING
    True
    """
    found = [part for part in parts if part is not NOTHING]
    if not found:
        return NOTHING
    if len(found) == 1:
        return found[0]
    # One loop over the parts, and no new value of what only one of them has: this runs a dozen times a bar.
    suppressed: Counter[str] = Counter()
    events, sampled, committed, late_ticks = found[0].events, found[0].sampled, found[0].committed, 0
    changed, dirty, is_shared_changed = found[0].changed, found[0].dirty, False
    for part in found:
        if part.suppressed:
            suppressed.update(part.suppressed)
        late_ticks += part.late_ticks
        is_shared_changed = is_shared_changed or part.is_shared_changed
    for part in found[1:]:
        events += part.events
        sampled += part.sampled
        committed += part.committed
        changed = changed if part.changed <= changed else changed | part.changed
        dirty = dirty if part.dirty <= dirty else dirty | part.dirty
    return Effects(
        events=events,
        sampled=sampled,
        committed=committed,
        suppressed=suppressed,
        late_ticks=late_ticks,
        changed=changed,
        dirty=dirty,
        is_shared_changed=is_shared_changed,
    )
