"""Which records may be applied next: the last check before the engines.

=========== ========== ============ ==========
partition   generation offset       answer
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

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from shared.kafka.clients import Record


class Admission(Enum):
    """What to do with a record, and why."""

    NEXT = "next"
    GAP = "gap"
    BEHIND = "behind"
    FOREIGN = "foreign"

    @property
    def is_applied(self) -> bool:
        """Whether the record is to be applied; a gap in the log is applied and reported."""
        return self in (Admission.NEXT, Admission.GAP)


class NextOffsets:
    """The next offset of each partition that this worker owns, and since which generation.

    Examples
    --------
    >>> offsets = NextOffsets()
    >>> offsets.check(0, generation=1, offset=7)
    <Admission.FOREIGN: 'foreign'>
    >>> offsets.open(1, {0: 7})
    >>> offsets.check(0, generation=1, offset=7)
    <Admission.NEXT: 'next'>
    >>> offsets.advance(0, 7)
    >>> offsets.by_partition()
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

    def check(
        self, partition: int, *, generation: int, offset: int, expected: int | None = None
    ) -> Admission:
        """Say whether a record may be applied now.

        Parameters
        ----------
        expected
            The next offset once what is admitted already was applied; None for the next one as it is.
        """
        owned = self._next.get(partition)
        if owned is None or generation != self._generation:
            return Admission.FOREIGN
        expected = owned if expected is None else expected
        if offset < expected:
            return Admission.BEHIND
        return Admission.NEXT if offset == expected else Admission.GAP

    def admit(
        self, partition: int, records: Sequence[Record], *, generation: int
    ) -> tuple[Sequence[Record], tuple[int, ...]]:
        """Return those of a fetch that may be applied now, and the offsets before which the log has a gap.

        Parameters
        ----------
        records
            At least one, ascending by offset.
        """
        first, last = records[0].offset, records[-1].offset
        whole = last - first + 1 == len(records)
        if whole and self.check(partition, generation=generation, offset=first) is Admission.NEXT:
            return records, ()
        admitted: list[Record] = []
        gaps: list[int] = []
        for record in records:
            expected = admitted[-1].offset + 1 if admitted else None
            answer = self.check(partition, generation=generation, offset=record.offset, expected=expected)
            if answer is Admission.GAP:
                gaps.append(record.offset)
            if answer.is_applied:
                admitted.append(record)
        return admitted, tuple(gaps)

    def advance(self, partition: int, offset: int) -> None:
        """Record that this offset was applied; ignored if the partition was closed meanwhile."""
        if partition in self._next:
            self._next[partition] = offset + 1

    def by_partition(self) -> dict[int, int]:
        """Return the next offset of each partition that is owned."""
        return dict(self._next)
