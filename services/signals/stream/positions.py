"""Which record may be applied next: the last gate in front of the engines.

=========== ========== ============ ==========
partition   generation offset       verdict
=========== ========== ============ ==========
not open    any        any          FOREIGN
open        older      any          FOREIGN
open        same       below next   BEHIND
open        same       next         NEXT
open        same       above next   GAP
=========== ========== ============ ==========

Faust may still hold records of an earlier assignment when a partition comes back with an earlier
checkpoint. Applying one of those would skip everything between the checkpoint and it.
"""

from collections.abc import Iterable, Mapping
from enum import Enum


class Verdict(Enum):
    """What to do with a record, and why."""

    NEXT = "next"
    GAP = "gap"
    BEHIND = "behind"
    FOREIGN = "foreign"

    @property
    def is_applied(self) -> bool:
        """Whether the record is to be applied; a gap in the log is applied and reported."""
        return self in (Verdict.NEXT, Verdict.GAP)


class Positions:
    """The next offset of each partition that this worker owns, and since which generation.

    Examples
    --------
    >>> positions = Positions()
    >>> positions.judge(0, generation=1, offset=7)
    <Verdict.FOREIGN: 'foreign'>
    >>> positions.open(1, {0: 7})
    >>> positions.judge(0, generation=1, offset=7)
    <Verdict.NEXT: 'next'>
    >>> positions.advance(0, 7)
    >>> positions.next_offsets()
    {0: 8}
    """

    def __init__(self) -> None:
        self._generation = -1
        self._next: dict[int, int] = {}

    def open(self, generation: int, offsets: Mapping[int, int]) -> None:
        """Own exactly these partitions from now on, starting at these offsets."""
        self._generation = generation
        self._next = dict(offsets)

    def close(self, partitions: Iterable[int]) -> None:
        """Own these partitions no longer."""
        for partition in partitions:
            self._next.pop(partition, None)

    def judge(self, partition: int, *, generation: int, offset: int) -> Verdict:
        """Say whether this record may be applied now."""
        expected = self._next.get(partition)
        if expected is None or generation != self._generation:
            return Verdict.FOREIGN
        if offset < expected:
            return Verdict.BEHIND
        return Verdict.NEXT if offset == expected else Verdict.GAP

    def advance(self, partition: int, offset: int) -> None:
        """Record that this offset was applied; ignored if the partition was closed meanwhile."""
        if partition in self._next:
            self._next[partition] = offset + 1

    def next_offsets(self) -> dict[int, int]:
        """Return the next offset of each owned partition."""
        return dict(self._next)
