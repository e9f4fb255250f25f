"""Read a partition's checkpoints back: the newest of each pair and of each lead."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    applied_offset_of,
    decode_lead,
    decode_pair,
    is_lead_key,
    key_of_lead,
)
from shared.config import KafkaSettings
from shared.errors import DecodeError
from shared.kafka.clients import make_reader
from shared.kafka.topics import STATE

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The newest checkpoints in a partition of ``state.v1``.

    Parameters
    ----------
    leads, pairs
        The newest checkpoint of each instrument and of each pair.
    superseded
        Pairs whose newest checkpoint is followed by an older one in the log; compaction would keep that one.
    end
        The offset after the last record.
    """

    leads: dict[str, LeadCheckpoint]
    pairs: dict[str, PairCheckpoint]
    superseded: frozenset[str]
    end: int


@dataclass(slots=True)
class _Newest:
    """The newest value of each key, and the keys whose last value is not the newest."""

    values: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    superseded: set[str] = field(default_factory=set)

    def take(self, records: Iterable[ConsumerRecord]) -> None:
        for record in records:
            if record.key is None:
                continue
            key = record.key.decode(errors="replace")
            if record.value is None:
                self.values.pop(key, None)
                continue
            offset = applied_offset_of(record.value)
            if key in self.values and offset < self.values[key][0]:
                self.superseded.add(key)
                continue
            self.values[key] = offset, record.value
            self.superseded.discard(key)

    def checkpoints(self, end: int) -> Checkpoints:
        leads: dict[str, LeadCheckpoint] = {}
        pairs: dict[str, PairCheckpoint] = {}
        for key, (_, value) in self.values.items():
            try:
                if is_lead_key(key):
                    leads[key] = decode_lead(value)
                else:
                    pairs[key] = decode_pair(value)
            except DecodeError as error:
                # Not fatal: the log has everything that the checkpoint had.
                log.warning("checkpoint_unusable", key=key, reason=error.reason, error=str(error))
        return Checkpoints(
            leads={each.lead.lead: each for key, each in leads.items() if key == key_of_lead(each.lead.lead)},
            pairs={name: each for name, each in pairs.items() if name == each.pair.pair},
            superseded=frozenset(self.superseded & pairs.keys()),
            end=end,
        )


async def read_checkpoints(settings: KafkaSettings, partitions: frozenset[int]) -> dict[int, Checkpoints]:
    """Return the newest checkpoint of each pair and each lead, by partition.

    The newest is the one with the highest applied offset, not the last in the log: a worker that was replaced
    may have written an older one after its successor.

    Parameters
    ----------
    partitions
        Partitions of ``state.v1``, which are those of ``ticks.v1``.
    """
    if not partitions:
        return {}
    newest = {partition: _Newest() for partition in partitions}
    reader = make_reader(settings, client_id="convex-signals-restore")
    await reader.start()
    try:
        assigned = [TopicPartition(STATE.name, partition) for partition in sorted(partitions)]
        reader.assign(assigned)
        ends = await reader.end_offsets(assigned)
        begins = await reader.beginning_offsets(assigned)
        waiting = {tp for tp in assigned if ends[tp] > begins[tp]}
        for tp in assigned:
            reader.seek(tp, begins[tp])
        while waiting:
            for tp, records in (await reader.getmany(*waiting, timeout_ms=1_000)).items():
                newest[tp.partition].take(records)
            waiting = {tp for tp in waiting if await reader.position(tp) < ends[tp]}
    finally:
        await reader.stop()
    return {tp.partition: newest[tp.partition].checkpoints(ends[tp]) for tp in assigned}
