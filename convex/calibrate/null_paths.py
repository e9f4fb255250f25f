"""The synthetic histories of each null: what chance alone would have made of a pair."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.block_length import stationary_block_length
from convex.calibrate.constant_correlation import constant_correlation
from convex.calibrate.observations import WARM_UP
from convex.calibrate.unrelated_legs import UnrelatedLegs
from services.signals.core.false_alarms import YEAR
from services.signals.core.statistics.rolling import Floats
from shared.domain.divergences import Null

# A path begins with nothing open. After a year the share of open divergences no longer depends on that.
_SETTLING: Final = YEAR
NOT_COUNTED: Final = WARM_UP - 1 + _SETTLING
"""Closes at the beginning of a path that decide but are not counted."""
# Paths computed at once: their arrays fit into the cache.
_AT_ONCE: Final = 10


class NullModel(Protocol):
    """A history from which paths are drawn."""

    def draw(
        self, generators: Sequence[np.random.Generator], *, size: int, mean_block: float
    ) -> tuple[Floats, Floats]:
        """Draw a path of both legs' returns from each generator, shape ``(paths, size)`` each."""
        ...


_MODELS: Final[dict[Null, Callable[[Floats, Floats], NullModel]]] = {
    Null.UNRELATED_LEGS: lambda lead, other: UnrelatedLegs(lead=lead, other=other),
    Null.CONSTANT_CORRELATION: constant_correlation,
}


def null_model(null: Null, lead: Floats, other: Floats) -> NullModel:
    """Return what a null makes of a history of aligned log returns, shape ``(n,)`` each."""
    return _MODELS[null](lead, other)


def null_paths(
    model: NullModel, *, seeds: np.random.SeedSequence, paths: int, years: int, mean_block: float
) -> Iterator[tuple[Floats, Floats]]:
    """Yield the returns of both legs, some paths at a time.

    Parameters
    ----------
    seeds
        Each path has random numbers of its own: with more paths, the first ones stay the same.
    paths, years
        How many, and the years of each that are counted: all closes but the first `NOT_COUNTED`.
    mean_block
        Mean length of the bootstrap's blocks, sessions.
    """
    size = NOT_COUNTED + years * YEAR
    each_seed = seeds.spawn(paths)
    for begin in range(0, paths, _AT_ONCE):
        generators = [
            np.random.Generator(np.random.PCG64(seed)) for seed in each_seed[begin : begin + _AT_ONCE]
        ]
        yield model.draw(generators, size=size, mean_block=mean_block)


def volatility_block_length(lead: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how long blocks must be to keep the legs' clusters of volatility, in sessions.

    The signs of returns have hardly any memory, and the relationship is fixed by construction. Blocks are
    needed for the size of the moves, so they are as long as the longer memory of the legs' squared returns.
    """
    return max(stationary_block_length(leg**2) for leg in (lead, other))
