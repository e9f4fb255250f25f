"""The digests of a day while it is under way: of the records that are applied, and of the events of a pair.

Both are part of a checkpoint. Both ignore what they were given before, so that reading a log again changes
nothing.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.proofs import NO_PROOF_BEFORE, AppliedRecords, EventsOfDay, Mark, event_digest

MOST_MARKS: Final = 64
_FIRST_MARK_EVERY: Final = 64


@dataclass(slots=True, kw_only=True)
class InputDigest:
    """The digest of a day's records while they arrive; a checkpoint keeps it.

    Parameters
    ----------
    first_offset, last_offset
        -1 before the first record of the day; the last one stays when a day ends.
    records, digest
        So far.
    marks, mark_every
        After so many records each comes a mark; every second one is dropped when there are too many.

    Examples
    --------
    >>> day = InputDigest()
    >>> day.take(7, b"a record"), day.take(7, b"the same one, read again")
    (True, False)
    >>> day.applied().records
    1
    """

    first_offset: int = -1
    last_offset: int = -1
    records: int = 0
    digest: str = NO_PROOF_BEFORE
    marks: list[Mark] = field(default_factory=list)
    mark_every: int = _FIRST_MARK_EVERY

    def take(self, offset: int, value: bytes) -> bool:
        """Add the next record; return False, and do nothing, for one that was added before."""
        if offset <= self.last_offset:
            return False
        digest = hashlib.sha256(
            bytes.fromhex(self.digest) + offset.to_bytes(8, "big") + hashlib.sha256(value).digest()
        ).hexdigest()
        if not self.records:
            self.first_offset = offset
        self.last_offset, self.digest = offset, digest
        self.records += 1
        if self.records % self.mark_every == 0:
            self.marks.append(Mark(offset=offset, digest=digest[:16]))
            if len(self.marks) > MOST_MARKS:
                self.marks = self.marks[1::2]
                self.mark_every *= 2
        return True

    def applied(self) -> AppliedRecords:
        """Return what was taken since the day began; there is at least one record."""
        return AppliedRecords(
            first_offset=self.first_offset,
            last_offset=self.last_offset,
            records=self.records,
            digest=self.digest,
            marks=tuple(self.marks),
        )

    def next_day(self) -> None:
        """Begin the next day after the last record."""
        self.first_offset, self.records, self.digest = -1, 0, NO_PROOF_BEFORE
        self.marks, self.mark_every = [], _FIRST_MARK_EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfEvents:
    """The number of the day that events belong to, and their digests from the first one on."""

    number: int
    first_sequence: int
    digests: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class EventDigests:
    """The digests of a pair's events while they are published; a checkpoint keeps them.

    A lead's days are numbered from 1. Two are kept: a pair's checkpoint may be one day ahead of its lead's.

    Examples
    --------
    >>> digests = EventDigests()
    >>> digests.take(1, 8, b"{}")
    >>> digests.take(1, 8, b"{}")
    >>> digests.of("gold-iwm", 1).last_sequence
    8
    """

    days: list[DayOfEvents] = field(default_factory=list)

    def take(self, number: int, sequence: int, value: bytes) -> None:
        """Add the next event of a pair; one that was added before is ignored."""
        newest = self.days[-1] if self.days else None
        if newest is not None and sequence < newest.first_sequence + len(newest.digests):
            return
        digest = event_digest(value)
        if newest is not None and newest.number == number:
            self.days[-1] = replace(newest, digests=(*newest.digests, digest))
            return
        self.days = [*self.days[-1:], DayOfEvents(number=number, first_sequence=sequence, digests=(digest,))]

    def of(self, pair: str, number: int) -> EventsOfDay | None:
        """Return the events of a day, None if it has none."""
        for each in self.days:
            if each.number == number:
                return EventsOfDay(pair=pair, first_sequence=each.first_sequence, digests=each.digests)
        return None
