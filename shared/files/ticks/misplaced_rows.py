"""Leave out the single rows of a tick file whose instant is wrong, looking ahead into the next block."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.files.ticks.order import in_order, stray_at_begin, stray_at_end

NO_INSTANT: Final = -(1 << 63)
"""Stands for a line without an instant that can be used."""
# Enough for a few rows of the last block, however short that is, to be compared with what came before.
_ROWS_KEPT_IN_MIND: Final = 1_000
_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A block whose misplaced lines are empty, and the positions of those lines."""

    block: bytes
    misplaced: tuple[int, ...]


def without_misplaced(
    blocks: Iterable[bytes], instants_in: Callable[[bytes], NDArray[np.int64]]
) -> Iterator[Placed]:
    """Yield the blocks of a file; a block is decided upon when the next one is known.

    Parameters
    ----------
    instants_in
        Returns for each line of a block its instant, or `NO_INSTANT`.
    """
    before = _NONE
    waiting: tuple[bytes, NDArray[np.int64]] | None = None
    is_first = True
    for block in chain(blocks, [None]):
        following = instants_in(block) if block is not None else _NONE
        if waiting is not None:
            own, instants = waiting
            is_kept = kept_rows(
                np.concatenate((instants, following)),
                before=before,
                is_first=is_first,
                is_last=block is None,
            )[: len(instants)]
            misplaced = np.flatnonzero(~is_kept & (instants != NO_INSTANT))
            before = np.concatenate((before, instants[is_kept]))[-_ROWS_KEPT_IN_MIND:]
            is_first = False
            yield Placed(block=_emptied(own, misplaced), misplaced=tuple(misplaced.tolist()))
        waiting = (block, following) if block is not None else None


def kept_rows(
    instants: NDArray[np.int64],
    *,
    before: NDArray[np.int64] = _NONE,
    is_first: bool = True,
    is_last: bool = True,
) -> NDArray[np.bool_]:
    """Return which rows have an instant that is in order; those of `NO_INSTANT` have none.

    Parameters
    ----------
    before
        Ascending instants of rows above that are kept.
    is_first, is_last
        Whether nothing comes above ``instants``, and nothing below.
    """
    newest = before[-1] if len(before) else NO_INSTANT
    kept = np.flatnonzero((instants != NO_INSTANT) & (instants >= newest))
    kept = kept[in_order(np.concatenate((before, instants[kept])))[len(before) :]]
    if is_first:
        kept = kept[stray_at_begin(instants[kept]) :]
    if is_last:
        stray = min(stray_at_end(np.concatenate((before, instants[kept]))), len(kept))
        kept = kept[: len(kept) - stray]
    is_kept = np.zeros(len(instants), dtype=np.bool_)
    is_kept[kept] = True
    return is_kept


def _emptied(block: bytes, misplaced: NDArray[np.int64]) -> bytes:
    """Return a block with some of its lines empty, so that all lines keep their number."""
    if not len(misplaced):
        return block
    lines = block.split(b"\n")
    for at in misplaced.tolist():
        lines[at] = b""
    return b"\n".join(lines)
