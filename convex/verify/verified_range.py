"""Which days of a lead are verified, and what belongs to them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from convex.verify.findings import Finding, Problem, VerifiedDay
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
    after
        The parts of the proof after the last day; empty if there is none.
    digests
        The digest of each event in any proof of the lead, also of other days, by pair and sequence.
    """

    lead: str
    before: Sequence[DayProof]
    days: Sequence[Sequence[DayProof]]
    after: Sequence[DayProof]
    digests: Mapping[tuple[str, int], str]

    def proof_keys(self) -> Iterator[str]:
        """Yield the keys of the proofs in ``proofs.v1``."""
        for proof in (*self.before, *(part for day in self.days for part in day), *self.after):
            yield proof_key(proof.lead, proof.day, proof.part)

    def offsets(self) -> tuple[int, int, int]:
        """Return the partition, and the first and last offset of the records of these days."""
        first, last = self.days[0][0], self.days[-1][0]
        begin = self.before[0].inputs.last_offset + 1 if self.before else 0
        return first.partition, min(begin, first.inputs.first_offset), last.inputs.last_offset

    def proven(self) -> set[tuple[str, int]]:
        """Return the pair and sequence of each event in the proofs of these days."""
        return set(_digests(self.days))

    def is_of_days(self, event: PublishedEvent) -> bool:
        """Return whether an event says that it occurred on one of these days, or between them."""
        return self.days[0][0].day <= day_of_event(event) <= self.days[-1][0].day


def _digests(days: Sequence[Sequence[DayProof]]) -> dict[tuple[str, int], str]:
    return {
        (events.pair, sequence): digest
        for day in days
        for part in day
        for events in part.events
        for sequence, digest in enumerate(events.digests, start=events.first_sequence)
    }


def day_of_event(event: PublishedEvent) -> str:
    """Return the day on which an event says that it occurred."""
    return day_of(parse_rfc3339(event.event.occurred_at))


def ranges_of(copy: LogCopy, *, since: str | None, until: str | None) -> list[VerifiedRange]:
    """Return the days that have a proof, of each lead.

    Parameters
    ----------
    since, until
        Days, both included; None for the first one whose records are still there, and the last.

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
            if (copy.has_inputs(parts[0]) if since is None else parts[0].day >= since)
            and (until is None or parts[0].day <= until)
        ]
        if chosen:
            first, last = chosen[0], chosen[-1]
            ranges.append(
                VerifiedRange(
                    lead=lead,
                    before=days[first - 1] if first else (),
                    days=days[first : last + 1],
                    after=days[last + 1] if last + 1 < len(days) else (),
                    digests=_digests(days),
                )
            )
    if not ranges:
        within = "".join(f" {word} {day}" for word, day in (("from", since), ("to", until)) if day)
        raise ConfigError(
            f"{copy.source}: has no proof of a day{within}; signals publishes one when a day has ended"
        )
    return ranges


def end_of(ranges: Sequence[VerifiedRange]) -> str | None:
    """Return the last day, if some lead has no proof after its days."""
    return min((each.days[-1][0].day for each in ranges if not each.after), default=None)


def not_proven_yet(
    ranges: Sequence[VerifiedRange], *, leads: Iterable[str], until: str | None
) -> list[VerifiedDay]:
    """Return what was asked for and has no proof: leads, and days after the last proof.

    Parameters
    ----------
    leads
        Those of the installation.
    until
        The last day that was asked for; None for the last that has a proof.
    """
    found = [
        (each.lead, each.days[-1][0].day)
        for each in ranges
        if until is not None and not each.after and each.days[-1][0].day < until
    ]
    texts = [(lead, f"the proofs end with {day}: nothing after it is proven") for lead, day in found]
    having = {each.lead for each in ranges}
    texts += [
        (lead, "has no proof of these days: nothing of its pairs is proven")
        for lead in sorted(set(leads) - having)
    ]
    return [
        VerifiedDay(
            lead=lead,
            day="",
            records=0,
            events=0,
            is_replayed=False,
            is_signed=None,
            findings=(Finding(problem=Problem.NOT_PROVEN_YET, lead=lead, day="", where=lead, text=text),),
        )
        for lead, text in texts
    ]
