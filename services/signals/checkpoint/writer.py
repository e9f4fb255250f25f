"""Write a partition's checkpoints in the order that `plan` relies on.

1. every pair that has changed since its last record, each acknowledged;
2. the lead's record, acknowledged.

A crash in between leaves pairs whose record is newer than their lead's; `plan` freezes them. A pair that has
not changed is not written: its older record is still valid.

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
from shared.kafka.publisher import Published, Publisher
from shared.kafka.topics import STATE

log = structlog.get_logger()

# Records under way at a time: hides the round trips, and bounds what is held in memory.
_UNDER_WAY: Final = 256


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

    async def write(self, engine: LeadEngine, *, offset: int, retired: Iterable[PairCheckpoint] = ()) -> int:
        """Write the pairs that have changed and the lead; return the number of records written.

        Parameters
        ----------
        offset
            Of the last record that had all its effects.
        retired
            Checkpoints that mark pairs as no longer watched.
        """
        changed = [monitor for monitor in engine.monitors if monitor.pair.name in engine.dirty]
        checkpoints = [
            PairCheckpoint(applied_offset=offset, is_retired=False, pair=dump_pair(monitor, engine.waiting))
            for monitor in changed
        ]
        checkpoints += retired
        for begin in range(0, len(checkpoints), _UNDER_WAY):
            await self._send_pairs(checkpoints[begin : begin + _UNDER_WAY])
        engine.dirty.difference_update(monitor.pair.name for monitor in changed)
        lead = LeadCheckpoint(applied_offset=offset, lead=dump_lead(engine))
        self._end += 1 + len(checkpoints)
        sent = await self._send(key_of_lead(engine.lead), encode_lead(lead))
        if sent.offset + 1 != self._end:
            log.warning("checkpoint_of_another_writer", partition=self._partition, offset=sent.offset)
            self._end = sent.offset + 1
            for each in self._engines:
                each.dirty.update(monitor.pair.name for monitor in each.monitors)
        return 1 + len(checkpoints)

    async def _send_pairs(self, checkpoints: list[PairCheckpoint]) -> None:
        sending = [self._send(each.pair.pair, encode_pair(each)) for each in checkpoints]
        # Wait for all of them before a failed one ends the process.
        for sent in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(sent, BaseException):
                raise sent

    async def _send(self, key: str, value: bytes) -> Published:
        return await self._publisher.publish(STATE.name, key=key, value=value, partition=self._partition)
