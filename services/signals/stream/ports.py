"""What the stream asks of the rest of the service: four callbacks, nothing else."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.kafka.clients import Record


class Restore(Protocol):
    """Rebuild what belongs to newly assigned partitions from the checkpoint."""

    async def __call__(self, partitions: frozenset[int], /) -> Mapping[int, int | None]:
        """Return for each of these partitions the next offset to read.

        None means that there is no checkpoint: start at the beginning of the partition. The call is
        cancelled when the partitions are revoked before it is done; ``Release`` is called then too.
        """
        ...


class Release(Protocol):
    """Drop what belongs to partitions that now belong to another worker."""

    async def __call__(self, partitions: frozenset[int], /) -> None:
        """Forget these partitions; called after the batch in flight was finished."""
        ...


class Process(Protocol):
    """Apply a batch of records; when this returns, every effect of them is durable."""

    async def __call__(self, partition: int, records: Sequence[Record], /) -> None:
        """Apply what one fetch brought of a partition: at least one record, in the order of offsets.

        Batches of a partition come one at a time and in order; where one ends and the next begins is chance.
        Raising ends the process before any record of the batch is acknowledged, so bad input has to be
        handled inside.
        """
        ...


class Die(Protocol):
    """End the process now, whatever else is running."""

    def __call__(self, reason: str, error: BaseException | None = None, /) -> None:
        """Log ``reason`` (a closed snake_case word) with ``error`` and do not return."""
        ...
