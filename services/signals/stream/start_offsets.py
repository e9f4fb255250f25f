"""Where to start reading: the checkpoint, as far as the log still has it.

================================ ============================ ==================
checkpoint                       start                        reported
================================ ============================ ==================
none                             beginning of the partition   -
inside the log, or at its end    checkpoint                   -
below the beginning              beginning of the partition   records are missing
above the end                    none: refuse                 error
================================ ============================ ==================

A checkpoint above the end means that the topic was made anew or lost its tail. Any offset chosen then
would silently skip or repeat records, so a person has to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class CheckpointAheadOfLog(Exception):
    """The checkpoint names an offset that the log does not have yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A start that had to be moved: the records in ``[wanted, actual)`` no longer exist."""

    partition: int
    wanted: int
    actual: int


def starting_offsets(
    wanted: Mapping[int, int | None], *, earliest: Mapping[int, int], end: Mapping[int, int]
) -> tuple[dict[int, int], tuple[Correction, ...]]:
    """Choose the first offset to read of each partition.

    Parameters
    ----------
    wanted
        Checkpoint by partition: the next offset to read, or None for no checkpoint.
    earliest, end
        First offset that the log has, and the offset its next record will get, by partition.

    Returns
    -------
    tuple
        Starts by partition, and the corrections that were necessary.

    Raises
    ------
    CheckpointAheadOfLog
        If a checkpoint is above the end of its partition.

    Examples
    --------
    >>> starting_offsets({0: 5, 1: None}, earliest={0: 0, 1: 3}, end={0: 9, 1: 9})
    ({0: 5, 1: 3}, ())
    >>> starting_offsets({0: 5}, earliest={0: 8}, end={0: 9})
    ({0: 8}, (Correction(partition=0, wanted=5, actual=8),))
    >>> starting_offsets({0: 9}, earliest={0: 0}, end={0: 9})  # all read: wait for the next record
    ({0: 9}, ())
    """
    starts: dict[int, int] = {}
    corrections: list[Correction] = []
    for partition, offset in sorted(wanted.items()):
        first = earliest[partition]
        if offset is None:
            starts[partition] = first
        elif offset > end[partition]:
            raise CheckpointAheadOfLog(
                f"checkpoint of partition {partition} must not be above the end of the log {end[partition]}, "
                f"was {offset}: the topic was made anew or lost its tail; repair or delete the checkpoint"
            )
        else:
            starts[partition] = max(offset, first)
            if offset < first:
                corrections.append(Correction(partition=partition, wanted=offset, actual=first))
    return starts, tuple(corrections)
