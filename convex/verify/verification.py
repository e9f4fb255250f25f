"""Verify the days of a lead: the proofs, the records they stand on, the events that follow, the state after.

What is trusted is little: the root of the first proof, or the key that signed it. From there everything is
computed again or compared with a digest. A day is computed from the state at its beginning; the proof of the
day before has its digest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from convex.verify.compare_events import EventComparison, out_of_order
from convex.verify.findings import Finding, Problem, VerifiedDay
from convex.verify.input_check import InputCheck
from convex.verify.lead_replay import LeadReplay, ReplayedDay, Settings
from convex.verify.log_copy import LogCopy, PublishedEvent
from convex.verify.proof_chain import check_day, check_following
from convex.verify.signatures import PublicKey
from convex.verify.verified_range import VerifiedRange, day_of_event
from services.signals.checkpoint.codec import applied_offset_of, key_of_lead
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, EventsOfDay, state_digest, state_key
from shared.errors import DataError

_COMPARED_ONLY: Final = "its events were compared with the proof only"


@dataclass(slots=True, kw_only=True)
class LeadVerification:
    """Verifies the days of one lead, one after the other.

    Parameters
    ----------
    copy
        What there is to verify.
    days
        Which days.
    settings
        Of the installation whose events these are.
    keys
        The public keys; none to check no signature.
    takes_strangers
        Events of pairs that belong to no lead at all are reported with this one.
    on_progress
        Called with the day and the number of records applied in all.
    """

    copy: LogCopy
    days: VerifiedRange
    settings: Settings
    keys: Sequence[PublicKey] = ()
    takes_strangers: bool = False
    on_progress: Callable[[str, int], None] = lambda _day, _records: None
    _replay: LeadReplay | None = field(default=None, init=False)
    _records: int = field(default=0, init=False)

    async def run(self) -> list[VerifiedDay]:
        """Return the result of each day."""
        verified: list[VerifiedDay] = []
        before = self.days.before
        for parts in self.days.days:
            verified.append(await self._verify_day(parts, before))
            before = parts
        if self.days.after:
            last, following = self.days.days[-1][-1], self.days.after[0]
            verified[-1] = _with(verified[-1], check_following(last, following))
        return self._with_strangers(verified)

    async def _verify_day(self, parts: Sequence[DayProof], before: Sequence[DayProof]) -> VerifiedDay:
        first, previous = parts[0], before[-1] if before else None
        findings = list(check_day(parts, previous, keys=self.keys))
        is_signed = (
            None
            if not self.keys
            else not any(
                each.problem in (Problem.SIGNATURE_WRONG, Problem.SIGNATURE_MISSING) for each in findings
            )
        )
        proven = _events_of(parts)
        hindrance = self._begin(parts, before)
        replayed = ReplayedDay()
        if hindrance is None:
            replayed, problems = await self._replay_day(parts, previous)
            findings += problems
        else:
            findings.append(hindrance)
        findings += self._compare(first, proven, replayed, is_replayed=hindrance is None)
        return VerifiedDay(
            lead=first.lead,
            day=first.day,
            records=first.inputs.records,
            events=sum(len(events.digests) for events in proven.values()),
            is_replayed=hindrance is None,
            is_signed=is_signed,
            findings=tuple(findings),
        )

    def _begin(self, parts: Sequence[DayProof], before: Sequence[DayProof]) -> Finding | None:
        """Make the engine as of the day's beginning; return why that cannot be done, None if it is done."""
        first = parts[0]
        hindrance = self._other_settings(first)
        if hindrance is None and (self._replay is None or self._replay.code_version != first.code_version):
            hindrance = self._make_replay(first, before[-1] if before else None)
        if hindrance is not None:
            self._replay = None
        return hindrance

    def _other_settings(self, first: DayProof) -> Finding | None:
        own = self.settings.digest(first.lead, first.code_version)
        if len(first.configurations) > 1:
            return self._finding(
                Problem.NOT_REPLAYED,
                first,
                "the settings, or the version of the program, changed during this day, so its events "
                f"cannot be computed; {_COMPARED_ONLY}",
            )
        if first.configurations != (own,):
            return self._finding(
                Problem.CONFIGURATION_DIFFERS,
                first,
                f"the day was computed under other settings ({first.configurations[0][:12]}…) than those "
                f"given ({own[:12]}…); give the pairs, rules, false alarms and closures of that day",
            )
        return None

    def _make_replay(self, first: DayProof, before: DayProof | None) -> Finding | None:
        checkpoints: dict[str, bytes] | None = None
        if before is None:
            if first.has_earlier_state or first.previous != NO_PROOF_BEFORE:
                why = "the proof of the day before is not here"
                if first.has_earlier_state:
                    why = (
                        "this is the first proof, made after an upgrade from a version without proofs: the "
                        "state at its beginning is in no proof"
                    )
                return self._finding(Problem.NOT_REPLAYED, first, f"{why}; {_COMPARED_ONLY}")
        elif self._replay is not None:
            checkpoints = self._replay.checkpoints(before.inputs.last_offset)
        else:
            checkpoints = self._checkpoints_after(before)
            end = f"the state at the end of {before.day}"
            if checkpoints is None:
                text = f"{end} is not kept any more, so this day cannot be computed; {_COMPARED_ONLY}"
                return self._finding(Problem.NOT_REPLAYED, first, text)
            if state_digest(checkpoints) != before.state:
                text = f"{end} is not the one in its proof"
                return self._finding(Problem.STATE_ALTERED, first, text)
        try:
            self._replay = LeadReplay(
                first.lead,
                self.settings,
                code_version=first.code_version,
                checkpoints=checkpoints,
                before=before,
            )
        except (DataError, KeyError) as error:
            text = f"the state at the end of the day before cannot be read: {error}; {_COMPARED_ONLY}"
            return self._finding(Problem.NOT_REPLAYED, first, text)
        return None

    def _checkpoints_after(self, proof: DayProof) -> dict[str, bytes] | None:
        prefix = state_key(proof.lead, proof.day, "")
        found = {
            key.removeprefix(prefix): value
            for key, value in self.copy.checkpoints.items()
            if key.startswith(prefix)
        }
        # A later day takes the place over: then the copies are as of another record.
        is_of_this_day = (
            applied_offset_of(found.get(key_of_lead(proof.lead), b"")) == proof.inputs.last_offset
        )
        return found if is_of_this_day else None

    async def _replay_day(
        self, parts: Sequence[DayProof], previous: DayProof | None
    ) -> tuple[ReplayedDay, list[Finding]]:
        first, last = parts[0], parts[-1]
        replay = self._replay
        assert replay is not None  # noqa: S101 - _begin made it
        begin = first.inputs.first_offset if previous is None else previous.inputs.last_offset + 1
        check = InputCheck(first, begin)
        ended_at: int | None = None
        async for record in self.copy.records(first.partition, begin, first.inputs.last_offset):
            if not check.read(record.offset):
                continue
            before_digest = replay.digest
            is_over = replay.take(record.offset, record.value)
            if replay.digest != before_digest:
                self._records += 1
                check.applied(record.offset, replay.digest)
                if self._records % 1_000 == 0:
                    self.on_progress(first.day, self._records)
            if is_over:
                ended_at = record.offset
                break
        findings = list(check.findings())
        replayed = replay.end_day(last)
        if replayed.proof is None or ended_at != first.inputs.last_offset:
            self._replay = None
            if not findings:
                ends = f"with record {ended_at}" if ended_at is not None else "later"
                findings.append(
                    self._finding(
                        Problem.INPUT_ALTERED,
                        first,
                        f"by its records the day ends {ends}, by its proof with record "
                        f"{first.inputs.last_offset}",
                    )
                )
            return replayed, findings
        if replayed.proof.state != first.state:
            self._replay = None
            findings.append(
                self._finding(
                    Problem.STATE_DOES_NOT_FOLLOW,
                    first,
                    "the state at the end of this day does not follow from its records",
                )
            )
        return replayed, findings

    def _compare(
        self, first: DayProof, proven: dict[str, EventsOfDay], replayed: ReplayedDay, *, is_replayed: bool
    ) -> Iterator[Finding]:
        comparison = EventComparison(first.lead, first.day)
        for pair in sorted(proven.keys() | replayed.events.keys()):
            events, computed = proven.get(pair), replayed.events.get(pair, [])
            published = [] if events is None else self._published(pair, events)
            if events is not None:
                yield from comparison.with_proof(events, published, computed)
            if is_replayed:
                yield from comparison.with_computed(pair, computed, events, published)

    def _published(self, pair: str, proven: EventsOfDay) -> list[PublishedEvent]:
        return [
            each
            for each in self.copy.events.get(pair, ())
            if proven.first_sequence <= each.event.sequence <= proven.last_sequence
        ]

    def _with_strangers(self, verified: list[VerifiedDay]) -> list[VerifiedDay]:
        """Return the results with the events that belong to none of the days, or are out of order."""
        own = {pair.name for pair in self.settings.pairs if pair.lead == self.days.lead}
        own |= {pair for pair, _ in self.days.digests}
        of_days = self.days.proven()
        found: dict[str, list[Finding]] = {}
        for pair, events in sorted(self.copy.events.items()):
            of_lead = [each for each in events if pair in own or self._claims(pair, each)]
            late = out_of_order(of_lead)
            for each in of_lead:
                if not self.days.is_of_days(each):
                    continue
                day = self._day_of(each, verified)
                comparison = EventComparison(self.days.lead, day)
                if each.where in late:
                    found.setdefault(day, []).append(comparison.out_of_order(each, late[each.where]))
                if (pair, each.event.sequence) not in of_days:
                    digest = self.days.digests.get((pair, each.event.sequence))
                    problem = comparison.outside(each, digest)
                    found.setdefault(day, []).extend([problem] if problem is not None else [])
        return [_with(result, found.get(result.day, ())) for result in verified]

    def _claims(self, pair: str, event: PublishedEvent) -> bool:
        """Return whether an event of a pair that nobody watches is looked at with this lead."""
        if any(each.name == pair for each in self.settings.pairs):
            return False
        legs = {leg.instrument for leg in event.event.legs}
        return self.days.lead in legs or (self.takes_strangers and not legs & set(self.copy.leads()))

    def _day_of(self, event: PublishedEvent, verified: list[VerifiedDay]) -> str:
        day = day_of_event(event)
        return max((each.day for each in verified if each.day <= day), default=verified[0].day)

    def _finding(self, problem: Problem, proof: DayProof, text: str) -> Finding:
        where = f"proof of {proof.lead} {proof.day}"
        return Finding(problem=problem, lead=proof.lead, day=proof.day, where=where, text=text)


def _events_of(parts: Sequence[DayProof]) -> dict[str, EventsOfDay]:
    """Return the events of a day by pair, joined where they are in several parts."""
    events: dict[str, EventsOfDay] = {}
    for each in (each for part in parts for each in part.events):
        known = events.get(each.pair)
        events[each.pair] = each if known is None else replace(known, digests=known.digests + each.digests)
    return events


def _with(day: VerifiedDay, findings: Iterable[Finding]) -> VerifiedDay:
    return replace(day, findings=(*day.findings, *findings))
