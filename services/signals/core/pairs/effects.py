"""What one record did: to be published in this order, before the record is acknowledged."""

from collections import Counter
from dataclasses import dataclass

from shared.domain.bars import Bar
from shared.domain.divergences import DivergenceEvent


@dataclass(slots=True, init=False)
class Effects:
    """The effects of one record.

    Parameters
    ----------
    events, sampled
        To be published, in order.
    committed
        Sessions that both legs have now.
    suppressed
        Decisions and inputs not acted on, by reason.
    late_ticks
        Ticks behind a newer one.
    changed
        Pairs of which something changed that must survive a restart.
    is_shared_changed
        Something changed that all pairs of the lead share: a leg's bars, its faults, closes seen.
    """

    events: list[DivergenceEvent]
    sampled: list[Bar]
    committed: list[str]
    suppressed: Counter[str]
    late_ticks: int
    changed: set[str]
    is_shared_changed: bool

    def __init__(self) -> None:
        # By hand: one is made for each record, and the generated one takes twice as long.
        self.events, self.sampled, self.committed = [], [], []
        self.suppressed = Counter()
        self.late_ticks = 0
        self.changed = set()
        self.is_shared_changed = False
