"""Whether a copy of a pair's events is what the proofs say, and what follows from the log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from convex.verify.findings import Finding, Problem
from convex.verify.log_copy import PublishedEvent
from shared.domain.proofs import EventsOfDay, event_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedEvent:
    """An event that follows from the log."""

    sequence: int
    value: bytes
    words: str


def words_of(event: PublishedEvent) -> str:
    """Return which event it is, for people."""
    of = event.event
    return (
        f"{of.kind.value} {of.type.value} ({of.direction.value}) at {of.occurred_at}, id {of.event_id[:12]}…"
    )


class EventComparison:
    """Compares the events of one day.

    Parameters
    ----------
    lead, day
        For the findings.
    """

    def __init__(self, lead: str, day: str) -> None:
        self._lead = lead
        self._day = day

    def with_proof(
        self,
        proven: EventsOfDay,
        published: Sequence[PublishedEvent],
        computed: Sequence[ComputedEvent] = (),
    ) -> Iterator[Finding]:
        """Yield where the published events of a pair are not those of its proof.

        Parameters
        ----------
        computed
            Those that follow from the log, to say which fields were altered; empty where that is not known.
        """
        follows = {each.sequence: each.value for each in computed}
        by_sequence = _by_sequence(published)
        for sequence, digest in enumerate(proven.digests, start=proven.first_sequence):
            copies = by_sequence.get(sequence, [])
            if not copies:
                yield self._of(
                    Problem.EVENT_LEFT_OUT,
                    f"{proven.pair} {sequence}",
                    f"event {sequence} of {proven.pair} is in the proof and was left out of the events",
                )
            for each in copies:
                if event_digest(each.value) != digest:
                    right = follows.get(sequence, b"")
                    is_known = event_digest(right) == digest
                    fields = f"; altered: {', '.join(differing(each.value, right))}" if is_known else ""
                    yield self._of(
                        Problem.EVENT_ALTERED,
                        each.where,
                        f"event {sequence} of {proven.pair}, {words_of(each)}, is not the one in the proof"
                        f"{fields}",
                    )

    def with_computed(
        self,
        pair: str,
        computed: Sequence[ComputedEvent],
        proven: EventsOfDay | None,
        published: Sequence[PublishedEvent],
    ) -> Iterator[Finding]:
        """Yield where the events that follow from the log are not those of the proof, and how they differ."""
        digests = {} if proven is None else dict(enumerate(proven.digests, start=proven.first_sequence))
        by_sequence = _by_sequence(published)
        follows = {each.sequence: each for each in computed}
        for sequence in sorted(follows.keys() | digests.keys()):
            event, digest = follows.get(sequence), digests.get(sequence)
            if event is None:
                yield self._of(
                    Problem.EVENT_DOES_NOT_FOLLOW,
                    f"{pair} {sequence}",
                    f"event {sequence} of {pair} is in the proof, and does not follow from the log",
                )
            elif digest is None:
                yield self._of(
                    Problem.EVENT_LEFT_OUT,
                    f"{pair} {sequence}",
                    f"event {sequence} of {pair}, {event.words}, follows from the log and is not in the "
                    "proof",
                )
            elif event_digest(event.value) != digest:
                copies = [each.value for each in by_sequence.get(sequence, ())]
                said = next((each for each in copies if event_digest(each) == digest), None)
                fields = "" if said is None else f"; they differ in {', '.join(differing(said, event.value))}"
                yield self._of(
                    Problem.EVENT_DOES_NOT_FOLLOW,
                    f"{pair} {sequence}",
                    f"event {sequence} of {pair} in the proof is not the one that follows from the log"
                    f"{fields}",
                )

    def outside(self, event: PublishedEvent, digest: str | None) -> Finding | None:
        """Return what is wrong with an event that is in no proof of the days that are verified.

        Parameters
        ----------
        digest
            Of the event with its sequence in a proof of another day; None if no proof has it.
        """
        name = f"event {event.event.sequence} of {event.event.pair}, {words_of(event)}"
        if digest is None:
            return self._of(Problem.EVENT_ADDED, event.where, f"{name}, was added: no proof has it")
        if digest != event_digest(event.value):
            text = f"{name}, is not the one that the proof of another day has under its sequence"
            return self._of(Problem.EVENT_ALTERED, event.where, text)
        return None

    def out_of_order(self, event: PublishedEvent, highest: int) -> Finding:
        """Return the finding for an event that comes after a later one."""
        return self._of(
            Problem.EVENTS_REORDERED,
            event.where,
            f"event {event.event.sequence} of {event.event.pair} comes after event {highest}; they were "
            "reordered",
        )

    def _of(self, problem: Problem, where: str, text: str) -> Finding:
        return Finding(problem=problem, lead=self._lead, day=self._day, where=where, text=text)


def differing(one: bytes, other: bytes) -> list[str]:
    """Return the names of the fields that differ, such as ``values.z_90``.

    Examples
    --------
    >>> differing(b'{"a":{"b":1,"c":2},"d":3}', b'{"a":{"b":1,"c":0},"d":3}')
    ['a.c']
    """
    return list(_differing(orjson.loads(one), orjson.loads(other), "")) or ["the spelling of the bytes"]


def _differing(one: Any, other: Any, name: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key) or (key in one) != (key in other):
                yield from _differing(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    elif one != other:
        yield name or "everything"


def _by_sequence(published: Iterable[PublishedEvent]) -> dict[int, list[PublishedEvent]]:
    found: dict[int, list[PublishedEvent]] = {}
    for each in published:
        found.setdefault(each.event.sequence, []).append(each)
    return found


def out_of_order(published: Iterable[PublishedEvent]) -> dict[str, int]:
    """Return the events of a pair that come after a later one: by place the highest sequence before them.

    A second event of one sequence is none of them: after a crash it is published again.
    """
    found: dict[str, int] = {}
    highest, seen = 0, set[int]()
    for event in sorted(published, key=lambda each: each.place):
        if event.event.sequence < highest and event.event.sequence not in seen:
            found[event.where] = highest
        seen.add(event.event.sequence)
        highest = max(highest, event.event.sequence)
    return found
