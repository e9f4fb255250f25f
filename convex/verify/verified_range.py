"""Which days of a lead are verified, and what belongs to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convex.verify.log_copy import LogCopy, PublishedEvent
from shared.domain.instants import parse_rfc3339
from shared.domain.proofs import DayProof, day_of, proof_key
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRange:
    """The days of one lead.

    Parameters
    ----------
    before
        The parts of the proof before the first day; empty if there is none.
    days
        The parts of each day's proof, ascending; at least one day.
    """

    lead: str
    before: Sequence[DayProof]
    days: Sequence[Sequence[DayProof]]

    def proof_keys(self) -> Iterator[str]:
        """Yield the keys of the proofs in ``proofs.v1``."""
        for proof in (*self.before, *(part for day in self.days for part in day)):
            yield proof_key(proof.lead, proof.day, proof.part)

    def offsets(self) -> tuple[int, int, int]:
        """Return the partition, and the first and last offset of the records of these days."""
        first, last = self.days[0][0], self.days[-1][0]
        begin = self.before[0].inputs.last_offset + 1 if self.before else 0
        return first.partition, min(begin, first.inputs.first_offset), last.inputs.last_offset

    def sequences(self) -> dict[str, set[int]]:
        """Return the sequences of the events in the proofs, by pair."""
        found: dict[str, set[int]] = {}
        for proof in (part for day in self.days for part in day):
            for events in proof.events:
                found.setdefault(events.pair, set()).update(
                    range(events.first_sequence, events.last_sequence + 1)
                )
        return found

    def is_of_days(self, event: PublishedEvent) -> bool:
        """Return whether an event says that it occurred on one of these days, or between them."""
        return self.days[0][0].day <= day_of_event(event) <= self.days[-1][0].day


def day_of_event(event: PublishedEvent) -> str:
    """Return the day on which an event says that it occurred."""
    return day_of(parse_rfc3339(event.event.occurred_at))


def ranges_of(copy: LogCopy, *, since: str | None, until: str | None) -> list[VerifiedRange]:
    """Return the days that have a proof, of each lead.

    Parameters
    ----------
    since, until
        Days, both included; None for the first and the last.

    Raises
    ------
    ConfigError
        If no lead has a proof of such a day.
    """
    ranges = []
    for lead in copy.leads():
        days = copy.days_of(lead)
        chosen = [
            at
            for at, parts in enumerate(days)
            if (since is None or parts[0].day >= since) and (until is None or parts[0].day <= until)
        ]
        if chosen:
            first, last = chosen[0], chosen[-1]
            ranges.append(
                VerifiedRange(lead=lead, before=days[first - 1] if first else (), days=days[first : last + 1])
            )
    if not ranges:
        within = "".join(f" {word} {day}" for word, day in (("from", since), ("to", until)) if day)
        raise ConfigError(
            f"{copy.source}: has no proof of a day{within}; signals publishes one when a day has ended"
        )
    return ranges
