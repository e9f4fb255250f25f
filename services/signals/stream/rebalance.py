"""What happens when partitions are assigned and revoked: restore from the checkpoint, release.

Progress is the offset in our own checkpoint, not the one committed to Kafka. Order of effects when partitions
are assigned (:meth:`Rebalance.take`):

1. nothing is delivered, whatever the client has already fetched;
2. ``restore`` rebuilds the engines and names the next offset of each partition;
3. the offsets are checked against what the log still has;
4. every fetch that began earlier is over and its records are dropped; the consumer seeks;
5. records are admitted: only those of this generation, from these offsets on.

When partitions are revoked (:meth:`Rebalance.give_up`): a restore in progress is cancelled, the batch in
flight is finished and committed, no more records are admitted, ``release`` drops the engines.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import structlog

from services.signals.stream.offsets import NextOffsets
from services.signals.stream.ports import Die, Release, Restore
from services.signals.stream.start_offsets import starting_offsets

log = structlog.get_logger()


class Seekable(Protocol):
    """What a rebalance needs of a consumer; partitions are those of the input topic."""

    def assigned_partitions(self) -> frozenset[int]:
        """Return the partitions assigned now."""
        ...

    async def log_bounds(self, partitions: frozenset[int], /) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Ask the broker for the first offset and the end offset of each partition."""
        ...

    async def start_at(self, offsets: Mapping[int, int], /) -> None:
        """Drop what was fetched and continue from these offsets."""
        ...


class Abandoned(Exception):
    """The partitions were revoked while they were being taken."""


class Rebalance:
    """Take over and give up partitions, one at a time, never both at once."""

    def __init__(self, *, restore: Restore, release: Release, die: Die) -> None:
        self.offsets = NextOffsets()
        self._restore = restore
        self._release = release
        self._die = die
        self._taking: asyncio.Task[None] | None = None

    async def take(self, consumer: Seekable, generation: int) -> None:
        """Restore the assigned partitions and let their records in.

        Raises
        ------
        Abandoned
            If the partitions were revoked before it was done; nothing is let in then.
        """
        task = self._taking = asyncio.create_task(self._take(consumer, generation))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await self.abandon()
            raise
        if task.cancelled():
            raise Abandoned
        task.result()

    async def abandon(self) -> None:
        """Cancel a take that is in progress and wait until it has ended."""
        task, self._taking = self._taking, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Admit no more records of these partitions and have their engines dropped."""
        self.offsets.close(partitions)
        if partitions:
            try:
                await self._release(partitions)
            except Exception as error:
                self._die("release_failed", error)
                raise

    async def _take(self, consumer: Seekable, generation: int) -> None:
        try:
            partitions = consumer.assigned_partitions()
            self.offsets.open(generation, {})
            starts = await self._starts(consumer, partitions) if partitions else {}
            await consumer.start_at(starts)
            self.offsets.open(generation, starts)
            log.info("partitions_taken", generation=generation, offsets=starts)
        except Exception as error:
            # Reading on from anywhere else would skip or repeat records without a trace.
            self._die("restore_failed", error)
            raise

    async def _starts(self, consumer: Seekable, partitions: frozenset[int]) -> dict[int, int]:
        wanted = await self._restore(partitions)
        if set(wanted) != partitions:
            raise ValueError(f"restore must answer for partitions {sorted(partitions)}, was {sorted(wanted)}")
        earliest, end = await consumer.log_bounds(partitions)
        starts, corrections = starting_offsets(wanted, earliest=earliest, end=end)
        for correction in corrections:
            log.error(
                "checkpoint_below_log",
                partition=correction.partition,
                wanted=correction.wanted,
                actual=correction.actual,
            )
        return starts
