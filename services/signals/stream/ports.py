"""What the stream asks of the rest of the service: four callbacks, nothing else."""

from collections.abc import Mapping, Sequence
from typing import Protocol

Headers = Sequence[tuple[str, bytes]]


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
        """Forget these partitions; called after the record in flight was finished."""
        ...


class Process(Protocol):
    """Apply one record; when this returns, every effect of the record is durable."""

    async def __call__(
        self, partition: int, offset: int, value: bytes | None, headers: Headers, timestamp: float, /
    ) -> None:
        """Apply the record; ``timestamp`` is Kafka's, in seconds since the Unix epoch.

        Called in the order of offsets within a partition, one at a time. Raising ends the process
        before the record is acknowledged, so bad input has to be handled inside.
        """
        ...


class Die(Protocol):
    """End the process now, whatever else is running."""

    def __call__(self, reason: str, error: BaseException | None = None, /) -> None:
        """Log ``reason`` (a closed snake_case word) with ``error`` and do not return."""
        ...
