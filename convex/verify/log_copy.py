"""What is verified: proofs, copies of checkpoints, events and records, from wherever they are kept."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from shared.contracts.records import DIVERGENCES, PROOFS
from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.proofs import DayProof
from shared.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """An event as it is in ``divergences.v1`` or in a receiver's file.

    Parameters
    ----------
    where
        ``topic/partition/offset``, or file and line.
    place
        Its place among the records of its partition or file; greater is later.
    value
        Its bytes.
    """

    where: str
    place: int
    value: bytes
    event: DivergenceEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRecord:
    """A record of a lead's log."""

    offset: int
    value: bytes | None


# Yields the records of a partition from the first offset to the last one, both included.
Records = Callable[[int, int, int], AsyncIterator[AppliedRecord]]


@dataclass(slots=True, kw_only=True)
class LogCopy:
    """What there is to verify.

    Parameters
    ----------
    source
        Where it is kept, for people.
    parts
        Every part of every proof, by lead, day and number.
    checkpoints
        Copies of checkpoints by their keys in ``proofs.v1``.
    events
        By pair, in the order of their places; test events are left out.
    records
        Reads a lead's log.
    begins
        The first offset that is still there, by partition of the leads' logs; absent where it is not known.
    unreadable
        Places of what is no proof and no event, or a second and different proof of a day; and why.
    """

    source: str
    records: Records
    parts: dict[tuple[str, str, int], DayProof] = field(default_factory=dict)
    checkpoints: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, list[PublishedEvent]] = field(default_factory=dict)
    begins: dict[int, int] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def has_inputs(self, proof: DayProof) -> bool:
        """Return whether the first record of a day may still be there."""
        return proof.inputs.first_offset >= self.begins.get(proof.partition, 0)

    def take_proof(self, where: str, key: str, value: bytes) -> None:
        """Add a record of ``proofs.v1``; a later record of a key replaces the earlier one."""
        if "|state|" in key:
            self.checkpoints[key] = value
            return
        try:
            proof = PROOFS.decode(value)
        except DataError as error:
            self.unreadable.append((where, str(error)))
            return
        known = self.parts.setdefault((proof.lead, proof.day, proof.part), proof)
        if known.root != proof.root:
            # After a crash a proof is published again, with the same root.
            self.unreadable.append((where, f"is a second, different proof of {proof.lead} on {proof.day}"))

    def take_event(self, where: str, place: int, value: bytes) -> None:
        """Add a record of ``divergences.v1``."""
        try:
            event = DIVERGENCES.decode(value)
        except DataError as error:
            self.unreadable.append((where, str(error)))
            return
        if event.type is Transition.TEST:
            return
        self.events.setdefault(event.pair, []).append(
            PublishedEvent(where=where, place=place, value=value, event=event)
        )

    def leads(self) -> list[str]:
        """Return the leads that have a proof, ascending."""
        return sorted({lead for lead, _, _ in self.parts})

    def days_of(self, lead: str) -> list[list[DayProof]]:
        """Return the parts of each day's proof, ascending by day."""
        days: dict[str, list[DayProof]] = {}
        for (of, day, _), proof in sorted(self.parts.items()):
            if of == lead:
                days.setdefault(day, []).append(proof)
        return list(days.values())
