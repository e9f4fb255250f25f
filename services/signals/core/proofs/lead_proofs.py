"""The day of a lead for which the next proof is published: what it is about so far, and when it is over.

===================================== ================================================================
record                                the day
===================================== ================================================================
before event time has begun           has no date yet; the record counts to it
the one with which event time begins  gets its date
any other                             the record counts to it
one that moves event time past it     the record counts to it, and it is over
one that moves event time back        the record counts to it. If event time is before its date, as it is
before it                             after a clock that was years ahead, the day gets the new date instead;
                                      at the earliest that after the last day with a proof
===================================== ================================================================

A lead's days follow each other without a gap in its records. Dates in between, such as those of a weekend,
have no proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.signals.core.engine.engine import LeadEngine
from shared.domain.proof_digests import EventDigests, InputDigest
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, day_begin_ns, day_end_ns, day_of
from shared.errors import InvariantError


@dataclass(slots=True, kw_only=True)
class DayUnderWay:
    """What a checkpoint keeps of a lead's proofs.

    Parameters
    ----------
    number
        From 1: the events of pairs are counted by it.
    day
        Its date in New York; None before event time has begun.
    inputs
        The records that were applied.
    configurations
        Digests of the settings that they were applied with, in the order of their first use.
    proven
        The last day with a proof; None before the first.
    previous
        The root of that proof.
    has_earlier_state
        See `DayProof`.
    """

    number: int = 1
    day: str | None = None
    inputs: InputDigest = field(default_factory=InputDigest)
    configurations: list[str] = field(default_factory=list)
    proven: str | None = None
    previous: str = NO_PROOF_BEFORE
    has_earlier_state: bool = False


class LeadProofs:
    """Collect what a lead's next proof is about.

    Parameters
    ----------
    engine
        The lead's engine. Each record is given here after the engine has applied it.
    configuration
        Digest of the settings in force.

    Attributes
    ----------
    day
        The day under way; None before `begin` or `go_on`.
    events
        The digests of each pair's events; also of pairs that were watched earlier on that day.
    is_over
        Whether event time has passed the day's end.
    """

    def __init__(self, engine: LeadEngine, *, configuration: str) -> None:
        self.day: DayUnderWay | None = None
        self.events: dict[str, EventDigests] = {}
        self.is_over = False
        self._engine = engine
        self._configuration = configuration
        self._begins_ns = self._ends_ns = 0

    @property
    def date(self) -> str:
        """The date of the day under way."""
        return self._dated()[1]

    def begin(self, applied: int, *, previous: str = NO_PROOF_BEFORE, proven: str | None = None) -> None:
        """Begin a day with the record after an offset.

        Parameters
        ----------
        previous, proven
            Root and day of the proof before.
        """
        self.day = DayUnderWay(
            inputs=InputDigest(last_offset=applied),
            configurations=[self._configuration],
            proven=proven,
            previous=previous,
            has_earlier_state=previous == NO_PROOF_BEFORE and applied >= 0,
        )
        self._date()

    def go_on(
        self,
        day: DayUnderWay,
        events: Mapping[str, EventDigests],
        *,
        applied: int,
        is_read_again: bool = False,
    ) -> None:
        """Go on with the day of a checkpoint.

        Parameters
        ----------
        events
            Of the pairs' checkpoints.
        applied
            Offset of the lead's checkpoint: records up to it are read again without counting again.
        is_read_again
            The log is read from its beginning for a new pair, whose events then count to this day although
            their records are older: the settings before are named as well, so that nobody expects the
            events to follow from the day's records alone.
        """
        self.day, self.events = day, dict(events)
        day.inputs.last_offset = max(day.inputs.last_offset, applied)
        if not day.inputs.records and not is_read_again:
            day.configurations = [self._configuration]
        elif self._configuration not in day.configurations:
            day.configurations.append(self._configuration)
        if day.day is not None:
            self._keep_bounds(day.day)

    def take(self, offset: int, value: bytes) -> None:
        """Count a record that the engine has applied."""
        if self.day is None or not self.day.inputs.take(offset, value):
            return
        watermark_ns = self._engine.progress.watermark_ns
        if watermark_ns >= self._ends_ns:
            self.is_over = self.day.day is not None
            self._date()
        elif watermark_ns < self._begins_ns:
            self.day.day = None
            self._date()

    def take_event(self, pair: str, sequence: int, value: bytes) -> None:
        """Count an event that the record taken last has caused.

        Parameters
        ----------
        value
            Its bytes in ``divergences.v1``.
        """
        if self.day is not None:
            self.events.setdefault(pair, EventDigests()).take(self.day.number, sequence, value)

    def proof(self, *, topic: str, partition: int, state: str) -> DayProof:
        """Return the proof of the day that is over, as one part without a root.

        Parameters
        ----------
        topic, partition
            Where the records are.
        state
            Digest of the checkpoints after the last record.
        """
        day, date = self._dated()
        of_day = (digests.of(pair, day.number) for pair, digests in sorted(self.events.items()))
        return DayProof(
            lead=self._engine.lead,
            day=date,
            part=1,
            parts=1,
            topic=topic,
            partition=partition,
            inputs=day.inputs.applied(),
            events=tuple(each for each in of_day if each is not None),
            configurations=tuple(day.configurations),
            code_version=self._engine.config.code_version,
            state=state,
            previous=day.previous,
            has_earlier_state=day.has_earlier_state,
        )

    def next_day(self, root: str) -> None:
        """Begin the next day, after the proof with this root."""
        day, date = self._dated()
        day.proven, day.previous, day.day = date, root, None
        day.number += 1
        day.has_earlier_state = False
        day.inputs.next_day()
        day.configurations = [self._configuration]
        self.is_over = False
        self._date()

    def _date(self) -> None:
        """Give the day its date, if it has none and event time has begun."""
        watermark_ns = self._engine.progress.watermark_ns
        if self.day is not None and self.day.day is None and watermark_ns:
            self.day.day = day_of(watermark_ns)
            if self.day.proven is not None and self.day.day <= self.day.proven:
                self.day.day = day_of(day_end_ns(self.day.proven))
            self._keep_bounds(self.day.day)

    def _keep_bounds(self, day: str) -> None:
        self._ends_ns = day_end_ns(day)
        proven = None if self.day is None else self.day.proven
        # Of a day that can get no earlier date, there is no beginning to fall behind.
        self._begins_ns = 0 if proven is not None and day_of(day_end_ns(proven)) == day else day_begin_ns(day)

    def _dated(self) -> tuple[DayUnderWay, str]:
        if self.day is None or self.day.day is None:
            raise InvariantError("a day without a date has no proof")
        return self.day, self.day.day
