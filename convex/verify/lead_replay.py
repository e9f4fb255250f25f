"""Compute a lead's days again with the code of the signals service: from a state, through the records."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from convex.verify.compare_events import ComputedEvent
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.proofs.configuration import configuration_digest
from services.signals.proofs.proven_lead import ProvenLead, begun, restore_copies
from shared.contracts.ticks import decode_tick_record
from shared.domain.pairs import Pair
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, state_digest
from shared.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the events depend on beside the log.

    Parameters
    ----------
    pairs
        All pairs of the installation.
    config
        Rules, false alarms and sessions; its version of the program is replaced by the proof's.
    """

    pairs: tuple[Pair, ...]
    config: EngineConfig

    @property
    def leads(self) -> set[str]:
        """The leads of the pairs."""
        return {pair.lead for pair in self.pairs}

    def of(self, lead: str, code_version: str) -> tuple[tuple[Pair, ...], EngineConfig]:
        """Return the pairs of a lead, and the settings as a version of the program stated them."""
        pairs = tuple(pair for pair in self.pairs if pair.lead == lead)
        return pairs, replace(self.config, code_version=code_version)

    def digest(self, lead: str, code_version: str) -> str:
        """Return the digest that a proof made under these settings has."""
        return configuration_digest(*self.of(lead, code_version))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDay:
    """What the records of one day give.

    Parameters
    ----------
    proof
        The proof that follows from them, without a root; None if the records do not end the day.
    events
        By pair, ascending by sequence.
    """

    proof: DayProof | None = None
    events: Mapping[str, list[ComputedEvent]] = field(default_factory=dict)


class LeadReplay:
    """One lead's engine, from day to day.

    Parameters
    ----------
    lead
        Its instrument.
    settings
        See `Settings`.
    code_version
        The program's version that events state.
    checkpoints
        The state to begin with, by the keys of ``state.v1``; None for the beginning of the log.
    before
        The last part of the proof of the day before; None for the first day.

    Raises
    ------
    DecodeError
        If a checkpoint cannot be read.
    KeyError
        If the lead's is missing.
    """

    def __init__(
        self,
        lead: str,
        settings: Settings,
        *,
        code_version: str,
        checkpoints: Mapping[str, bytes] | None,
        before: DayProof | None,
    ) -> None:
        self.code_version = code_version
        applied = -1 if before is None else before.inputs.last_offset
        previous = NO_PROOF_BEFORE if before is None else before.root
        proven = None if before is None else before.day
        engine = LeadEngine(lead, *settings.of(lead, code_version))
        if checkpoints is None:
            restored = RestoredEngine(engine, None, (), frozen={}, is_from_beginning=True)
            self._lead = ProvenLead(restored, begun(engine, applied=applied))
        else:
            self._lead = restore_copies(
                engine, checkpoints, applied=applied, previous=previous, proven=proven
            )
        self._events: dict[str, list[ComputedEvent]] = {}

    @property
    def digest(self) -> str:
        """The digest of the day's records so far."""
        day = self._lead.proofs.day
        return NO_PROOF_BEFORE if day is None else day.inputs.digest

    def take(self, offset: int, value: bytes | None) -> bool:
        """Apply a record; return whether it ended the day."""
        try:
            record = decode_tick_record(value)
        except DataError:
            return False
        if value is None or record.instrument not in self._lead.engine.legs:
            return False
        effects, values = self._lead.apply(offset, value, record)
        for event, encoded in zip(effects.events, values, strict=True):
            words = f"{event.kind.value} {event.type.value} ({event.direction.value}) at {event.occurred_at}"
            self._events.setdefault(event.pair, []).append(
                ComputedEvent(sequence=event.sequence, value=encoded, words=words)
            )
        return self._lead.proofs.is_over

    def end_day(self, published: DayProof) -> ReplayedDay:
        """Return what the records since the last call gave, and go on with the next day.

        Parameters
        ----------
        published
            The last part of the day's proof: where its records are, and the root that the next day follows.
        """
        events, self._events = self._events, {}
        proofs = self._lead.proofs
        if not proofs.is_over:
            return ReplayedDay(events=events)
        state = state_digest(self.checkpoints(published.inputs.last_offset))
        proof = proofs.proof(topic=published.topic, partition=published.partition, state=state)
        proofs.next_day(published.root)
        return ReplayedDay(proof=proof, events=events)

    def checkpoints(self, offset: int) -> dict[str, bytes]:
        """Return the state as of a record, by the keys of ``state.v1``."""
        return dict(self._lead.copies(offset))
