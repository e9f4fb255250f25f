"""Write a partition's checkpoints in the order that `plan` relies on.

1. every pair that has changed since its last record, each acknowledged;
2. the lead's record, acknowledged.

A crash in between leaves pairs whose record is newer than their lead's; `plan` freezes them. Where few pairs
have changed, all records go in one batch, in the same order: then either all are there, or none. A pair that
has not changed is not written: its older record is still valid.

That holds for one writer. A worker that was replaced may still write, and compaction would keep its older
record of a pair beside the newer one of the lead. The writer notices it by an offset of ``state.v1`` that is
higher than its own records explain. Then it writes every pair again, so that its records are the last.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    encode_lead,
    encode_pair,
    key_of_lead,
)
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.pairs.pair_state import dump_pair
from services.signals.core.proofs.lead_proofs import LeadProofs
from shared.domain.proof_digests import EventDigests
from shared.kafka.publisher import Message, Published, Publisher
from shared.kafka.topics import STATE

log = structlog.get_logger()

# Records under way at a time: hides the round trips, and bounds what is held in memory.
_UNDER_WAY: Final = 256
# More than these would not fit into the 16 KB of one batch: a pair takes 2 to 7 KB.
_IN_ONE_BATCH: Final = 4


class CheckpointWriter:
    """Write one partition of ``state.v1``.

    Parameters
    ----------
    publisher
        Sends the records.
    partition
        Which one.
    end
        The offset after its last record.
    """

    def __init__(self, publisher: Publisher, *, partition: int, end: int) -> None:
        self._publisher = publisher
        self._partition = partition
        self._end = end
        self._engines: list[LeadEngine] = []

    def add(self, engine: LeadEngine) -> None:
        """Add an engine whose checkpoints go to this partition."""
        self._engines.append(engine)

    async def write(
        self,
        engine: LeadEngine,
        *,
        offset: int,
        proofs: LeadProofs | None = None,
        retired: Iterable[PairCheckpoint] = (),
    ) -> int:
        """Write the pairs that have changed and the lead; return the number of records written.

        Parameters
        ----------
        offset
            Of the last record that had all its effects.
        proofs
            What was collected for the next proof; None for nothing.
        retired
            Checkpoints that mark pairs as no longer watched.
        """
        changed = [monitor for monitor in engine.monitors if monitor.pair.name in engine.dirty]
        events = proofs.events if proofs is not None else {}
        checkpoints = [
            PairCheckpoint(
                applied_offset=offset,
                is_retired=False,
                pair=dump_pair(monitor, engine.waiting),
                events=events.get(monitor.pair.name) or EventDigests(),
            )
            for monitor in changed
        ]
        checkpoints += retired
        day = proofs.day if proofs is not None else None
        lead = LeadCheckpoint(applied_offset=offset, lead=dump_lead(engine), day=day)
        sent = await self._send_all(checkpoints, lead)
        engine.dirty.difference_update(monitor.pair.name for monitor in changed)
        self._end += 1 + len(checkpoints)
        if sent.offset + 1 != self._end:
            log.warning("checkpoint_of_another_writer", partition=self._partition, offset=sent.offset)
            self._end = sent.offset + 1
            for each in self._engines:
                each.dirty.update(monitor.pair.name for monitor in each.monitors)
        return 1 + len(checkpoints)

    async def _send_all(self, pairs: list[PairCheckpoint], lead: LeadCheckpoint) -> Published:
        """Return where the lead's record is, which is the last."""
        last = Message(STATE.name, key_of_lead(lead.lead.lead), encode_lead(lead))
        for begin in range(0, len(pairs), _UNDER_WAY):
            messages = [
                Message(STATE.name, each.pair.pair, encode_pair(each))
                for each in pairs[begin : begin + _UNDER_WAY]
            ]
            if len(pairs) <= _IN_ONE_BATCH:
                sent = await self._publisher.publish_as_one([*messages, last], partition=self._partition)
                if sent is not None:
                    return sent
            # Wait for all of them before a failed one ends the process.
            for done in await asyncio.gather(*map(self._send, messages), return_exceptions=True):
                if isinstance(done, BaseException):
                    raise done
        return await self._send(last)

    async def _send(self, message: Message) -> Published:
        return await self._publisher.publish(
            message.topic, key=message.key, value=message.value, partition=self._partition
        )
